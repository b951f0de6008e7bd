"""The figures of benchmarks/quality.py: pure functions of texts, rankings and answered questions."""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import ir_measures
import numpy as np
from ir_measures import RR, Success
from sets import Asked

from clippings.answer import FOUND
from clippings.read import Reading
from clippings.records import Answer, Confidence, Quote

NO_ANSWER = 1.0  # log-odds; given its paragraph, a question that scores less is not answered; chosen on "tune"
DETERMINER = re.compile(r"\b(?:a|an|the)\b")
OWNER = re.compile(  # "it's" has none, "the WHO's" has one
    r"\b(?!(?:[Ss]?[Hh]e|[Ii]t|[Tt]hat|[Tt]here|[Hh]ere|[Ww]here|[Ww]ho|[Ww]hat|[Ll]et)[’'])(\w+[.!]?)[’'][sS]\b"
)
RANKS = {"first": Success @ 1, "in five": Success @ 5, "in ten": Success @ 10, "MRR@10": RR @ 10}

PUBLISHED = {  # by benchmark and metric, with the number that RESULTS.md gives its source
    ("rtqa", "source article first"): ".476 [1]",
    ("rtqa", "source article in five"): ".786 [1]",
    ("rtqa", "source article MRR@10"): ".601 [1]",
    ("rtqa", "right choice in the quotes"): ".469 [1]",
    ("rtqa", "right choice, exact match"): ".150, .253, .375 [2]",
    ("rtqa", "right choice, token F1"): ".228, .321, .493 [2]",
    ("squad", "paragraph first"): ".820 [3]",
    ("squad", "paragraph MRR@10"): ".875 [3]",
    ("squad", "answer's sentence first"): ".72 [3]",
    ("squad", "answer's sentence in the quotes"): ".87 [3]",
    ("reading", "exact match"): ".501, .657, .787, .789 [4]",
    ("reading", "token F1"): ".501, .679, .818, .820 [4]",
    ("reading", "unanswerable refused"): "1, .700, .834, – [4]",
    ("refusing", "near: precision"): ".33 [5]",
    ("refusing", "near: recall"): ".44 [5]",
}


@dataclass(frozen=True)
class Figure:
    """One row of the table; None where there is nothing to measure."""

    name: str  # of the benchmark
    metric: str
    n: int  # questions, or answers, that it is measured on
    ours: float | None
    bm25: float | None = None
    dense: float | None = None


@dataclass(frozen=True)
class Rankings:
    """The ids of articles, best first, each once."""

    retrieved: tuple[str, ...]
    read: tuple[str, ...]  # by their best sentences, then those that were retrieved but not read
    bm25: tuple[str, ...]
    dense: tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """A question, what it was answered with nothing refused, and, where the article is known, the rankings."""

    asked: Asked
    answer: Answer
    probability: float  # that the first sentence answers
    rankings: Rankings | None = None

    @property
    def golds(self) -> list[str]:
        return [gold.text for gold in self.asked.golds]

    @property
    def refused(self) -> bool:
        return self.probability < FOUND

    @property
    def right(self) -> list[bool]:
        """Whether each quote answers, the first one first."""
        return [answers(quote, self.asked) for quote in self.answer.quotes]


@dataclass(frozen=True)
class Extract:
    """What the reader found in the paragraph that a question was asked on."""

    golds: tuple[str, ...]
    words: str
    score: float  # log-odds, against "not here", of the sentence that the words are of
    right: bool  # whether they are of a sentence in which an answer was marked

    @property
    def refused(self) -> bool:
        return self.score < NO_ANSWER


@dataclass(frozen=True)
class EventCase:
    """What was found on an event's title, where its stories are or are not."""

    here: bool  # whether they are
    probability: float  # that the first sentence answers
    own: bool  # whether that is of one of its stories

    @property
    def refused(self) -> bool:
        return self.probability < FOUND


@dataclass(frozen=True)
class Point:
    """What answering only from some probability on gives."""

    probability: float
    coverage: float  # share of the questions that are answered
    risk: float  # share of the answered whose first sentence is wrong


@dataclass(frozen=True)
class Curve:
    """How the risk grows with the share that is answered, of answerable questions and one sort of others."""

    sort: str
    points: tuple[Point, ...]


# Texts


def normalized(text: str) -> str:
    """Give the text as SQuAD compares it: small letters, no punctuation, no a, an or the, single spaces.

    SQuAD's own script knows ASCII punctuation only; news is set in typographic marks, and they go as well.
    """
    bare = (c for c in text.lower() if c not in string.punctuation and not unicodedata.category(c).startswith("P"))
    return " ".join(DETERMINER.sub(" ", "".join(bare)).split())


def exact_match(predicted: str, golds: Sequence[str]) -> float:
    """Give 1 when the prediction is one of the answers; where there is none, when nothing is predicted (SQuAD 2.0)."""
    return float(normalized(predicted) in _comparable(golds))


