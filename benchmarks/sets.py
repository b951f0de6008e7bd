"""The data sets that benchmarks and training read, and how each is divided, by article, once and for all.

A part is drawn by the digest of a topic (squad) or of the day on which a question was asked (rtqa), so it does not
depend on what else is in a file. "train" teaches the reader, "tune" fits weights and thresholds, "report" gives the
figures; of files whose names begin with test- everything is "report".
"""

import gzip
import hashlib
import json
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from tqdm import tqdm

from clippings.clean import clean
from clippings.embed import Encoder
from clippings.index import Index
from clippings.records import Article, Page
from clippings.split import sentences

Part = Literal["train", "tune", "report"]

FILES = (("squad", "jsonl.gz"), ("rtqa", "questions.jsonl"), ("rtqa", "articles.jsonl.gz"), ("rtqa", "outside.jsonl"))
BLOCK = 100  # articles that are embedded and stored at once
SQUAD_PARTS: tuple[Part, ...] = ("report", "tune", "train", "train", "train", "train", "train", "report")
EVENT_PARTS: tuple[Part, ...] = ("tune", "report")
RTQA_PARTS: tuple[Part, ...] = ("report", "report", "report", "tune", "tune", "tune", "train", "train")


# A statement that becomes a question when its verb goes before its subject, if neither has a clause of its own.
STATED = re.compile(
    r"(?P<subject>(?:(?!\b(?:that|which|who|it|he|she|they|this|there|said|says?|suggests?)\b)[^,.;:—“”\"()]){3,60}?)"
    r" (?P<verb>is|are|was|were|has|have|had|will|would|can|could|may|might|must|should)"
    r" (?P<rest>[^,.;:—“”\"()]{12,140})(?=[,.;:—)]*(?:\s|$))",
    re.IGNORECASE,
)
SMALL = frozenset("The A An Some Several Many His Her Its Their These Those Other Most".split())


@dataclass(frozen=True)
class Gold:
    """An answer that a person marked; `start` counts characters of the paragraph."""

    text: str
    start: int


@dataclass(frozen=True)
class Asked:
    """A question, the article that answers it where that is known, and what the answer is; no gold: none is there."""

    id: str
    question: str
    part: Part
    article: str | None
    golds: tuple[Gold, ...]


@dataclass(frozen=True)
class Corpus:
    """Articles and the questions on them."""

    articles: tuple[Article, ...]
    asked: tuple[Asked, ...]


@dataclass(frozen=True)
class Event:
    """The stories of one event, and what can be asked about it without a question word."""

    part: Part
    stories: tuple[Article, ...]
    topic: str
    yes_or_no: tuple[str, ...]

    @property
    def ids(self) -> frozenset[str]:
        """Those of its stories."""
        return frozenset(story.id for story in self.stories)

    @property
    def asked(self) -> dict[str, tuple[str, ...]]:
        """What can be asked, by its sort."""
        return {"topic": (self.topic,), "yes or no": self.yes_or_no}


def squad(data: Path) -> Corpus:
    """Give every paragraph as an article of its own, titled with its topic."""
    path = _file(data / "squad", "jsonl.gz")
    rows = list(_rows(path))
    articles = {
        _digest(row["context"])[:16]: Article(_digest(row["context"])[:16], _title(row["title"]), row["context"])
        for row in rows
    }
    asked = tuple(
        Asked(
            row["id"],
            row["question"].strip(),
            _part(path, row["title"], SQUAD_PARTS),
            _digest(row["context"])[:16],
            tuple(Gold(answer["text"], answer["start"]) for answer in row["answers"]),
        )
        for row in rows
    )
    return Corpus(tuple(articles.values()), asked)


