import json
import re
from dataclasses import replace
from datetime import date
from html import escape, unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clippings import cite
from clippings.records import Answer, Article, Confidence, Hit, Quote, Span
from clippings.templates import Templates

FERRY = Article(
    id="ferry",
    title='Ferry "returns" & <b>stays</b>',
    text="The ferry returns in May. It takes 120 passengers.\n\nTickets cost 2.80.\nChildren travel free.",
    path="articles/ferry.txt",
    url="https://courier.example/a?b=1&c=2",
    outlet="The Courier",
    author="Ida Sandvik",
    published=date(2025, 2, 11),
)
COUNCIL = Article(id="council", title="One vote", text="LUND, March 4. It passed 16 to 15.", dateline="LUND, March 4")
MAY = Quote(Span("ferry", 0, 25), "The ferry returns in May.", source=1, score=0.75, highlight=Span("ferry", 21, 24))
VOTE = Quote(Span("council", 15, 34), "It passed 16 to 15.", source=2, score=0.5)
FOUND = Answer("When?", (MAY, VOTE), (FERRY, COUNCIL), "high")
NOT_FOUND = Answer("Who?", (), (COUNCIL,), None, (Quote(VOTE.span, VOTE.text, source=1, score=0.1),))
TEMPLATES = Templates()

# What breaks pages: markup, Markdown, formulas, templates, spaces, lines, entities, and any other character.
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</mark>",
    "</p>",
    "**b**",
    "$$x$$",
    "`c`",
    "&amp;",
    "{{v}}",
    "${v}",
    "  ",
    "\n",
    "\n\n",
    "\r",
]
TEXTS = st.lists(st.sampled_from(HOSTILE) | st.text(), max_size=12).map("".join)


def quoted(article: Article, *, span: Span, highlight: Span | None = None) -> Answer:
    quote = Quote(span, article.text[span.start : span.end], source=1, score=1.0, highlight=highlight)
    return Answer("Q", (quote,), (article,), "low")


@st.composite
def spans(draw: st.DrawFn) -> tuple[str, int, int]:
    text = draw(TEXTS)
    start = draw(st.integers(0, len(text)))
    return text, start, draw(st.integers(start, len(text)))


class Marks(HTMLParser):
    """An independent reading of a page: what stands in an element of a class, and in the marks inside it."""

    def __init__(self, html: str, name: str) -> None:
        super().__init__(convert_charrefs=False)
        self.name, self.depth, self.inside_mark, self.text, self.marked, self.ids = name, 0, False, "", "", 0
        self.tags: set[str] = set()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.ids += ("id", "passage") in attrs
        self.depth += self.depth > 0 or ("class", self.name) in attrs
        self.inside_mark = self.inside_mark or tag == "mark"

    def handle_endtag(self, tag: str) -> None:
        self.depth -= self.depth > 0
        self.inside_mark = self.inside_mark and tag != "mark"

    def take(self, text: str) -> None:
        self.text += text if self.depth else ""
        self.marked += text if self.depth and self.inside_mark else ""

    def handle_data(self, data: str) -> None:
        self.take(data)

    def handle_entityref(self, name: str) -> None:
        self.take(unescape(f"&{name};"))

    def handle_charref(self, name: str) -> None:
        self.take(unescape(f"&#{name};"))


# JSON


def test_answer_json_is_the_promised_object() -> None:
    assert cite.answer_json(FOUND) == {
        "question": "When?",
        "searched": "When?",
        "found": True,
        "confidence": "high",
        "quotes": [
            {
                "text": "The ferry returns in May.",
                "article": "ferry",
                "start": 0,
                "end": 25,
                "source": 1,
                "score": 0.75,
                "highlight": [21, 24],
            },
            {
                "text": "It passed 16 to 15.",
                "article": "council",
                "start": 15,
                "end": 34,
                "source": 2,
                "score": 0.5,
                "highlight": None,
            },
        ],
        "sources": [
            {
                "number": 1,
                "id": "ferry",
                "title": 'Ferry "returns" & <b>stays</b>',
                "outlet": "The Courier",
                "author": "Ida Sandvik",
                "published": "2025-02-11",
                "path": "articles/ferry.txt",
                "url": "https://courier.example/a?b=1&c=2",
            },
            {
                "number": 2,
                "id": "council",
                "title": "One vote",
                "outlet": None,
                "author": None,
                "published": None,
                "path": None,
                "url": None,
            },
        ],
        "nearest": [],
    }


