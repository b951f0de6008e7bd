import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Response, ViewportSize, expect, sync_playwright

import app
from clippings import cite
from clippings.errors import ClippingsError
from clippings.index import Counts
from clippings.records import Answer, Article, Quote, Span
from clippings.templates import Templates

# Gradio leaves event loops and their sockets behind when it starts.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")

CHROMIUM = Path("/usr/bin/chromium")
QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
WIDE = ViewportSize(width=1280, height=800)
NARROW = ViewportSize(width=390, height=800)
WAITS = 10.0  # seconds until a fake gives up waiting to be released

FERRY = Article(
    id="ferry",
    title="The ferry returns",
    text="\n\n".join(f"Paragraph {n} has one sentence. And this is its {n}th second." for n in range(60)),
    outlet="The Courier",
    published=date(2025, 2, 11),
    url="https://courier.example/ferry",
)
HOSTILE = Article(
    id='"><script>alert(0)</script>',
    title="<img src=x onerror=alert(1)> **T** {{value}} ${alert(2)}",
    text="Two  spaces, $$x$$, **b**, `c`, &amp; <b>d</b> <img src=x onerror=\"alert('3')\">\n"
    "a new line {{value}} ${alert(4)} \\(y\\)\n\n# Not a heading <script>alert(5)</script>\n\nالعربية نص",
    outlet="<i>O</i>",
    url="javascript:alert(6)",
    dateline="<u>MOSCOW</u>",
)
ARTICLES = {article.id: article for article in (FERRY, HOSTILE)}
TEMPLATES = Templates()
gates: dict[str, threading.Event] = {}  # an article or a question that is in here waits until it is released
held = [Counts(2, 1031)]  # the last one counts

# What would keep the page from this machine, show it to others, or give out files.
SURROUNDINGS = {
    "http_proxy": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "socks://127.0.0.1:9",
    "no_proxy": "news.example",
    "GRADIO_ALLOWED_PATHS": str(app.HERE),
    "GRADIO_ROOT_PATH": "/elsewhere",
    "GRADIO_SERVER_NAME": "0.0.0.0",
    "GRADIO_SERVER_PORT": "1",
    "GRADIO_SHARE": "True",
    "GRADIO_MCP_SERVER": "True",
    "GRADIO_DEBUG": "1",
    "GRADIO_WATCH_DIRS": str(app.HERE),
}


def quote(article: Article, text: str, *, source: int, short: str = "") -> Quote:
    start = article.text.index(text)
    first = article.text.index(short, start)
    highlight = Span(article.id, first, first + len(short)) if short else None
    return Quote(Span(article.id, start, start + len(text)), text, source, 1.0, highlight)


def answer(question: str) -> Answer:
    if question in gates:
        assert gates[question].wait(WAITS)
    if not question.strip():
        raise ClippingsError("the question is <b>empty</b>: type one")
    if question == "fault":
        raise RuntimeError("a fault in the fake answer, on purpose")
    if question == "unknown":
        long = FERRY.text[FERRY.text.index("Paragraph 7 ") : FERRY.text.index("\n\nParagraph 27 ")]
        nearest = quote(FERRY, "Paragraph 7 has one sentence.", source=1), quote(FERRY, long, source=1)
        return Answer(question, (), (FERRY,), None, nearest)
    if question == "gone":
        gone = Article("gone", "Gone", "Text.")
        return Answer(question, (quote(gone, "Text.", source=1),), (gone,), "low")
    across = HOSTILE.text[HOSTILE.text.index("a new") :]
    quotes = (
        quote(FERRY, "And this is its 41th second.", source=1, short="41th"),
        quote(HOSTILE, HOSTILE.text.partition("\n\n")[0], source=2, short="<b>d</b>"),
        quote(FERRY, "Paragraph 0 has one sentence.", source=1),
        quote(HOSTILE, across, source=2),
        quote(FERRY, "Paragraph 59 has one sentence.", source=1),
    )
    return Answer(question, quotes, (FERRY, HOSTILE), "high")


def summary(topic: str) -> Answer:
    full = answer(topic)
    return Answer(topic, full.quotes[:2], full.sources)


