"""The data sets that benchmarks and training read, and how each is divided, by article, once and for all.

A part is drawn by the digest of a topic (squad, conversations, events) or of the day on which a question was asked
(rtqa), so it does not depend on what else is in a file. "train" teaches the reader, "tune" fits weights and thresholds,
"report" gives the figures; of files that have "test" in their names everything is "report".
"""

import gzip
import hashlib
import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
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
from clippings.records import Article, Page, Span
from clippings.split import sentences, split

Part = Literal["train", "tune", "report"]

FILES = (("squad", "jsonl.gz"), ("rtqa", "questions.jsonl"), ("rtqa", "articles.jsonl.gz"), ("rtqa", "outside.jsonl"))
BLOCK = 100  # articles that are embedded and stored at once
SQUAD_PARTS: tuple[Part, ...] = ("report", "tune", "train", "train", "train", "train", "train", "report")
RTQA_PARTS: tuple[Part, ...] = ("report", "report", "report", "tune", "tune", "tune", "train", "train")
CONVERSATION_PARTS: tuple[Part, ...] = ("train", "train", "tune", "report")
EVENT_PARTS: tuple[Part, ...] = ("tune", "report")
WRITTEN_PARTS: tuple[Part, ...] = ("tune", "report")
WRITTEN = Path(__file__).with_name(
    "news.jsonl"
)  # in the form of training/questions.jsonl, which has none of these articles
UNANSWERED = "I don't know."  # what the person answered who had the text, where it does not say


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
    """The stories of one event, and its title, in other words than theirs."""

    part: Part
    topic: str
    stories: tuple[Article, ...]


def squad(data: Path) -> Corpus:
    """Give every paragraph as an article of its own, titled with its topic."""
    path = _file(data / "squad", "jsonl.gz")
    questions = list(rows(path))
    articles = {
        digest(row["context"]): Article(digest(row["context"]), _title(row["title"]), row["context"])
        for row in questions
    }
    asked = tuple(
        Asked(
            row["id"],
            row["question"].strip(),
            _part(path, row["title"], SQUAD_PARTS),
            digest(row["context"]),
            tuple(Gold(answer["text"], answer["start"]) for answer in row["answers"]),
        )
        for row in questions
    )
    return Corpus(tuple(articles.values()), asked)


def rtqa(data: Path) -> Corpus:
    """Give the news articles, cleaned as ingest does, and the quiz questions; where a gold stands is not known (-1)."""
    path = _file(data / "rtqa", "questions.jsonl")
    articles = []
    for row in rows(_file(data / "rtqa", "articles.jsonl.gz")):
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
        for row in rows(path)
    )
    return Corpus(tuple(articles), asked)


def written(articles: Sequence[Article], path: Path = WRITTEN) -> tuple[Asked, ...]:
    """Give the questions that were written for this project on passages of the news; no gold: none answers them there.

    Of articles that are not there, or are split in another way than when they were written, there are none.
    """
    questions = {row["passage"]: row["questions"] for row in rows(path)}
    asked = []
    for article in articles:
        for span in passages(article):
            passage = digest(article.text[span.start : span.end])
            for number, each in enumerate(questions.pop(passage, ())):
                places = [(span.start + each["start"], span.start + each["end"])] if "start" in each else []
                golds = tuple(Gold(article.text[start:end], start) for start, end in places)
                part = _part(path, article.id, WRITTEN_PARTS)
                asked.append(Asked(f"{passage}-{number}", each["question"], part, article.id, golds))
    return tuple(asked)


def passages(article: Article) -> Iterator[Span]:
    """Give where each passage of an article stands in its text."""
    for group in split(article, sentences(article)):
        yield Span(article.id, group[0].start, group[-1].end)


def outside(data: Path) -> tuple[Asked, ...]:
    """Give the questions of later years, which the rtqa articles cannot answer."""
    path = _file(data / "rtqa", "outside.jsonl")
    return tuple(
        Asked(row["id"], row["question"], _part(path, row["asked"], RTQA_PARTS), None, ()) for row in rows(path)
    )


