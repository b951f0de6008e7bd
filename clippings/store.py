"""The truth about an index: articles, passages and vectors in one SQLite database, changed by transactions."""

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clippings.embed import PassageVectors, Vectors
from clippings.errors import ClippingsError
from clippings.records import Article, Recipe, Span

SCHEMA = """
CREATE TABLE recipe (model TEXT, model_sha256 TEXT, passage_words INTEGER, format INTEGER);
CREATE TABLE articles (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, text TEXT NOT NULL, url TEXT, outlet TEXT, author TEXT, published TEXT,
    dateline TEXT, title_vector BLOB NOT NULL
);
-- sha256 is NULL while a file is being read, so that a run that was killed is taken up again
CREATE TABLE files (path TEXT PRIMARY KEY, sha256 TEXT);
-- the same article may stand in several files; it stays as long as one of them has it
CREATE TABLE holdings (path TEXT NOT NULL, article_id TEXT NOT NULL, PRIMARY KEY (path, article_id)) WITHOUT ROWID;
CREATE INDEX holdings_article ON holdings (article_id);
-- numbers are never used again, so that a number means the same passage in the lexical and the dense index for ever
CREATE TABLE passages (
    number INTEGER PRIMARY KEY AUTOINCREMENT, article_id TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
    vector BLOB NOT NULL, sentences BLOB NOT NULL, sentence_vectors BLOB NOT NULL
);
CREATE INDEX passages_article ON passages (article_id, number);
-- a change's digest is over all changes up to it, so it names one state of one index and of no other
CREATE TABLE changes (
    number INTEGER PRIMARY KEY AUTOINCREMENT, first INTEGER NOT NULL, last INTEGER NOT NULL, added INTEGER NOT NULL,
    digest TEXT NOT NULL UNIQUE
);
"""
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
    """A stored passage with its sentences and their vectors."""

    number: int
    span: Span
    sentences: tuple[Span, ...]
    vectors: Vectors  # (sentences, dim)


@dataclass(frozen=True)
class Text:
    """What the lexical index needs of a passage."""

    number: int
    title: str
    text: str


