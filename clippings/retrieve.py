"""Rank the passages that may answer: the lexical and the dense signal together."""

from dataclasses import dataclass

from clippings.index import Candidate, Index, Query

DEPTH = 100  # passages from each index; deeper changes no rank near the top
# Weights of the cosines against BM25 over its best; rank fusion loses to BM25 alone on news, this sum does not.
PASSAGE_COSINE = 1.0
TITLE_COSINE = 0.3


@dataclass(frozen=True)
class Retrieved:
    """A candidate and how well it fits, for ranking within one query only."""

    candidate: Candidate
    score: float


def retrieve(query: Query, index: Index, *, k: int = 20) -> list[Retrieved]:
    """Give the best k passages, the best first; ties in order of passage."""
    candidates = index.search(query, DEPTH)
    best = max((each.bm25 for each in candidates), default=0.0) or 1.0
    scored = [
        Retrieved(each, each.bm25 / best + PASSAGE_COSINE * each.cosine + TITLE_COSINE * each.title_cosine)
        for each in candidates
    ]
    return sorted(scored, key=lambda each: (-each.score, each.candidate.passage.number))[:k]