def token_f1(predicted: str, golds: Sequence[str]) -> float:
    """Give the overlap in words with the nearest of the answers; where there is none, 1 when nothing is predicted."""
    return max(_f1(normalized(predicted).split(), gold.split()) for gold in _comparable(golds))


def contains(text: str, golds: Sequence[str]) -> bool:
    """Whether one of the answers stands in the text, in whole words; "Novak Djokovic's bid" has Novak Djokovic."""
    forms = (text, golds), (_parted(text), [_parted(gold) for gold in golds])
    return any(
        gold and f" {gold} " in f" {normalized(form)} " for form, answers in forms for gold in _comparable(answers)
    )


def _parted(text: str) -> str:
    return OWNER.sub(r"\1 s", text)


def _comparable(golds: Sequence[str]) -> list[str]:
    return [gold for gold in map(normalized, golds) if gold] or [""]


def _f1(predicted: Sequence[str], gold: Sequence[str]) -> float:
    if not predicted or not gold:
        return float(predicted == gold)
    return 2 * (Counter(predicted) & Counter(gold)).total() / (len(predicted) + len(gold))


def answers(quote: Quote | Reading, asked: Asked) -> bool:
    """Whether it has a place that people marked as an answer, or, where no place is known, an answer's words."""
    places = [gold.start for gold in asked.golds if gold.start >= 0]
    if places:
        return quote.span.article_id == asked.article and any(
            quote.span.start <= place < quote.span.end for place in places
        )
    return contains(quote.text, [gold.text for gold in asked.golds])


def highlighted(answer: Answer) -> str:
    """Give the short answer in the first quote; nothing where none is picked out."""
    for quote in answer.quotes[:1]:
        if quote.highlight:
            return quote.text[quote.highlight.start - quote.span.start : quote.highlight.end - quote.span.start]
    return ""


# Rankings and probabilities


def ranks(rankings: Sequence[Sequence[str]], right: Sequence[str | None]) -> dict[str, float | None]:
    """Measure where the right article stands in each ranking of article ids, by the names of `RANKS`."""
    if not rankings:
        return dict.fromkeys(RANKS)
    run = {str(n): {id: -float(place) for place, id in enumerate(ranking)} for n, ranking in enumerate(rankings)}
    truth = {str(n): {id: 1} for n, id in enumerate(right)}
    measured = ir_measures.calc_aggregate(RANKS.values(), truth, run)
    return {name: float(measured[measure]) for name, measure in RANKS.items()}


def auc(scores: Sequence[float], positive: Sequence[bool]) -> float | None:
    """Give the chance that a positive scores higher than a negative; None where there are none of one of them."""
    from sklearn.metrics import roc_auc_score  # takes a second to import

    if len(set(positive)) < 2:
        return None
    finite = np.nan_to_num(np.array(scores, np.float64))  # what could not be read is infinitely sure
    return float(roc_auc_score(np.array(positive), finite))


def risk_coverage(probabilities: Sequence[float], right: Sequence[bool]) -> tuple[Point, ...]:
    """Give a point for each probability, the highest first (El-Yaniv and Wiener, JMLR 2010)."""
    points = []
    for least in sorted(set(probabilities), reverse=True):
        answered = [good for probability, good in zip(probabilities, right, strict=True) if probability >= least]
        points.append(Point(least, len(answered) / len(right), answered.count(False) / len(answered)))
    return tuple(points)


# Figures


def figure(name: str, metric: str, values: Sequence[float]) -> Figure:
    """Make a row of a mean, of truth values their share."""
    return Figure(name, metric, len(values), sum(values) / len(values) if values else None)


def retrieval(name: str, cases: Sequence[Case], *, what: str) -> list[Figure]:
    """Measure the rankings, where there are any; `what` is what an article is called here."""
    rankings = [case.rankings for case in cases if case.rankings]
    right = [case.asked.article for case in cases if case.rankings]
    retrieved = ranks([each.retrieved for each in rankings], right)
    read = ranks([each.read for each in rankings], right)
    bm25 = ranks([each.bm25 for each in rankings], right)
    dense = ranks([each.dense for each in rankings], right)
    n = len(rankings)
    return [
        *(Figure(name, f"{what} {rank}", n, retrieved[rank], bm25[rank], dense[rank]) for rank in RANKS),
        *(Figure(name, f"{what} {rank}, after reading", n, read[rank]) for rank in RANKS),
    ]


def right_choice(cases: Sequence[Case]) -> list[Figure]:
    """Measure the answers to quiz questions."""
    words = [(highlighted(case.answer), case.golds) for case in cases]
    return [
        figure("rtqa", "right choice in the quotes", [any(case.right) for case in cases]),
        figure("rtqa", "right choice, exact match", [exact_match(*each) for each in words]),
        figure("rtqa", "right choice, token F1", [token_f1(*each) for each in words]),
    ]