def rtqa(data: Path) -> Corpus:
    """Give the news articles, cleaned as ingest does, and the quiz questions; where a gold stands is not known (-1)."""
    path = _file(data / "rtqa", "questions.jsonl")
    articles = []
    for row in _rows(_file(data / "rtqa", "articles.jsonl.gz")):
        published = date.fromisoformat(row["published"][:10]) if row["published"] else None
        article = clean(Page(row["text"], "rtqa", title=row["title"], url=row["url"], published=published))
        if article:
            articles.append(replace(article, id=row["id"], path=None))
    asked = tuple(
        Asked(
            row["id"],
            row["question"],
            _part(path, row["asked"], RTQA_PARTS),
            next(iter(row["articles"]), None),
            tuple(Gold(answer, -1) for answer in row["answers"]),
        )
        for row in _rows(path)
    )
    return Corpus(tuple(articles), asked)


def outside(data: Path) -> tuple[Asked, ...]:
    """Give the questions of later years, which the rtqa articles cannot answer."""
    path = _file(data / "rtqa", "outside.jsonl")
    return tuple(
        Asked(row["id"], row["question"], _part(path, row["asked"], RTQA_PARTS), None, ()) for row in _rows(path)
    )


def events(data: Path) -> tuple[Event, ...]:
    """Give news events, each with the stories of some outlets and what can be asked about it without a question word.

    These are its title, and the statements of a summary, which are in other words than the stories, made questions.
    """
    if not (data / "summaries").is_dir():  # of other data, it may be left out
        return ()
    path = _file(data / "summaries", "jsonl")
    found = []
    for number, row in enumerate(_rows(path)):
        stories = tuple(
            Article(f"event{number}-{place}", story["title"], story["text"])
            for place, story in enumerate(row["stories"])
            if story["text"].strip()
        )
        summary = Article(f"event{number}", row["title"], row["summary"])
        statements = [yes_or_no(summary.text[span.start : span.end]) for span in sentences(summary)]
        part = _part(path, row["title"], EVENT_PARTS)
        found.append(Event(part, stories, topic=row["title"], yes_or_no=tuple(filter(None, statements))))
    return tuple(found)


def yes_or_no(statement: str) -> str | None:
    """Ask whether it is so; None for a statement that one cannot ask by putting its verb first."""
    match = STATED.match(statement)
    if not match:
        return None
    first, _, others = match["subject"].partition(" ")
    small = first.lower() if first in SMALL else first
    return f"{match['verb'].capitalize()} {f'{small} {others}'.strip()} {match['rest'].strip()}?"


def reuters(data: Path) -> Iterator[Article]:
    """Give short news stories, for speed and for the reader to learn from."""
    for number, row in enumerate(_rows(data / "reuters" / "articles.jsonl.gz")):
        article = clean(Page(row["text"], "reuters", title=row.get("title") or None))
        if article:
            yield replace(article, id=f"reuters{number}", path=None)


@contextmanager
def indexed(articles: Iterable[Article], encoder: Encoder) -> Iterator[Index]:
    """Make an index of the articles, and take it away afterwards."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(Index(Path(folder) / "index", encoder=encoder, writable=True)) as index,
    ):
        rest = iter(articles)
        with tqdm(desc="index", unit=" articles") as bar:
            while block := list(islice(rest, BLOCK)):
                index.add(block)
                bar.update(len(block))
        index.save()
        yield index


def fingerprint(data: Path) -> str:
    """Digest the sets that figures are made from, so that a pinned figure is compared with its own data only."""
    files = [_file(data / name, ending) for name, ending in FILES]
    return _digest("".join(hashlib.sha256(path.read_bytes()).hexdigest() for path in files))[:16]


def _file(folder: Path, ending: str) -> Path:
    """Find the one file that ends so: tune-questions.jsonl or test-questions.jsonl, tune.jsonl.gz or test.jsonl.gz."""
    found = sorted(
        path for path in folder.glob("*") if re.fullmatch(rf"(?:[a-z]+-)?[a-z]+[-.]{re.escape(ending)}", path.name)
    )
    if len(found) != 1:
        raise SystemExit(f"{folder}: {len(found)} files end in {ending}, not one: give the data's folder with --data")
    return found[0]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _part(path: Path, key: str, parts: tuple[Part, ...]) -> Part:
    return "report" if re.search(r"\btest\b", path.name) else parts[int(_digest(key), 16) % len(parts)]


def _title(topic: str) -> str:
    return topic.replace("_", " ")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
