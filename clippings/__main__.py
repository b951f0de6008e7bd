"""The commands: python -m clippings ask|search|summarize|list|show|check."""

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from clippings.errors import ClippingsError

if TYPE_CHECKING:
    from clippings.index import Index
    from clippings.records import Answer
    from clippings.templates import Templates

FOUND, ERROR, NOT_FOUND = 0, 1, 2
SEARCH_HITS = 10

EPILOG = """exit status: 0 found, 2 not found, 1 error; with "-" 0 when every line was a question.
When the question is "-", questions are read from standard input, one a line, with the model loaded once; each result
is one line."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose mistakes exit with 1, for 2 means "not found"."""

    def error(self, message: str) -> NoReturn:
        """Say how the command is used and what is wrong."""
        self.print_usage(sys.stderr)
        self.exit(ERROR, f"{self.prog}: {message}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # whatever the code page of the terminal or the pipe
    arguments = _parser().parse_args(argv)
    if "text" in arguments:
        arguments.text = " ".join(arguments.text)
    try:
        from clippings.index import Index
        from clippings.templates import Templates

        with closing(Index.open(arguments.index)) as index:
            status: int = arguments.run(arguments, index, Templates())
        return status
    except ClippingsError as error:
        print(f"clippings: {error}", file=sys.stderr)
        return ERROR
    except BrokenPipeError:  # the reader, `head` for one, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FOUND
    except KeyboardInterrupt:
        return ERROR


def _parser() -> argparse.ArgumentParser:
    shared = Parser(add_help=False)
    shared.add_argument("--index", type=Path, default=Path("index"), metavar="DIR", help="the index (default: index/)")
    shared.add_argument("--json", action="store_true", help="print JSON, as the README documents it")
    parser = Parser(prog="clippings", description="Ask an index of news articles.", epilog=EPILOG)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    for name, run, what, help in (
        ("ask", _ask, "QUESTION", "answer a question with quoted sentences"),
        ("search", _search, "QUESTION", "show the passages that fit best"),
        ("summarize", _summarize, "TOPIC", "quote what several articles say about a topic"),
        ("show", _show, "ARTICLE", "show an article, by its id or its path"),
        ("list", _list, None, "list the articles"),
        ("check", _check, None, "check that the index is whole"),
    ):
        command = commands.add_parser(
            name, parents=[shared], help=help, description=help.capitalize() + ".", epilog=EPILOG
        )
        command.set_defaults(run=run)
        if what:
            command.add_argument("text", metavar=what, nargs=1 if name == "show" else "+")  # a question needs no quotes
        if name == "ask":
            command.add_argument(
                "--reader",
                metavar="NAME-OR-PATH",
                help='a Hugging Face question-answering model on this machine, or "none" (default: the project\'s own)',
            )
    return parser


def _ask(arguments: argparse.Namespace, index: "Index", templates: "Templates") -> int:
    from clippings import cite
    from clippings.answer import answer
    from clippings.reader import open_reader

    reader = open_reader(arguments.reader)
    return _answers(
        arguments, index, templates, lambda question, index: answer(question, index, reader=reader), cite.answer_json
    )


def _summarize(arguments: argparse.Namespace, index: "Index", templates: "Templates") -> int:
    from clippings import cite
    from clippings.summarize import summarize

    return _answers(arguments, index, templates, summarize, cite.summary_json)


def _answers(
    arguments: argparse.Namespace,
    index: "Index",
    templates: "Templates",
    work: "Callable[[str, Index], Answer]",
    as_json: "Callable[[Answer], dict[str, object]]",
) -> int:
    from clippings import cite

    def one(question: str) -> tuple[bool, dict[str, object], str]:
        answer = work(question, index)
        return answer.found, as_json(answer), cite.answer_text(answer, templates)

    return _each(arguments, one, asked="question")


def _search(arguments: argparse.Namespace, index: "Index", templates: "Templates") -> int:
    from clippings import cite
    from clippings.answer import searched_for, worded
    from clippings.retrieve import articles, passage_hits, retrieve

    def one(question: str) -> tuple[bool, dict[str, object], str]:
        query = index.query(worded(question))
        retrieved = retrieve(query, index, k=SEARCH_HITS)
        hits, by_id, searched = passage_hits(retrieved), articles(retrieved), searched_for(query)
        return (
            bool(hits),
            cite.hits_json(query.asked, hits, articles=by_id, searched=searched),
            cite.hits_text(hits, templates, articles=by_id, searched=searched),
        )

    return _each(arguments, one, asked="query")


def _each(
    arguments: argparse.Namespace, one: Callable[[str], tuple[bool, dict[str, object], str]], *, asked: str
) -> int:
    """Run `one` for the question, or for each line of standard input, where a faulty line is reported in its place.

    `asked` is what the JSON calls the question.
    """
    if arguments.text != "-":
        found, as_json, text = one(arguments.text)
        print(_dump(as_json) if arguments.json else text)
        return FOUND if found else NOT_FOUND
    status = FOUND
    for question in _lines():
        try:
            _, as_json, text = one(question)
        except ClippingsError as error:
            as_json, text, status = {asked: question, "error": str(error)}, f"error: {error}", ERROR
        print(_dump(as_json) if arguments.json else " ".join(text.split()), flush=True)
    return status


def _lines() -> Iterator[str]:
    for line in sys.stdin.buffer:
        yield line.decode("utf-8", errors="replace").rstrip("\r\n")


def _show(arguments: argparse.Namespace, index: "Index", templates: "Templates") -> int:
    from clippings import cite

    ids = index.ids(arguments.text)
    if len(ids) > 1:
        raise ClippingsError(f"{arguments.text} holds {len(ids)} articles: show one of {', '.join(ids)}")
    article = index.article(ids[0])
    print(_dump(cite.article_json(article)) if arguments.json else cite.article_text(article))
    return FOUND


def _list(arguments: argparse.Namespace, index: "Index", templates: "Templates") -> int:
    from clippings import cite

    articles = list(index.articles())
    if arguments.json:
        listed = [
            {key: value for key, value in cite.article_json(article).items() if key != "text"} for article in articles
        ]
        print(_dump({"articles": listed}))
    else:
        for article in articles:
            print(cite.line_text(article))
        if not articles:
            print(f"clippings: no articles in {index.folder}", file=sys.stderr)
    return FOUND if articles else NOT_FOUND


def _check(arguments: argparse.Namespace, index: "Index", templates: "Templates") -> int:
    problems = index.check()
    counts = index.counts
    if arguments.json:
        found = {"ok": not problems, "articles": counts.articles, "passages": counts.passages, "problems": problems}
        print(_dump(found))
    else:
        print("\n".join(problems) or f"whole: {templates.held(counts.articles, counts.passages)}")
    return ERROR if problems else FOUND


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    sys.exit(main())
