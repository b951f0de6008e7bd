import codecs
import json
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clippings.clean import clean
from clippings.load import find, load
from clippings.records import Page, Skip

Read = Callable[[str, str | bytes], list[Page | Skip]]

TITLE = "Ferry to return to the harbour"
STORY = "The ferry returns to the harbour in May, after a winter in the dock."
RUSSIAN = "Паром вернётся в гавань в мае, после зимы в доке, и перевезёт сто двадцать пассажиров."
HOSTILE = "A\u202eB\x1b[31m \u200bC\x07\u2028\ud800D"  # a bidi override, a colour, an unseen space, a bell, half a pair
SAFE = "AB[31m C D"


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def written_and_loaded(name: str, content: str | bytes) -> list[Page | Skip]:
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return list(load(tmp_path / name, name))

    return written_and_loaded


def page_html(*paragraphs: str, head: str = "") -> str:
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return f"<!doctype html><html><head>{head}</head><body><article>{body}</article></body></html>"


# Plain text and its encodings


@pytest.mark.parametrize(
    "raw",
    [
        STORY.encode(),
        codecs.BOM_UTF8 + STORY.encode(),
        codecs.BOM_UTF16_LE + STORY.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + STORY.encode("utf-16-be"),
    ],
    ids=["UTF-8", "UTF-8 with BOM", "UTF-16 little-endian", "UTF-16 big-endian"],
)
def test_text_is_read_in_every_unicode_encoding(read: Read, raw: bytes) -> None:
    assert read("a.txt", raw) == [Page(STORY, "a.txt")]


def test_the_kind_of_line_break_changes_no_article(read: Read) -> None:
    articles = set()
    for line_break in ("\n", "\r\n", "\r"):
        for name, text in (("a.txt", f"{TITLE}\n\n{STORY}\n"), ("a.md", f"---\ntitle: {TITLE}\n---\n\n{STORY}\n")):
            (page,) = read(name, text.replace("\n", line_break))
            assert isinstance(page, Page)
            article = clean(page)
            assert article is not None
            articles.add((article.title, article.text))
    assert articles == {(TITLE, STORY)}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.txt", b"", "empty: no article text"),
        ("blank.txt", b" \n\t\r\n", "empty: no article text"),
        ("bom.txt", codecs.BOM_UTF8, "empty: no article text"),
        ("empty.md", b"", "empty: no article text"),
        ("fields.md", b"---\ntitle: T\n---\n", "empty: no article text"),
        ("empty.html", b"", "no article text found in the page"),
        ("junk.html", b"<<<>>>&&&", "no article text found in the page"),
        ("deep.html", b"<div>" * 5000 + STORY.encode(), "no article text found in the page"),
        ("empty.jsonl", b"\n \n", "empty: no article text"),
        ("nul.txt", b"PK\x03\x04\x00\x00text", "binary: not a text file"),
        ("image.txt", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "binary: not a text file"),
        ("utf-16.txt", STORY.encode("utf-16-le"), "binary: not a text file"),
        ("utf-32.txt", STORY.encode("utf-32"), "binary: not a text file"),
        ("latin-1.txt", "Malmö".encode("latin-1"), "not utf-8 (byte 0xf6 at 4): save it as UTF-8"),
        ("latin-1.md", "Malmö".encode("latin-1"), "not utf-8 (byte 0xf6 at 4): save it as UTF-8"),
        ("bom.md", codecs.BOM_UTF8 + b"Malm\xf6", "not utf-8-sig (byte 0xf6 at 4): save it as UTF-8"),
        (
            "utf-16.jsonl",
            '{"text": "t"}\n'.encode("utf-16"),
            "UTF-16, and .jsonl is read in UTF-8 alone: save it as UTF-8",
        ),
    ],
)
def test_a_file_that_cannot_be_taken_in_is_named_with_its_reason(
    read: Read, name: str, content: bytes, reason: str
) -> None:
    assert read(name, content) == [Skip(name, reason)]


