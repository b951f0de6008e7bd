"""Take files into an index: load, clean, then split, embed and store in blocks, so that nothing done is lost."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from clippings.clean import clean
from clippings.index import Index
from clippings.load import find, load
from clippings.records import Article, Skip

BLOCK_CHARACTERS = 200_000  # of text embedded and committed together: some seconds' work, all that a kill can lose


@dataclass
class Report:
    """What one run did."""

    added: int = 0
    removed: int = 0
    unchanged: int = 0  # articles that were already there
    files: int = 0
    skipped: list[Skip] = field(default_factory=list)


def ingest(
    paths: Iterable[Path],
    index: Index,
    *,
    block_characters: int = BLOCK_CHARACTERS,
    on_file: Callable[[int, Report], None] = lambda size, report: None,
) -> Report:
    """Add what is new or changed in the files under `paths`; `on_file` hears the size in bytes of each that is done.

    A file that could not be read as a whole takes nothing away: what it gave before stays.
    """
    report = Report()
    block = _Block(index, report, block_characters, on_file)
    for path in find(paths):
        if isinstance(path, Skip):
            report.skipped.append(path)
            continue
        report.files += 1
        name = index.name(path)
        try:
            file = _File(name, path.stat().st_size, _sha256(path))
        except OSError as error:
            report.skipped.append(Skip(name, f"cannot be read: {error.strerror}"))
            continue
        before = index.unchanged(name, file.sha256)
        if before is not None:
            report.unchanged += before
            on_file(file.size, report)
            continue
        for each in _articles(path, name):
            if isinstance(each, Skip):
                report.skipped.append(each)
                file.whole = False
            elif each.id not in file.ids:
                file.ids.add(each.id)
                block.add(each)
        block.finish(file)
    block.flush()
    return report


@dataclass
class _File:
    """A file as it is being read."""

    name: str
    size: int  # bytes
    sha256: str
    ids: set[str] = field(default_factory=set)
    whole: bool = True  # until something in it is skipped


class _Block:
    """Articles on their way into the index, and the files that are done once these are in."""

    def __init__(
        self, index: Index, report: Report, most_characters: int, on_file: Callable[[int, Report], None]
    ) -> None:
        self._index, self._report, self._most_characters, self._on_file = index, report, most_characters, on_file
        self._articles: list[Article] = []
        self._files: list[_File] = []
        self._characters = 0

    def add(self, article: Article) -> None:
        self._articles.append(article)
        self._characters += len(article.text)
        if self._characters > self._most_characters:
            self.flush()

    def finish(self, file: _File) -> None:
        self._files.append(file)

    def flush(self) -> None:
        added = self._index.add(self._articles)
        self._report.added += added
        self._report.unchanged += len(self._articles) - added
        for file in self._files:
            if file.whole:
                self._report.removed += self._index.finish_file(file.name, file.sha256, file.ids)
            self._on_file(file.size, self._report)
        self._articles, self._files, self._characters = [], [], 0


def _articles(path: Path, name: str) -> Iterator[Article | Skip]:
    for page in load(path, name):
        if isinstance(page, Skip):
            yield page
        else:
            yield clean(page) or Skip(name, "no article text: nothing but page furniture")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
