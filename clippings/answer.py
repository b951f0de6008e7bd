"""Answer a question with the sentences that answer it, or say that none does."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from clippings.errors import ClippingsError
from clippings.index import Index, Query
from clippings.read import Reading, probability, read, repeats
from clippings.reader import Reader
from clippings.records import Answer, Article, Hit, Quote, Span
from clippings.retrieve import Retrieved, articles, passage_hits, retrieve

PASSAGES = 10  # read for one question
SENTENCES = 3  # quoted in an answer at most
NEAREST = 3  # passages shown when nothing answers
# Probabilities that the best sentence answers, chosen on the "tune" part of the data (benchmarks/calibrate.py). At
# FOUND .92 of the questions that the articles of a small index answer are answered with the reader and .90 without, and
# .88 of those near its topic that they do not are refused; benchmarks/RESULTS.md has what that gives on the rest.
FOUND, MEDIUM, HIGH = 0.12, 0.35, 0.65
GAP = 3.0  # log-odds, at most, between the best sentence and a further one: enough to show where outlets differ


@dataclass(frozen=True)
class Considered:
    """A question, what was read for it, and how likely the best of that answers."""

    query: Query
    retrieved: tuple[Retrieved, ...]  # the best first
    readings: tuple[Reading, ...]  # the best first
    probability: float  # 0 to 1


def answer(question: str, index: Index, *, reader: Reader | None = None) -> Answer:
    """Answer with at most three sentences, the best first; without quotes when nothing answers."""
    considered = consider(question, index, reader=reader)
    return quoted(considered) if considered.probability >= FOUND else not_found(considered.query, considered.retrieved)


def consider(question: str, index: Index, *, reader: Reader | None = None) -> Considered:
    """Find and read what may answer."""
    query = index.query(worded(question))
    retrieved = retrieve(query, index, k=PASSAGES)
    readings = read(query, retrieved, index, reader=reader)
    return Considered(query, tuple(retrieved), tuple(readings), probability(readings[0].log_odds) if readings else 0.0)


def quoted(considered: Considered) -> Answer:
    """Quote the best that was read, however likely it answers."""
    best = considered.probability
    chosen = _chosen(considered.readings, newer=_newer(considered))
    hits = [Hit(span, best * math.exp(each.score - considered.readings[0].score)) for each, span in chosen]
    given = cited(considered.query, hits, considered.retrieved)
    quotes = tuple(
        replace(quote, highlight=each.highlight) for quote, (each, _) in zip(given.quotes, chosen, strict=True)
    )
    return replace(given, quotes=quotes, confidence="high" if best >= HIGH else "medium" if best >= MEDIUM else "low")


def _newer(considered: Considered) -> set[str]:
    """Give the ids of the retrieved articles that were published after the one with the best sentence."""
    published = {id: article.published for id, article in articles(considered.retrieved).items()}
    best = published[considered.readings[0].span.article_id] if considered.readings else None
    return {id for id, day in published.items() if best and day and day > best}


def _chosen(readings: Sequence[Reading], *, newer: Collection[str]) -> list[tuple[Reading, Span]]:
    """Choose what to quote of the sorted readings, and from where to where: a sentence with the one that it needs.

    One of a newer article that would answer by itself has its place however far the best is before it: it may tell
    what has changed since.
    """
    later = {
        reading.span
        for reading in readings
        if reading.span.article_id in newer and probability(reading.log_odds) >= MEDIUM
    }
    close = [each for each in readings if each.span in later or each.score >= readings[0].score - GAP]
    changed = [each for each in close if each.span in later and not repeats(each, readings[0])]
    chosen: list[tuple[Reading, Span]] = []
    left = SENTENCES
    for reading in (*close[:1], *changed[:1], *close):
        if not left:
            break
        spans = [span for _, span in chosen]
        if any(_overlap(reading.span, span) for span in spans) or any(repeats(reading, other) for other, _ in chosen):
            continue
        span = reading.span
        if reading.before and left > 1 and not any(_overlap(reading.before, other) for other in spans):
            span = replace(span, start=reading.before.start)
            left -= 1
        chosen.append((reading, span))
        left -= 1
    return sorted(chosen, key=lambda each: -each[0].score)


def _overlap(one: Span, other: Span) -> bool:
    return one.article_id == other.article_id and one.start < other.end and other.start < one.end


def worded(question: str) -> str:
    """Give the question in characters that can be searched for and shown; raise when there is no word in it."""
    if not any(map(str.isalnum, question)):
        raise ClippingsError("there is no word in the question: ask in words or name a topic")
    return question.encode(errors="replace").decode()  # a lone surrogate is no character that an index can take


def cited(query: Query, hits: Sequence[Hit], retrieved: Sequence[Retrieved]) -> Answer:
    """Make an answer of sentences of the retrieved articles."""
    quotes, sources = numbered(hits, articles(retrieved))
    return Answer(query.asked, quotes, sources, searched=searched_for(query))


def not_found(query: Query, retrieved: Sequence[Retrieved]) -> Answer:
    """Make the answer that nothing answers, with the passages that come nearest."""
    quotes, sources = numbered(passage_hits(retrieved[:NEAREST]), articles(retrieved))
    return Answer(query.asked, (), sources, nearest=quotes, searched=searched_for(query))


def searched_for(query: Query) -> str | None:
    """Give what was searched for, None when it is the question as it was asked."""
    return query.text if query.text != query.asked else None


def numbered(hits: Sequence[Hit], articles: Mapping[str, Article]) -> tuple[tuple[Quote, ...], tuple[Article, ...]]:
    """Quote the hits and give their sources, numbered from 1 in order of first appearance; `articles` is by id."""
    numbers: dict[str, int] = {}
    quotes = []
    for hit in hits:
        number = numbers.setdefault(hit.span.article_id, len(numbers) + 1)
        text = articles[hit.span.article_id].text[hit.span.start : hit.span.end]
        quotes.append(Quote(hit.span, text, number, hit.score))
    return tuple(quotes), tuple(articles[id] for id in numbers)