@pytest.mark.parametrize("suffix", [".txt", ".md", ".html", ".jsonl"])
def test_a_huge_file_is_skipped(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"dump{suffix}"
    path.touch()
    os.truncate(path, 50_000_000)  # sparse: takes no room
    where = "dump.jsonl:1" if suffix == ".jsonl" else path.name
    limit = "" if suffix == ".jsonl" else " (at most 5 MB)"
    assert list(load(path, path.name)) == [Skip(where, f"50 MB: too large for one article{limit}")]


def test_what_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder.txt").mkdir()
    (tmp_path / "dangling.jsonl").symlink_to(tmp_path / "gone")
    for name, reason in (("folder.txt", "Is a directory"), ("dangling.jsonl", "No such file or directory")):
        assert list(load(tmp_path / name, name)) == [Skip(name, f"cannot be read: {reason}")]


def test_what_may_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(STORY)
    (tmp_path / "a.txt").chmod(0)
    if os.access(tmp_path / "a.txt", os.R_OK):
        pytest.skip("this user may read everything")
    (tmp_path / "shut").mkdir(mode=0)
    assert list(load(tmp_path / "a.txt", "a.txt")) == [Skip("a.txt", "cannot be read: Permission denied")]
    shut = Skip(str(tmp_path / "shut"), "cannot be read: Permission denied")
    assert list(find([tmp_path])) == [tmp_path / "a.txt", shut]
    assert list(find([tmp_path / "shut/b.txt"])) == [Skip(str(tmp_path / "shut/b.txt"), shut.reason)]


@given(raw=st.binary(max_size=300), suffix=st.sampled_from([".txt", ".md", ".jsonl"]))
def test_no_bytes_raise(tmp_path_factory: pytest.TempPathFactory, raw: bytes, suffix: str) -> None:
    path = tmp_path_factory.getbasetemp() / f"any{suffix}"
    path.write_bytes(raw)
    for each in load(path, "any"):
        assert each.reason if isinstance(each, Skip) else each.text.strip()


# Markdown


def test_front_matter_gives_the_metadata(read: Read) -> None:
    text = """---
title: "Ferry: back"
url: https://courier.example/ferry
outlet: The Courier
author: Ida Sandvik
published: 2025-02-11
tags: [sea]
---

The ferry returns.
"""
    assert read("a.md", text) == [
        Page(
            "The ferry returns.",
            "a.md",
            title="Ferry: back",
            url="https://courier.example/ferry",
            outlet="The Courier",
            author="Ida Sandvik",
            published=date(2025, 2, 11),
        )
    ]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("published: 2022-13-45", Page("Text.", "a.md")),
        ("published: yesterday", Page("Text.", "a.md")),
        ("published: 2022-01-13T23:30:00-05:00", Page("Text.", "a.md", published=date(2022, 1, 13))),
        ("published: '2022-01-13'", Page("Text.", "a.md", published=date(2022, 1, 13))),
        ("title: 1984", Page("Text.", "a.md", title="1984")),
        ("title: 2022-02-30", Page("Text.", "a.md", title="2022-02-30")),
        ("title: [a, b]", Page("Text.", "a.md")),
        ("title: {a: b}", Page("Text.", "a.md")),
        ("title:", Page("Text.", "a.md")),
        ("author: null", Page("Text.", "a.md")),
        (f"pages: {'9' * 5000}", Page("Text.", "a.md")),
        ("title: !!python/object/apply:os.getcwd []", Page("Text.", "a.md")),
    ],
)
def test_odd_values_in_front_matter_are_unknown_or_text(read: Read, field: str, expected: Page) -> None:
    assert read("a.md", f"---\n{field}\n---\nText.\n") == [expected]


def test_a_headline_with_a_colon_needs_no_quotation_marks(read: Read) -> None:
    front = (
        "---\ntitle: Quake: \"toll\" now 109: ministry\noutlet: 'News: North'\nurl: https://a.example/b\n---\nText.\n"
    )
    expected = Page(
        "Text.", "a.md", title='Quake: "toll" now 109: ministry', outlet="News: North", url="https://a.example/b"
    )
    assert read("a.md", front) == [expected]


def test_front_matter_that_is_yaml_stays_as_it_is(read: Read) -> None:
    front = "---\ntitle: T\npublished: 2024-01-02 # fixed: was 03\n---\nText.\n"
    assert read("a.md", front) == [Page("Text.", "a.md", title="T", published=date(2024, 1, 2))]


def test_broken_front_matter_is_named_with_its_line(read: Read) -> None:
    (skip,) = read("a.md", "---\ntitle: T\nurl: [\n---\nText.\n")
    assert isinstance(skip, Skip)
    assert skip.reason.startswith("front matter is not YAML: ")
    assert "line 3" in skip.reason
    assert "\n" not in skip.reason


def test_deep_front_matter_is_named(read: Read) -> None:
    assert read("a.md", f"---\ntitle: {'[' * 500}\n---\nText.\n") == [
        Skip("a.md", "front matter is not YAML: nested too deeply")
    ]