def article(article_id: str) -> Article:
    if article_id in gates:
        assert gates[article_id].wait(WAITS)
    if article_id not in ARTICLES:
        raise ClippingsError(f"no article {article_id!r}")
    return ARTICLES[article_id]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as surroundings:
        for name, value in SURROUNDINGS.items():
            surroundings.setenv(name, value)
        app.offline()
        page = app.build(
            answer, summary, article=article, articles=ARTICLES.values, counts=lambda: held[-1], templates=TEMPLATES
        )
        yield app.serve(page, port=7860)
        page.close()
        del page
    gc.collect()  # what gradio leaves behind is found here, and not in another module's tests


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", *QUIET], chromium_sandbox=False
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, url: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """An open chat; at its end no dialog has opened, no script has failed, and no request has left this machine."""
    page = browser.new_page(viewport=getattr(request, "param", WIDE))
    asked: list[str] = []
    failures: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: failures.append(str(error)))

    def dismiss(dialog: Any) -> None:
        failures.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page.on("dialog", dismiss)
    page.goto(url)
    expect(page.locator(".clippings textarea")).to_be_visible()
    yield page
    page.close()
    gates.clear()
    del held[1:]
    assert [address for address in asked if not address.startswith((f"{url}/", "data:", "blob:"))] == []
    assert failures == []


def ask(page: Page, question: str, *, button: str = "Ask") -> Locator:
    turns = page.locator(".turn").count()
    page.get_by_label(TEMPLATES.say("label")).fill(question)
    page.get_by_role("button", name=button, exact=True).click()
    turn = page.locator(".turn").nth(turns)
    expect(turn.locator(".reply")).not_to_have_attribute("aria-busy", "true")
    return turn


def content(locator: Locator) -> str:
    return locator.evaluate("element => element.textContent")  # type: ignore[no-any-return]


def highlighted(page: Page) -> str:
    return "".join(page.locator(".story .text mark").all_text_contents())


def in_view(page: Page) -> bool:
    return page.locator("#passage").evaluate(  # type: ignore[no-any-return]
        """mark => {
            const panel = mark.closest(".panel").getBoundingClientRect(), box = mark.getBoundingClientRect();
            return box.top >= panel.top && box.top < panel.bottom;
        }"""
    )


# The command


def run(*arguments: object, folder: Path = app.HERE) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_help_comes_before_anything_slow_is_imported() -> None:
    assert "--index DIR" in run("app.py", "--help").stdout
    code = (
        "import sys, app\n"
        "try: app.main(['--help'])\n"
        "except SystemExit: print(*{'gradio', 'torch', 'numpy', 'faiss'} & set(sys.modules), sep=' ', end='|')"
    )
    assert run("-c", code).stdout.endswith("\n|")