def test_not_found_json_has_the_nearest_passages_and_no_quotes() -> None:
    given = cite.answer_json(NOT_FOUND)
    assert (given["found"], given["confidence"], given["quotes"]) == (False, None, [])
    assert [(near["text"], near["source"]) for near in given["nearest"]] == [("It passed 16 to 15.", 1)]
    assert [source["id"] for source in given["sources"]] == ["council"]


def test_summary_json_is_an_answer_without_a_confidence() -> None:
    answer = cite.answer_json(FOUND)
    assert list(cite.summary_json(FOUND)) == [key for key in answer if key != "confidence"]
    assert cite.summary_json(FOUND) == {key: answer[key] for key in answer if key != "confidence"}


def test_a_highlight_counts_characters_of_its_quote() -> None:
    answer = quoted(FERRY, span=Span("ferry", 26, 50), highlight=Span("ferry", 35, 38))
    quote = cite.answer_json(answer)["quotes"][0]
    first, last = quote["highlight"]
    assert quote["text"][first:last] == FERRY.text[35:38] == "120"


def test_hits_json_numbers_articles_as_they_appear() -> None:
    hits = [Hit(Span("council", 15, 34), 3.0), Hit(Span("ferry", 0, 25), 2.0), Hit(Span("council", 0, 14), 1.0)]
    given = cite.hits_json("vote", hits, articles={"ferry": FERRY, "council": COUNCIL, "unused": FERRY})
    assert given["query"] == "vote"
    assert [(hit["text"], hit["source"], hit["score"]) for hit in given["hits"]] == [
        ("It passed 16 to 15.", 1, 3.0),
        ("The ferry returns in May.", 2, 2.0),
        ("LUND, March 4.", 1, 1.0),
    ]
    assert [(source["number"], source["id"]) for source in given["sources"]] == [(1, "council"), (2, "ferry")]
    assert list(given["hits"][0]) == ["text", "article", "start", "end", "source", "score"]


def test_article_json_has_the_text() -> None:
    given = cite.article_json(COUNCIL)
    assert list(given) == ["id", "title", "outlet", "author", "published", "dateline", "path", "url", "text"]
    assert (given["dateline"], given["text"]) == ("LUND, March 4", COUNCIL.text)


def test_json_can_be_written() -> None:
    for shape in (cite.answer_json(FOUND), cite.answer_json(NOT_FOUND), cite.article_json(FERRY)):
        assert json.loads(json.dumps(shape)) == shape


# Text


def test_answer_text() -> None:
    assert cite.answer_text(FOUND, TEMPLATES).split("\n\n") == [
        "The ferry returns in May. [1]",
        "It passed 16 to 15. [2]",
        TEMPLATES.say("confidence_high"),
        f"{TEMPLATES.say('sources')}\n"
        '[1] Ferry "returns" & <b>stays</b>, The Courier, 11 February 2025, articles/ferry.txt\n'
        "[2] One vote, LUND, March 4",
    ]


def test_not_found_text_says_so_before_the_nearest_passages() -> None:
    parts = cite.answer_text(NOT_FOUND, TEMPLATES).split("\n\n")
    assert parts[:3] == [TEMPLATES.say("not_found"), TEMPLATES.say("nearest"), "    It passed 16 to 15. [1]"]
    assert cite.answer_text(Answer("Who?", (), ()), TEMPLATES) == TEMPLATES.say("not_found")


def test_a_question_that_was_put_right_is_shown_first() -> None:
    answer = replace(NOT_FOUND, question="Wgere <b>?", searched="Where <b>?")
    assert cite.answer_json(answer)["searched"] == "Where <b>?"
    assert cite.answer_text(answer, TEMPLATES).startswith("Searched for: Where <b>?\n\n")
    assert cite.answer_html(answer, TEMPLATES).startswith('<p class="searched">Searched for: Where &lt;b&gt;?</p>')