def test_a_rule_at_the_top_is_no_front_matter(read: Read) -> None:
    assert read("a.md", "---\nThe ferry returns.\n\n---\nThe end.\n") == [
        Page("The ferry returns.\n\nThe end.", "a.md")
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# The *ferry*\n\nIt returns.", Page("It returns.", "a.md", title="The ferry")),
        ("The ferry\n===\n\nIt returns.", Page("It returns.", "a.md", title="The ferry")),
        ("It returns.\n\n# Below", Page("It returns.\n\nBelow", "a.md")),
        ("---\ntitle: Known\n---\n# The ferry\n\nIt returns.", Page("The ferry\n\nIt returns.", "a.md", title="Known")),
        ("# One\n\n# Two\n\nIt returns.", Page("Two\n\nIt returns.", "a.md", title="One")),
    ],
)
def test_the_first_heading_is_the_title(read: Read, text: str, expected: Page) -> None:
    assert read("a.md", text) == [expected]


@pytest.mark.parametrize(
    ("text", "paragraphs"),
    [
        ("One [link](https://a.example) *and* **more** `code`.", ["One link and more code."]),
        ("A line\nand the next  \nand another.", ["A line and the next and another."]),
        ("- one\n- two\n  - three\n\n1. four", ["one", "two", "three", "four"]),
        ("> Quoted.\n>\n> Twice.", ["Quoted.", "Twice."]),
        ("```py\nx = '*'\n```", ["x = '*'\n"]),
        ("<https://a.example> &amp; \\*", ["https://a.example & *"]),
        ("Before.\n\n---\n\nAfter.", ["Before.", "After."]),
        ("A <b>bold</b> <img src=x onerror=alert(1)> word.", ["A <b>bold</b> <img src=x onerror=alert(1)> word."]),
        ("<script>alert(1)</script>\n\n<!-- note -->", ["<script>alert(1)</script>", "<!-- note -->"]),
    ],
)
def test_markdown_becomes_its_text_and_html_stays_as_written(read: Read, text: str, paragraphs: list[str]) -> None:
    assert read("a.md", text) == [Page("\n\n".join(paragraphs), "a.md")]


# Web pages


def test_a_page_gives_text_and_metadata(read: Read) -> None:
    head = """<title>Ferry returns | The Courier</title>
        <meta property="og:title" content="Ferry returns"><meta property="og:site_name" content="The Courier">
        <meta name="author" content="Ida Sandvik">
        <meta property="article:published_time" content="2025-02-11T08:00:00Z">
        <link rel="canonical" href="https://courier.example/ferry">"""
    menu = "<nav><a href=/>Home</a> <a href=/sport>Sport</a></nav>"
    html = page_html(STORY, RUSSIAN, "The last of the three paragraphs has a &lt;b&gt; in it.", head=head)
    assert read("a.html", html.replace("<body>", f"<body>{menu}")) == [
        Page(
            f"{STORY}\n\n{RUSSIAN}\n\nThe last of the three paragraphs has a <b> in it.",
            "a.html",
            title="Ferry returns",
            url="https://courier.example/ferry",
            outlet="The Courier",
            author="Ida Sandvik",
            published=date(2025, 2, 11),
        )
    ]


def test_a_date_in_the_text_is_not_the_date_of_publication(read: Read) -> None:
    (page,) = read("a.htm", page_html(STORY, "It was built in Lund on 4 March 1987 and has not been there since then."))
    assert isinstance(page, Page)
    assert page.published is None


@pytest.mark.parametrize(
    ("written", "declared"),
    [
        ("windows-1251", "windows-1251"),
        ("windows-1251", "Windows-1251"),
        ("koi8-r", "koi8-r"),
        ("utf-8", None),
        ("utf-8", "windows-1251"),  # the page is wrong about itself
        ("utf-8", "undefined"),
        ("utf-8", "utf-16"),
        ("utf-8-sig", "iso-8859-1"),
        ("utf-16", "utf-8"),
    ],
)
def test_the_charset_of_a_page(read: Read, written: str, declared: str | None) -> None:
    head = f"<meta charset='{declared}'>" if declared else ""
    (page,) = read("a.html", page_html(RUSSIAN, RUSSIAN.upper(), head=head).encode(written))
    assert isinstance(page, Page)
    assert page.text == f"{RUSSIAN}\n\n{RUSSIAN.upper()}"


