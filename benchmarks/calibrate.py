"""Fit the weights of clippings/retrieve.py and clippings/read.py and measure the thresholds of clippings/answer.py.

Questions are of four sorts. Answerable: the index has the answer or, of a quiz question, may have it. Near: its
paragraph is not there, but others of its topic are. Trick: made by people so that its paragraph seems to answer it, as
in SQuAD 2.0, or written so for this project. Far: about something else, or about what happened years later. They are
put to small indexes of a few paragraphs, to one of two thirds of all paragraphs, to one of news, and, those of people
who had not read, to both halves of what they asked about.

Passages and sentences are ranked by a conditional logit over those of one question (McFadden 1974); a logistic
regression without weights of the wrong sign says how likely the best sentence answers. All is fitted on the "tune" part
of the data, without a reader on the "train" part as well, which no reader has then learnt (see sets.py), and thresholds
are to be chosen there too: the second table. The last one is for `wordless` of read.py: what share is answered of the
titles of news events and of questions for yes or no, put to the half of the articles that has their own and to the
other. The passages' weights are those that are fitted without a reader. One signal of a sentence is the score of its
passage by the weights that are in retrieve.py, so when those change, run it again. It prints what it fits, and with the
weights that rank in read.py how likely the best answers; CONTRIBUTING.md says why those are of an earlier reader.
"""

import argparse
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, softmax
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the project itself is not installed

import sets
from metrics import answers

from clippings.answer import FOUND, PASSAGES, consider
from clippings.embed import Encoder
from clippings.index import Index, Query
from clippings.read import SIGNALS, WITH_READER, WITHOUT_READER, Weights, asks_yes_or_no, probability, read
from clippings.reader import DEFAULT_READER, Reader, open_reader
from clippings.retrieve import INDEX_WEIGHTS, POOL, WORD_WEIGHTS, Retrieved, index_signals, retrieve, word_signals

SIZES = (4, 8, 12, 20)  # paragraphs in a small index
SMALL = {"answerable": 60, "near": 30, "far": 15}  # questions of each sort a topic, at most
KEPT = 2 / 3  # of all paragraphs, that the index of paragraphs holds
WHOLE = 300  # questions of each sort that are put to all paragraphs, at most, of each part
NEWS = 8.0  # weight of a question on news in ranking, for there are few, against one on a paragraph
PENALTY = 1e-3  # on the squares of weights, of signals scaled to a spread of 1
TALK = 0.5  # weight of what people asked who had not read in saying how likely an answer is, for news names its topic
SIGNS = np.array([-1 if name == "absent" else 1 for name in SIGNALS])  # what a signal can only speak for or against
Array = NDArray[np.floating[Any]]
Truths = NDArray[np.bool_]


@dataclass(frozen=True)
class Group:
    """What one question chooses from, passages or sentences: their signals, and which of them are right."""

    rows: Array  # (choices, signals)
    right: Truths  # (choices,)


@dataclass(frozen=True)
class Case:
    """One question put to one index."""

    part: sets.Part
    sort: str  # "small near", "news answerable"
    passages: Group
    sentences: Group


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), metavar="FOLDER")
    parser.add_argument("--reader", default=DEFAULT_READER, metavar="NAME-OR-PATH", help='"none" fits without one')
    arguments = parser.parse_args()
    reader = open_reader(arguments.reader)
    parts: tuple[sets.Part, ...] = ("tune", "report") if reader else ("train", "tune", "report")
    cases = list(gather(arguments.data, reader, parts))
    fit, rest = ([case for case in cases if (case.part == "report") == reported] for reported in (False, True))
    fit_and_report(fit, rest, with_reader=reader is not None)
    report_wordless(list(wordless(arguments.data, reader)), WITH_READER if reader else WITHOUT_READER)
    return 0


# What is asked


