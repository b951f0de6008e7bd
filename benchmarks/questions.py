"""Ask a list of questions whose answers are known and count what is right: python benchmarks/questions.py.

The list is JSON Lines: `question`; `answer`, a regular expression that a quote must match, or null when the question
must be refused; `articles`, the beginnings of the names of the files that may be quoted.
"""

import argparse
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the project itself is not installed

from clippings.answer import answer
from clippings.index import Index
from clippings.ingest import ingest
from clippings.reader import Reader, open_reader
from clippings.records import Answer


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--articles", type=Path, default=Path("../shared/articles"), metavar="FOLDER")
    parser.add_argument("--questions", type=Path, default=Path("../shared/questions/kazakhstan.jsonl"), metavar="FILE")
    parser.add_argument("--reader", metavar="NAME-OR-PATH", help='another reader; "none": without one')
    arguments = parser.parse_args()
    for path in (arguments.articles, arguments.questions):
        if not path.exists():
            print(f"no {path}: name the articles and the questions", file=sys.stderr)
            return 1
    questions = [json.loads(line) for line in arguments.questions.read_text(encoding="utf-8").splitlines()]
    answerable = [each for each in questions if each["answer"] is not None]
    refusable = [each for each in questions if each["answer"] is None]
    reader = open_reader(arguments.reader)
    with tempfile.TemporaryDirectory() as folder:
        index = Index(Path(folder) / "index", writable=True)
        ingest([arguments.articles], index)
        right = sum([_ask(each, index, reader) for each in answerable])
        refused = sum([_ask(each, index, reader) for each in refusable])
        index.close()
    print(f"right {right} of {len(answerable)} answerable, refused {refused} of {len(refusable)} unanswerable")
    return 0


def _ask(asked: dict[str, Any], index: Index, reader: Reader | None) -> bool:
    given = answer(asked["question"], index, reader=reader)
    right = is_right(asked, given)
    print(f"{'right' if right else 'WRONG'} {asked['id']} {given.confidence or 'refused':8} {asked['question']}")
    for quote in given.quotes:
        print(f"      {quote.score:.2f} {Path(given.sources[quote.source - 1].path or '').name[:12]} {quote.text}")
    return right


def is_right(asked: dict[str, Any], given: Answer) -> bool:
    if asked["answer"] is None:
        return not given.found
    return any(
        re.search(asked["answer"], quote.text)
        and Path(given.sources[quote.source - 1].path or "").name.startswith(tuple(asked["articles"]))
        for quote in given.quotes
    )


if __name__ == "__main__":
    sys.exit(main())
