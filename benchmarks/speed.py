"""Measure how fast commands start, articles go in, and questions are answered.

What is compared is run in turn in one process, for machines are noisy; medians are printed.
"""

import argparse
import gzip
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))  # the project itself is not installed

from clippings.answer import answer
from clippings.clean import clean
from clippings.embed import BATCH, Encoder
from clippings.index import Index
from clippings.records import Article, Page
from clippings.retrieve import retrieve
from clippings.split import sentences, split

ROUNDS = 5
BLOCK = 40  # articles that are added, and encoded bare, in turn


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), metavar="FOLDER")
    parser.add_argument("--index", type=Path, metavar="DIR", help="a large index; built from the data when not given")
    arguments = parser.parse_args()
    if not (arguments.data / "rtqa").is_dir():
        print(f"no {arguments.data / 'rtqa'}: give the folder of the data with --data", file=sys.stderr)
        return 1
    _start()
    encoder = Encoder()
    _ingest(arguments.data, encoder)
    with tempfile.TemporaryDirectory() as folder:
        index = Index(arguments.index or Path(folder), encoder=encoder, writable=True)
        if not arguments.index:
            for block in _blocks(_articles(arguments.data), 200):
                index.add(block)
            index.save()
        _questions(arguments.data, index)
        index.close()
    return 0


def _start() -> None:
    for command in (["app.py"], ["ingest.py"], ["-m", "clippings"]):
        seconds = [
            _seconds(
                lambda command=command: subprocess.run(  # type: ignore[misc]
                    [sys.executable, *command, "--help"], cwd=PROJECT, stdout=subprocess.DEVNULL, check=True
                )
            )
            for _ in range(ROUNDS)
        ]
        print(f"{' '.join(command)} --help: {statistics.median(seconds):.2f} s")


def _ingest(data: Path, encoder: Encoder) -> None:
    """Add blocks of articles to an index, and encode the same passages with the bare library, in turn."""
    articles = _articles(data)
    ratios, rates = [], []
    with tempfile.TemporaryDirectory() as folder:
        index = Index(Path(folder), encoder=encoder, writable=True)
        for _ in range(ROUNDS):
            block = list(islice(articles, BLOCK))
            texts = [
                article.text[passage[0].start : passage[-1].end]
                for article in block
                for passage in split(article, sentences(article))
            ]
            bare = _seconds(lambda texts=texts: encoder._model.encode(texts, batch_size=BATCH))  # type: ignore[misc]
            ours = _seconds(lambda block=block: index.add(block))  # type: ignore[misc]
            tokens = sum(map(len, encoder._model.tokenizer(texts)["input_ids"]))
            ratios.append(bare / ours)
            rates.append(tokens / ours)
        index.close()
    print(f"ingest: {statistics.median(rates):.0f} tokens/s, {statistics.median(ratios):.2f} of the bare encode loop")


def _questions(data: Path, index: Index) -> None:
    lines = (data / "rtqa" / "tune-questions.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line)["question"] for line in lines][:100]
    answer(questions[0], index)
    ask = [_seconds(lambda asked=asked: answer(asked, index)) for asked in questions]  # type: ignore[misc]
    search = [
        _seconds(lambda asked=asked: retrieve(index.query(asked), index, k=10))  # type: ignore[misc]
        for asked in questions
    ]
    for name, seconds in (("ask", ask), ("search", search)):
        p50, p95 = statistics.median(seconds), statistics.quantiles(seconds, n=20)[-1]
        print(f"{name} over {index.counts.passages:,} passages: p50 {p50 * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms")


def _articles(data: Path) -> Iterator[Article]:
    for name in ("rtqa/tune-articles.jsonl.gz", "reuters/articles.jsonl.gz"):
        with gzip.open(data / name, "rt", encoding="utf-8") as lines:
            for line in lines:
                fields = json.loads(line)
                article = clean(Page(fields["text"], name, title=fields.get("title") or None))
                if article:
                    yield article


def _blocks(articles: Iterator[Article], size: int) -> Iterator[list[Article]]:
    while block := list(islice(articles, size)):
        yield block


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
