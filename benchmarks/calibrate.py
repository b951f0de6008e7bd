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

from clippings.answer import PASSAGES
from clippings.embed import Encoder
from clippings.index import Index
from clippings.read import WEIGHTS, signals
from clippings.records import Article
from clippings.retrieve import retrieve

SIZES = (4, 8, 12, 20)  # paragraphs in a small index
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
    topics = sorted({case.topic for case in cases})
    held_out = set(topics[::2])
    fit = [case for case in cases if case.topic not in held_out]
    weights, bias = _fit(fit)
    for name, weight in zip(WEIGHTS, weights, strict=True):
        print(f"{name:10} {weight:7.2f}")
    print(f"{'bias':10} {bias:7.2f}")
    _report([case for case in cases if case.topic in held_out], weights, bias)
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
    articles = {id: index.article(id) for id in {span.article_id for span in spans}}
    starts = [answer["start"] for answer in question["answers"]] if sort == "answerable" else []
    right = [
        span.article_id == _id(question) and any(span.start <= start < span.end for start in starts) for span in spans
    ]
    rows = signals(query, retrieved, index, articles=articles)
    return Case(topic, corpus, sort, rows, np.array(right))


def _fit(cases: list[Case]) -> tuple[NDArray[np.float64], float]:
    from sklearn.linear_model import LogisticRegression

    rows = np.concatenate([case.rows for case in cases])
    right = np.concatenate([case.right for case in cases])
    spread = rows.std(axis=0)
    model = LogisticRegression(max_iter=2000).fit(rows / spread, right)
    return model.coef_[0] / spread, float(model.intercept_[0])


def _report(cases: list[Case], weights: NDArray[np.float64], bias: float) -> None:
    scored = [(case, 1 / (1 + np.exp(-(case.rows @ weights + bias)))) for case in cases]
    for corpus in ("small", "whole"):
        found = [(case, p) for case, p in scored if case.corpus == corpus and case.sort == "answerable"]
        first = np.mean([case.right[p.argmax()] for case, p in found])
        three = np.mean([case.right[np.argsort(-p)[:3]].any() for case, p in found])
        print(f"{corpus}: right sentence first {first:.3f}, within three {three:.3f} of {len(found)}")
    small = [(case, p) for case, p in scored if case.corpus == "small"]
    print("threshold  refusal precision  recall (near)  (far)  answerable answered  answers right")
    for threshold in np.arange(0.1, 0.85, 0.05):
        refused = {sort: np.array([p.max() < threshold for case, p in small if case.sort == sort]) for sort in DRAWS}
        answered = [case.right[p.argmax()] for case, p in small if p.max() >= threshold]
        near, kept = refused["near"], refused["answerable"]
        precision = near.sum() / max(1, near.sum() + kept.sum())
        print(
            f"{threshold:9.2f} {precision:18.3f} {near.mean():14.3f} {refused['far'].mean():6.3f}"
            f" {1 - kept.mean():20.3f} {np.mean(answered) if answered else 0:14.3f}"
        )


if __name__ == "__main__":
    sys.exit(main())
