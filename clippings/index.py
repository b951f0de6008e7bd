"""The one seam to stored passages: what is in the index, what fits a query, what comes and goes."""

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clippings.clean import content_id
from clippings.embed import DEFAULT_MODEL, Encoder
from clippings.errors import ClippingsError
from clippings.lexical import Lexical
from clippings.records import Article, Recipe, Span
from clippings.spelling import corrected
from clippings.split import PASSAGE_WORDS, sentences, split
from clippings.store import Encoded, Passage, Store
from clippings.topic import topic
from clippings.when import Period, asked_about

if TYPE_CHECKING:
    from clippings.dense import Dense

FORMAT = 1
DATABASE = "clippings.sqlite"
RESEMBLING = 20  # passages that are looked at for the word that a misspelt one is meant to be


@dataclass(frozen=True)
class Query:
    """A question as both indexes want it."""

    asked: str  # as a person wrote it
    text: str  # what it asks for, with its slips of spelling put right
    vector: NDArray[np.float32]  # (dim,), unit length
    terms: tuple[str, ...]  # each once
    content: tuple[str, ...]  # those that are not function words, unless there are no others
    period: Period | None  # the time that it asks about, None when no article has a date


@dataclass(frozen=True)
class Candidate:
    """A passage that may fit, with each signal as it was measured; higher is better."""

    passage: Passage
    bm25: float  # of title and text together; 0 when it is not among the best lexical hits
    text_bm25: float  # of the passage's text alone
    title_bm25: float  # of the article's title alone
    cosine: float  # of the passage
    title_cosine: float  # of the article's title


@dataclass(frozen=True)
class Counts:
    """How much an index holds."""

    articles: int
    passages: int