def gather(data: Path, reader: Reader | None, parts: Sequence[sets.Part]) -> Iterator[Case]:
    encoder, draw = Encoder(), random.Random(1)
    squad = sets.squad(data)
    asked = [each for each in squad.asked if each.part in parts]
    yield from _small(squad, asked, draw=draw, encoder=encoder, reader=reader)
    paragraphs = list(squad.articles)
    draw.shuffle(paragraphs)
    kept = paragraphs[: round(KEPT * len(paragraphs))]
    ids = {article.id for article in kept}
    with sets.indexed(kept, encoder) as index:
        for part in parts:
            of_part = [each for each in asked if each.part == part]
            sorts = {
                "answerable": [each for each in of_part if each.golds and each.article in ids],
                "near": [each for each in of_part if each.golds and each.article not in ids],
                "trick": [each for each in of_part if not each.golds and each.article in ids],
            }
            for sort, found in sorts.items():
                for each in tqdm(draw.sample(found, min(WHOLE, len(found))), desc=f"whole {sort} {part}"):
                    yield _case(each, index, reader=reader, sort=f"whole {sort}")
    news = sets.rtqa(data)
    with sets.indexed(news.articles, encoder) as index:
        for sort, questions in (("answerable", news.asked), ("far", sets.outside(data))):
            for each in tqdm([each for each in questions if each.part in parts], desc=f"news {sort}"):
                yield _case(each, index, reader=reader, sort=f"news {sort}")
        for each in tqdm([each for each in sets.written(news.articles) if each.part in parts], desc="written"):
            yield _case(each, index, reader=reader, sort=f"written {'answerable' if each.golds else 'trick'}")
    yield from _talk(data, parts, encoder=encoder, reader=reader)


def _small(
    squad: sets.Corpus, asked: Sequence[sets.Asked], *, draw: random.Random, encoder: Encoder, reader: Reader | None
) -> Iterator[Case]:
    """Put questions to a few paragraphs of a topic: on those, on its others, and on other topics."""
    paragraphs = {article.id: article for article in squad.articles}
    topics: dict[str, list[sets.Asked]] = {}
    for each in asked:
        if each.golds and each.article:
            topics.setdefault(paragraphs[each.article].title, []).append(each)
    for topic, of_topic in tqdm(sorted(topics.items()), desc="small"):
        ids = sorted({each.article for each in of_topic if each.article})
        draw.shuffle(ids)
        kept = set(ids[: draw.choice(SIZES)])
        sorts = {
            "answerable": [each for each in of_topic if each.article in kept],
            "near": [each for each in of_topic if each.article not in kept],
            "far": [
                each
                for other, of_other in topics.items()
                if other != topic
                for each in of_other
                if each.part == of_topic[0].part
            ],
        }
        with sets.indexed([paragraphs[id] for id in sorted(kept)], encoder) as index:
            for sort, found in sorts.items():
                for each in draw.sample(found, min(SMALL[sort], len(found))):
                    yield _case(each, index, reader=reader, sort=f"small {sort}")


def _talk(data: Path, parts: Sequence[sets.Part], *, encoder: Encoder, reader: Reader | None) -> Iterator[Case]:
    """Put what people asked who had not read, but for yes or no, to the half with its topic and to the other."""
    talk = sets.conversations(data)
    topics = {article.id: article.title for article in talk.articles}
    asked = [each for each in talk.asked if each.part in parts and each.golds and not asks_yes_or_no(each.question)]
    for half, index in sets.halves([(article.title, article) for article in talk.articles], encoder):
        for each in tqdm(asked, desc="talk"):
            sort = "answerable" if topics[each.article or ""] in half else "far"
            yield _case(each, index, reader=reader, sort=f"talk {sort}")


def wordless(data: Path, reader: Reader | None) -> Iterator[tuple[str, float]]:
    """Give the log-odds for what asks for no words, with its sort: "topic answerable", "yes or no far"."""
    encoder = Encoder()
    talk = sets.conversations(data)
    titles = {article.id: article.title for article in talk.articles}
    yes_or_no = [
        (each.question, titles[each.article or ""])
        for each in talk.asked
        if each.part == "tune" and each.golds and asks_yes_or_no(each.question)
    ]
    articles = [(article.title, article) for article in talk.articles]
    yield from _log_odds("yes or no", yes_or_no, sets.halves(articles, encoder), reader=reader)
    events = [event for event in sets.events(data) if event.part == "tune"]
    stories = [(event.topic, story) for event in events for story in event.stories]
    topics = [(event.topic, event.topic) for event in events]
    yield from _log_odds("topic", topics, sets.halves(stories, encoder), reader=reader)


