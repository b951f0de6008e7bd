"""Rank the passages that may answer: the lexical and the dense signal together."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from clippings.errors import ClippingsError
from clippings.index import Candidate, Index, Query
from clippings.records import Article, Hit

DEPTH = 100  # passages from each index; deeper changes no rank near the top
# Weights of the cosines against BM25 over its best. On news BM25 alone is as good, on encyclopedia paragraphs this sum
# is three points better; weights from .3 to 1 differ less than the measurement does.
PASSAGE_COSINE = 0.5
TITLE_COSINE = 0.3


@dataclass(frozen=True)
class Retrieved:
    """A passage in its article, and how well it fits, for ranking within one query only."""

    candidate: Candidate
    article: Article
    score: float


def retrieve(query: Query, index: Index, *, k: int) -> list[Retrieved]:
    """Give the best k passages, the best first; ties in order of passage."""
    candidates = index.search(query, DEPTH)
    best = max((each.bm25 for each in candidates), default=0.0) or 1.0
    scored = [
        (each.bm25 / best + PASSAGE_COSINE * each.cosine + TITLE_COSINE * each.title_cosine, each)
        for each in candidates
    ]
    ranked = sorted(scored, key=lambda pair: (-pair[0], pair[1].passage.number))[:k]
    found: dict[str, Article] = {}
    for id in {each.passage.span.article_id for _, each in ranked}:
        with suppress(ClippingsError):  # removed by another process since the search
            found[id] = index.article(id)
    return [
        Retrieved(each, found[each.passage.span.article_id], score)
        for score, each in ranked
        if each.passage.span.article_id in found
    ]


def passage_hits(retrieved: Sequence[Retrieved]) -> list[Hit]:
    """Give the retrieved passages as hits."""
    return [Hit(each.candidate.passage.span, each.score) for each in retrieved]


def articles(retrieved: Sequence[Retrieved]) -> dict[str, Article]:
    """Give the articles of the retrieved passages by id."""
    return {each.article.id: each.article for each in retrieved}
