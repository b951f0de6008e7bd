"""Chat with an index in the browser: python app.py [--index DIR] [--port N]."""

import argparse
import os
import socket
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradio import Blocks

    from clippings.index import Counts
    from clippings.records import Answer, Article
    from clippings.templates import Templates

HERE = Path(__file__).resolve().parent
HOST = "127.0.0.1"  # this machine only
LAST_PORT = 65535
PORTS = 100  # how many ports to try, from the one wanted upwards
LISTED = 500  # articles: of a larger index, no list is shown
AT_ONCE = 4  # questions through the API that may be worked on at the same time


def main(argv: list[str] | None = None) -> int:
    """Open the index, serve the chat until it is interrupted, and give the exit status."""
    parser = argparse.ArgumentParser(prog="app.py", description="Chat with an index of articles in the browser.")
    parser.add_argument("--index", type=Path, default=Path("index"), metavar="DIR", help="the index (default: index/)")
    parser.add_argument(
        "--port", type=int, default=7860, metavar="N", help="the port (default: %(default)s, or the next free)"
    )
    parser.add_argument(
        "--reader",
        metavar="NAME-OR-PATH",
        help='a Hugging Face question-answering model on this machine, or "none" (default: the project\'s own)',
    )
    arguments = parser.parse_args(argv)

    from clippings.errors import ClippingsError

    try:
        _run(arguments.index, arguments.port, arguments.reader)
    except ClippingsError as error:
        print(f"app.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # the way to end it
        pass
    return 0


def _run(folder: Path, port: int, reader_name: str | None) -> None:
    offline()
    free_port(port)  # so that a mistake is told before the model is loaded

    from clippings.index import Index
    from clippings.templates import Templates

    templates = Templates()
    with closing(Index.open(folder)) as index:
        print("app.py: loading the models ...", file=sys.stderr, flush=True)

        from clippings.answer import answer
        from clippings.reader import open_reader
        from clippings.summarize import summarize

        reader = open_reader(reader_name)
        answer("Is everything loaded?", index, reader=reader)  # so that the first question does not wait for them
        page = build(
            lambda question: answer(question, index, reader=reader),
            lambda topic: summarize(topic, index),
            article=index.article,
            articles=index.articles,
            counts=lambda: index.counts,
            templates=templates,
        )
        try:
            print(serve(page, port=port), flush=True)
            while True:
                time.sleep(3600)
        finally:
            page.close(verbose=False)


def offline() -> None:
    """Keep gradio and the model libraries off the network; to be called before they are imported.

    No GRADIO_ variable counts: they open the server to others, let it give out files, or move its address.
    """
    for name in [name for name in os.environ if name.startswith("GRADIO_")]:
        del os.environ[name]
    # "*" also passes over a proxy whose address httpx cannot read; a no_proxy that is set counts before NO_PROXY.
    os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1", "NO_PROXY": "*", "no_proxy": "*"}


def build(
    answer: Callable[[str], "Answer"],
    summary: Callable[[str], "Answer"],
    *,
    article: Callable[[str], "Article"],
    articles: Callable[[], Iterable["Article"]],
    counts: Callable[[], "Counts"],
    templates: "Templates",
) -> "Blocks":
    """Make the page out of what answers, summarizes, finds an article by id, lists them all, and counts.

    All five functions are called from several threads.
    """
    import gradio as gr
    from gradio.events import api

    from clippings import cite
    from clippings.errors import ClippingsError
    from clippings.records import Span

    def reply(work: Callable[[str], "Answer"], words: str) -> dict[str, str]:
        try:
            given = work(words)
        except ClippingsError as error:
            return {"error": str(error)}
        return {"html": cite.answer_html(given, templates), "text": cite.answer_text(given, templates)}

    def ask(question: str) -> dict[str, str]:
        return reply(answer, question)

    def summarize(topic: str) -> dict[str, str]:
        return reply(summary, topic)

    def show(target: object) -> dict[str, str]:
        match target:  # anyone can call this with anything
            case {"article": str(id), "start": int(start), "end": int(end)} if 0 <= start <= end:
                try:
                    return {"html": cite.article_html(article(id), Span(id, start, end))}
                except ClippingsError as error:
                    return {"error": str(error)}
        return {"error": templates.say("no_place")}

    def held(_: object) -> str:  # gradio passes what the page gives, be it nothing
        now = counts()
        return templates.held(now.articles, now.passages)

    def contents(_: object) -> str:
        return cite.contents_html(articles()) if counts().articles <= LISTED else ""

    def ask_json(question: str) -> dict[str, Any]:
        """Answer a question with quotes and their sources."""
        try:
            return cite.answer_json(answer(question))
        except ClippingsError as error:
            raise gr.Error(str(error), print_exception=False) from error

    def summarize_json(topic: str) -> dict[str, Any]:
        """Summarize what the articles say about a topic, in quotes with their sources."""
        try:
            return cite.summary_json(summary(topic))
        except ClippingsError as error:
            raise gr.Error(str(error), print_exception=False) from error

    with gr.Blocks(title=templates.say("title"), analytics_enabled=False, fill_width=True) as page:
        gr.HTML(
            page_html(templates),
            js_on_load=(HERE / "ui/chat.js").read_text(encoding="utf-8"),
            # For chat.js, by name; they are no part of the API.
            server_functions=[ask, summarize, show, held, contents],
            apply_default_css=False,
        )
        api(ask_json, api_name="ask", concurrency_limit=AT_ONCE)
        api(summarize_json, api_name="summarize", concurrency_limit=AT_ONCE)
    return page  # type: ignore[no-any-return]  # gradio's `with` gives Any


def page_html(templates: "Templates") -> str:
    """Fill ui/page.html with words and example questions."""
    page = Template((HERE / "ui/page.html").read_text(encoding="utf-8"))
    chips = (f'<li><button type="button" dir="auto">{escape(example)}</button></li>' for example in templates.examples)
    words = {name: escape(templates.say(name)) for name in page.get_identifiers() if name != "chips"}
    return page.substitute(words, chips="".join(chips))


def serve(page: "Blocks", *, port: int) -> str:
    """Serve the page to this machine only, from `port` or the next free one, and give its address."""
    import gradio as gr

    from clippings.errors import ClippingsError

    style = (HERE / "ui/chat.css").read_text(encoding="utf-8")
    system = ("system-ui", "sans-serif")  # no font is fetched
    port = free_port(port)
    try:
        page.launch(
            server_name=HOST,
            server_port=port,
            theme=gr.themes.Base(font=system, font_mono=("ui-monospace", "monospace")),
            head=f"<style>{style}</style>",  # gradio rewrites what it is given as css, and so breaks :is()
            share=False,
            ssr_mode=False,
            run_history=False,  # what a journalist asks is nobody's business
            enable_monitoring=False,
            allowed_paths=[],
            footer_links=[],
            quiet=True,
            prevent_thread_lock=True,
        )
    except OSError as error:
        raise ClippingsError(f"--port {port}: taken just now by another program: try again") from error
    return str(page.local_url).rstrip("/")


def free_port(first: int) -> int:
    """Find the first port from `first` upwards that can be listened on."""
    from clippings.errors import ClippingsError

    if not 1 <= first <= LAST_PORT:
        raise ClippingsError(f"--port {first}: give a number from 1 to {LAST_PORT}")
    ports = range(first, min(first + PORTS, LAST_PORT + 1))
    refusals = []
    for port in ports:
        try:
            # Like the server, with SO_REUSEADDR except on Windows: there it would take a port from its owner, elsewhere
            # without it the port of a server that has just ended seems taken for a minute.
            socket.create_server((HOST, port)).close()
            return port
        except OSError as error:
            refusals.append(error.strerror)
    raise ClippingsError(f"--port {first}: {refusals[0]}; up to {ports[-1]} none is free: give another")


if __name__ == "__main__":
    sys.exit(main())
