"""Answer a question with the sentences that answer it, or say that none does."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from clippings.errors import ClippingsError
from clippings.index import Index, Query
from clippings.read import Reading, asks_yes_or_no, probability, read, repeats
from clippings.reader import Reader
from clippings.records import Answer, Article, Confidence, Hit, Quote, Span
from clippings.retrieve import Retrieved, articles, passage_hits, retrieve

PASSAGES = 7  # read for one question: more takes longer and finds hardly more (CONTRIBUTING.md)
SENTENCES = 3  # quoted in an answer at most
NEAREST = 3  # passages shown when nothing answers
# Probabilities that the best sentence answers, chosen on the "tune" part of the data (benchmarks/calibrate.py). At
# FOUND .90 of the questions that the articles of a small index answer (80) are answered with the reader and .90
# without, and .96 and .88 of those near its topic that they do not (48) are refused; benchmarks/RESULTS.md has what
# that gives elsewhere.
FOUND, MEDIUM, HIGH = 0.12, 0.35, 0.65
GAP = 4.0  # log-odds, at most, between the best sentence and a further one, unless that is later news: enough to show
# where outlets differ


@dataclass(frozen=True)
class Considered:
    """A question and what was read for it."""

    query: Query
    retrieved: tuple[Retrieved, ...]  # the best first
    readings: tuple[Reading, ...]  # the best first

    @property
    def probability(self) -> float:
        """How likely the best of that answers, 0 to 1."""
        return _likely(self.readings)


def answer(question: str, index: Index, *, reader: Reader | None = None) -> Answer:
    """Answer with at most three sentences; without quotes when nothing answers."""
    considered = consider(question, index, reader=reader)
    return quoted(considered) if considered.probability >= FOUND else not_found(considered.query, considered.retrieved)


def consider(question: str, index: Index, *, reader: Reader | None = None) -> Considered:
    """Find and read what may answer."""
    query = index.query(worded(question))
    retrieved = retrieve(query, index, k=PASSAGES)
    readings = read(query, retrieved, index, reader=reader)
    return Considered(query, tuple(retrieved), tuple(readings))


def _likely(readings: Sequence[Reading]) -> float:
    return probability(readings[0].log_odds) if readings else 0.0


def quoted(considered: Considered) -> Answer:
    """Quote the best that was read, however likely it answers; within `GAP` what was published last comes first."""
    readings, latest = considered.readings, _latest(considered)
    if latest and latest[0].score >= readings[0].score - GAP:
        first = replace(latest[0], score=readings[0].score)
        readings = (first, *(each for each in readings if each.span != first.span))
    best = _likely(readings)
    chosen = _chosen(readings, latest=latest)
    hits = [Hit(span, best * math.exp(each.score - readings[0].score)) for each, span in chosen]
    given = cited(considered.query, hits, considered.retrieved)
    quotes = tuple(
        replace(quote, highlight=each.highlight) for quote, (each, _) in zip(given.quotes, chosen, strict=True)
    )
    return replace(given, quotes=quotes, confidence=_confidence(best, considered.query))


def _confidence(likely: float, query: Query) -> Confidence:
    """Put into a word how likely the best sentence answers."""
    # A sentence that merely resembles a question for yes or no looks like its answer (CONTRIBUTING.md).
    high, medium = (math.inf, HIGH) if asks_yes_or_no(query.text) else (HIGH, MEDIUM)
    return "high" if likely >= high else "medium" if likely >= medium else "low"


def _latest(considered: Considered) -> list[Reading]:
    """Give what was published last that may answer, if later than the best sentence and its reprints: things change.

    Nothing where a time is asked about that is not the present, or when the best sentence is of unknown date.
    """
    days = {id: article.published for id, article in articles(considered.retrieved).items()}
    said = [(day, each) for each in considered.readings if (day := days[each.span.article_id])]
    best = [day for day, each in said if repeats(each, considered.readings[0])]
    period = considered.query.period
    if not best or not period or period[0] < period[1]:
        return []
    later = [(day, each) for day, each in said if day > max(best) and probability(each.log_odds) >= MEDIUM]
    return [each for day, each in later if day == max(day for day, _ in later)]


def _chosen(readings: Sequence[Reading], *, latest: Sequence[Reading]) -> list[tuple[Reading, Span]]:
    """Choose what to quote of the sorted readings, and from where to where; of the latest at least one sentence."""
    spans = {each.span for each in latest}
    close = [each for each in readings if each.span in spans or each.score >= readings[0].score - GAP]
    chosen = _placed(close, places=SENTENCES)
    news = [each for each in latest if not any(repeats(each, other) for other, _ in chosen)]
    if news and not any(_overlap(each.span, span) for each in latest for _, span in chosen):
        places = 2 if news[0].before else 1
        chosen = _placed(news[:1], places=places, after=_placed(close, places=SENTENCES - places))
    return chosen


def _placed(
    readings: Sequence[Reading], *, places: int, after: Sequence[tuple[Reading, Span]] = ()
) -> list[tuple[Reading, Span]]:
    """Add sentences to what is chosen, in their order, each with the one that it needs where both have a place."""
    chosen = list(after)
    for reading in readings:
        if not places:
            break
        spans = [span for _, span in chosen]
        if any(_overlap(reading.span, span) for span in spans) or any(repeats(reading, other) for other, _ in chosen):
            continue
        span = reading.span
        if reading.before and places > 1 and not any(_overlap(reading.before, other) for other in spans):
            span = replace(span, start=reading.before.start)
            places -= 1
        chosen.append((reading, span))
        places -= 1
    return chosen


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
