"""Rank the passages that may answer, by all that the indexes, their own words and their articles' dates tell."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from clippings.index import Candidate, Index, Query
from clippings.records import Article, Hit
from clippings.when import nearness

DEPTH = 100  # passages from each index; deeper changes no rank near the top
POOL = 40  # of these, passages whose articles are looked at, which takes longer than all the rest
# What each signal says for a passage, and its weight in the sum that ranks passages: first what the indexes tell, then
# what the words tell. benchmarks/calibrate.py fits them on encyclopedia paragraphs and news together.
INDEX_WEIGHTS = {
    "text": 2.79,  # BM25 of its text over that of the best text
    "title": 4.18,  # BM25 of the headline over the same
    "passage": 1.07,  # cosine of the passage with the question
    "headline": 5.31,  # cosine of the headline
    "sentence": 11.11,  # cosine of its nearest sentence
}
WORD_WEIGHTS = {
    "covered": 5.19,  # share of the question's terms, by rarity, that one sentence and the headline have
    "pairs": 2.61,  # share of the question's pairs of neighbouring terms that are neighbours here too
}
# The weight of how near the article was published to the time asked about, by default that of the newest article. It is
# chosen, not fitted: the news questions at hand are all about the last weeks, and a fit on them gave 6.7.
DATE_WEIGHT = 2.0


@dataclass(frozen=True)
class Retrieved:
    """A passage in its article, and how well it fits, for ranking within one query only."""

    candidate: Candidate
    article: Article
    sentences: tuple[tuple[str, ...], ...]  # the terms of each, in order
    headline: frozenset[str]  # the terms of the article's
    score: float


def retrieve(query: Query, index: Index, *, k: int) -> list[Retrieved]:
    """Give the best k passages, the best first; ties in order of passage."""
    candidates = index.search(query, DEPTH)
    by_index = index_signals(query, candidates) @ np.array(list(INDEX_WEIGHTS.values()))
    pool = np.argsort(-by_index, kind="stable")[: max(POOL, k)].tolist()  # candidates come in order of passage
    rarity = index.rarity(query.content)
    retrieved = []
    for place in pool:
        each = _with_words(candidates[place], index, score=float(by_index[place]))
        if each:
            by_words = float(np.dot(word_signals(query, each, rarity=rarity), list(WORD_WEIGHTS.values())))
            by_date = DATE_WEIGHT * nearness(each.article.published, query.period)
            retrieved.append(replace(each, score=each.score + by_words + by_date))
    return sorted(retrieved, key=lambda each: (-each.score, each.candidate.passage.number))[:k]


def index_signals(query: Query, candidates: Sequence[Candidate]) -> NDArray[np.float32]:
    """Measure the signals of `INDEX_WEIGHTS` in its order, (candidates, signals)."""
    best = max((each.text_bm25 for each in candidates), default=0.0) or 1.0
    rows = [
        (
            each.text_bm25 / best,
            each.title_bm25 / best,
            each.cosine,
            each.title_cosine,
            float((each.passage.vectors @ query.vector).max(initial=-1.0)),
        )
        for each in candidates
    ]
    return np.array(rows, np.float32).reshape(-1, len(INDEX_WEIGHTS))


def word_signals(query: Query, retrieved: Retrieved, *, rarity: Mapping[str, float]) -> tuple[float, ...]:
    """Measure the signals of `WORD_WEIGHTS` in its order; `rarity` is that of the question's terms."""
    covered = max((share(rarity, retrieved.headline.union(terms)) for terms in retrieved.sentences), default=0.0)
    return covered, pairs(query, [term for terms in retrieved.sentences for term in terms])


def share(rarity: Mapping[str, float], terms: Collection[str]) -> float:
    """Give the share of the terms in `rarity`, by their weights there, that are among `terms`."""
    total = sum(rarity.values())
    return sum(weight for term, weight in rarity.items() if term in terms) / total if total else 0.0


def pairs(query: Query, terms: Sequence[str]) -> float:
    """Give the share of the question's pairs of neighbouring terms that are neighbours in `terms` too."""
    asked, found = list(pairwise(query.terms)), set(pairwise(terms))
    return sum(pair in found for pair in asked) / len(asked) if asked else 0.0


def passage_hits(retrieved: Sequence[Retrieved]) -> list[Hit]:
    """Give the retrieved passages as hits."""
    return [Hit(each.candidate.passage.span, each.score) for each in retrieved]


def articles(retrieved: Sequence[Retrieved]) -> dict[str, Article]:
    """Give the articles of the retrieved passages by id."""
    return {each.article.id: each.article for each in retrieved}


def _with_words(candidate: Candidate, index: Index, *, score: float) -> Retrieved | None:
    article = index.find(candidate.passage.span.article_id)
    if article is None:  # removed by another process since the search
        return None
    sentences = tuple(tuple(index.terms(article.text[span.start : span.end])) for span in candidate.passage.sentences)
    return Retrieved(candidate, article, sentences, headline=frozenset(index.terms(article.title)), score=score)
