"""Add news articles to an index, or remove them: python ingest.py PATH... [--index DIR] [--model NAME-OR-PATH]."""

import argparse
import io
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from clippings.index import Index
    from clippings.ingest import Report

ALL_IN, INCOMPLETE = 0, 1

EPILOG = """exit status: 0 when every article is in; 1 when something was skipped, nothing was to do, or on an error.
Running it again adds only what is new or changed; an article stays until its file changes or it is removed."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose mistakes exit with 1, as the help says."""

    def error(self, message: str) -> NoReturn:
        """Say how the command is used and what is wrong."""
        self.print_usage(sys.stderr)
        self.exit(INCOMPLETE, f"{self.prog}: {message}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Take in or remove what the arguments name and give the exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # whatever the code page of the terminal or the pipe
    parser = Parser(
        prog="ingest.py", description="Add .txt, .md, .html and .jsonl news articles to an index.", epilog=EPILOG
    )
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="files, and folders with all they hold")
    parser.add_argument("--index", type=Path, default=Path("index"), metavar="DIR", help="the index (default: index/)")
    parser.add_argument(
        "--model",
        metavar="NAME-OR-PATH",
        help="a sentence-transformers model on this machine (default: all-MiniLM-L6-v2)",
    )
    parser.add_argument(
        "--remove", action="append", default=[], metavar="PATH-OR-ID", help="remove what this file, folder or id names"
    )
    arguments = parser.parse_args(argv)
    if not arguments.paths and not arguments.remove:
        parser.error("nothing to do: name files or folders")

    from clippings.errors import ClippingsError

    try:
        return _run(arguments)
    except ClippingsError as error:
        print(f"ingest.py: {error}", file=sys.stderr)
        return INCOMPLETE
    except KeyboardInterrupt:
        print("ingest.py: interrupted: what was committed stays, and the next run goes on from there", file=sys.stderr)
        return INCOMPLETE


def _run(arguments: argparse.Namespace) -> int:
    from clippings.embed import Encoder
    from clippings.index import Index
    from clippings.templates import Templates

    if not arguments.paths:
        Index.open(arguments.index).close()  # where there is no index, removing makes none
    encoder = Encoder(arguments.model) if arguments.model else None
    with closing(Index(arguments.index, encoder=encoder, writable=True)) as index:
        removed = {id for name in arguments.remove for id in index.ids(name)}
        if removed:
            index.remove(sorted(removed))
            print(f"removed {Templates().count('articles', len(removed))}")
        status = _add(arguments.paths, index) if arguments.paths else ALL_IN
        index.save()
    return status


def _add(paths: Sequence[Path], index: "Index") -> int:
    from tqdm import tqdm

    from clippings.ingest import ingest
    from clippings.load import find
    from clippings.templates import Templates

    started = time.monotonic()
    total = sum(_size(path) for path in find(paths) if isinstance(path, Path))
    with tqdm(total=total, unit="B", unit_scale=True, desc="ingest", file=sys.stderr) as bar:

        def on_progress(size: int, report: "Report") -> None:
            bar.set_postfix_str(f"{report.added + report.unchanged:,} articles", refresh=False)
            bar.update(size)

        report = ingest(paths, index, on_progress=on_progress)
    counts, templates = index.counts, Templates()
    for skip in report.skipped:
        print(f"skipped {skip.where}: {skip.reason}", file=sys.stderr)
    print(
        f"{templates.count('articles', report.added)} added, {report.unchanged} unchanged, {report.removed} removed,"
        f" {len(report.skipped)} skipped;"
        f" {templates.held(counts.articles, counts.passages)} in {index.folder};"
        f" {time.monotonic() - started:.1f} s"
    )
    return INCOMPLETE if report.skipped or not report.files else ALL_IN


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # gone since it was found; ingest says so
        return 0


if __name__ == "__main__":
    sys.exit(main())
