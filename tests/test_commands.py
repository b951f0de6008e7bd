"""The commands as a user runs them, on the project's own samples and the real model; and what the README shows."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")

Run = subprocess.CompletedProcess[str]


def run(*arguments: object, input: str = "") -> Run:
    """Run python with these arguments in the project's folder."""
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, input=input, capture_output=True, text=True, encoding="utf-8")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the sample articles, made by the command itself."""
    folder = tmp_path_factory.mktemp("samples") / "index"
    made = run("ingest.py", "articles", "--index", folder)
    assert made.returncode == 0, made.stderr
    assert re.fullmatch(
        r"13 articles added, 0 unchanged, 0 removed, 0 skipped; 13 articles, \d+ passages in .*", made.stdout.strip()
    )
    return folder


QUESTIONS = [
    ("Why was the opening of the Hallbridge tram line delayed?", "divers found cracks in two piers"),
    ("How many households lost power in Storm Ottilie?", "41,000 households"),
    ("Who scored the winning goal of the cup final?", "Tomas Reiland"),
    ("when will castell be sworn in", "July 1"),
    ("WHY DID THE FLOODGATE STAY OPEN", "tank of its emergency generator was empty"),
    ("Which text made a warning box pop up?", "<img src=x onerror=alert(1)>"),
]
UNANSWERABLE = ["What is the capital of Australia?", "Who won the lottery?", "How many geese were given to the zoo?"]


@pytest.fixture(scope="module")
def answers(samples: Path) -> list[dict[str, Any]]:
    """The answers to all questions, asked in one go with the model loaded once, and a line that is no question."""
    lines = [question for question, _ in QUESTIONS] + UNANSWERABLE + ["?!"]
    asked = run("-m", "clippings", "ask", "-", "--json", "--index", samples, input="\n".join(lines) + "\n")
    assert asked.returncode == 1  # for the line that is no question
    return [json.loads(line) for line in asked.stdout.splitlines()]


def test_answers_the_samples(answers: list[dict[str, Any]]) -> None:
    for (question, expected), given in zip(QUESTIONS, answers, strict=False):
        assert given["question"] == question
        assert given["found"], question
        assert any(expected in quote["text"] for quote in given["quotes"]), (question, given["quotes"])


def test_the_words_that_answer_are_picked_out(samples: Path, answers: list[dict[str, Any]]) -> None:
    quotes = [quote for given in answers[: len(QUESTIONS)] for quote in given["quotes"]]
    words = [quote["text"][slice(*quote["highlight"])] for quote in quotes if quote["highlight"]]
    assert any("41,000" in each for each in words)
    plain = run("-m", "clippings", "ask", QUESTIONS[1][0], "--reader", "none", "--json", "--index", samples)
    quotes = json.loads(plain.stdout)["quotes"]
    assert [quote["highlight"] for quote in quotes] == [None] * len(quotes)
    assert "41,000 households" in quotes[0]["text"]


def test_a_slip_of_spelling_is_put_right(samples: Path) -> None:
    asked = run("-m", "clippings", "ask", "When do the peacekepers leave Kazakstan?", "--json", "--index", samples)
    assert json.loads(asked.stdout)["searched"] == "When do the peacekeepers leave Kazakhstan?"


def test_refuses_what_the_samples_do_not_say(answers: list[dict[str, Any]]) -> None:
    for question, given in zip(UNANSWERABLE, answers[len(QUESTIONS) :], strict=False):
        assert (given["question"], given["found"], given["confidence"], given["quotes"]) == (question, False, None, [])
        assert given["nearest"], question


def test_a_line_without_a_question_is_reported_in_its_place(answers: list[dict[str, Any]]) -> None:
    assert answers[-1]["question"] == "?!"
    assert answers[-1]["error"].startswith("there is no word in the question")


def test_every_quote_is_its_slice_of_what_show_gives(samples: Path, answers: list[dict[str, Any]]) -> None:
    quotes = answers[0]["quotes"]
    shown = run("-m", "clippings", "show", quotes[0]["article"], "--json", "--index", samples)
    assert shown.returncode == 0, shown.stderr
    text = json.loads(shown.stdout)["text"]
    own = [quote for quote in quotes if quote["article"] == quotes[0]["article"]]
    assert [text[quote["start"] : quote["end"]] for quote in own] == [quote["text"] for quote in own]


def test_exit_status(samples: Path) -> None:
    refused = run("-m", "clippings", "ask", UNANSWERABLE[0], "--index", samples)
    assert (refused.returncode, refused.stderr) == (2, "")
    assert refused.stdout.startswith("Found nothing in these articles that answers that.")
    for arguments, said in (
        (["ask", "", "--index", samples], "there is no word in the question: ask in words or name a topic"),
        (["show", "x", "--index", samples], f"no article 'x' in {samples}: see python -m clippings list"),
        (["ask", "Who?", "--index", "nowhere"], "no index in nowhere: build one with python ingest.py ARTICLES"),
        (
            ["ask", "Who?", "--reader", "no-such/model", "--index", samples],
            "no model 'no-such/model' on this machine: give the name or the folder of one",
        ),
    ):
        failed = run("-m", "clippings", *arguments)
        assert (failed.returncode, failed.stdout, failed.stderr) == (1, "", f"clippings: {said}\n")
    unusable = run("-m", "clippings", "ask")
    assert unusable.returncode == 1  # 2 would mean "not found"
    assert unusable.stderr.startswith("usage: ")


def test_list_show_and_check(samples: Path) -> None:
    listed = json.loads(run("-m", "clippings", "list", "--json", "--index", samples).stdout)["articles"]
    assert len(listed) == 13
    dates = [article["published"] for article in listed]
    assert [day for day in dates if day] == sorted(day for day in dates if day)
    assert dates[-1] is None  # the undated last
    tram = next(article for article in listed if "tram-delay" in article["path"])
    assert (tram["published"], tram["dateline"]) == (None, "HALLBRIDGE, March 3")
    by_path = run("-m", "clippings", "show", "articles/tram-delay-northern-press.txt", "--json", "--index", samples)
    assert json.loads(by_path.stdout)["id"] == tram["id"]
    several = run("-m", "clippings", "show", "articles/three-outlets.jsonl", "--index", samples)
    assert (several.returncode, "holds 3 articles" in several.stderr) == (1, True)
    checked = run("-m", "clippings", "check", "--json", "--index", samples)
    assert (checked.returncode, json.loads(checked.stdout)["problems"]) == (0, [])


def test_an_empty_list_says_so(tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text("The ferry returns to Ellery harbour on 12 May.", encoding="utf-8")
    assert run("ingest.py", source, "--index", tmp_path / "index").stdout.startswith("1 article added, ")
    assert run("ingest.py", "--remove", source, "--index", tmp_path / "index").stdout == "removed 1 article\n"
    listed = run("-m", "clippings", "list", "--index", tmp_path / "index")
    assert (listed.returncode, listed.stdout) == (2, "")
    assert listed.stderr == f"clippings: no articles in {tmp_path / 'index'}\n"


def test_a_question_needs_no_quotes(samples: Path) -> None:
    words = UNANSWERABLE[0].split()
    asked = run("-m", "clippings", "search", *words, "--json", "--index", samples)
    assert json.loads(asked.stdout)["query"] == " ".join(words)


def test_search_and_summarize(samples: Path) -> None:
    topic = "The peacekeepers' mission in Kazakhstan"
    searched = json.loads(run("-m", "clippings", "search", topic, "--json", "--index", samples).stdout)
    assert 0 < len(searched["hits"]) <= 10
    assert {source["number"] for source in searched["sources"]} == {hit["source"] for hit in searched["hits"]}
    summary = run("-m", "clippings", "summarize", topic, "--json", "--index", samples)
    given = json.loads(summary.stdout)
    assert (summary.returncode, given["found"], "confidence" in given) == (0, True, False)
    assert 3 <= len(given["quotes"]) <= 6
    assert len(given["sources"]) >= 3


def test_the_readme_shows_what_a_run_gives(samples: Path) -> None:
    """The first example of the README, word for word."""
    block = re.search(r"^    \$ python -m clippings (ask .+)\n((?:    .*\n|\n)+)", README, re.MULTILINE)
    assert block
    asked = run("-m", "clippings", *shlex.split(block[1]), "--index", samples)
    shown = re.sub(r"^    ", "", block[2], flags=re.MULTILINE).strip()
    assert _without_paths(asked.stdout).split() == _without_paths(shown).split()


def test_the_readme_names_every_command_and_option() -> None:
    for command in (["ingest.py"], ["app.py"], ["-m", "clippings"], ["-m", "clippings", "ask"]):
        help = run(*command, "--help")
        assert help.returncode == 0
        for option in re.findall(r"--[a-z]+", help.stdout):
            assert option == "--help" or option in README, (command, option)
    for command in re.findall(r"^    python -m clippings (\w+)", README, re.MULTILINE):
        assert run("-m", "clippings", command, "--help").returncode == 0


def _without_paths(text: str) -> str:
    return re.sub(r"\S*articles/", "articles/", text)  # an index elsewhere sees the samples from there