def events(data: Path) -> tuple[Event, ...]:
    """Give news events, each with the stories of some outlets; none of data that lacks them."""
    found = []
    for path in sorted((data / "summaries").glob("*neus*.jsonl")):
        for number, row in enumerate(rows(path)):
            stories = tuple(
                Article(f"event{number}-{place}", story["title"], story["text"])
                for place, story in enumerate(row["stories"])
                if story["text"].strip()
            )
            found.append(Event(_part(path, row["title"], EVENT_PARTS), row["title"], stories))
    return tuple(found)


def conversations(data: Path) -> Corpus:
    """Give what people asked who had not read the text, each question in full; nothing of data that lacks them.

    An article is what was answered in one conversation, a handful of sentences of a Wikipedia section.
    """
    articles, asked = [], []
    for path in sorted((data / "followups").glob("*canard*.jsonl")):
        turns: dict[str, list[dict[str, Any]]] = {}
        for row in rows(path):
            turns.setdefault(row["id"].partition("#")[0], []).append(row)
        for id, tasks in turns.items():
            topic, _, *said = tasks[-1]["history"]  # the last turn has what was said in all others
            text, golds = _said(said[1::2])
            if not text:
                continue
            articles.append(Article(id, topic, text))
            asked += [
                Asked(row["id"], row["rewrite"].strip(), _part(path, topic, CONVERSATION_PARTS), id, gold)
                for row, gold in zip(tasks, golds, strict=False)  # what the last one was answered is not known
                if "this article" not in row["rewrite"]  # which can only be asked of somebody who has it
            ]
    return Corpus(tuple(articles), tuple(asked))


def _said(answers: Sequence[str]) -> tuple[str, list[tuple[Gold, ...]]]:
    """Join answers to a text of whole sentences, each once, and say where each stands in it."""
    text = ""
    golds: list[tuple[Gold, ...]] = []
    for answer in (each.strip().rstrip(",;:") for each in answers):
        if answer == UNANSWERED or not answer:
            golds.append(())
            continue
        found = re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", text, re.IGNORECASE)
        start = found.start() if found else len(text)
        if not found:
            text += answer[0].upper() + answer[1:] + (" " if re.search(r"[.!?][\"”')]*$", answer) else ". ")
        golds.append((Gold(answer, start),))
    return text.rstrip(), golds


def reuters(data: Path) -> Iterator[Article]:
    """Give short news stories, for speed and for the reader to learn from."""
    for number, row in enumerate(rows(data / "reuters" / "articles.jsonl.gz")):
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


def halves(articles: Sequence[tuple[str, Article]], encoder: Encoder) -> Iterator[tuple[frozenset[str], Index]]:
    """Give either half of the topics with an index of its articles, so that all questions can be put to both.

    Each article comes with its topic.
    """
    topics = sorted({topic for topic, _ in articles}, key=digest)
    for half in (frozenset(topics[::2]), frozenset(topics[1::2])):
        with indexed((article for topic, article in articles if topic in half), encoder) as index:
            yield half, index


def fingerprint(data: Path) -> str:
    """Digest squad and rtqa, so that a pinned figure is compared with its own data only."""
    files = [_file(data / name, ending) for name, ending in FILES]
    return digest("".join(hashlib.sha256(path.read_bytes()).hexdigest() for path in files))


def _file(folder: Path, ending: str) -> Path:
    """Find the one file that ends so: tune-questions.jsonl or test-questions.jsonl, tune.jsonl.gz or test.jsonl.gz."""
    found = sorted(path for path in folder.glob("*") if re.fullmatch(rf"[a-z]+[-.]{re.escape(ending)}", path.name))
    if len(found) != 1:
        raise SystemExit(f"{folder}: {len(found)} files end in {ending}, not one: give the data's folder with --data")
    return found[0]


def digest(text: str) -> str:
    """Give 16 digits of the SHA-256 of a text, by which a paragraph is known."""
    return _sha256(text)[:16]


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Give the rows of a JSON Lines file, packed or not."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _part(path: Path, key: str, parts: tuple[Part, ...]) -> Part:
    return "report" if re.search(r"\btest\b", path.name) else parts[int(_sha256(key), 16) % len(parts)]


def _title(topic: str) -> str:
    return topic.replace("_", " ")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
