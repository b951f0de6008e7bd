"""Summarize a topic with sentences of several articles that together say the most about it and repeat the least."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from clippings.answer import cited, not_found, worded
from clippings.embed import Vectors
from clippings.index import Index
from clippings.lexical import FUNCTION_WORDS
from clippings.read import POINTS_BACK
from clippings.records import Answer, Article, Hit
from clippings.retrieve import articles, retrieve

PASSAGES = 40  # read for one summary
RELEVANT = 0.35  # mean cosine of a sentence and its headline with the topic; less only where all its words are there
RELATED = 0.7  # of the most that a sentence has of it, that the others must have
TERMS = 0.2  # weight of the topic's own terms in the passage, BM25 over the best, beside those cosines
FEWEST, MOST = 3, 6  # sentences
PER_ARTICLE = 2  # sentences, so that several articles have a say; more only where the summary would be too short
NOVELTY = 0.3  # weight of not repeating against saying much
REPEATS = 0.8  # cosine between sentences; above it the second says what the first said
EDGE = 0.65  # of the most relevant sentence's relevance; less is the topic's edge, however new
SHORTEST = 40  # characters: less is a heading or a cry
LEANING = 0.15  # of relevance, lost by a sentence that begins by pointing back and so says little by itself


def summarize(topic: str, index: Index) -> Answer:
    """Give at most six sentences about the topic in the order of the articles' dates; no quotes when none is about it.

    Three at least where as many say something about it without repeating each other.

    Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998) where relevance is the mean of how much a sentence
    and its headline are about the topic, and of its centrality, the mean cosine with the other candidates (degree
    centrality as in LexRank, Erkan and Radev, JAIR 2004, without its threshold).
    """
    topic = worded(topic)
    query = index.query(topic)
    retrieved = retrieve(query, index, k=PASSAGES)
    sentences = [
        (span, vector, terms, each)
        for each in retrieved
        for span, vector, terms in zip(
            each.candidate.passage.sentences, each.candidate.passage.vectors, each.sentences, strict=True
        )
        if span.end - span.start >= SHORTEST
    ]
    if not sentences:
        return not_found(query, retrieved)
    vectors = np.array([vector for _, vector, _, _ in sentences], np.float32)
    about = (vectors @ query.vector + np.array([each.candidate.title_cosine for *_, each in sentences])) / 2
    if about.max() < RELEVANT:  # a bare name is like no sentence, and yet what has all of it is about it
        named = np.array([each.headline.union(terms).issuperset(query.content) for _, _, terms, each in sentences])
        if not named.any() or FUNCTION_WORDS.issuperset(query.text.lower().split()):
            return not_found(query, retrieved)
        about = np.where(named, np.maximum(about, 0), -1)
    best = max(each.candidate.bm25 for *_, each in sentences) or 1.0
    about += TERMS * np.array([each.candidate.bm25 / best for *_, each in sentences])
    near = np.flatnonzero(about >= RELATED * about.max())
    sentences, vectors = [sentences[place] for place in near], vectors[near]
    leaning = [
        LEANING * bool(POINTS_BACK.match(each.article.text[span.start : span.end])) for span, *_, each in sentences
    ]
    relevance = (about[near] + (vectors @ vectors.T).mean(axis=1)) / 2 - np.array(leaning)
    chosen = _chosen(vectors, relevance, [span.article_id for span, *_ in sentences])
    hits = [Hit(sentences[place][0], float(relevance[place])) for place in chosen]
    by_id = articles(retrieved)
    return cited(query, sorted(hits, key=lambda hit: _place(hit, by_id[hit.span.article_id])), retrieved)


def _chosen(vectors: Vectors, relevance: NDArray[np.float32], articles: list[str]) -> list[int]:
    """Pick sentence after sentence, each the best by relevance less its likeness to those before it."""
    likeness = vectors @ vectors.T
    chosen: list[int] = []
    while len(chosen) < MOST:
        repeated = likeness[chosen].max(axis=0) if chosen else np.zeros(len(relevance))
        gain = (1 - NOVELTY) * relevance - NOVELTY * repeated
        worth = (relevance >= EDGE * relevance.max()) & (repeated < REPEATS)
        new = [place for place in np.flatnonzero(worth).tolist() if place not in chosen]
        counts = Counter(articles[place] for place in chosen)
        open_places = [place for place in new if counts[articles[place]] < PER_ARTICLE]
        if not open_places and len(chosen) < FEWEST:
            open_places = new
        if not open_places:
            break
        best = max(open_places, key=lambda place: (gain[place], -place))
        chosen.append(best)
    return chosen


def _place(hit: Hit, article: Article) -> tuple[str, str, int]:
    """Sort by date, the undated last, and within an article as it reads."""
    return (article.published.isoformat() if article.published else "9999", article.id, hit.span.start)
