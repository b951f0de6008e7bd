"""Fit the weights of clippings/read.py and measure its operating points.

Each SQuAD topic becomes a small index of a few paragraphs. Questions on those paragraphs are answerable; questions on
the topic's other paragraphs are not, though they are near; questions on other topics are not and are far. All
paragraphs together are one large index. Half of the topics fit the weights, the other half give the figures.
"""

import argparse
import gzip
import hashlib
import json
import random
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the project itself is not installed

from clippings.answer import PASSAGES
from clippings.embed import Encoder
from clippings.index import Index
from clippings.read import WEIGHTS, signals
from clippings.records import Article
from clippings.retrieve import retrieve

SIZES = (4, 8, 12, 20)  # paragraphs in a small index
Array = NDArray[np.floating[Any]]

DRAWS = {"answerable": 60, "near": 30, "far": 15}  # questions of each sort a topic, at most


@dataclass(frozen=True)
class Case:
    """One question's sentences: their signals, and which of them hold the answer."""

    topic: str
    corpus: str
    sort: str
    rows: NDArray[np.float32]
    right: NDArray[np.bool_]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), metavar="FOLDER")
    arguments = parser.parse_args()
    path = arguments.data / "squad" / "tune.jsonl.gz"
    if not path.is_file():
        print(f"no {path}: give the folder of the data with --data", file=sys.stderr)
        return 1
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        questions = [json.loads(line) for line in lines]
    cases = list(_cases(questions))
    held_out = set(sorted({case.topic for case in cases})[::2])
    fit = [case for case in cases if case.topic not in held_out]
    rest = [case for case in cases if case.topic in held_out]

    weights, bias = _logistic(np.concatenate([case.rows for case in fit]), np.concatenate([case.right for case in fit]))
    for name, weight in zip(WEIGHTS, weights, strict=True):
        print(f"{name:10} {weight:7.2f}")
    print(f"{'bias':10} {bias:7.2f}")

    second, second_bias = _logistic(*_best(fit, weights, bias))
    print(f"confidence: score {second[0]:.2f}, around {second[1]:.2f}, bias {second_bias:.2f}")
    features, right = _best(rest, weights, bias)
    _report(rest, right, 1 / (1 + np.exp(-(features @ second + second_bias))))
    return 0


def _cases(questions: list[dict[str, Any]]) -> Iterable[Case]:
    draw = random.Random(1)
    encoder = Encoder()
    topics = sorted({question["title"] for question in questions})
    whole: dict[str, Article] = {}
    asked: dict[str, list[dict[str, Any]]] = {}
    for topic in topics:
        of_topic = [question for question in questions if question["title"] == topic and question["answers"]]
        paragraphs = {_id(question): Article(_id(question), topic, question["context"]) for question in of_topic}
        whole |= paragraphs
        ids = sorted(paragraphs)
        draw.shuffle(ids)
        kept = set(ids[: draw.choice(SIZES)])
        others = [question for question in questions if question["title"] != topic and question["answers"]]
        sorts = {
            "answerable": [question for question in of_topic if _id(question) in kept],
            "near": [question for question in of_topic if _id(question) not in kept],
            "far": others,
        }
        drawn = {sort: draw.sample(found, min(DRAWS[sort], len(found))) for sort, found in sorts.items()}
        asked[topic] = drawn["answerable"]
        with tempfile.TemporaryDirectory() as folder:
            index = _index(Path(folder), encoder, [paragraphs[id] for id in sorted(kept)])
            for sort, found in drawn.items():
                yield from (_case(question, index, topic=topic, corpus="small", sort=sort) for question in found)
            index.close()
    with tempfile.TemporaryDirectory() as folder:
        index = _index(Path(folder), encoder, list(whole.values()))
        for topic, found in asked.items():
            yield from (_case(question, index, topic=topic, corpus="whole", sort="answerable") for question in found)
        index.close()


def _id(question: dict[str, Any]) -> str:
    return hashlib.sha256(question["context"].encode()).hexdigest()[:16]


def _index(folder: Path, encoder: Encoder, articles: list[Article]) -> Index:
    index = Index(folder, encoder=encoder, writable=True)
    index.add(articles)
    return index


def _case(question: dict[str, Any], index: Index, *, topic: str, corpus: str, sort: str) -> Case:
    query = index.query(question["question"])
    retrieved = retrieve(query, index, k=PASSAGES)
    spans = [span for each in retrieved for span in each.candidate.passage.sentences]
    starts = [answer["start"] for answer in question["answers"]] if sort == "answerable" else []
    right = [
        span.article_id == _id(question) and any(span.start <= start < span.end for start in starts) for span in spans
    ]
    rows = signals(query, retrieved, index)
    return Case(topic, corpus, sort, rows, np.array(right))


def _logistic(rows: Array, right: NDArray[np.bool_]) -> tuple[Array, float]:
    from sklearn.linear_model import LogisticRegression

    spread = rows.std(axis=0)
    model = LogisticRegression(max_iter=2000).fit(rows / spread, right)
    return model.coef_[0] / spread, float(model.intercept_[0])


def _best(cases: list[Case], weights: Array, bias: float) -> tuple[Array, NDArray[np.bool_]]:
    """Give each case's best sentence: its score and what its passage covers, (cases, 2), and whether it is right."""
    around = list(WEIGHTS).index("around")
    rows, right = [], []
    for case in cases:
        scores = case.rows @ weights + bias
        best = int(scores.argmax())
        rows.append((scores[best], case.rows[best, around]))
        right.append(case.right[best])
    return np.array(rows), np.array(right)


def _report(cases: list[Case], right: NDArray[np.bool_], confidence: Array) -> None:
    sorts = np.array([f"{case.corpus} {case.sort}" for case in cases])
    small = np.char.startswith(sorts, "small")
    for corpus in ("small", "whole"):
        asked = sorts == f"{corpus} answerable"
        print(f"{corpus}: right sentence first {right[asked].mean():.3f} of {asked.sum()} answerable questions")
    print(
        "at least  answered: answerable  whole   refused: near    far   precision of refusing   right of all answered"
    )
    for threshold in np.arange(0.1, 0.85, 0.05):
        answered = confidence >= threshold
        share = {sort: answered[sorts == sort].mean() for sort in np.unique(sorts)}
        near, kept = ~answered & (sorts == "small near"), ~answered & (sorts == "small answerable")
        print(
            f"{threshold:8.2f} {share['small answerable']:21.3f} {share['whole answerable']:6.3f}"
            f" {1 - share['small near']:15.3f} {1 - share['small far']:6.3f}"
            f" {near.sum() / max(1, near.sum() + kept.sum()):23.3f} {right[answered & small].mean():23.3f}"
        )


if __name__ == "__main__":
    sys.exit(main())