def _log_odds(
    sort: str,
    asked: Sequence[tuple[str, str]],
    halves: Iterator[tuple[frozenset[str], Index]],
    *,
    reader: Reader | None,
) -> Iterator[tuple[str, float]]:
    """Put each question, which comes with its topic, to both halves."""
    for half, index in halves:
        for question, topic in tqdm(asked, desc=sort):
            readings = consider(question, index, reader=reader).readings
            log_odds = readings[0].log_odds if readings else -np.inf
            yield f"{sort} {'answerable' if topic in half else 'far'}", log_odds


def _case(asked: sets.Asked, index: Index, *, reader: Reader | None, sort: str) -> Case:
    query = index.query(asked.question)
    retrieved = retrieve(query, index, k=POOL)
    answerable = sort.endswith("answerable")
    readings = read(query, retrieved[:PASSAGES], index, reader=reader)
    return Case(
        asked.part,
        sort,
        passages=Group(
            _passage_signals(query, retrieved, index),
            np.array([answerable and _right_passage(asked, each) for each in retrieved], bool),
        ),
        sentences=Group(
            np.array([reading.signals for reading in readings], np.float32).reshape(-1, len(SIGNALS)),
            np.array([answerable and answers(reading, asked) for reading in readings], bool),
        ),
    )


def _passage_signals(query: Query, retrieved: Sequence[Retrieved], index: Index) -> Array:
    rarity = index.rarity(query.content)
    words = [word_signals(query, each, rarity=rarity) for each in retrieved]
    by_index = index_signals(query, [each.candidate for each in retrieved])
    return np.hstack([by_index, np.array(words, np.float32).reshape(-1, len(WORD_WEIGHTS))])


def _right_passage(asked: sets.Asked, each: Retrieved) -> bool:
    span = each.candidate.passage.span
    inside = any(gold.start < 0 or span.start <= gold.start < span.end for gold in asked.golds)
    return each.article.id == asked.article and inside


# What is fitted


def fit_and_report(fit: Sequence[Case], rest: Sequence[Case], *, with_reader: bool) -> None:
    names = (*INDEX_WEIGHTS, *WORD_WEIGHTS)
    counts = [NEWS if "news" in case.sort else 1.0 for case in fit]
    passages = _logit([case.passages for case in fit], counts)
    sentences = _logit([case.sentences for case in fit], counts)
    confidence, bias = _confidence(fit, sentences)
    kept, kept_bias = _confidence(fit, np.array((WITH_READER if with_reader else WITHOUT_READER).rank))
    print("retrieve.py", *(f"{name} {weight:.2f}" for name, weight in zip(names, passages, strict=True)))
    print(f"{'read.py':10} {'rank':>8} {'answers':>8} {'with rank as it is':>20}")
    for name, *weights in zip(SIGNALS, sentences, confidence, kept, strict=True):
        print(f"{name:10} {weights[0]:8.2f} {weights[1]:8.2f} {weights[2]:20.2f}")
    print(f"{'bias':10} {bias:17.2f} {kept_bias:20.2f}")
    for sort in dict.fromkeys(case.sort for case in rest if case.sort.endswith("answerable")):
        of = [case for case in rest if case.sort == sort]
        firsts = [_first(case.passages, passages) for case in of], [_first(case.sentences, sentences) for case in of]
        print(f"{sort}: passage first {np.mean(firsts[0]):.3f}, sentence first {np.mean(firsts[1]):.3f}, n {len(of)}")
    for name, cases in (("measured", rest), ("fitted", fit)):
        print(f"\n{name}: share answered, and how much of that is right, at each threshold")
        _thresholds(cases, sentences, confidence=confidence, bias=bias)


