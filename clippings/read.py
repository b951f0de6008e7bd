"""Read the retrieved passages: how likely each of their sentences answers the question."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clippings.index import Index, Query
from clippings.records import Span
from clippings.retrieve import Retrieved

# What each signal says for a sentence, and its weight in the sum that ranks sentences. benchmarks/calibrate.py fits
# both steps: this logistic regression over sentences, and the one below over questions.
WEIGHTS = {
    "sentence": 12.93,  # cosine of the sentence with the question
    "passage": -8.35,  # cosine of its passage: below zero, for a sentence must stand out from what surrounds it
    "lexical": 8.61,  # BM25 of its passage over that of the best
    "covered": 4.89,  # share of the question's terms, by rarity, that the sentence has
    "around": -1.47,  # the same share for its passage and headline
    "absent": -0.42,  # share of the question's names and numbers that neither passage nor headline has
    "kind": 0.44,  # 1 when it has what the question asks for (a name, a number, a time, a reason), -1 when not, else 0
}
BIAS = -13.62
# The probability that the best sentence answers, from its sum and from what of the question its passage covers.
SCORE_WEIGHT, AROUND_WEIGHT, CONFIDENCE_BIAS = 0.96, 1.42, -0.17

REPEATS = 0.9  # cosine between sentences; above it the second is a reprint of the first
FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
NAME = re.compile(r"\b(?:[^\W\d_a-zа-яё][\w’'-]*|\d[\d.,]*)\b")
CAPITALIZED = re.compile(r"(?<=[\w,] )[A-ZА-ЯЁ][\w’'-]+|\b[A-ZА-ЯЁ][\w’'-]+ [A-ZА-ЯЁ][\w’'-]+")  # not a mere start
NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozens?|hundreds?|thousands?|[mb]illions?"
    r"|half|third|quarter|both|several|twice|no|none)\b",
    re.IGNORECASE,
)
TIME = re.compile(
    r"\d|\b(?:January|February|March|April|May|June|July|August|September|October|November|December|Jan|Feb|Aug|Sept|Oct"
    r"|Nov|Dec|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|today|tomorrow|yesterday|weeks?|months?|years?|morning|evening"
    r"|night|spring|summer|autumn|winter|century|decade|after|before|until|since)\b"
)
REASON = re.compile(
    r"\b(?:because|due|since|after|owing|caused?|reasons?|as|to|so|over|amid|following|therefore|thus)\b", re.IGNORECASE
)
# What a question asks for, by its first match; English, and a question in another language simply asks for no kind.
HOW_MANY = re.compile(
    r"\bhow (?:many|much|old|far|tall|large|big|high|fast|often)\b"
    r"|\bwhat (?:percentage|percent|number|amount|share|proportion)\b",
    re.IGNORECASE,
)
WHEN = re.compile(r"\bwhen\b|\b(?:what|which) (?:year|day|date|month|time|century)\b|\bhow long\b", re.IGNORECASE)
WHO_OR_WHERE = re.compile(
    r"\b(?:who|whom|whose|where)\b"
    r"|\b(?:what|which) (?:person|player|politician|president|company|team|country|city|state|town|actor)\b",
    re.IGNORECASE,
)
WHY = re.compile(r"\bwhy\b", re.IGNORECASE)


@dataclass(frozen=True)
class Reading:
    """A sentence, its vector, and how well it answers."""

    span: Span
    text: str
    vector: NDArray[np.float32]  # (dim,), unit length
    score: float  # log-odds, comparable between passages and questions
    around: float  # share of the question's terms, by rarity, in the sentence's passage and headline


def read(query: Query, retrieved: Sequence[Retrieved], index: Index) -> list[Reading]:
    """Give every sentence of the passages, the best first; ties as they were retrieved."""
    spans = [span for each in retrieved for span in each.candidate.passage.sentences]
    texts = [each.article.text[s.start : s.end] for each in retrieved for s in each.candidate.passage.sentences]
    vectors = [vector for each in retrieved for vector in each.candidate.passage.vectors]
    measured = signals(query, retrieved, index)
    scores = (measured @ np.array(list(WEIGHTS.values())) + BIAS).tolist()
    around = measured[:, list(WEIGHTS).index("around")].tolist()
    readings = [Reading(*each) for each in zip(spans, texts, vectors, scores, around, strict=True)]
    return sorted(readings, key=lambda reading: -reading.score)


def repeats(one: Reading, other: Reading) -> bool:
    """Whether two sentences say the same; never where their figures differ, for that is what a reader must see."""
    return float(one.vector @ other.vector) >= REPEATS and FIGURE.findall(one.text) == FIGURE.findall(other.text)


def confidence(reading: Reading) -> float:
    """Give the probability, 0 to 1, that the sentence answers its question, where it is the question's best."""
    return probability(SCORE_WEIGHT * reading.score + AROUND_WEIGHT * reading.around + CONFIDENCE_BIAS)


def probability(log_odds: float) -> float:
    """Give the probability, 0 to 1, of these log-odds."""
    return 1 / (1 + math.exp(-log_odds))


def signals(query: Query, retrieved: Sequence[Retrieved], index: Index) -> NDArray[np.float32]:
    """Measure the signals of `WEIGHTS` in its order, (sentences, signals)."""
    rarity = index.rarity(query.content)
    names = [term for term in _names(query.text, index) if term in rarity]
    best = max((each.candidate.bm25 for each in retrieved), default=0.0) or 1.0
    rows = []
    for each in retrieved:
        passage, article = each.candidate.passage, each.article
        texts = [article.text[span.start : span.end] for span in passage.sentences]
        inside = [set(index.terms(text)) for text in texts]
        around = set(index.terms(article.title)).union(*inside)
        absent = sum(name not in around for name in names) / len(names) if names else 0.0
        for text, found, vector in zip(texts, inside, passage.vectors, strict=True):
            rows.append(
                (
                    float(vector @ query.vector),
                    each.candidate.cosine,
                    each.candidate.bm25 / best,
                    _share(rarity, found),
                    _share(rarity, around),
                    absent,
                    _kind(query.text, text),
                )
            )
    return np.array(rows, np.float32).reshape(-1, len(WEIGHTS))


def _names(question: str, index: Index) -> Iterable[str]:
    """Give the terms of names and numbers; the first word has a capital anyway."""
    return dict.fromkeys(
        term for match in NAME.finditer(question) if match.start() > 0 for term in index.terms(match.group())
    )


def _share(rarity: Mapping[str, float], found: set[str]) -> float:
    total = sum(rarity.values())
    return sum(weight for term, weight in rarity.items() if term in found) / total if total else 0.0


def _kind(question: str, sentence: str) -> float:
    if HOW_MANY.search(question):
        fits = NUMBER.search(sentence) is not None
    elif WHEN.search(question):
        fits = TIME.search(sentence) is not None
    elif WHO_OR_WHERE.search(question):
        asked = question.lower()
        fits = any(name.lower() not in asked for name in CAPITALIZED.findall(sentence))
    elif WHY.search(question):
        fits = REASON.search(sentence) is not None
    else:
        return 0.0
    return 1.0 if fits else -1.0