def test_hits_text() -> None:
    given = cite.hits_text([Hit(MAY.span, 1.0)], TEMPLATES, articles={"ferry": FERRY})
    assert given.startswith("The ferry returns in May. [1]\n\n")
    assert cite.hits_text([], TEMPLATES, articles={}) == TEMPLATES.say("no_hits")


def test_article_text_shows_the_whole_article() -> None:
    given = cite.article_text(FERRY)
    assert given.startswith(FERRY.title + "\nThe Courier, Ida Sandvik, 11 February 2025, articles/ferry.txt, https://")
    assert given.endswith("\n\n" + FERRY.text)


def test_line_text_is_one_line_with_the_id_first() -> None:
    assert (
        cite.line_text(FERRY)
        == 'ferry Ferry "returns" & <b>stays</b>, The Courier, 11 February 2025, articles/ferry.txt'
    )
    assert (
        cite.line_text(Article("a", "T\n\x1bitle", "", url="https://x.example")) == "a T \ufffditle, https://x.example"
    )


def test_a_terminal_is_not_steered_by_an_article() -> None:
    article = Article("a", "\x1b]0;title\x07", "red \x1b[31m text\r over\x9b2J")
    shown = cite.article_text(article) + cite.answer_text(quoted(article, span=Span("a", 0, 24)), TEMPLATES)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown)
    assert "red \ufffd[31m text\ufffd over\ufffd2J" in shown


# HTML


@given(spans())
def test_an_article_is_shown_to_the_last_character(given: tuple[str, int, int]) -> None:
    text, start, end = given
    html = cite.article_html(Article("a", "T", text), Span("a", start, end))
    seen = Marks(html, "text")
    assert seen.text == text
    assert seen.marked == text[start:end]
    assert seen.ids == (start < end)
    assert seen.tags <= {"article", "header", "h2", "p", "div", "mark"}
    body = html.partition('<div class="text">')[2].removesuffix("</div></article>")
    assert unescape(re.sub(r"<[^>]*>", "", body)) == text


@given(spans(), st.data())
def test_a_quote_is_shown_to_the_last_character(given: tuple[str, int, int], data: st.DataObject) -> None:
    text, start, end = given
    first = data.draw(st.integers(start, end))
    last = data.draw(st.integers(first, end))
    short = data.draw(st.none() | st.just(Span("a", first, last)))
    answer = quoted(Article("a", text, text), span=Span("a", start, end), highlight=short)
    seen = Marks(cite.answer_html(answer, TEMPLATES), "words")
    assert seen.text == text[start:end]
    assert seen.marked == (text[first:last] if short else "")
    assert seen.tags <= {"blockquote", "span", "mark", "button", "p", "section", "h3", "ol", "li"}


def test_every_number_is_a_button_that_knows_its_passage() -> None:
    html = cite.answer_html(FOUND, TEMPLATES)
    markers = re.findall(r'<button type="button" class="marker" ([^>]*)>\[(\d+)\]</button>', html)
    assert markers == [
        (
            'aria-label="Source 1: Ferry &quot;returns&quot; &amp; &lt;b&gt;stays&lt;/b&gt;" '
            'data-article="ferry" data-start="0" data-end="25"',
            "1",
        ),
        ('aria-label="Source 2: One vote" data-article="council" data-start="15" data-end="34"', "2"),
    ]
    assert '<span class="words">The ferry returns in <mark>May</mark>.</span>' in html


def test_sources_are_listed_in_order_with_what_is_known() -> None:
    html = cite.answer_html(FOUND, TEMPLATES)
    rows = re.findall(r'<li value="(\d+)">(.*?)</li>', html)
    assert [number for number, _ in rows] == ["1", "2"]
    shown = [re.sub(r"<[^>]*>", "|", row).strip("|") for _, row in rows]
    assert shown[0].endswith("|The Courier||11 February 2025|||courier.example")
    assert shown[1] == "One vote|||LUND, March 4"


