"""Read the retrieved passages: how likely each of their sentences answers the question, and which words of it do."""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from clippings.headline import CAPITAL, SMALL, dateline
from clippings.index import Index, Query
from clippings.reader import Reader, Words
from clippings.records import Article, Span
from clippings.retrieve import Retrieved, pairs, share
from clippings.spelling import QUOTED
from clippings.split import sentences
from clippings.topic import QUESTION_WORD, WHO
from clippings.when import TIME as DATE

# What is measured of a sentence. benchmarks/calibrate.py fits what follows: the weight of each in the sum that ranks
# the sentences of a question, and its weight in the log-odds that the best of them answers.
SIGNALS = (
    "passage",  # how well its passage fits, as retrieve scores it
    "sentence",  # cosine of the sentence with the question
    "covered",  # share of the question's terms, by rarity, that the sentence has
    "around",  # the same share for its passage, headline and month
    "pairs",  # share of the question's pairs of neighbouring terms that are neighbours in the sentence too
    "absent",  # share of the question's names, numbers and quoted words that neither passage nor headline nor month has
    "kind",  # 1 when it has what the question asks for (a name, a number, a time, a reason), -1 when not, else 0
    "reader",  # the reader's log-odds that words of it answer; without a reader always 0
)


@dataclass(frozen=True)
class Weights:
    """Weights of `SIGNALS`, in its order."""

    rank: tuple[float, ...]
    answers: tuple[float, ...]
    bias: float  # of the log-odds that the best sentence answers
    wordless: float = 0.0  # more of it where no words are asked for: for yes or no, or with a mere topic


