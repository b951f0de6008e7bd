"""Parts that tests pass in: an encoder without a model, made-up articles, and an index that holds nothing yet."""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clippings.clean import content_id
from clippings.embed import Encoder, PassageVectors, Vectors
from clippings.index import Index
from clippings.records import Article, Span

DIMENSIONS = 64


class HashedEncoder(Encoder):
    """Counts words in hashed buckets, so that texts which share words are near: deterministic, and loads no model."""

    def __init__(self, name: str = "hashed-words") -> None:
        self.name = name
        self.sha256 = hashlib.sha256(name.encode()).hexdigest()

    @property
    def dimensions(self) -> int:
        return DIMENSIONS

    def query(self, text: str) -> NDArray[np.float32]:
        vector: NDArray[np.float32] = _vectors([text])[0]
        return vector

    def knows(self, word: str) -> bool:
        return False

    def texts(self, texts: Sequence[str]) -> Vectors:
        return _vectors(texts)

    def passages(self, texts: Sequence[str], sentences: Sequence[Sequence[Span]]) -> list[PassageVectors]:
        return [
            PassageVectors(_vectors([text])[0], _vectors([text[span.start : span.end] for span in spans]))
            for text, spans in zip(texts, sentences, strict=True)
        ]


def make_article(text: str, title: str = "", **fields: Any) -> Article:
    """Make an article of this text with the id that its content gives it."""
    article = Article(id="", title=title, text=text, **fields)
    return replace(article, id=content_id(article))


@pytest.fixture
def encoder() -> HashedEncoder:
    return HashedEncoder()


@pytest.fixture
def article() -> Callable[..., Article]:
    return make_article


@pytest.fixture
def index(tmp_path: Path, encoder: HashedEncoder) -> Iterator[Index]:
    """A writable index with nothing in it, in tmp_path/index."""
    index = Index(tmp_path / "index", encoder=encoder, writable=True)
    yield index
    index.close()


def _vectors(texts: Sequence[str]) -> Vectors:
    rows = np.zeros((len(texts), DIMENSIONS), np.float32)
    for row, text in zip(rows, texts, strict=True):
        for word in re.findall(r"\w+", text.lower()):
            row[_bucket(word)] += 1
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), np.float32)


@cache
def _bucket(word: str) -> int:
    return hashlib.sha256(word.encode()).digest()[0] % DIMENSIONS