def test_without_an_index_one_line_says_what_to_do(tmp_path: Path) -> None:
    done = run(app.HERE / "app.py", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "app.py: no index in index: build one with python ingest.py ARTICLES\n"
    done = run("app.py", "--index", tmp_path / "none")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"app.py: no index in {tmp_path / 'none'}: build one with python ingest.py ARTICLES\n"


@pytest.mark.parametrize("port", ["0", "-1", "65536"])
def test_a_number_that_is_no_port_is_told_in_one_line(port: str) -> None:
    done = run("app.py", "--port", port)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"app.py: --port {port}: give a number from 1 to 65535\n"


def test_a_taken_port_is_passed_over(url: str) -> None:
    taken = int(url.rpartition(":")[2])
    assert app.free_port(taken) > taken


def test_a_port_that_is_bound_but_not_listened_on_is_taken() -> None:
    with socket.socket() as owner:
        owner.bind((app.HOST, 0))
        taken = owner.getsockname()[1]
        assert app.free_port(taken) > taken


def test_that_no_port_is_free_is_told() -> None:
    with socket.socket() as owner:
        with suppress(OSError):  # when someone else holds it
            owner.bind((app.HOST, 65535))
        with pytest.raises(ClippingsError, match=r"^--port 65535: .+; up to 65535 none is free: give another$"):
            app.free_port(65535)


def test_it_starts_by_the_address_that_it_prints_and_ends_quietly(tmp_path: Path) -> None:
    made = run("ingest.py", "articles/tram-delay-northern-press.txt", "--index", tmp_path / "index")
    assert made.returncode == 0, made.stderr
    code = (
        "import signal, sys, app\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # also where the tests run without a terminal
        "sys.exit(app.main(sys.argv[1:]))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, "--index", tmp_path / "index"],
        cwd=app.HERE,
        env=os.environ | SURROUNDINGS,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as chat:
        try:
            assert chat.stdout
            address = chat.stdout.readline()
            with urllib.request.urlopen(address.strip()) as page:
                assert page.status == 200
            chat.send_signal(signal.SIGINT)
            rest, said = chat.communicate()
        finally:
            chat.kill()
    assert address.startswith("http://127.0.0.1:")
    assert (chat.returncode, rest, said) == (0, "", "app.py: loading the models ...\n")


# The page


def test_the_empty_page_says_what_is_held_and_offers_examples(page: Page) -> None:
    expect(page).to_have_title("Clippings")
    expect(page.locator(".held")).to_have_text("2 articles, 1,031 passages")
    assert page.locator(".chips button").all_text_contents() == TEMPLATES.examples
    page.locator(".chips button").first.click()
    assert content(page.locator(".turn .question")) == TEMPLATES.examples[0]


def test_every_number_opens_its_passage_in_every_turn(page: Page) -> None:
    for words, button in (("one", "Ask"), ("two", "Summarize"), ("three", "Ask")):
        ask(page, words, button=button)
    quotes = page.locator(".turn .quote")
    expect(quotes).to_have_count(12)
    for number in [*range(12), 3, 0]:
        marker = quotes.nth(number).locator(".marker")
        marker.click()
        expect(marker).to_have_attribute("aria-current", "true")
        expect(page.locator("[aria-current]")).to_have_count(1)
        source = answer("x").sources[int(content(marker).strip("[]")) - 1]
        expect(page.locator(".story h2")).to_have_text(source.title)
        page.wait_for_function(
            "words => [...document.querySelectorAll('.story .text mark')].map(m => m.textContent).join('') === words",
            arg=content(quotes.nth(number).locator(".words")),
        )
        assert content(page.locator(".story .text")) == source.text
        assert in_view(page)


def test_the_first_passage_is_open_when_an_answer_comes(page: Page) -> None:
    turn = ask(page, "one")
    expect(page.locator("#passage")).to_have_text("And this is its 41th second.")
    expect(turn.locator(".marker").first).to_have_attribute("aria-current", "true")
    assert in_view(page)
    assert turn.locator(".words").first.locator("mark").all_text_contents() == ["41th"]
    assert content(turn.locator(".confidence")) == TEMPLATES.say("confidence_high")


def test_articles_and_questions_are_shown_as_they_are(page: Page) -> None:
    question = "<img src=x onerror=alert(7)> **b** $$x$$ {{v}} ${alert(8)}  two\nlines עברית 🗞️"
    turn = ask(page, question)
    assert content(turn.locator(".question")) == question
    assert [content(words) for words in turn.locator(".words").all()] == [quote.text for quote in answer("x").quotes]
    turn.locator(".marker").nth(3).click()
    expect(page.locator(".story h2")).to_have_text(HOSTILE.title)
    assert content(page.locator(".story .text")) == HOSTILE.text
    assert highlighted(page) == answer("x").quotes[3].text
    assert page.locator(".clippings :is(img, script, b, i, u, iframe, .katex)").count() == 0
    assert page.locator(":is(.turn, .story) a").evaluate_all("links => links.map(link => link.href)") == [FERRY.url]
    shown = turn.locator(".words").nth(1)
    assert shown.evaluate("element => element.innerText") == answer("x").quotes[1].text  # spaces and line breaks too


@pytest.mark.parametrize("question", ["x" * 100_000, "🗞️🗞️", "\u202eabc", "$x$", "---", "null"])
def test_any_question_is_shown_as_typed(page: Page, question: str) -> None:
    turn = ask(page, question)
    assert content(turn.locator(".question")) == question
    expect(turn.locator(".quote")).to_have_count(5)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_not_found_shows_the_nearest_passages_as_no_answer(page: Page) -> None:
    ask(page, "one")
    expect(page.locator(".story h2")).to_have_text(FERRY.title)
    turn = ask(page, "unknown")  # beside which the passage of another answer would mislead
    assert content(turn.locator(".message")) == TEMPLATES.say("not_found")
    assert content(turn.locator(".nearest h3")) == TEMPLATES.say("nearest")
    expect(page.locator(".story")).to_be_empty()
    lines = turn.locator(".nearest .words").evaluate_all(
        "all => all.map(each => each.clientHeight / parseFloat(getComputedStyle(each).lineHeight))"
    )
    assert lines == [pytest.approx(1, abs=0.1), pytest.approx(3, abs=0.1)]  # of the second's many
    turn.locator(".nearest .marker").first.click()
    expect(page.locator("#passage")).to_have_text("Paragraph 7 has one sentence.")


def test_a_mistake_is_explained_and_a_fault_is_admitted(page: Page, caplog: pytest.LogCaptureFixture) -> None:
    assert content(ask(page, "fault").locator(".message")) == TEMPLATES.say("failed")
    assert content(ask(page, "").locator(".message")) == "the question is <b>empty</b>: type one"
    ask(page, "gone").locator(".marker").click()
    expect(page.locator(".story .message")).to_have_text("no article 'gone'")
    assert "on purpose" in caplog.text


def test_waiting_is_visible_and_a_new_conversation_does_not_wait(page: Page) -> None:
    gates["slow"] = threading.Event()
    box = page.get_by_label(TEMPLATES.say("label"))
    box.fill("slow")
    box.press("Enter")
    expect(page.locator(".reply[aria-busy] .busy")).to_have_text(TEMPLATES.say("busy"))
    expect(page.locator(".ask")).to_have_attribute("aria-disabled", "true")
    box.fill("second")
    box.press("Enter")
    expect(page.locator(".turn")).to_have_count(1)
    expect(box).to_have_value("second")
    page.get_by_role("button", name=TEMPLATES.say("clear")).click()
    expect(page.locator(".turn")).to_have_count(0)
    expect(page.locator(".chips")).to_be_visible()
    ask(page, "third")
    gates["slow"].set()
    expect(page.locator(".turn .question")).to_have_text(["third"])


def test_a_late_article_does_not_replace_a_later_choice(page: Page) -> None:
    markers = ask(page, "one").locator(".marker")
    expect(page.locator(".story h2")).to_have_text(FERRY.title)
    gates[FERRY.id] = threading.Event()
    with page.expect_response(lambda response: f'"{FERRY.id}"' in (response.request.post_data or "")) as late:
        markers.nth(2).click()
        markers.nth(1).click()
        expect(page.locator(".story h2")).to_have_text(HOSTILE.title)
        gates[FERRY.id].set()
    late.value.finished()
    page.evaluate("fetch(location.href).then(response => response.text())")  # the page has had its turn by then
    assert content(page.locator(".story .text")) == HOSTILE.text


def test_a_new_conversation_forgets_an_article_that_is_on_its_way(page: Page) -> None:
    gates[FERRY.id] = threading.Event()
    with page.expect_response(lambda response: f'"{FERRY.id}"' in (response.request.post_data or "")) as late:
        marker = ask(page, "one").locator(".marker").first
        expect(marker).to_have_attribute("aria-current", "true")
        page.get_by_role("button", name=TEMPLATES.say("clear")).click()
        gates[FERRY.id].set()
    late.value.finished()
    page.evaluate("fetch(location.href).then(response => response.text())")  # the page has had its turn by then
    expect(page.locator(".story")).to_be_empty()
    expect(page.locator(".bar")).to_be_hidden()
    expect(page.get_by_label(TEMPLATES.say("label"))).to_be_focused()


def test_the_list_of_articles_is_fetched_anew_only_when_their_number_changed(page: Page) -> None:
    def asked(name: str) -> Callable[[Response], bool]:
        return lambda response: f'"fn_name":"{name}"' in (response.request.post_data or "").replace(" ", "")

    expect(page.locator(".contents li")).to_have_count(2)
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.post_data or ""))
    for question in ("one", "two"):
        with page.expect_response(asked("held")) as counted:
            ask(page, question)
        counted.value.finished()
        page.evaluate("fetch(location.href).then(response => response.text())")
    assert sum('"held"' in body for body in fetched) == 2
    assert not any('"contents"' in body for body in fetched)
    held.append(Counts(1, 1))
    with page.expect_response(asked("contents")):
        ask(page, "three")
    expect(page.locator(".held")).to_have_text("1 article, 1 passage")