WITH_READER = Weights(  # `rank` fitted with an earlier reader (CONTRIBUTING.md)
    rank=(0.15, 0.32, 0.49, 3.47, 0.30, -1.06, 0.92, 0.36),
    answers=(0.01, 2.78, 0.00, 1.29, 1.37, -1.00, 0.03, 0.21),
    bias=-3.6,
    wordless=0.5,
)
WITHOUT_READER = Weights(
    rank=(0.32, 5.95, 3.98, 1.61, 0.93, -0.53, 0.94, 0.0),
    answers=(-0.11, 6.40, 3.26, 0.03, 1.55, -1.35, 0.06, 0.0),
    bias=-4.84,
)
HIGHLIGHT = -8.0  # log-odds, from which on the reader's words are picked out of what is quoted: CONTRIBUTING.md
READER_BOUND = 12.0  # log-odds: beyond, a reader is no surer, only louder
REPEATS = 0.9  # cosine between sentences; above it the second is a reprint of the first
FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
NAME = re.compile(rf"\b(?:[^\W\d_{SMALL}][\w’'-]*|\d[\d.,]*)\b")  # where SMALL does not tell, any word may be one
CAPITALIZED = re.compile(  # not a mere start
    rf"(?<=[\w,] )[{CAPITAL}][\w’'-]+|\b[{CAPITAL}][\w’'-]+ [{CAPITAL}][\w’'-]+"
)
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
    rf"\b(?:{WHO}|whom|whose|where)\b"
    r"|\b(?:what|which) (?:person|player|politician|president|company|team|country|city|state|town|actor)\b",
    re.IGNORECASE,
)
WHY = re.compile(r"\bwhy\b", re.IGNORECASE)
TOLD = (  # before a question word that asks: "Did they say who did it?", and not "Is the man who did it free?"
    r"(?:and|but|so,|sa(?:y|ys|id)|tells?|told|know|known|sees?|seen|shows?|shown|finds?|found|learn|explain|announce"
    r"|reveal|confirm|asks?|list|name|identify|identified|specify|specified|reasons?|word|indication|disclose|decide"
    r"|report|mention|state|remember|understand|clear|sure|idea|out)(?:ed|d)?"
)
YES_OR_NO = re.compile(
    r"\W*(?:(?:am|is|are|was|were|do|does|did|has|have|had|can|could|wo|will|would|shall|should|may|might|must)(?:n[’']t)?\b"
    rf"(?!.*\b(?:{TOLD},? (?:\w+ )?{QUESTION_WORD}|{QUESTION_WORD}\W*$))|(?:whether|if)\b(?!.*\b{QUESTION_WORD}))"
    r"(?!.*\bor\b)",
    re.IGNORECASE | re.DOTALL,
)
ASKS = re.compile(r"[?？؟][\W_]*$")  # a sentence that is a question itself has its words and answers nothing
WORDS_ASKED = re.compile(rf"\b{QUESTION_WORD}|[?？؟]", re.IGNORECASE)
POINTS_BACK = re.compile(
    r"[\W_]*(?:he|she|it|they|his|her|its|their|this|that|these|those|such|but|and|however"
    r"|according to (?:him|her|them))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Reading:
    """A sentence, its vector, and how well it answers."""

    span: Span
    text: str
    vector: NDArray[np.float32]  # (dim,), unit length
    signals: tuple[float, ...]  # as SIGNALS has them
    score: float  # higher is better, within one question
    log_odds: float  # that it answers, where it is the question's best
    highlight: Span | None  # the words that answer, in the article's characters; only with a reader
    before: Span | None  # the sentence before it in its paragraph, where it points back ("He said so") and needs that


def read(query: Query, retrieved: Sequence[Retrieved], index: Index, *, reader: Reader | None = None) -> list[Reading]:
    """Give every sentence of the passages that is no question, the best first; ties as they were retrieved."""
    asked = _Asked(
        index.rarity(query.content),
        _names(query, index),
        frozenset(term for match in DATE.finditer(query.text) for term in index.terms(match[0])),
        _kind(query.text),
        is_topic=not WORDS_ASKED.search(query.text),
        yes_or_no=asks_yes_or_no(query.text),
    )
    words = _words(query, retrieved, reader) if reader else [None] * len(retrieved)
    readings = [
        reading
        for each, found in zip(retrieved, words, strict=True)
        for reading in _readings(query, asked, each, month=_month(asked, each.article, index), found=found)
    ]
    return sorted(readings, key=lambda reading: -reading.score)


def asks_yes_or_no(question: str) -> bool:
    """Whether the last of a question's sentences asks for yes or no, and not which of two or, further on, for words."""
    *_, last = sentences(Article("", "", question)) or [Span("", 0, 0)]
    return YES_OR_NO.match(question, last.start) is not None


def repeats(one: Reading, other: Reading) -> bool:
    """Whether two sentences say the same; never where their figures differ, for that is what a reader must see."""
    return float(one.vector @ other.vector) >= REPEATS and FIGURE.findall(one.text) == FIGURE.findall(other.text)


def probability(log_odds: float) -> float:
    """Give the probability, 0 to 1, of these log-odds."""
    return 1 / (1 + math.exp(-log_odds)) if log_odds > 0 else math.exp(log_odds) / (1 + math.exp(log_odds))


@dataclass(frozen=True)
class _Asked:
    """What is looked for in each passage."""

    rarity: dict[str, float]  # of the question's terms
    names: tuple[str, ...]  # the terms of its names, numbers and quoted words
    time: frozenset[str]  # the terms of the months and years that it names
    fits: Callable[[str], bool] | None  # whether a sentence has what the question asks for, where it asks for a kind
    is_topic: bool  # whether it is no question at all
    yes_or_no: bool  # whether no words of a sentence are asked for, but whether it says so


def _words(query: Query, retrieved: Sequence[Retrieved], reader: Reader) -> list[list[Words]]:
    return reader.read(
        query.text,
        [each.article.text[each.candidate.passage.span.start : each.candidate.passage.span.end] for each in retrieved],
        titles=[each.article.title for each in retrieved],
        sentences=[
            [
                replace(span, start=_story(span, each.article) - start, end=span.end - start)
                for span in each.candidate.passage.sentences
            ]
            for each in retrieved
            for start in [each.candidate.passage.span.start]
        ],
    )


def _story(span: Span, article: Article) -> int:
    """Give where a sentence begins after the dateline, of which the words are no answer."""
    begins = span.start == 0 or article.text[span.start - 1] == "\n"
    opening = dateline(article.text[span.start : span.end]) if begins else None
    return span.start + opening.end if opening and span.start + opening.end < span.end else span.start


def _month(asked: _Asked, article: Article, index: Index) -> frozenset[str]:
    """Give the terms of the month and the year in which an article was published, of those that the question names."""
    if not asked.time or not article.published:
        return frozenset()
    return asked.time.intersection(index.terms(f"{article.published:%B %Y}"))


def _readings(
    query: Query, asked: _Asked, each: Retrieved, *, month: frozenset[str], found: Sequence[Words] | None
) -> Iterator[Reading]:
    passage, text = each.candidate.passage, each.article.text
    weights = WITHOUT_READER if found is None else WITH_READER
    bias = weights.bias + (weights.wordless if asked.is_topic or asked.yes_or_no else 0.0)
    whole = each.headline.union(month, *each.sentences)
    around = share(asked.rarity, whole)
    absent = sum(name not in whole for name in asked.names) / len(asked.names) if asked.names else 0.0
    for place, (span, terms, vector) in enumerate(zip(passage.sentences, each.sentences, passage.vectors, strict=True)):
        sentence = text[span.start : span.end]
        if ASKS.search(sentence):
            continue
        words = found[place] if found else None
        signals = (
            each.score,
            float(vector @ query.vector),
            share(asked.rarity, terms),
            around,
            pairs(query, terms),
            absent,
            (1.0 if asked.fits(sentence) else -1.0) if asked.fits else 0.0,
            min(max(words.score, -READER_BOUND), READER_BOUND) if words else 0.0,
        )
        yield Reading(
            span,
            sentence,
            vector,
            signals,
            score=float(np.dot(signals, weights.rank)),
            log_odds=float(np.dot(signals, weights.answers)) + bias,
            before=_before(each, place) if POINTS_BACK.match(sentence) else None,
            highlight=Span(span.article_id, passage.span.start + words.start, passage.span.start + words.end)
            if words and words.score >= HIGHLIGHT and not (asked.is_topic or asked.yes_or_no)
            else None,
        )


def _before(each: Retrieved, place: int) -> Span | None:
    """Give the sentence before one of a passage's, unless a paragraph begins between them."""
    if place == 0:
        return None
    before, sentence = each.candidate.passage.sentences[place - 1 : place + 1]
    return before if "\n" not in each.article.text[before.end : sentence.start] else None


def _names(query: Query, index: Index) -> tuple[str, ...]:
    """Give the terms of names, numbers and quoted words; the first word of what was asked has a capital anyway."""
    named = [each[0] for each in NAME.finditer(query.text) if each.start() > 0 or not query.asked.startswith(each[0])]
    quoted = [match[0] for match in QUOTED.finditer(query.text)]
    terms = dict.fromkeys(term for words in (*named, *quoted) for term in index.terms(words))
    return tuple(term for term in terms if term in query.content)


def _kind(question: str) -> Callable[[str], bool] | None:
    """Give what tells whether a sentence has the kind of thing that is asked for; None when no kind is."""
    if HOW_MANY.search(question):
        return lambda sentence: NUMBER.search(sentence) is not None
    if WHEN.search(question):
        return lambda sentence: TIME.search(sentence) is not None
    if WHO_OR_WHERE.search(question):
        asked = question.lower()
        return lambda sentence: any(name.lower() not in asked for name in CAPITALIZED.findall(sentence))
    if WHY.search(question):
        return lambda sentence: REASON.search(sentence) is not None
    return None
