"""Summarize a topic with sentences of several articles that together say the most about it and repeat the least."""

import re

import numpy as np
from numpy.typing import NDArray

from clippings.answer import cited, not_found, worded
from clippings.embed import Vectors
from clippings.index import Index
from clippings.records import Answer, Article, Hit
from clippings.retrieve import articles, retrieve

PASSAGES = 40  # read for one summary
RELEVANT = 0.35  # cosine with the topic that some sentence must have; without one, nothing is about the topic
RELATED = 0.2  # cosine that the others must have
FEWEST, MOST = 3, 6  # sentences
PER_ARTICLE = 2  # sentences, so that several articles have a say
NOVELTY = 0.4  # weight of not repeating against saying much
REPEATS = 0.8  # cosine between sentences; above it the second says what the first said
SHORTEST = 40  # characters: less is a heading or a cry
LEANING = 0.15  # of relevance, lost by a sentence that begins by pointing back and so says little by itself
POINTS_BACK = re.compile(
    r"[\W_]*(?:he|she|it|they|his|her|its|their|this|that|these|those|such|but|and|however"
    r"|according to (?:him|her|them))\b",
    re.IGNORECASE,
)


def summarize(topic: str, index: Index) -> Answer:
    """Give three to six sentences about the topic in the order of the articles' dates; no quotes when none is about it.

    Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998) where relevance is the mean of a sentence's cosine
    with the topic and its centrality, the mean cosine with the other candidates (degree centrality as in LexRank,
    Erkan and Radev, JAIR 2004, without its threshold).
    """
    query = index.query(worded(topic))
    retrieved = retrieve(query, index, k=PASSAGES)
    sentences = [
        (span, vector, each.article.text[span.start : span.end])
        for each in retrieved
        for span, vector in zip(each.candidate.passage.sentences, each.candidate.passage.vectors, strict=True)
        if float(vector @ query.vector) >= RELATED and span.end - span.start >= SHORTEST
    ]
    vectors = np.array([vector for _, vector, _ in sentences], np.float32).reshape(len(sentences), len(query.vector))
    cosines = vectors @ query.vector
    if not sentences or cosines.max() < RELEVANT:
        return not_found(topic, retrieved)
    leaning = np.array([LEANING if POINTS_BACK.match(text) else 0.0 for _, _, text in sentences], np.float32)
    relevance = (cosines + (vectors @ vectors.T).mean(axis=1)) / 2 - leaning
    chosen = _chosen(vectors, relevance, [span.article_id for span, _, _ in sentences])
    hits = [Hit(sentences[place][0], float(relevance[place])) for place in chosen]
    by_id = articles(retrieved)
    return cited(topic, sorted(hits, key=lambda hit: _place(hit, by_id[hit.span.article_id])), retrieved)


def _chosen(vectors: Vectors, relevance: NDArray[np.float32], articles: list[str]) -> list[int]:
    """Pick sentence after sentence, each the best by relevance less its likeness to those before it."""
    likeness = vectors @ vectors.T
    chosen: list[int] = []
    while len(chosen) < MOST:
        repeated = likeness[chosen].max(axis=0) if chosen else np.zeros(len(relevance))
        gain = (1 - NOVELTY) * relevance - NOVELTY * repeated
        full = {article for article in articles if sum(articles[place] == article for place in chosen) >= PER_ARTICLE}
        open_places = [
            place
            for place, article in enumerate(articles)
            if place not in chosen and article not in full and repeated[place] < REPEATS
        ]
        if not open_places:
            break
        best = max(open_places, key=lambda place: (gain[place], -place))
        if len(chosen) >= FEWEST and relevance[best] < relevance[chosen].mean() * 0.8:
            break  # the rest is about the topic's edge
        chosen.append(best)
    return chosen


def _place(hit: Hit, article: Article) -> tuple[str, str, int]:
    """Sort by date, the undated last, and within an article as it reads."""
    return (article.published.isoformat() if article.published else "9999", article.id, hit.span.start)
