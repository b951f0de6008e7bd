"""Slips of spelling: which words are put right, and by which."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clippings.answer import answer
from clippings.index import Index
from clippings.records import Article
from clippings.spelling import LONGEST, corrected, is_slip
from clippings.summarize import summarize

WORDS = st.text("abc", max_size=6)


@given(WORDS, WORDS)
def test_a_slip_is_one_change_between_the_first_letter_and_the_last(one: str, other: str) -> None:
    def changes(word: str) -> set[str]:
        cuts = [(word[:place], word[place:]) for place in range(1, len(word) + 1)]
        return (
            {a + b[1:] for a, b in cuts if b}
            | {a + letter + b for a, b in cuts for letter in "abc"}
            | {a + letter + b[1:] for a, b in cuts if b for letter in "abc"}
            | {a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1}
        )

    same_ends = one[:1] == other[:1] and one[-1:] == other[-1:]
    assert is_slip(one, other) == (one != other and same_ends and other in changes(one))
    assert is_slip(one, other) == is_slip(other, one)


def test_the_commonest_of_the_words_that_resemble_is_taken() -> None:
    texts = ["Kazakhstan and Kazakhstan", "kazakhstani", "Kazakhstam, Kazakhstan"]
    put_right = corrected("Why did Kazakstan's protests begin?", {"protests"}.__contains__, resembling=lambda _: texts)
    assert put_right == "Why did Kazakhstan's protests begin?"
    texts = ["Peacekeepers leave", "Peacekeepers stay", "the peacekeepers"]
    assert corrected("peacekepers", lambda _: False, resembling=lambda _: texts) == "peacekeepers"
    assert corrected("kazakstan", lambda _: False, resembling=lambda _: ["Kazakhstan"]) == "Kazakhstan"


@pytest.mark.parametrize(
    "question", ["", "?!", "Who was Lavrof", "Where was Petrova", "Who was Abcdefgh", "naïveté 2022-01-13 Протесты"]
)
def test_what_nothing_resembles_stays_to_the_letter(question: str) -> None:
    assert (
        corrected(question, lambda _: False, resembling=lambda _: ["Words of quite another kind, Petrov and Lavrov"])
        == question
    )


def test_short_and_known_words_stay() -> None:
    assert corrected("tanks soldiers", "soldiers".__eq__, resembling=lambda _: ["banks tango tanks, soldier"]) == (
        "tanks soldiers"
    )


@pytest.mark.parametrize("marks", ['""', "“”", "„“", "«»", "»«", "””"])
def test_quoted_words_stay(marks: str) -> None:
    question = f"who said {marks[0]}kazakstan{marks[1]} in kazakstan"
    assert corrected(question, lambda word: word == "said", resembling=lambda _: ["kazakhstan"]) == (
        f"who said {marks[0]}kazakstan{marks[1]} in kazakhstan"
    )


def test_inches_quote_nothing() -> None:
    question = 'a 6" pipe in kazakstan and an 8" pipe'
    put_right = corrected(question, lambda word: word != "kazakstan", resembling=lambda _: ["kazakhstan"])
    assert put_right == question.replace("kazakstan", "kazakhstan")


def test_a_slip_finds_what_was_meant_and_says_so(index: Index, article: Callable[..., Article]) -> None:
    index.add([article("The peacekeepers left Kazakhstan on 19 January. Snow fell.", "Peacekeepers leave")])
    for work in (answer, summarize):
        given = work("When did the peacekepers leave Kazakhstan", index)
        assert given.question == "When did the peacekepers leave Kazakhstan"
        assert given.searched == "When did the peacekeepers leave Kazakhstan"
        assert work("When did the peacekeepers leave Kazakhstan", index).searched is None


def test_a_name_that_stands_in_a_headline_only(index: Index, article: Callable[..., Article]) -> None:
    index.add([article("He flew to Minsk. Snow fell.", "Lukashenko leaves")])
    assert index.query("Where did Lukashneko fly").text == "Where did Lukashenko fly"


def test_a_pasted_text_stays_as_it_is() -> None:
    pasted = "peacekepers " * (LONGEST + 1)
    assert corrected(pasted, lambda _: False, resembling=lambda _: ["peacekeepers"]) == pasted
