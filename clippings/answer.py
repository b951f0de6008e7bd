"""Answer a question with the sentences that answer it, or say that none does."""

from collections.abc import Mapping, Sequence

from clippings.errors import ClippingsError
from clippings.index import Index
from clippings.read import Reading, confidence, probability, read, repeats
from clippings.records import Answer, Article, Confidence, Hit, Quote
from clippings.retrieve import Retrieved, articles, passage_hits, retrieve

PASSAGES = 10  # read for one question
QUOTES = 3  # sentences in an answer at most
NEAREST = 3  # passages shown when nothing answers
# Probabilities that the best sentence answers. benchmarks/calibrate.py measures on topics that it did not fit: at FOUND
# precision and recall of refusing questions near the topic are .79 and .80, and 89 % of the answerable questions are
# answered; of the answers at HIGH, 88 % are right.
FOUND, MEDIUM, HIGH = 0.25, 0.45, 0.70
GAP = 2.0  # log-odds, at most, between the best sentence and a further one: enough to show where outlets differ


def answer(question: str, index: Index) -> Answer:
    """Answer with at most three sentences, the best first; without quotes when nothing answers."""
    question = worded(question)
    query = index.query(question)
    retrieved = retrieve(query, index, k=PASSAGES)
    readings = read(query, retrieved, index)
    best = confidence(readings[0]) if readings else 0.0
    if best < FOUND:
        return not_found(question, retrieved)
    chosen: list[Reading] = []
    for reading in readings:
        if len(chosen) == QUOTES or reading.score < readings[0].score - GAP:
            break
        if not any(repeats(reading, other) for other in chosen):
            chosen.append(reading)
    hits = [Hit(reading.span, probability(reading.score)) for reading in chosen]
    band: Confidence = "high" if best >= HIGH else "medium" if best >= MEDIUM else "low"
    return cited(question, hits, retrieved, confidence=band)


def worded(question: str) -> str:
    """Give the question in characters that can be searched for and shown; raise when there is no word in it."""
    if not any(map(str.isalnum, question)):
        raise ClippingsError("there is no word in the question: ask in words or name a topic")
    return question.encode(errors="replace").decode()  # a lone surrogate is no character that an index can take


def cited(
    question: str, hits: Sequence[Hit], retrieved: Sequence[Retrieved], *, confidence: Confidence | None = None
) -> Answer:
    """Make an answer of sentences of the retrieved articles."""
    quotes, sources = numbered(hits, articles(retrieved))
    return Answer(question, quotes, sources, confidence)


def not_found(question: str, retrieved: Sequence[Retrieved]) -> Answer:
    """Make the answer that nothing answers, with the passages that come nearest."""
    quotes, sources = numbered(passage_hits(retrieved[:NEAREST]), articles(retrieved))
    return Answer(question, (), sources, nearest=quotes)


def numbered(hits: Sequence[Hit], articles: Mapping[str, Article]) -> tuple[tuple[Quote, ...], tuple[Article, ...]]:
    """Quote the hits and give their sources, numbered from 1 in order of first appearance; `articles` is by id."""
    numbers: dict[str, int] = {}
    quotes = []
    for hit in hits:
        number = numbers.setdefault(hit.span.article_id, len(numbers) + 1)
        text = articles[hit.span.article_id].text[hit.span.start : hit.span.end]
        quotes.append(Quote(hit.span, text, number, hit.score))
    return tuple(quotes), tuple(articles[id] for id in numbers)