def test_whatever_the_page_sends_gets_an_answer(page: Page, caplog: pytest.LogCaptureFixture) -> None:
    with page.expect_request(lambda request: f'"{FERRY.id}"' in (request.post_data or "")) as shown:
        ask(page, "one")
    sent: dict[str, Any] = json.loads(shown.value.post_data or "")

    def show(target: object) -> Any:
        response = page.request.post(shown.value.url, data=json.dumps(sent | {"data": target}))
        assert response.ok
        return response.json()

    right: dict[str, Any] = {"article": FERRY.id, "start": 0, "end": 9}
    assert show(right) == {"html": cite.article_html(FERRY, Span(FERRY.id, 0, 9))}
    assert show(right | {"end": 10**30}) == {"html": cite.article_html(FERRY, Span(FERRY.id, 0, len(FERRY.text)))}
    assert show(right | {"article": "gone"}) == {"error": "no article 'gone'"}
    wrong: list[dict[str, Any]] = [
        {"start": "x"},
        {"start": None},
        {"start": 0.5},
        {"start": -1},
        {"start": 10},
        {"end": []},
        {"article": 7},
    ]
    missing = [{key: value for key, value in right.items() if key != name} for name in right]
    for target in [*(right | change for change in wrong), *missing, {}, [], [right], "ferry", 7, None]:
        assert show(target) == {"error": TEMPLATES.say("no_place")}, target
    assert caplog.text == ""


