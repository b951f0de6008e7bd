"""Answer a question with the sentences that answer it, or say that none does."""

from collections.abc import Mapping, Sequence

from clippings.errors import ClippingsError
from clippings.index import Index
from clippings.read import Reading, read
from clippings.records import Answer, Article, Confidence, Hit, Quote
from clippings.retrieve import Retrieved, retrieve

PASSAGES = 10  # read for one question
QUOTES = 3  # sentences in an answer at most
NEAREST = 3  # passages shown when nothing answers
# Of the probability that a sentence answers: measured with benchmarks/calibrate.py
FOUND = 0.30
MEDIUM, HIGH = 0.45, 0.65
SHARE = 0.5  # of the best sentence's probability that a further one must have
REPEATS = 0.9  # cosine between sentences; above it the second is a reprint of the first


def answer(question: str, index: Index) -> Answer:
    """Answer with at most three sentences, the best first; without quotes when nothing answers."""
    query = index.query(worded(question))
    retrieved = retrieve(query, index, k=PASSAGES)
    articles = {
        span.article_id: index.article(span.article_id) for span in (each.candidate.passage.span for each in retrieved)
    }
    readings = read(query, retrieved, index, articles=articles)
    best = readings[0].probability if readings else 0.0
    if best < FOUND:
        return not_found(question, retrieved, articles)
    chosen: list[Reading] = []
    for reading in readings:
        if len(chosen) == QUOTES or reading.probability < best * SHARE:
            break
        if all(float(reading.vector @ other.vector) < REPEATS for other in chosen):
            chosen.append(reading)
    hits = [Hit(reading.span, reading.probability) for reading in chosen]
    confidence: Confidence = "high" if best >= HIGH else "medium" if best >= MEDIUM else "low"
    return cited(question, hits, articles, confidence=confidence)


def worded(question: str) -> str:
    """Give the question back when there is a word in it."""
    if not any(map(str.isalnum, question)):
        raise ClippingsError("there is no word in the question: ask in words or name a topic")
    return question.encode(errors="replace").decode()  # a lone surrogate is no character that an index can take


def cited(
    question: str, hits: Sequence[Hit], articles: Mapping[str, Article], *, confidence: Confidence | None = None
) -> Answer:
    """Make an answer of the sentences, their sources numbered in order of first appearance."""
    quotes, sources = _numbered(hits, articles)
    return Answer(question, quotes, sources, confidence)


def not_found(question: str, retrieved: Sequence[Retrieved], articles: Mapping[str, Article]) -> Answer:
    """Make the answer that nothing answers, with the passages that come nearest."""
    nearest = [Hit(each.candidate.passage.span, each.score) for each in retrieved[:NEAREST]]
    quotes, sources = _numbered(nearest, articles)
    return Answer(question, (), sources, nearest=quotes)


def _numbered(hits: Sequence[Hit], articles: Mapping[str, Article]) -> tuple[tuple[Quote, ...], tuple[Article, ...]]:
    numbers: dict[str, int] = {}
    quotes = []
    for hit in hits:
        number = numbers.setdefault(hit.span.article_id, len(numbers) + 1)
        text = articles[hit.span.article_id].text[hit.span.start : hit.span.end]
        quotes.append(Quote(hit.span, text, number, hit.score))
    return tuple(quotes), tuple(articles[id] for id in numbers)