def test_latin_1_is_what_browsers_take_it_for(read: Read) -> None:
    quoted = "“The ferry returns to Malmö in May – after a winter in the dock,” said its captain on the quay."
    html = page_html(quoted, head='<meta http-equiv="Content-Type" content="text/html; charset=ISO-8859-1">')
    (page,) = read("a.html", html.encode("windows-1252"))
    assert isinstance(page, Page)
    assert page.text == quoted


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        ("utf-8", "not utf-8 (byte 0xcf at "),
        ("ascii", "not ascii (byte 0xcf at "),
        ("x-nothing", "unknown charset 'x-nothing': "),
        ("undefined", "unknown charset 'undefined': "),
        ("hex", "unknown charset 'hex': "),
    ],
)
def test_a_wrong_charset_is_named(read: Read, declared: str, reason: str) -> None:
    (skip,) = read("a.html", page_html(RUSSIAN, head=f"<meta charset={declared}>").encode("windows-1251"))
    assert isinstance(skip, Skip)
    assert skip.reason.startswith(reason)
    assert skip.reason.endswith("save it as UTF-8")


# JSON lines


def test_each_line_is_an_article_and_a_broken_one_is_named(read: Read) -> None:
    whole = {
        "text": f"{STORY}\n\n{RUSSIAN}",
        "title": "Ferry",
        "url": "https://courier.example",
        "outlet": "Courier",
        "author": "Ida",
        "published": "2025-02-11T08:00:00Z",
        "more": {"x": [1]},
    }
    content = codecs.BOM_UTF8 + b"\r\n".join([json.dumps(whole).encode(), b'{"text": ', b"", b'{"text": "T"}'])
    assert read("archive.jsonl", content) == [
        Page(
            f"{STORY}\n\n{RUSSIAN}",
            "archive.jsonl",
            title="Ferry",
            url="https://courier.example",
            outlet="Courier",
            author="Ida",
            published=date(2025, 2, 11),
            line=1,
        ),
        Skip("archive.jsonl:2", "not JSON: Expecting value at character 12"),
        Page("T", "archive.jsonl", line=4),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{}", "no 'text'"),
        (b'{"title": "T"}', "no 'text'"),
        (b'{"text": ""}', "no 'text'"),
        (b'{"text": " \\n"}', "no 'text'"),
        (b'{"text": null}', "no 'text'"),
        (b'{"text": 5}', "no 'text'"),
        (b'{"text": ["T"]}', "no 'text'"),
        (b"5", "not a JSON object"),
        (b"NaN", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'[{"text": "T"}]', "not a JSON object"),
        (b"text", "not JSON: Expecting value at character 1"),
        (b'{"text": "Malm\xf6"}', "not utf-8 (byte 0xf6 at 14): save it as UTF-8"),
        (b'{"text": "T\x00"}', "binary: not a text file"),
        (b"9" * 5000, "not a JSON object"),
    ],
)
def test_a_line_that_is_no_article_is_named_and_the_rest_goes_on(read: Read, line: bytes, reason: str) -> None:
    content = b'{"text": "One"}\n' + line + b'\n{"text": "Three"}'
    assert read("archive.jsonl", content) == [
        Page("One", "archive.jsonl", line=1),
        Skip("archive.jsonl:2", reason),
        Page("Three", "archive.jsonl", line=3),
    ]


@pytest.mark.parametrize("bracket", [b"[", b'{"text":'])
def test_a_line_nested_too_deeply_is_named(read: Read, bracket: bytes) -> None:
    assert read("archive.jsonl", bracket * 100_000) == [Skip("archive.jsonl:1", "not JSON: nested too deeply")]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ('"title": 5', Page("T", "a.jsonl", line=1)),
        ('"title": ["A"], "url": {}, "outlet": true, "author": null', Page("T", "a.jsonl", line=1)),
        ('"title": " ", "outlet": ""', Page("T", "a.jsonl", line=1)),
        ('"title": " A \\n B "', Page("T", "a.jsonl", line=1, title="A B")),
        (
            '"title": "می\u200cشود \U0001f469\u200d\U0001f680"',
            Page("T", "a.jsonl", line=1, title="می\u200cشود \U0001f469\u200d\U0001f680"),
        ),
        ('"published": "2022-13-45"', Page("T", "a.jsonl", line=1)),
        ('"published": "2022"', Page("T", "a.jsonl", line=1)),
        ('"published": "January 13"', Page("T", "a.jsonl", line=1)),
        ('"published": 1642032000', Page("T", "a.jsonl", line=1)),
        ('"published": " 2022-01-13 "', Page("T", "a.jsonl", line=1, published=date(2022, 1, 13))),
        (f'"views": {"9" * 5000}', Page("T", "a.jsonl", line=1)),
    ],
)
def test_odd_values_in_a_line_are_unknown(read: Read, fields: str, expected: Page) -> None:
    assert read("a.jsonl", f'{{"text": "T", {fields}}}') == [expected]


