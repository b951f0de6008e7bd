"""The truth about an index: articles, passages and vectors in one SQLite database, changed by transactions."""

import hashlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clippings.embed import PassageVectors, Vectors
from clippings.errors import ClippingsError
from clippings.records import Article, Recipe, Span

SCHEMA = """
CREATE TABLE IF NOT EXISTS recipe (model TEXT, model_sha256 TEXT, passage_words INTEGER, format INTEGER);
CREATE TABLE IF NOT EXISTS articles (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, text TEXT NOT NULL, url TEXT, outlet TEXT, author TEXT, published TEXT,
    dateline TEXT, title_vector BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS articles_published ON articles (published);
-- sha256 is NULL while a file is being read, so that a run that was killed is taken up again
CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, sha256 TEXT);
-- the same article may stand in several files; it stays as long as one of them has it
CREATE TABLE IF NOT EXISTS holdings (
    path TEXT NOT NULL, article_id TEXT NOT NULL, PRIMARY KEY (path, article_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS holdings_article ON holdings (article_id);
-- numbers are never used again, so that a number means the same passage in the lexical and the dense index for ever
CREATE TABLE IF NOT EXISTS passages (
    number INTEGER PRIMARY KEY AUTOINCREMENT, article_id TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
    vector BLOB NOT NULL, sentences BLOB NOT NULL, sentence_vectors BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS passages_article ON passages (article_id, number);
-- a change's digest is over the recipe and all changes up to it, so it names one state of one index and of no other
CREATE TABLE IF NOT EXISTS changes (
    number INTEGER PRIMARY KEY AUTOINCREMENT, first INTEGER NOT NULL, last INTEGER NOT NULL, added INTEGER NOT NULL,
    digest TEXT NOT NULL UNIQUE
);
"""
# What a user can mend, by SQLite's primary result code; everything else is a broken file.
REMEDIES = {
    sqlite3.SQLITE_BUSY: "another ingest is at work on it: try again when that is done",
    sqlite3.SQLITE_FULL: "make room on the disk and try again",
    sqlite3.SQLITE_READONLY: "allow writing to it and to its folder, which reading needs as well",
    sqlite3.SQLITE_CANTOPEN: "allow reading and writing it and its folder",
    sqlite3.SQLITE_PERM: "allow reading and writing it and its folder",
}
REBUILD = "move it away and build it again with python ingest.py ARTICLES"
SPANS = np.int32  # sentence spans are stored as (n, 2) start and end
FLOATS = np.float16  # unit vectors lose less than 0.001 of a cosine


@dataclass(frozen=True)
class Encoded:
    """An article ready to store: its passages, each a run of sentences, and the vectors of all."""

    article: Article
    title: NDArray[np.float32]  # (dim,), of the headline
    passages: tuple[tuple[Span, ...], ...]
    vectors: tuple[PassageVectors, ...]  # one a passage


@dataclass(frozen=True)
class Change:
    """An article's passages, numbered first to last, came or went."""

    first: int
    last: int
    added: bool
    state: str  # of the store, right after it


@dataclass(frozen=True)
class Passage:
    """A stored passage with its sentences and all their vectors."""

    number: int
    span: Span
    title: NDArray[np.float32]  # (dim,), of the article's headline
    vector: NDArray[np.float32]  # (dim,), of the passage as a whole
    sentences: tuple[Span, ...]
    vectors: Vectors  # (sentences, dim)


@dataclass(frozen=True)
class Text:
    """What the lexical index needs of a passage."""

    number: int
    title: str
    text: str


