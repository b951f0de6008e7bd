import ast
import re
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest

from clippings.errors import ClippingsError
from clippings.records import Confidence
from clippings.templates import PROMPTS, Prefixes, Templates

ROOT = Path(__file__).parents[1]
TEMPLATES = Templates()

# What is filled in, by the name of the message; all others are said as they stand.
VALUES: dict[str, dict[str, object]] = {
    "articles_many": {"count": 1234},
    "passages_many": {"count": 56789},
    "held": {"articles": "1 article", "passages": "2 passages"},
    "source": {"number": 2, "title": "One vote"},
    "searched": {"question": "When?"},
}
# Names that the code puts together.
BUILT = {f"confidence_{level}" for level in get_args(Confidence)} | {
    f"{what}_{number}" for what in ("articles", "passages") for number in ("one", "many")
}


def names() -> list[str]:
    return re.findall(r"^(\w+) = ", (PROMPTS / "messages.toml").read_text(encoding="utf-8"), re.MULTILINE)


def said() -> set[str]:
    """The names of the messages that the code says and the page shows."""
    found = set(re.findall(r"\$(\w+)", (ROOT / "ui/page.html").read_text(encoding="utf-8"))) - {"chips"}
    for path in [*ROOT.glob("*.py"), *ROOT.glob("clippings/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(attr="say"), args=[ast.Constant(value=str(name))]):
                    found.add(name)
    return found


def folder_with(folder: Path, **texts: str) -> Path:
    for name in ("messages.toml", "prefixes.toml", "examples.txt"):
        (folder / name).write_text(texts.get(name.split(".")[0], ""), encoding="utf-8")
    return folder


def test_every_message_is_said_and_every_name_said_is_a_message() -> None:
    assert len(names()) > 20
    assert said() | BUILT == set(names())


@pytest.mark.parametrize("name", names())
def test_a_message_is_filled_with_all_that_it_names(name: str) -> None:
    message = TEMPLATES.say(name, **VALUES.get(name, {}))
    raw = Templates()._messages[name]
    assert {field for _, field, _, _ in Formatter().parse(raw) if field} == set(VALUES.get(name, ()))
    assert message.strip() == message != ""
    assert "{" not in message


def test_numbers_are_grouped() -> None:
    assert TEMPLATES.say("articles_many", count=1234) == "1,234 articles"
    assert TEMPLATES.say("passages_many", count=56789) == "56,789 passages"


def test_examples_are_lines() -> None:
    assert TEMPLATES.examples == (PROMPTS / "examples.txt").read_text(encoding="utf-8").strip().split("\n")


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("all-MiniLM-L6-v2", Prefixes()),
        ("intfloat/multilingual-E5-small", Prefixes("query: ", "passage: ")),
        ("/models/e5-base", Prefixes("query: ", "passage: ")),
        ("BAAI/bge-base-en", Prefixes("Represent this sentence for searching relevant passages: ", "")),
        ("nomic-ai/nomic-embed-text-v1.5", Prefixes("search_query: ", "search_document: ")),
        ("BAAI/bge-m3", Prefixes()),
        ("models/e5-base/", Prefixes("query: ", "passage: ")),
        (r"C:\models\e5-base", Prefixes("query: ", "passage: ")),
        ("/home/me/bge-tests/all-MiniLM-L12-v2", Prefixes()),
        (r"C:\e5-tests\all-MiniLM-L12-v2", Prefixes()),
        ("", Prefixes()),
    ],
)
def test_prefixes_go_by_the_name_of_the_model(model: str, expected: Prefixes) -> None:
    assert TEMPLATES.prefixes(model) == expected


def test_the_first_key_that_is_found_counts(tmp_path: Path) -> None:
    prefixes = '["b-"]\nquery = "B "\n["a-b-"]\nquery = "AB "\n'
    assert Templates(folder_with(tmp_path, prefixes=prefixes)).prefixes("a-B-c") == Prefixes("B ", "")


@pytest.mark.parametrize(
    ("file", "texts", "reason"),
    [
        ("messages.toml", {"messages": "ask = \n"}, "not TOML: "),
        ("messages.toml", {"messages": 'ask = "a"\nask = "b"\n'}, "not TOML: "),
        ("prefixes.toml", {"prefixes": "[e5"}, "not TOML: "),
        ("prefixes.toml", {"prefixes": 'e5 = "query: "'}, "e5: "),
        ("prefixes.toml", {"prefixes": '[e5]\nqueries = "query: "'}, "e5: "),
        ("prefixes.toml", {"prefixes": "[e5]\nquery = 5"}, "e5: "),
    ],
)
def test_a_broken_file_is_named_in_one_line(tmp_path: Path, file: str, texts: dict[str, str], reason: str) -> None:
    with pytest.raises(ClippingsError) as caught:
        Templates(folder_with(tmp_path, **texts))
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / file}: {reason}")
    assert "\n" not in message


def test_a_file_that_is_missing_or_not_utf_8_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClippingsError, match=rf"^{re.escape(str(tmp_path / 'messages.toml'))}: cannot be read: .*$"):
        Templates(tmp_path)
    (folder_with(tmp_path) / "examples.txt").write_bytes(b"Malm\xf6")
    with pytest.raises(ClippingsError, match=rf"^{re.escape(str(tmp_path / 'examples.txt'))}: cannot be read: .*$"):
        Templates(tmp_path)


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ("", "no message"),
        ('held = "{sources}"', "cannot be filled in"),
        ('held = "{"', "cannot be filled in"),
        ('held = "{}"', "cannot be filled in"),
        ('held = "{articles.nothing}"', "cannot be filled in"),
        ('held = "{articles:d}"', "cannot be filled in"),
        ("held = 5", "no message"),
    ],
)
def test_a_message_that_cannot_be_said_is_named(tmp_path: Path, messages: str, reason: str) -> None:
    templates = Templates(folder_with(tmp_path, messages=messages))
    with pytest.raises(ClippingsError) as caught:
        templates.say("held", articles="1 article", passages="2 passages")
    assert str(caught.value).startswith(f"{tmp_path / 'messages.toml'}: ")
    assert "'held'" in str(caught.value)
    assert reason in str(caught.value)
