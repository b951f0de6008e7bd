"""Chat with an index in the browser: python app.py [--index DIR] [--port N]."""

import argparse
import os
import socket
import sys
from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradio import Blocks

    from clippings.records import Answer, Article
    from clippings.templates import Templates

HERE = Path(__file__).resolve().parent
PORTS = 100  # how many ports to try, from the one wanted upwards
LISTED = 500  # articles: of a larger index, no list is shown
AT_ONCE = 4  # questions through the API that may be worked on at the same time


def main(argv: list[str] | None = None) -> int:
    """Open the index, serve the chat until it is interrupted, and give the exit status."""
    parser = argparse.ArgumentParser(prog="app.py", description="Chat with an index of articles in the browser.")
    parser.add_argument("--index", type=Path, default=HERE / "index", metavar="DIR", help="the index (default: index/)")
    parser.add_argument(
        "--port", type=int, default=7860, metavar="N", help="the port (default: %(default)s, or the next free)"
    )
    arguments = parser.parse_args(argv)
    offline()

    from clippings.errors import ClippingsError
    from clippings.index import Index
    from clippings.templates import Templates

    try:
        index, templates = Index.open(arguments.index), Templates()

        from clippings.answer import answer
        from clippings.summarize import summarize

        answer("Is everything loaded?", index)  # so that the first reader does not wait for the models
    except ClippingsError as error:
        print(f"app.py: {error}", file=sys.stderr)
        return 1
    page = build(
        lambda question: answer(question, index),
        lambda topic: summarize(topic, index),
        article=index.article,
        articles=index.articles,
        counts=lambda: (index.counts.articles, index.counts.passages),
        templates=templates,
    )
    print(serve(page, port=arguments.port), flush=True)
    page.block_thread()
    return 0


def offline() -> None:
    """Keep gradio and the model libraries off the network; to be called before they are imported."""
    os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1", "NO_PROXY": "127.0.0.1,localhost"}


def build(
    answer: Callable[[str], "Answer"],
    summary: Callable[[str], "Answer"],
    *,
    article: Callable[[str], "Article"],
    articles: Callable[[], Iterable["Article"]],
    counts: Callable[[], tuple[int, int]],
    templates: "Templates",
) -> "Blocks":
    """Make the page out of what answers, summarizes, finds an article by id, lists them all, and counts.

    `counts` gives the numbers of articles and of passages. All five functions are called from several threads.
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

    def show(target: dict[str, Any]) -> dict[str, str]:
        try:
            found = article(str(target["article"]))
        except ClippingsError as error:
            return {"error": str(error)}
        return {"html": cite.article_html(found, Span(found.id, int(target["start"]), int(target["end"])))}

    def held(_: list[Any]) -> str:  # gradio passes what the page gives, be it nothing
        named = [
            templates.say(f"{name}_{'one' if count == 1 else 'many'}", count=count)
            for name, count in zip(("articles", "passages"), counts(), strict=True)
        ]
        return templates.say("held", articles=named[0], passages=named[1])

    def contents(_: list[Any]) -> str:
        return cite.contents_html(articles()) if counts()[0] <= LISTED else ""

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
            server_functions=[
                ask,
                summarize,
                show,
                held,
                contents,
            ],  # chat.js calls these by name; they are no part of the API
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

    style = (HERE / "ui/chat.css").read_text(encoding="utf-8")
    system = ("system-ui", "sans-serif")  # no font is fetched
    page.launch(
        server_name="127.0.0.1",
        server_port=free_port(port),
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
    return str(page.local_url).rstrip("/")


def free_port(first: int) -> int:
    """Find the first port from `first` upwards that nothing listens on."""
    for port in range(first, first + PORTS):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    return first


if __name__ == "__main__":
    sys.exit(main())