class Store:
    """One open database; threads that share it take turns, and other processes may write at the same time.

    Every method raises ClippingsError when the database is locked, full, not permitted or broken.
    """

    def __init__(self, path: Path, writable: bool = False) -> None:
        """Open the database at `path`; a writable one is created when there is none."""
        self.path = path
        self._lock = threading.RLock()
        mode = "rwc" if writable else "rw"  # even a reader needs write access to the write-ahead log's shared memory
        with self._errors():
            self._db = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode={mode}",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
                timeout=30,
            )
        try:
            if writable:
                self._prepare()
        except BaseException:
            self._db.close()
            raise

    def _prepare(self) -> None:
        self._run("PRAGMA journal_mode = WAL")
        self._run("PRAGMA synchronous = NORMAL")  # a power cut may cost the last blocks, and never breaks the file
        self._run("PRAGMA secure_delete = ON")  # what is removed is overwritten, not only unlinked
        if not self._run("SELECT 1 FROM sqlite_master WHERE name = 'articles_published'"):  # what was added last
            with self._errors():
                self._db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")

    def close(self) -> None:
        """Close the database; a last writer folds the log back into the one file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make what is done inside happen all or not at all; other threads wait and see nothing half done."""
        with self._lock:
            self._run("BEGIN IMMEDIATE")
            try:
                yield
                self._run("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # a full disk ends it by itself
                    self._db.execute("ROLLBACK")
                raise

    def _run(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and give all its rows; a cursor left open would be in another thread's way."""
        with self._lock, self._errors():
            return self._db.execute(statement, values).fetchall()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:
            raise
        except sqlite3.DatabaseError as error:
            remedy = REMEDIES.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, REBUILD)
            raise ClippingsError(f"{self.path}: {error}: {remedy}") from error

    def recipe(self) -> Recipe | None:
        """Give how the index was made; None while nothing has been stored."""
        if not self._run("SELECT 1 FROM sqlite_master WHERE name = 'recipe'"):
            return None
        rows = self._run(f"SELECT {', '.join(field.name for field in fields(Recipe))} FROM recipe")
        return Recipe(*rows[0]) if rows else None

    def set_recipe(self, recipe: Recipe) -> None:
        """Record how the index is made."""
        names = ", ".join(field.name for field in fields(Recipe))
        self._run(f"INSERT INTO recipe ({names}) VALUES ({', '.join('?' * len(fields(Recipe)))})", astuple(recipe))

    # Articles and the files that hold them

    def counts(self) -> tuple[int, int]:
        """Count (articles, passages)."""
        [(articles, passages)] = self._run("SELECT (SELECT count(*) FROM articles), (SELECT count(*) FROM passages)")
        return articles, passages

    def dates(self) -> tuple[date, date] | None:
        """Give the earliest and the latest day of publication, None when no article has one."""
        ends = "(SELECT min(published) FROM articles), (SELECT max(published) FROM articles)"  # each from the index
        [(first, last)] = self._run(f"SELECT {ends}")
        return (date.fromisoformat(first), date.fromisoformat(last)) if first else None

    def article(self, id: str) -> Article | None:
        """Give the article, its path the first of the files that hold it."""
        path = "(SELECT min(path) FROM holdings WHERE article_id = id)"
        names = f"id, title, text, {path}, url, outlet, author, published, dateline"
        for row in self._run(f"SELECT {names} FROM articles WHERE id = ?", (id,)):
            return replace(Article(*row), published=date.fromisoformat(row[7]) if row[7] else None)
        return None

    def articles(self) -> Iterator[Article]:
        """Give every article by date, the undated last, then by title; one that goes meanwhile is left out."""
        for (id,) in self._run("SELECT id FROM articles ORDER BY published IS NULL, published, title, id"):
            if article := self.article(id):
                yield article

    def paths(self) -> list[str]:
        """Give the names of the files that hold articles."""
        return [path for (path,) in self._run("SELECT DISTINCT path FROM holdings ORDER BY path")]

    def held_by(self, path: str) -> list[str]:
        """Give the ids of the articles that stand in the file."""
        rows = self._run("SELECT article_id FROM holdings WHERE path = ? ORDER BY article_id", (path,))
        return [id for (id,) in rows]

    def unchanged(self, path: str, sha256: str) -> int | None:
        """Count the articles of a file that was last read to its end with this content; None when it was not."""
        rows = self._run(
            "SELECT (SELECT count(*) FROM holdings WHERE path = files.path) FROM files WHERE path = ? AND sha256 = ?",
            (path, sha256),
        )
        return rows[0][0] if rows else None

    def hold(self, path: str, id: str) -> None:
        """Record that the article, if it is still there, stands in the file, which is being read."""
        self._run(
            "INSERT INTO files (path, sha256) VALUES (?, NULL) ON CONFLICT (path) DO UPDATE SET sha256 = NULL", (path,)
        )
        self._run("INSERT OR IGNORE INTO holdings SELECT ?, id FROM articles WHERE id = ?", (path, id))

    def finish_file(self, path: str, sha256: str, ids: set[str]) -> int:
        """Record that the file was read to its end and holds these articles and no others; count those that go."""
        removed = 0
        held = {id for (id,) in self._run("SELECT article_id FROM holdings WHERE path = ?", (path,))}
        for id in sorted(held - ids):
            self._run("DELETE FROM holdings WHERE path = ? AND article_id = ?", (path, id))
            if not self._run("SELECT 1 FROM holdings WHERE article_id = ? LIMIT 1", (id,)):
                self.remove(id)
                removed += 1
        self._run("INSERT OR REPLACE INTO files (path, sha256) VALUES (?, ?)", (path, sha256))
        return removed

    def add(self, encoded: Encoded) -> None:
        """Store an article with its passages and vectors."""
        article = encoded.article
        self._run(
            "INSERT INTO articles (id, title, text, url, outlet, author, published, dateline, title_vector)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(article.id, article.title, article.text, article.url, article.outlet, article.author),
                article.published.isoformat() if article.published else None,
                article.dateline,
                encoded.title.astype(FLOATS).tobytes(),
            ),
        )
        numbers = [
            self._add_passage(article.id, spans, vectors)
            for spans, vectors in zip(encoded.passages, encoded.vectors, strict=True)
        ]
        if numbers:
            self._change(article.id, first=numbers[0], last=numbers[-1], added=True)

    def _add_passage(self, article_id: str, spans: Sequence[Span], vectors: PassageVectors) -> int:
        [(number,)] = self._run(
            'INSERT INTO passages (article_id, start, "end", vector, sentences, sentence_vectors)'
            " VALUES (?, ?, ?, ?, ?, ?) RETURNING number",
            (
                *(article_id, spans[0].start, spans[-1].end),
                vectors.passage.astype(FLOATS).tobytes(),
                np.array([(span.start, span.end) for span in spans], SPANS).tobytes(),
                vectors.sentences.astype(FLOATS).tobytes(),
            ),
        )
        return int(number)

    def remove(self, id: str) -> None:
        """Remove an article everywhere; the files that held it will be read again when they are next given."""
        [(first, last)] = self._run("SELECT min(number), max(number) FROM passages WHERE article_id = ?", (id,))
        if first is not None:
            self._change(id, first=first, last=last, added=False)
        held = "SELECT path FROM holdings WHERE article_id = ?"
        self._run(f"UPDATE files SET sha256 = NULL WHERE path IN ({held})", (id,))
        for table, column in (("passages", "article_id"), ("holdings", "article_id"), ("articles", "id")):
            self._run(f"DELETE FROM {table} WHERE {column} = ?", (id,))

    def _change(self, id: str, *, first: int, last: int, added: bool) -> None:
        before = self.state() or self.recipe()  # so that no two indexes of different models share a state
        digest = hashlib.sha256(f"{before} {id} {first} {last} {added}".encode()).hexdigest()[:16]
        self._run(
            "INSERT INTO changes (first, last, added, digest) VALUES (?, ?, ?, ?)", (first, last, int(added), digest)
        )

    # What the derived indexes are made from

    def state(self) -> str:
        """Give the digest of all changes so far, empty before the first."""
        rows = self._run("SELECT digest FROM changes ORDER BY number DESC LIMIT 1")
        return rows[0][0] if rows else ""

    def changes(self, since: str) -> list[Change] | None:
        """Give the changes after the state `since`, in order; None when this index was never in that state."""
        known = self._run("SELECT number FROM changes WHERE digest = ?", (since,)) if since else [(0,)]
        if not known:
            return None
        rows = self._run("SELECT first, last, added, digest FROM changes WHERE number > ? ORDER BY number", known[0])
        return [Change(first, last, bool(added), state) for first, last, added, state in rows]

    def texts(self, first: int, last: int) -> list[Text]:
        """Give the passages numbered first to last as far as they are still there."""
        rows = self._run(
            'SELECT number, title, substr(text, start + 1, "end" - start)'
            " FROM passages JOIN articles ON id = article_id WHERE number BETWEEN ? AND ? ORDER BY number",
            (first, last),
        )
        return [Text(*row) for row in rows]

    def vectors(self, first: int, last: int) -> tuple[NDArray[np.int64], Vectors]:
        """Give the numbers (n,) and the vectors (n, dim) of the passages from first to last that are still there."""
        rows = self._run(
            "SELECT number, vector FROM passages WHERE number BETWEEN ? AND ? ORDER BY number", (first, last)
        )
        numbers = np.array([number for number, _ in rows], np.int64)
        return numbers, _floats(b"".join(vector for _, vector in rows), len(rows))

    # What answers are made from

    def passages(self, numbers: Sequence[int]) -> list[Passage]:
        """Give these passages in this order; one that has gone since is left out."""
        rows = self._run(
            'SELECT number, article_id, start, "end", title_vector, vector, sentences, sentence_vectors'
            " FROM passages JOIN articles ON id = article_id"
            f" WHERE number IN ({', '.join('?' * len(numbers))})",
            tuple(numbers),
        )
        found = {passage.number: passage for passage in _passages(rows)}
        return [found[number] for number in numbers if number in found]

    # Whether it is whole

    def check(self) -> list[str]:
        """Name what SQLite itself finds wrong, and what does not fit together."""
        problems = [line for (line,) in self._run("PRAGMA integrity_check") if line != "ok"]
        problems += [
            f"{path}: holds article {id}, which is not there"
            for path, id in self._run(
                "SELECT path, article_id FROM holdings LEFT JOIN articles ON id = article_id WHERE id IS NULL"
            )
        ]
        problems += [f"passage {number}: does not fit its article" for number in self._misplaced()]
        return [f"{self.path.name}: {problem}" for problem in problems]

    def _misplaced(self) -> list[int]:
        """Give the numbers of passages that have no article, reach beyond its text, or lack vectors."""
        rows = self._run(
            "SELECT number FROM passages LEFT JOIN articles ON id = article_id WHERE text IS NULL"
            ' OR start < 0 OR start >= "end" OR "end" > length(text) OR length(vector) != length(title_vector)'
            " OR length(sentence_vectors) * 8 != length(sentences) * length(vector) ORDER BY number"
        )
        return [number for (number,) in rows]


def _passages(rows: Sequence[tuple[Any, ...]]) -> Iterator[Passage]:
    """Decode rows of number, article, start, end, and the four blobs, each kind of blob in one go."""
    if not rows:
        return
    numbers, ids, starts, ends, titles, vectors, spans, sentences = zip(*rows, strict=True)
    places = [np.frombuffer(each, SPANS).reshape(-1, 2).tolist() for each in spans]
    cuts = np.cumsum([len(each) for each in places])[:-1]
    all_titles, all_vectors = _floats(b"".join(titles), len(rows)), _floats(b"".join(vectors), len(rows))
    all_sentences = np.split(_floats(b"".join(sentences), sum(map(len, places))), cuts)
    for row, (number, id) in enumerate(zip(numbers, ids, strict=True)):
        yield Passage(
            number=number,
            span=Span(id, starts[row], ends[row]),
            title=all_titles[row],
            vector=all_vectors[row],
            sentences=tuple(Span(id, start, end) for start, end in places[row]),
            vectors=all_sentences[row],
        )


def _floats(blob: bytes, rows: int) -> Vectors:
    return np.frombuffer(blob, FLOATS).reshape(rows, -1 if rows else 0).astype(np.float32)