def _logit(groups: Sequence[Group], weights: Sequence[float]) -> Array:
    """Fit a conditional logit: the probability of each choice is the softmax of its weighted signals."""
    used = [(group, weight) for group, weight in zip(groups, weights, strict=True) if group.right.any()]
    spread = np.concatenate([group.rows for group, _ in used]).std(axis=0)
    spread[spread == 0] = 1.0
    total = sum(weight for _, weight in used)

    def loss(at: Array) -> tuple[float, Array]:
        value, slope = PENALTY * float(at @ at), 2 * PENALTY * at
        for group, weight in used:
            rows = group.rows / spread
            scores = rows @ at
            every, right = softmax(scores), np.zeros(len(scores))
            right[group.right] = softmax(scores[group.right])
            value -= weight / total * float(np.log(every[group.right].sum() + 1e-12))
            slope = slope + weight / total * (every - right) @ rows
        return value, slope

    return np.asarray(minimize(loss, np.zeros(len(spread)), jac=True, method="L-BFGS-B").x / spread)


def _confidence(cases: Sequence[Case], weights: Array) -> tuple[Array, float]:
    """Fit how likely the best sentence answers; each sort of question counts alike, however many there are."""
    used = [case for case in cases if len(case.sentences.rows)]
    best = [int((case.sentences.rows @ weights).argmax()) for case in used]
    rows = np.array([case.sentences.rows[at] for case, at in zip(used, best, strict=True)], np.float64)
    right = np.array([case.sentences.right[at] for case, at in zip(used, best, strict=True)])
    sorts = [case.sort for case in used]
    share = np.array([(TALK if sort.startswith("talk") else 1.0) / sorts.count(sort) for sort in sorts])
    share /= share.sum()
    spread = rows.std(axis=0)
    spread[spread == 0] = 1.0
    rows /= spread

    def loss(at: Array) -> tuple[float, Array]:
        log_odds = rows @ at[:-1] + at[-1]
        off = share * (expit(log_odds) - right)
        value = share @ (np.logaddexp(0, log_odds) - right * log_odds) + PENALTY * at[:-1] @ at[:-1]
        return float(value), np.append(off @ rows + 2 * PENALTY * at[:-1], off.sum())

    bounds = [(0, None) if sign > 0 else (None, 0) for sign in SIGNS] + [(None, None)]
    found = minimize(loss, np.zeros(len(bounds)), jac=True, method="L-BFGS-B", bounds=bounds).x
    return np.asarray(found[:-1] / spread), float(found[-1])


def report_wordless(cases: Sequence[tuple[str, float]], weights: Weights) -> None:
    """Print the shares that are answered with more or less of the log-odds, by the weights that are in read.py."""
    names = sorted({sort for sort, _ in cases})
    print("\nwordless", *(f"{name:>21}" for name in names))
    for more in np.arange(0.0, 1.6, 0.1):
        shares = [
            np.mean(
                [probability(log_odds - weights.wordless + more) >= FOUND for sort, log_odds in cases if sort == name]
            )
            for name in names
        ]
        print(f"{more:8.1f}", *(f"{share:21.3f}" for share in shares))


def _first(group: Group, weights: Array) -> bool:
    return len(group.rows) > 0 and bool(group.right[int((group.rows @ weights).argmax())])


def _thresholds(cases: Sequence[Case], rank: Array, *, confidence: Array, bias: float) -> None:
    cases = [case for case in cases if len(case.sentences.rows)]
    sorts = np.array([case.sort for case in cases])
    best = [case.sentences.rows[int((case.sentences.rows @ rank).argmax())] for case in cases]
    right = np.array([_first(case.sentences, rank) for case in cases])
    probability = 1 / (1 + np.exp(-(np.array(best) @ confidence + bias)))
    names = sorted(set(sorts))
    print("at least", *(f"{name:>17}" for name in names), "   right of answered")
    for threshold in (*np.arange(0.05, 0.2, 0.01), *np.arange(0.2, 0.95, 0.05)):
        answered = probability >= threshold
        shares = [answered[sorts == name].mean() for name in names]
        print(f"{threshold:8.2f}", *(f"{share:17.3f}" for share in shares), f"{right[answered].mean():20.3f}")


if __name__ == "__main__":
    sys.exit(main())