def test_half_a_surrogate_pair_does_not_reach_the_article(read: Read) -> None:
    (page,) = read("a.jsonl", '{"text": "The ferry \\ud800 returns \\u0000 in May."}')
    assert isinstance(page, Page)
    article = clean(page)
    assert article is not None
    assert article.text == "The ferry returns in May."


# What nobody should see in a title


@pytest.mark.parametrize("field", ["title", "outlet", "author", "url"])
def test_control_and_bidi_characters_do_not_survive_in_metadata(read: Read, field: str) -> None:
    assert read("a.jsonl", json.dumps({"text": "T", field: HOSTILE})) == [
        Page("T", "a.jsonl", line=1, **{field: SAFE})  # type: ignore[arg-type]
    ]


def test_nor_in_headings_and_front_matter(read: Read) -> None:
    seen = HOSTILE.replace("\ud800", "").replace("\u2028", " ")
    assert read("a.md", f"# {seen}\n\nText.") == [Page("Text.", "a.md", title=SAFE)]
    assert read("b.md", '---\ntitle: "A\\u202eB\\aC"\n---\nText.') == [Page("Text.", "b.md", title="ABC")]


# Finding the files


def test_folders_are_walked_in_order_and_each_file_comes_once(tmp_path: Path) -> None:
    names = ["b/z.TXT", "b/a.md", "a.html", "c.htm", "b/c/d.jsonl", "E.txt"]
    passed_over = ["README.md", "b/readme.MD", ".hidden.txt", ".git/x.txt", "image.png", "txt", "a.txt~"]
    for name in names + passed_over:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("T")
    (tmp_path / "link.txt").symlink_to(tmp_path / "a.html")
    expected = [tmp_path / name for name in ("E.txt", "a.html", "c.htm", "b/a.md", "b/z.TXT", "b/c/d.jsonl")]
    assert list(find([tmp_path])) == expected
    assert list(find([tmp_path, tmp_path / "a.html", tmp_path / "b", tmp_path / "b/../a.html"])) == expected
    assert list(find([tmp_path / "link.txt", tmp_path / "a.html"])) == [tmp_path / "link.txt"]
    named = [tmp_path / name for name in ("README.md", ".hidden.txt", ".git")]
    assert list(find(named)) == [*named[:2], tmp_path / ".git/x.txt"]


def test_what_is_no_article_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "image.png").touch()
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "dangling.txt").symlink_to(tmp_path / "gone.txt")
    (tmp_path / "loop.txt").symlink_to(tmp_path / "loop.txt")
    nothing, no_file = "no such file or folder", "not a file, or a link that leads nowhere"
    reasons = {
        tmp_path / "image.png": "not one of .txt, .md, .html, .htm, .jsonl",
        tmp_path / "gone": nothing,
        tmp_path / "gone/a.txt": nothing,
        tmp_path / "dangling.txt": nothing,
        tmp_path / "loop.txt": nothing,
        tmp_path / "pipe.txt": no_file,
        tmp_path / ("n" * 300): "cannot be read: File name too long",
    }
    assert list(find(reasons)) == [Skip(str(path), reason) for path, reason in reasons.items()]
    assert list(find([tmp_path])) == [
        Skip(str(tmp_path / name), no_file) for name in ("dangling.txt", "loop.txt", "pipe.txt")
    ]


def test_a_name_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"Malm\xf6.txt")
    try:
        path.write_text(STORY)
    except OSError:
        pytest.skip("this file system has only names in UTF-8")
    expected = [Skip(f"{tmp_path}/Malm\ufffd.txt", "a name that is not UTF-8: rename it")]
    assert list(find([tmp_path])) == list(find([path])) == expected


def test_linked_folders_do_not_go_round(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/x.txt").write_text("T")
    (tmp_path / "a/up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "b").symlink_to(tmp_path / "a", target_is_directory=True)
    assert list(find([tmp_path])) == [tmp_path / "a/x.txt"]
    assert list(find([tmp_path / "b", tmp_path / "a"])) == [tmp_path / "b/x.txt"]