class Index:
    """An open index folder; answers while another process adds to it, and sees what that adds."""

    def __init__(self, folder: Path, *, encoder: Encoder | None = None, writable: bool = False) -> None:
        """Open `folder` with the model that made it, or with `encoder`, which must be that model.

        A writable index is made when there is none; it has its model from the first article on.
        """
        try:
            if writable:
                folder.mkdir(parents=True, exist_ok=True)
            elif not (folder / DATABASE).is_file():
                raise _no_index(folder)
        except OSError as error:
            raise ClippingsError(f"{folder}: cannot hold an index: {error.strerror}") from error
        self.folder = folder
        self._encoder = encoder
        self._dense: Dense | None = None
        self._lock = threading.RLock()  # the derived indexes change when they catch up
        self._store = Store(folder / DATABASE, writable)
        try:
            self._recipe = self._store.recipe()
            if self._recipe is None and not writable:
                raise _no_index(folder)
            self._check_recipe(encoder)
            self._lexical = Lexical(folder / "lexical")
        except BaseException:
            self._store.close()
            raise

    @classmethod
    def open(cls, folder: Path, *, encoder: Encoder | None = None) -> "Index":
        """Open an index to read."""
        return cls(folder, encoder=encoder)

    def close(self) -> None:
        """Let go of the files."""
        self._store.close()

    # What is in it

    @property
    def counts(self) -> Counts:
        """How many articles and passages there are."""
        return Counts(*self._store.counts())

    def dates(self) -> tuple[date, date] | None:
        """Give the days of the oldest and the newest article, None when no article has a date."""
        return self._store.dates()

    def find(self, id: str) -> Article | None:
        """Give the article with this id, None when it has been removed."""
        return self._store.article(id)

    def article(self, id: str) -> Article:
        """Give the article with this id."""
        article = self.find(id)
        if article is None:
            raise ClippingsError(f"no article {id!r} in {self.folder}: see python -m clippings list")
        return article

    def articles(self) -> Iterator[Article]:
        """Give every article by date, the undated last, then by title."""
        return self._store.articles()

    def ids(self, path_or_id: str) -> list[str]:
        """Give the ids that a user means: of one article, or of those that stand in a file or a folder."""
        ids: dict[str, None] = {}
        wanted = _characters(path_or_id)
        if self._store.article(wanted):
            return [wanted]
        if wanted:  # an empty variable in a script must not mean all that is in this folder
            place = self.folder.resolve().parent
            meant = {os.path.normpath(place / name) for name in (self.name(Path(path_or_id)), wanted)}
            for path in self._store.paths():
                whole = Path(os.path.normpath(place / path))
                if meant & {str(each) for each in (whole, *whole.parents)}:
                    ids.update(dict.fromkeys(self._store.held_by(path)))
        if ids:
            return list(ids)
        raise ClippingsError(f"no article {path_or_id!r} in {self.folder}: see python -m clippings list")

    def name(self, path: Path) -> str:
        """Name a file as the index does: seen from the index's parent folder, so that both can move together."""
        try:
            name = Path(os.path.relpath(path.resolve(), self.folder.resolve().parent)).as_posix()
        except ValueError:  # another drive
            name = path.resolve().as_posix()
        return _characters(name)

    # What fits a query

    def query(self, text: str) -> Query:
        """Make what a question asks for ready to search with, its spelling put right by the articles' words."""
        with self._lock:
            self._refreshed()
        right = corrected(topic(text), self._knows, resembling=self._resembling)
        terms = tuple(dict.fromkeys(self._lexical.terms(right)))
        vector = self._model().query(right)
        content = tuple(self._lexical.content(terms))
        return Query(text, right, vector, terms, content, asked_about(right, dates=self.dates()))

    def _knows(self, word: str) -> bool:
        return all(map(self._lexical.holds, self._lexical.terms(word))) or self._model().knows(word)

    def _resembling(self, word: str) -> list[str]:
        """Give headlines and passages that may have a word which a slip makes of this one."""
        numbers = {number for term in self._lexical.terms(word) for number in self._lexical.resembling(term)}
        texts = [text for number in sorted(numbers)[:RESEMBLING] for text in self._store.texts(number, number)]
        return [f"{each.title}\n{each.text}" for each in texts]

    def search(self, query: Query, k: int) -> list[Candidate]:
        """Give the best `k` passages of each index with all their signals, in order of passage."""
        with self._lock:
            nearest = self._refreshed().search(query.vector, k)
            numbers, scores = self._lexical.search(query.terms, k)
            bm25 = dict(zip(numbers, scores, strict=True))
            passages = self._store.passages(sorted({*numbers, *nearest}))
            found = [passage.number for passage in passages]
            in_text = self._lexical.scores(query.terms, found, field="text")
            in_title = self._lexical.scores(query.terms, found, field="title")
        return [
            Candidate(
                passage,
                bm25=bm25.get(passage.number, 0.0),
                text_bm25=text,
                title_bm25=title,
                cosine=float(passage.vector @ query.vector),
                title_cosine=float(passage.title @ query.vector),
            )
            for passage, text, title in zip(passages, in_text, in_title, strict=True)
        ]

    def terms(self, text: str) -> list[str]:
        """Give the text's terms in order, as the lexical index sees them."""
        return self._lexical.terms(text)

    def rarity(self, terms: Iterable[str]) -> dict[str, float]:
        """Give each term's inverse document frequency over the passages, in nats."""
        return self._lexical.rarity(terms)

    # What comes and goes

    def add(self, articles: Sequence[Article]) -> int:
        """Add the articles that are new, all in one transaction, and give their number."""
        unique = {article.id: article for article in articles}.values()
        new = [article for article in unique if not self._store.article(article.id)]
        encoded = self._encoded(new) if new else []
        added = 0
        with self._store.transaction():
            if encoded:
                self._settle_recipe()
            for each in encoded:
                if not self._store.article(each.article.id):  # another ingest may have been faster
                    self._store.add(each)
                    added += 1
            for article in articles:
                if article.path is not None:
                    self._store.hold(article.path, article.id)
        return added

    def _encoded(self, articles: Sequence[Article]) -> list[Encoded]:
        groups = [split(article, sentences(article)) for article in articles]
        texts, spans = [], []
        for article, passages in zip(articles, groups, strict=True):
            for passage in passages:
                start = passage[0].start
                texts.append(article.text[start : passage[-1].end])
                spans.append([Span(article.id, span.start - start, span.end - start) for span in passage])
        vectors = iter(self._model().passages(texts, spans))
        titles = self._model().texts([article.title for article in articles])
        return [
            Encoded(
                article, title, tuple(tuple(passage) for passage in passages), tuple(islice(vectors, len(passages)))
            )
            for article, title, passages in zip(articles, titles, groups, strict=True)
        ]

    def unchanged(self, path: str, sha256: str) -> int | None:
        """Count the articles of a file that was last read to its end with this content; None when it was not."""
        return self._store.unchanged(path, sha256)

    def finish_file(self, path: str, sha256: str, ids: set[str]) -> int:
        """Record that the file holds these articles and no others; give how many went because no file has them now."""
        with self._store.transaction():
            return self._store.finish_file(path, sha256, ids)

    def remove(self, ids: Iterable[str]) -> None:
        """Remove articles everywhere."""
        with self._store.transaction():
            for id in ids:
                self._store.remove(id)

    def save(self) -> None:
        """Bring the lexical and the dense index up to date on disk."""
        if self._recipe is None:
            return
        with self._lock:
            self._refreshed().save()

    def check(self) -> list[str]:
        """Name everything that is not as it should be; an empty list is a whole index."""
        problems = self._store.check()
        if self._recipe is None:
            return problems
        with self._lock:
            dense = self._refreshed()
        passages = self.counts.passages
        for name, derived in (("lexical", self._lexical), ("dense", dense)):
            if derived.state() != self._store.state():
                problems.append(f"{name}: behind the database: run ingest.py again")
            elif derived.count() != passages:
                problems.append(f"{name}: {derived.count()} passages, not {passages}: delete {self.folder / name}")
        for article in self.articles():
            if content_id(article) != article.id:
                problems.append(f"{article.id}: the content is not what it was when it was added")
        return problems

    def _refreshed(self) -> "Dense":
        if self._dense is None:
            from clippings.dense import Dense  # brings torch and faiss, which listing articles does not need

            self._dense = Dense(self.folder / "dense")
        if self._dense.state() != self._store.state():
            self._dense.catch_up(self._store)
        self._lexical.catch_up(self._store)
        return self._dense

    def _model(self) -> Encoder:
        if self._encoder is None:
            with self._lock:  # two threads may ask their first question at once
                if self._encoder is None:
                    encoder = Encoder(self._recipe.model if self._recipe else DEFAULT_MODEL)
                    self._check_recipe(encoder)
                    self._encoder = encoder
        return self._encoder

    def _settle_recipe(self) -> None:
        """Record how this index is made, unless another ingest has begun it meanwhile, perhaps with another model."""
        self._recipe = self._store.recipe()
        if self._recipe is None:
            self._recipe = Recipe(self._model().name, self._model().sha256, PASSAGE_WORDS, FORMAT)
            self._store.set_recipe(self._recipe)
        self._check_recipe(self._encoder)

    def _check_recipe(self, encoder: Encoder | None) -> None:
        if self._recipe is None:
            return
        if self._recipe.format != FORMAT:
            raise ClippingsError(
                f"{self.folder}: format {self._recipe.format}, not {FORMAT}: move it away and build it again"
            )
        if encoder and encoder.sha256 != self._recipe.model_sha256:
            raise ClippingsError(
                f"{self.folder}: made with model {self._recipe.model} ({self._recipe.model_sha256[:12]}), not"
                f" {encoder.name} ({encoder.sha256[:12]}): use the former, or build another with --index"
            )


def _characters(name: str) -> str:
    """Show bytes of a file name that are no characters as escapes, for the database takes only characters."""
    return name.encode(errors="backslashreplace").decode()


def _no_index(folder: Path) -> ClippingsError:
    return ClippingsError(f"no index in {folder}: build one with python ingest.py ARTICLES")