class Store:
    """One open database; safe to read from several threads while another process writes."""

    def __init__(self, path: Path, writable: bool = False) -> None:
        """Open the database at `path`; a writable one is created when there is none."""
        self.path = path
        mode = "rwc" if writable else "rw"  # even a reader needs write access to the write-ahead log's shared memory
        try:
            self._db = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode={mode}",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
                timeout=30,
            )
            if writable:
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA secure_delete = ON")  # what is removed is overwritten, not only unlinked
                if not self._db.execute("SELECT 1 FROM sqlite_master").fetchone():
                    self._db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")
        except sqlite3.Error as error:
            raise self._broken(error) from error

    def _broken(self, error: Exception) -> ClippingsError:
        return ClippingsError(
            f"{self.path}: not a usable index ({error}): move it away and build it again with ingest.py"
        )

    def close(self) -> None:
        """Close the database; a last writer folds the log back into the one file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make what is done inside happen all or not at all."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def recipe(self) -> Recipe | None:
        """Give how the index was made; None while nothing has been stored."""
        names = ", ".join(field.name for field in fields(Recipe))
        try:
            row = self._db.execute(f"SELECT {names} FROM recipe").fetchone()
        except sqlite3.Error as error:
            raise self._broken(error) from error
        return Recipe(*row) if row else None

    def set_recipe(self, recipe: Recipe) -> None:
        """Record how the index is made."""
        self._db.execute("INSERT INTO recipe VALUES (:model, :model_sha256, :passage_words, :format)", asdict(recipe))

    # Articles and the files that hold them

    def counts(self) -> tuple[int, int]:
        """Count (articles, passages)."""
        counts: tuple[int, int] = self._db.execute(
            "SELECT (SELECT count(*) FROM articles), (SELECT count(*) FROM passages)"
        ).fetchone()
        return counts

    def article(self, id: str) -> Article | None:
        """Give the article, its path the first of the files that hold it."""
        return next(self._articles("WHERE id = ?", (id,)), None)

    def articles(self) -> Iterator[Article]:
        """Give every article by date, the undated last, then by title."""
        return self._articles("ORDER BY published IS NULL, published, title, id", ())

    def _articles(self, clause: str, values: tuple[object, ...]) -> Iterator[Article]:
        path = "(SELECT min(path) FROM holdings WHERE article_id = id)"
        names = f"id, title, text, {path}, url, outlet, author, published, dateline"
        for row in self._db.execute(f"SELECT {names} FROM articles {clause}", values):
            article = Article(*row)
            yield replace(article, published=date.fromisoformat(row[7]) if row[7] else None)

    def held_by(self, path: str) -> list[str]:
        """Give the ids of the articles that stand in the file, or in the files of a folder."""
        rows = self._db.execute(
            "SELECT DISTINCT article_id FROM holdings WHERE path = ? OR substr(path, 1, ?) = ? ORDER BY article_id",
            (path, len(path) + 1, path + "/"),
        )
        return [id for (id,) in rows]

    def file_sha256(self, path: str) -> str | None:
        """Give the digest of the file as it was last read to its end; None when it was not."""
        row = self._db.execute("SELECT sha256 FROM files WHERE path = ?", (path,)).fetchone()
        return row[0] if row else None

    def hold(self, path: str, id: str) -> None:
        """Record that the article stands in the file, which is being read."""
        self._db.execute("INSERT OR IGNORE INTO files VALUES (?, NULL)", (path,))
        self._db.execute("INSERT OR IGNORE INTO holdings VALUES (?, ?)", (path, id))

    def finish_file(self, path: str, sha256: str, ids: set[str]) -> None:
        """Record that the file was read to its end and holds these articles and no others."""
        for id in set(self.held_by_file(path)) - ids:
            self._db.execute("DELETE FROM holdings WHERE path = ? AND article_id = ?", (path, id))
            if not self._db.execute("SELECT 1 FROM holdings WHERE article_id = ?", (id,)).fetchone():
                self.remove(id)
        self._db.execute("INSERT OR REPLACE INTO files VALUES (?, ?)", (path, sha256))

    def held_by_file(self, path: str) -> list[str]:
        """Give the ids of the articles that stand in this one file."""
        return [id for (id,) in self._db.execute("SELECT article_id FROM holdings WHERE path = ?", (path,))]

    def add(self, encoded: Encoded) -> None:
        """Store an article with its passages and vectors."""
        article = encoded.article
        self._db.execute(
            "INSERT INTO articles VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(article.id, article.title, article.text, article.url, article.outlet, article.author),
                article.published.isoformat() if article.published else None,
                article.dateline,
                encoded.title.astype(FLOATS).tobytes(),
            ),
        )
        numbers = [
            self._db.execute(
                "INSERT INTO passages VALUES (NULL, ?, ?, ?, ?, ?, ?)",
                (
                    *(article.id, spans[0].start, spans[-1].end),
                    vectors.passage.astype(FLOATS).tobytes(),
                    np.array([(span.start, span.end) for span in spans], SPANS).tobytes(),
                    vectors.sentences.astype(FLOATS).tobytes(),
                ),
            ).lastrowid
            for spans, vectors in zip(encoded.passages, encoded.vectors, strict=True)
        ]
        if numbers:
            self._change(article.id, first=numbers[0], last=numbers[-1], added=True)

    def remove(self, id: str) -> None:
        """Remove an article everywhere; the files that held it will be read again when they are next given."""
        first, last = self._db.execute(
            "SELECT min(number), max(number) FROM passages WHERE article_id = ?", (id,)
        ).fetchone()
        if first is not None:
            self._change(id, first=first, last=last, added=False)
        self._db.execute(
            "UPDATE files SET sha256 = NULL WHERE path IN (SELECT path FROM holdings WHERE article_id = ?)", (id,)
        )
        for table, column in (("passages", "article_id"), ("holdings", "article_id"), ("articles", "id")):
            self._db.execute(f"DELETE FROM {table} WHERE {column} = ?", (id,))

    def _change(self, id: str, *, first: int | None, last: int | None, added: bool) -> None:
        digest = hashlib.sha256(f"{self.state()} {id} {first} {last} {added}".encode()).hexdigest()[:16]
        self._db.execute("INSERT INTO changes VALUES (NULL, ?, ?, ?, ?)", (first, last, added, digest))

    # What the derived indexes are made from

    def state(self) -> str:
        """Give the digest of all changes so far, empty before the first."""
        row = self._db.execute("SELECT digest FROM changes ORDER BY number DESC LIMIT 1").fetchone()
        return row[0] if row else ""

    def changes(self, since: str) -> list[Change] | None:
        """Give the changes after the state `since`, in order; None when this index was never in that state."""
        if since == "":
            number = 0
        elif row := self._db.execute("SELECT number FROM changes WHERE digest = ?", (since,)).fetchone():
            number = row[0]
        else:
            return None
        rows = self._db.execute(
            "SELECT first, last, added, digest FROM changes WHERE number > ? ORDER BY number", (number,)
        )
        return [Change(first, last, bool(added), state) for first, last, added, state in rows]

    def texts(self, first: int, last: int) -> Iterator[Text]:
        """Give the passages numbered first to last as far as they are still there."""
        yield from (
            Text(number, title, text)
            for number, title, text in self._db.execute(
                'SELECT number, title, substr(text, start + 1, "end" - start)'
                " FROM passages JOIN articles ON id = article_id WHERE number BETWEEN ? AND ? ORDER BY number",
                (first, last),
            )
        )

    def vectors(self, first: int, last: int) -> tuple[NDArray[np.int64], Vectors]:
        """Give the numbers (n,) and the vectors (n, dim) of the passages from first to last that are still there."""
        rows = self._db.execute(
            "SELECT number, vector FROM passages WHERE number BETWEEN ? AND ? ORDER BY number", (first, last)
        ).fetchall()
        numbers = np.array([number for number, _ in rows], np.int64)
        return numbers, _floats(b"".join(vector for _, vector in rows), len(rows))

    # What answers are made from

    def passages(self, numbers: Sequence[int]) -> list[Passage]:
        """Give these passages in this order; one that has gone since is left out."""
        rows = self._db.execute(
            'SELECT number, article_id, start, "end", sentences, sentence_vectors FROM passages'
            f" WHERE number IN ({', '.join('?' * len(numbers))})",
            tuple(numbers),
        ).fetchall()
        found = {row[0]: _passage(*row) for row in rows}
        return [found[number] for number in numbers if number in found]

    def titles(self, ids: Sequence[str]) -> Vectors:
        """Give the vectors of the articles' titles, (n, dim), in this order."""
        rows = dict(
            self._db.execute(
                f"SELECT id, title_vector FROM articles WHERE id IN ({', '.join('?' * len(ids))})", tuple(ids)
            )
        )
        return _floats(b"".join(rows[id] for id in ids), len(ids))

    def dimensions(self) -> int:
        """Give the length of the stored vectors, 0 while there are none."""
        row = self._db.execute("SELECT length(vector) FROM passages LIMIT 1").fetchone()
        return row[0] // np.dtype(FLOATS).itemsize if row else 0

    def misplaced(self) -> list[int]:
        """Give the numbers of passages that have no article, reach beyond its text, or lack vectors."""
        rows = self._db.execute(
            "SELECT number FROM passages LEFT JOIN articles ON id = article_id WHERE text IS NULL"
            ' OR start < 0 OR start >= "end" OR "end" > length(text) OR length(vector) != ?'
            " OR length(sentence_vectors) * 8 != length(sentences) * length(vector) ORDER BY number",
            (self.dimensions() * np.dtype(FLOATS).itemsize,),
        )
        return [number for (number,) in rows]

    def check(self) -> list[str]:
        """Name what SQLite itself finds wrong."""
        rows = self._db.execute("PRAGMA integrity_check").fetchall()
        return [f"{self.path.name}: {line}" for (line,) in rows if line != "ok"]


def _passage(number: int, article_id: str, start: int, end: int, sentences: bytes, vectors: bytes) -> Passage:
    spans = np.frombuffer(sentences, SPANS).reshape(-1, 2).tolist()
    return Passage(
        number,
        Span(article_id, start, end),
        tuple(Span(article_id, first, last) for first, last in spans),
        _floats(vectors, len(spans)),
    )


def _floats(blob: bytes, rows: int) -> Vectors:
    return np.frombuffer(blob, FLOATS).reshape(rows, -1 if rows else 0).astype(np.float32)
