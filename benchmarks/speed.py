"""Measure how fast commands start, articles go in, and questions are answered.

What is compared is run in turn in one process, for machines are noisy; medians are printed.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))  # the project itself is not installed

import sets

from clippings.answer import answer
from clippings.embed import BATCH, Encoder
from clippings.index import Index
from clippings.reader import Reader
from clippings.records import Article
from clippings.retrieve import retrieve
from clippings.split import sentences, split

ROUNDS = 5
QUESTIONS = 100
BLOCK = 40  # articles that are added, and encoded bare, in turn


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), metavar="FOLDER")
    parser.add_argument("--index", type=Path, metavar="DIR", help="a large index; built from the data when not given")
    arguments = parser.parse_args()
    news = sets.rtqa(arguments.data)
    _start()
    encoder = Encoder()
    _ingest(news.articles, encoder)
    questions = [each.question for each in news.asked][:QUESTIONS]
    if arguments.index:
        with closing(Index.open(arguments.index, encoder=encoder)) as index:
            _ask(questions, index)
    else:
        with sets.indexed(chain(news.articles, sets.reuters(arguments.data)), encoder) as index:
            _ask(questions, index)
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


def _ingest(articles: Sequence[Article], encoder: Encoder) -> None:
    """Add blocks of articles to an index, and encode the same passages with the bare library, in turn."""
    ratios, rates = [], []
    with tempfile.TemporaryDirectory() as folder:
        index = Index(Path(folder), encoder=encoder, writable=True)
        for start in range(0, ROUNDS * BLOCK, BLOCK):
            block = articles[start : start + BLOCK]
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


def _ask(questions: Sequence[str], index: Index) -> None:
    reader = Reader()
    ways: dict[str, Callable[[str], object]] = {
        "search": lambda asked: retrieve(index.query(asked), index, k=10),
        "ask without the reader": lambda asked: answer(asked, index),
        "ask": lambda asked: answer(asked, index, reader=reader),
    }
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for asked in [questions[0], *questions]:  # the first one warms up
        for way, work in ways.items():
            taken[way].append(_seconds(lambda work=work, asked=asked: work(asked)))  # type: ignore[misc]
    print(f"over {index.counts.passages:,} passages")
    for way, seconds in taken.items():
        p50, p95 = statistics.median(seconds[1:]), statistics.quantiles(seconds[1:], n=20)[-1]
        print(f"{way}: p50 {p50 * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms")


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
