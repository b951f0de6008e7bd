"""Measure how well clean() finds the article in web pages that were saved as text.

The metric is that of article-extraction-benchmark: precision and recall of runs of four words, averaged over the pages.
"""

import argparse
import gzip
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the project itself is not installed

from clippings.clean import clean
from clippings.records import Page

SHINGLE = 4  # words, as the benchmark has it
HIDDEN = re.compile("script|style|noscript|template|svg|head|select|textarea|iframe")
INLINE = re.compile("a|abbr|b|bdi|bdo|big|cite|code|em|font|i|ins|kbd|mark|q|s|small|span|strong|sub|sup|tt|u|wbr")


class PageText(HTMLParser):
    """The text of a page as a browser saves it: each block element begins a line."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if HIDDEN.fullmatch(tag):
            self.hidden.append(tag)
        elif not INLINE.fullmatch(tag):
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.hidden:  # a tag that was never closed ends with the one around it
            del self.hidden[self.hidden.index(tag) :]
        elif not INLINE.fullmatch(tag):
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(re.sub(r"\s+", " ", data))


def saved_as_text(html: str) -> str:
    parser = PageText()
    parser.feed(html)
    parser.close()
    return re.sub(r"\s*\n\s*", "\n", "".join(parser.parts)).strip()


@dataclass(frozen=True)
class Score:
    precision: float
    recall: float


def shingles(text: str) -> Counter[tuple[str, ...]]:
    words = re.findall(r"\w+", text)
    return Counter(tuple(words[i : i + SHINGLE]) for i in range(max(1, len(words) - SHINGLE + 1)))


def compare(found: str, truth: str) -> Score:
    ours, theirs = shingles(found), shingles(truth)
    both = (ours & theirs).total()
    return Score(both / ours.total(), both / theirs.total())


def f1(scores: Iterable[Score]) -> float:
    scores = list(scores)
    precision = sum(score.precision for score in scores) / len(scores)
    recall = sum(score.recall for score in scores) / len(scores)
    return 2 * precision * recall / (precision + recall)


def cleaned(text: str) -> str:
    article = clean(Page(text=text, path="page.txt"))
    return article.text if article else ""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument(
        "--data", type=Path, default=Path("../shared/data/pages"), help="html/*.html.gz, tune-truth.json"
    )
    data: Path = arguments.parse_args().data
    if not (data / "tune-truth.json").is_file():
        print(f"no pages in {data}: give a folder with html/*.html.gz and tune-truth.json as --data", file=sys.stderr)
        raise SystemExit(1)
    truths: dict[str, dict[str, str]] = json.loads((data / "tune-truth.json").read_text(encoding="utf-8"))
    ways: dict[str, Callable[[str], str]] = {"all text": str, "clean": cleaned}
    scores: dict[str, list[Score]] = {way: [] for way in ways}
    for name in sorted(truths):
        with gzip.open(data / "html" / f"{name}.html.gz", "rt", encoding="utf-8") as file:
            text = saved_as_text(file.read())
        for way, take in ways.items():
            scores[way].append(compare(take(text), truths[name]["articleBody"]))
    print(f"| F1, {len(truths)} pages | tuned on (even) | not (odd) | all | precision | recall |")
    print("|---|---|---|---|---|---|")
    for way, of in scores.items():
        precision, recall = sum(s.precision for s in of) / len(of), sum(s.recall for s in of) / len(of)
        print(f"| {way} | {f1(of[::2]):.3f} | {f1(of[1::2]):.3f} | {f1(of):.3f} | {precision:.3f} | {recall:.3f} |")


if __name__ == "__main__":
    main()
