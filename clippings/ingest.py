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
    on_progress: Callable[[int, Report], None] = lambda size, report: None,
) -> Report:
    """Add what is new or changed in the files under `paths`; `on_progress` hears of each block and file that is done.

    It hears how many bytes have been done since it last heard; over a file that can be read they sum to its size.
    A file that could not be read as a whole takes nothing away: what it gave before stays.
    """
    report = Report()
    block = _Block(index, report, block_characters, on_progress)
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
            on_progress(file.size, report)
            continue
        for each in _articles(path, name):
            if isinstance(each, Skip):
                report.skipped.append(each)
                file.whole = False
            elif each.id not in file.ids:
                file.ids.add(each.id)
                block.add(each, file)
        block.finish(file)
    block.flush()
    return report


@dataclass
class _File:
    """A file as it is being read."""

    name: str
    size: int  # bytes
    sha256: str
    taken: int = 0  # bytes of article text so far; what else is in the file counts when it is done
    told: int = 0  # bytes that on_progress heard of, never more than size
    ids: set[str] = field(default_factory=set)
    whole: bool = True  # until something in it is skipped


class _Block:
    """Articles on their way into the index, and the files that are done once these are in."""

    def __init__(
        self, index: Index, report: Report, most_characters: int, on_progress: Callable[[int, Report], None]
    ) -> None:
        self._index, self._report = index, report
        self._most_characters, self._on_progress = most_characters, on_progress
        self._articles: list[Article] = []
        self._files: list[_File] = []
        self._characters = 0

    def add(self, article: Article, file: _File) -> None:
        self._articles.append(article)
        self._characters += len(article.text)
        file.taken += len(article.text.encode())
        if self._characters > self._most_characters:
            self.flush()
            self._tell(file, min(file.taken, file.size))

    def finish(self, file: _File) -> None:
        self._files.append(file)

    def flush(self) -> None:
        added = self._index.add(self._articles)
        self._report.added += added
        self._report.unchanged += len(self._articles) - added
        for file in self._files:
            if file.whole:
                self._report.removed += self._index.finish_file(file.name, file.sha256, file.ids)
            self._tell(file, file.size)
        self._articles, self._files, self._characters = [], [], 0

    def _tell(self, file: _File, done: int) -> None:
        self._on_progress(done - file.told, self._report)
        file.told = done


def _articles(path: Path, name: str) -> Iterator[Article | Skip]:
    for page in load(path, name):
        if isinstance(page, Skip):
            yield page
        else:
            where = name if page.line is None else f"{name}:{page.line}"
            yield clean(page) or Skip(where, "no article text: only marks or page furniture")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
