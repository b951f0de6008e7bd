"""What a request asks for, without the words that make it one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clippings.index import Index
from clippings.topic import topic


@pytest.mark.parametrize(
    ("request_", "asked"),
    [
        ("Tell me about the flood", "the flood"),
        ("Hello, could you please tell me more about Ida Sandvik?", "Ida Sandvik"),
        ("What is the latest on the strike?", "the strike"),
        ("what’s new with the tram", "the tram"),
        ("What are the latest developments in Syria?", "Syria"),
        ("Any news about the cup final?", "the cup final"),
        ("Is there any news on the strike?", "the strike"),
        ("Please summarize the news on the trial.", "the trial"),
        ("Give me a summary of the trial", "the trial"),
        ("What do the articles say about the harbour?", "the harbour"),
        ("I'd like to know more about the bridge", "the bridge"),
        ("Can you tell me why the tram was delayed?", "why the tram was delayed?"),
        ("Do you know who won?", "who won?"),
        ("Explain to me how the vote went", "how the vote went"),
        ("Can you tell me whether the strike is over?", "whether the strike is over?"),
        ("Could you tell me what's new on the tram?", "the tram"),
        ("Tell  me about the flood, please", "the flood"),
        ("Explain the strike.", "the strike"),
        ("What's the news on the strike", "the strike"),
        ("What is happening in Hallbridge?", "Hallbridge"),
        ("What is the latest from Ukraine?", "Ukraine"),
        ("Give me the latest on the flood", "the flood"),
        ("Find articles about the flood", "the flood"),
        ("Are there any articles about the flood?", "the flood"),
        ("Any update on the trial?", "the trial"),
        ("Do you know anything about the trial?", "the trial"),
        ("Tell me about the U.S.", "the U.S."),
        ('Tell me about "The Ferry"', '"The Ferry"'),
    ],
)
def test_the_words_of_a_request_go(request_: str, asked: str) -> None:
    assert topic(request_) == topic(request_.upper()).lower().replace(asked.lower(), asked) == asked


@pytest.mark.parametrize(
    "question",
    [
        "Who told me about it?",
        "What is the latest telephone?",
        "What is the new law on abortion?",
        "What did Biden say about Nvidia?",
        "Is the news on the tram true?",
        "Did the news about the merger surprise anybody?",
        "Tell me about",
        '"Tell me about it" singer',
        "What is the story of Elvis?",
        "Reports on the loss rose, said who?",
        "Tell me about the flood " * 100,
        "tell me about ?!",
        "know thyself",
        "Newsroom strike",
        "Что нового о трамвае?",
        "",
    ],
)
def test_any_other_question_stays_as_it_is(question: str) -> None:
    assert topic(question) == question


@given(st.text())
def test_what_is_asked_for_is_part_of_the_request(asked: str) -> None:
    for text in (asked, f"Tell me about {asked}", f"please please tell me about tell me about {asked}"):
        assert topic(text) in text
        assert any(map(str.isalnum, topic(text))) == any(map(str.isalnum, text))


def test_an_index_searches_for_what_is_asked_for(index: Index) -> None:
    request, bare = index.query("Tell me about the dockers."), index.query("the dockers")
    assert request.asked == "Tell me about the dockers."
    assert (request.text, request.terms, request.content) == (bare.text, bare.terms, bare.content)