@pytest.mark.parametrize("level", ["high", "medium", "low"])
def test_confidence_is_a_word(level: Confidence) -> None:
    answer = quoted(FERRY, span=MAY.span)
    html = cite.answer_html(Answer("Q", answer.quotes, answer.sources, level), TEMPLATES)
    assert f'<p class="confidence {level}">{TEMPLATES.say("confidence_" + level)}</p>' in html
    assert "0.75" not in html
    assert "confidence" not in cite.answer_html(Answer("Q", answer.quotes, answer.sources), TEMPLATES)


def test_nearest_passages_are_marked_as_no_answer() -> None:
    html = cite.answer_html(NOT_FOUND, TEMPLATES)
    message, _, rest = html.partition('<section class="nearest">')
    assert message == f'<p class="message">{TEMPLATES.say("not_found")}</p>'
    assert "It passed 16 to 15." in rest
    assert 'data-article="council" data-start="15" data-end="34"' in rest
    assert cite.answer_html(Answer("Q", (), ()), TEMPLATES) == message


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//host/x",
        "http://",
        "http://[",
        "file:///etc/passwd",
        "http://evil.example\\@good.example/",  # browsers take a backslash for a slash
        "http://good.example\\.evil.example/",
        "http://good.example@evil.example/",
        "http://good.example:80@evil.example/",
        "http://@evil.example/",
        "http://[::1]evil.example/",  # Python reads ::1 in both, browsers nothing
        "http://evil.example[::1]/",
        "http:evil.example",
        "http://evil.example:port/",
        "http://evil.example:65536/",
        " http://evil.example/",
        "ht\ttp://evil.example/",
        "http://good.exa\nmple/",
        "http://good.example/ a",
        "http://good.example/\x00",
        "http://good.example/\x7f",
        "http://good.example\u202e/elpmaxe.live",
        "http://good.example\u200b/",
        "http://good.example\uff0fevil.example/",
    ],
)
def test_only_web_addresses_become_links(url: str) -> None:
    article = Article("a", "T", "Text.", url=url)
    span = Span("a", 0, 5)
    for html in (cite.article_html(article, span), cite.answer_html(quoted(article, span=span), TEMPLATES)):
        assert "<a " not in html
        assert escape(url) in html


URL_PARTS = "http https : / // \\ @ . ? # & [ ] :80 good.example evil.example \t \u202e \u00a0 %40 %2f ::1 é".split(" ")


@given(st.lists(st.sampled_from([*URL_PARTS, " "]), max_size=8).map("".join))
def test_a_link_is_named_after_the_host_that_it_leads_to(rest: str) -> None:
    url = f"http://{rest}"
    html = cite.article_html(Article("a", "T", "Text.", url=url), Span("a", 0, 0))
    link = re.search(r'<a href="([^"]*)"[^>]*>([^<]*)</a>', html)
    if link:
        assert unescape(link[1]) == url
        read = re.fullmatch(r"http://\[?([^\s/?#\\@\[\]]+?)\]?(?::\d*)?(?:[/?#][^\s\\]*)?", url)
        assert read
        assert unescape(link[2]) == read[1].lower()


def test_a_link_leaves_nothing_behind() -> None:
    article = Article("a", "T", "Text.", url='https://x.example/"onclick="alert(1)')
    html = cite.article_html(article, Span("a", 0, 0))
    opening = '<a href="https://x.example/&quot;onclick=&quot;alert(1)" target="_blank" rel="noopener noreferrer">'
    assert f"{opening}x.example</a>" in html


def test_contents_open_whole_articles_in_the_order_given() -> None:
    html = cite.contents_html(iter((COUNCIL, FERRY)))
    assert re.findall(r'data-article="(\w+)" data-start="(\d+)" data-end="(\d+)"', html) == [
        ("council", "0", "0"),
        ("ferry", "0", "0"),
    ]
    assert re.sub(r"<[^>]*>", "", html).startswith("One voteLUND, March 4Ferry &quot;returns&quot;")


def test_a_mark_goes_on_in_the_next_paragraph() -> None:
    html = cite.article_html(Article("a", "T", "One two.\n\nThree four."), Span("a", 4, 15))
    assert html.partition('<div class="text">')[2] == (
        '<p dir="auto">One <mark id="passage">two.</mark></p><mark>\n\n</mark>'
        '<p dir="auto"><mark>Three</mark> four.</p></div></article>'
    )