def test_an_answer_is_copied_with_its_sources(page: Page, url: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=url)
    turn = ask(page, "one")
    turn.get_by_role("button", name=TEMPLATES.say("copy")).click()
    expect(turn.locator(".copy")).to_have_text(TEMPLATES.say("copied"))
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"one\n\n{cite.answer_text(answer('one'), TEMPLATES)}\n"


@pytest.mark.parametrize("page", [WIDE, NARROW], indirect=True)
def test_the_articles_can_be_listed_and_read_whole(page: Page) -> None:
    page.locator(".held").click()
    titles = page.locator(".contents .title")
    assert titles.all_text_contents() == [FERRY.title, HOSTILE.title]
    titles.nth(1).click()
    expect(page.locator(".story h2")).to_have_text(HOSTILE.title)
    assert content(page.locator(".story .text")) == HOSTILE.text
    assert highlighted(page) == ""
    page.keyboard.press("Escape")
    expect(page.locator(".story")).to_be_empty()


@pytest.mark.parametrize("page", [NARROW], indirect=True)
def test_on_a_narrow_screen_the_article_lies_over_the_conversation(page: Page) -> None:
    marker = ask(page, "one").locator(".marker").nth(4)
    expect(page.locator(".panel")).not_to_be_visible()
    marker.focus()
    for key in ("Escape", "Enter"):  # Enter presses the close button, which has the focus
        page.keyboard.press("Enter")
        expect(page.locator("#passage")).to_have_text("Paragraph 59 has one sentence.")
        expect(page.locator(".close")).to_be_focused()
        assert in_view(page)
        assert page.locator(".chat").evaluate("chat => chat.inert")
        page.keyboard.press(key)
        expect(page.locator(".panel")).not_to_be_visible()
        expect(marker).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


# The API


def test_the_api_gives_the_promised_json(url: str) -> None:
    from gradio_client import Client  # type: ignore[import-untyped]
    from gradio_client.exceptions import AppError  # type: ignore[import-untyped]

    client = Client(url, verbose=False)
    assert client.predict("one", api_name="/ask") == cite.answer_json(answer("one"))
    assert client.predict("one", api_name="/summarize") == cite.summary_json(summary("one"))
    with pytest.raises(AppError, match="type one"):
        client.predict(" ", api_name="/ask")
    endpoints = client.view_api(print_info=False, return_format="dict")
    assert isinstance(endpoints, dict)
    assert set(endpoints["named_endpoints"]) == {"/ask", "/summarize"}
    client.close()


def test_no_file_is_served(url: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{url}/gradio_api/file={app.HERE / 'app.py'}")
