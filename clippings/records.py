"""What the stages hand to each other: frozen records, no behaviour beyond their own arithmetic."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

Confidence = Literal["high", "medium", "low"]


@dataclass(frozen=True)
class Page:
    """What one file, or one line of a .jsonl file, says before it is cleaned."""

    text: str
    path: str  # the file, as the index names it
    title: str | None = None
    url: str | None = None
    outlet: str | None = None
    author: str | None = None
    published: date | None = None
    line: int | None = None  # 1-based, in a .jsonl file


@dataclass(frozen=True)
class Article:
    """A cleaned article; `text` never changes again, and every span counts characters of it."""

    id: str  # from the content, so the same article has the same id everywhere
    title: str
    text: str  # paragraphs joined by one blank line
    path: str | None = None
    url: str | None = None
    outlet: str | None = None
    author: str | None = None
    published: date | None = None  # None unless something gives day, month and year
    dateline: str | None = None  # place and date as the text has them: "MOSCOW, January 13"


@dataclass(frozen=True)
class Skip:
    """Something that ingest could not take in."""

    where: str  # "notes.txt" or "archive.jsonl:17"
    reason: str


@dataclass(frozen=True, order=True)
class Span:
    """Characters [start, end) of an article's text; spans nest (passage, sentence, highlight)."""

    article_id: str
    start: int
    end: int


@dataclass(frozen=True)
class Hit:
    """A passage or a sentence that fits a query; a higher score is better, always."""

    span: Span
    score: float


@dataclass(frozen=True)
class Quote:
    """A verbatim sentence of an article and the number of the source that it is cited from."""

    span: Span
    text: str  # article.text[span.start : span.end]
    source: int  # 1-based, into Answer.sources
    score: float
    highlight: Span | None = None  # the short answer inside the quote, in the article's characters


@dataclass(frozen=True)
class Answer:
    """Quotes and their sources; no quotes is an honest "not found", and then `nearest` has the closest passages."""

    question: str
    quotes: tuple[Quote, ...]
    sources: tuple[Article, ...]  # source n is sources[n - 1]; only those that are cited
    confidence: Confidence | None = None
    nearest: tuple[Quote, ...] = ()
    searched: str | None = None  # what was searched for, where it is not the question as it was asked

    @property
    def found(self) -> bool:
        """Whether anything answers."""
        return bool(self.quotes)


@dataclass(frozen=True)
class Recipe:
    """How an index was made; stored in it, so that another model or format is refused when it is opened."""

    model: str
    model_sha256: str
    passage_words: int
    format: int  # of the database; changes when older indexes can no longer be read