def right_sentence(name: str, cases: Sequence[Case], *, sort: str = "") -> list[Figure]:
    """Measure the quotes that answer questions of which it is known where the answer stands."""
    right = [case.right for case in cases if case.golds]
    return [
        figure(name, f"{sort}answer's sentence first", [any(each[:1]) for each in right]),
        figure(name, f"{sort}answer's sentence in the quotes", [any(each) for each in right]),
    ]


def conversations(sort: str, cases: Sequence[Case]) -> list[Figure]:
    """Measure one sort of questions by people who had not read the text, put where it is and where it is not."""
    refused = {
        "refused, answer is there": [case.refused for case in cases if case.golds],
        "refused, only others of its topic are": [c.refused for c in cases if c.asked.article and not c.golds],
        "refused, only other topics are": [case.refused for case in cases if not case.asked.article],
    }
    return [
        *right_sentence("conversations", cases, sort=f"{sort}: "),
        *(figure("conversations", f"{sort}: {metric}", values) for metric, values in refused.items()),
    ]


def news(cases: Sequence[Case]) -> list[Figure]:
    """Measure questions on a passage of the news; another article may answer what that passage does not."""
    if not cases:
        return []
    return [
        *retrieval("news", cases, what="article"),
        *right_sentence("news", cases),
        figure("news", "refused, passage answers", [case.refused for case in cases if case.golds]),
        figure("news", "refused, passage only seems to", [case.refused for case in cases if not case.golds]),
    ]


def reading(cases: Sequence[Extract]) -> list[Figure]:
    """Measure what is read in the right paragraph, as SQuAD 2.0 does and with none refused."""
    answerable = [case for case in cases if case.golds]
    kept = [("" if case.refused else case.words, case.golds) for case in cases]
    words = [(case.words, case.golds) for case in answerable]
    nothing = [-case.score for case in cases], [not case.golds for case in cases]
    return [
        figure("reading", "exact match", [exact_match(*each) for each in kept]),
        figure("reading", "token F1", [token_f1(*each) for each in kept]),
        figure("reading", "exact match, answerable, none refused", [exact_match(*each) for each in words]),
        figure("reading", "token F1, answerable, none refused", [token_f1(*each) for each in words]),
        figure("reading", "right sentence, answerable, none refused", [case.right for case in answerable]),
        figure("reading", "unanswerable refused", [case.refused for case in cases if not case.golds]),
        Figure("reading", "unanswerable, AUC", len(cases), auc(*nothing)),
    ]


def refusing(sort: str, cases: Sequence[Case]) -> list[Figure]:
    """Measure what refusing below `FOUND` does to answerable questions and to one sort of others."""
    answered = [case for case in cases if case.golds and not case.refused]
    rows = {
        "precision": [not case.golds for case in cases if case.refused],
        "recall": [case.refused for case in cases if not case.golds],
        "answerable answered": [not case.refused for case in cases if case.golds],
        "right in the first sentence, of these": [any(case.right[:1]) for case in answered],
    }
    for band in get_args(Confidence):  # what a confidence promises, unanswerable questions among them
        said = [case for case in cases if case.answer.confidence == band and not case.refused]
        rows[f"right in the first sentence, of all with {band} confidence"] = [any(case.right[:1]) for case in said]
    return [figure("refusing", f"{sort}: {metric}", values) for metric, values in rows.items()]


def events(cases: Sequence[EventCase]) -> list[Figure]:
    """Measure the answers to mere topics, and how well those with nothing to answer them are told."""
    here = [case for case in cases if case.here]
    here_first = auc([case.probability for case in cases], [case.here for case in cases])
    return [
        figure("events", "answered", [not case.refused for case in here]),
        figure("events", "first sentence of its stories, of these", [case.own for case in here if not case.refused]),
        figure("events", "refused without its stories", [case.refused for case in cases if not case.here]),
        Figure("events", "AUC", len(cases), here_first),
    ]


def curve(sort: str, cases: Sequence[Case]) -> Curve:
    """Follow what `refusing` measures over every point at which one could refuse."""
    return Curve(sort, risk_coverage([c.probability for c in cases], [any(c.right[:1]) for c in cases]))


def as_table(figures: Sequence[Figure]) -> str:
    """Set the figures out in Markdown, beside the published ones."""
    rows = [
        "| measured on | | n | this version | BM25 alone | dense alone | published |",
        "|---|---|--:|--:|--:|--:|---|",
    ]
    for each in figures:
        values = " | ".join(map(_number, (each.ours, each.bm25, each.dense)))
        published = PUBLISHED.get((each.name, each.metric), "")
        rows.append(f"| {each.name} | {each.metric} | {each.n} | {values} | {published} |")
    return "\n".join(rows)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}".removeprefix("0")
