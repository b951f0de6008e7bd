"""From question to answer: what is retrieved, how it is read, what is quoted, and when nothing is."""

import re
from collections.abc import Callable
from datetime import date

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clippings.answer import NEAREST, QUOTES, answer, numbered
from clippings.errors import ClippingsError
from clippings.index import Index
from clippings.read import WEIGHTS, Reading, confidence, read, repeats, signals
from clippings.records import Answer, Article, Hit, Span
from clippings.retrieve import DEPTH, PASSAGE_COSINE, TITLE_COSINE, retrieve
from clippings.summarize import FEWEST, MOST, PER_ARTICLE, summarize

Make = Callable[..., Article]

FERRY = "The ferry returns to Ellery harbour on 12 May. It was rebuilt during the winter because the engine had failed."
STRIKE = "Dockers in Ellery ended their strike. Ida Sandvik of the union said that 340 dockers had voted for the offer."
CHESS = "Petra Holm won the chess final in Aldmoor. The match lasted four hours."


@pytest.fixture
def stocked(index: Index, article: Make) -> Index:
    index.add(
        [
            article(FERRY, "Ferry returns", path="ferry.txt", published=date(2022, 5, 1)),
            article(STRIKE, "Strike ends", path="strike.txt", published=date(2022, 4, 1)),
            article(CHESS, "Holm wins", path="chess.txt"),
        ]
    )
    return index


def well_formed(given: Answer, index: Index) -> None:
    """Check what is promised of every answer."""
    shown = given.quotes or given.nearest
    assert given.found == bool(given.quotes)
    assert not (given.quotes and given.nearest)
    for quote in shown:
        article = given.sources[quote.source - 1]
        assert article == index.article(quote.span.article_id)
        assert quote.text == article.text[quote.span.start : quote.span.end]
    if given.confidence:  # a summary is in the order of its articles
        assert [quote.score for quote in shown] == sorted((quote.score for quote in shown), reverse=True)
    assert list(dict.fromkeys(quote.source for quote in shown)) == list(range(1, len(given.sources) + 1))


# Retrieving


def test_retrieve_weighs_lexical_passage_and_title(stocked: Index) -> None:
    query = stocked.query("Who ended the strike in Ellery?")
    candidates = stocked.search(query, DEPTH)
    best = max(each.bm25 for each in candidates)
    expected = {
        each.passage.number: each.bm25 / best + PASSAGE_COSINE * each.cosine + TITLE_COSINE * each.title_cosine
        for each in candidates
    }
    retrieved = retrieve(query, stocked, k=10)
    assert {each.candidate.passage.number: each.score for each in retrieved} == pytest.approx(expected)
    assert [each.score for each in retrieved] == sorted(expected.values(), reverse=True)
    assert retrieved[0].article.path == "strike.txt"
    (best_alone,) = retrieve(query, stocked, k=1)
    assert best_alone.candidate.passage.number == retrieved[0].candidate.passage.number


# Reading


def test_signals_are_what_they_say(stocked: Index) -> None:
    query = stocked.query("How many dockers did Sandvik lead?")
    retrieved = [each for each in retrieve(query, stocked, k=10) if each.article.path == "strike.txt"]
    (passage,) = [each.candidate.passage for each in retrieved]
    first, second = signals(query, retrieved, stocked)
    rarity = stocked.rarity(stocked.terms("dockers Sandvik lead"))
    docker, sandvik, lead = rarity.values()
    total = docker + sandvik + lead
    named = dict(zip(WEIGHTS, second.tolist(), strict=True))
    assert named == pytest.approx(
        {
            "sentence": float(passage.vectors[1] @ query.vector),
            "passage": retrieved[0].candidate.cosine,
            "lexical": 1.0,
            "covered": (docker + sandvik) / total,
            "around": (docker + sandvik) / total,
            "absent": 0.0,
            "kind": 1.0,  # 340
        },
        abs=1e-6,
    )
    assert dict(zip(WEIGHTS, first.tolist(), strict=True))["covered"] == pytest.approx(docker / total, abs=1e-6)
    assert dict(zip(WEIGHTS, first.tolist(), strict=True))["kind"] == -1.0


@pytest.mark.parametrize(
    ("question", "sentence", "kind"),
    [
        ("How many came?", "Three came.", 1),
        ("How many came?", "Some came.", -1),
        ("When did it open?", "It opened on Friday.", 1),
        ("When did it open?", "It opened.", -1),
        ("Who won?", "The winner was Petra Holm.", 1),
        ("Who won against Petra Holm?", "She beat Petra Holm.", -1),
        ("Why did it fail?", "It failed because of rust.", 1),
        ("Is it open?", "It is.", 0),
        ("Кто победил?", "Победила Петра.", 0),
    ],
)
def test_kind_of_question(stocked: Index, article: Make, question: str, sentence: str, kind: int) -> None:
    stocked.add([article(sentence, path="it.txt")])
    query = stocked.query(question)
    retrieved = [each for each in retrieve(query, stocked, k=10) if each.article.path == "it.txt"]
    assert signals(query, retrieved, stocked)[:, list(WEIGHTS).index("kind")].tolist() == [kind]


def test_names_that_are_nowhere_are_absent(stocked: Index) -> None:
    query = stocked.query("Did Petra Holm meet Sandvik?")
    retrieved = [each for each in retrieve(query, stocked, k=10) if each.article.path == "chess.txt"]
    assert signals(query, retrieved, stocked)[0, list(WEIGHTS).index("absent")] == pytest.approx(1 / 3)


def test_readings_are_sorted_and_whole(stocked: Index) -> None:
    query = stocked.query("When does the ferry return?")
    readings = read(query, retrieve(query, stocked, k=10), stocked)
    assert sorted(reading.text for reading in readings) == sorted(
        sentence
        for text in (FERRY, STRIKE, CHESS)
        for sentence in re.findall(r"[^.]+\.", text)
        for sentence in [sentence.strip()]
    )
    assert [reading.score for reading in readings] == sorted((reading.score for reading in readings), reverse=True)
    assert readings[0].text == "The ferry returns to Ellery harbour on 12 May."


def test_confidence_is_a_probability_that_grows_with_the_score() -> None:
    vector = np.zeros(2, np.float32)
    found = [confidence(Reading(Span("a", 0, 1), "", vector, score, 0.5)) for score in (-50.0, -2.0, 0.0, 2.0, 50.0)]
    assert found == sorted(found)
    assert 0 <= found[0] < 0.01 < 0.99 < found[-1] <= 1


def test_a_reprint_repeats_and_another_figure_does_not() -> None:
    def reading(text: str, vector: tuple[float, float]) -> Reading:
        return Reading(Span("a", 0, 1), text, np.array(vector, np.float32), 0.0, 0.0)

    one = reading("They leave on January 19.", (1.0, 0.0))
    assert repeats(one, reading("They will leave on January 19.", (1.0, 0.0)))
    assert not repeats(one, reading("They leave on January 22.", (1.0, 0.0)))
    assert not repeats(one, reading("They leave on January 19.", (0.6, 0.8)))


# Answering


def test_answers_best_first(stocked: Index) -> None:
    given = answer("When does the ferry return to Ellery harbour?", stocked)
    well_formed(given, stocked)
    assert given.quotes[0].text == "The ferry returns to Ellery harbour on 12 May."
    assert given.sources[0].title == "Ferry returns"
    assert given.confidence in ("high", "medium", "low")
    scores = [quote.score for quote in given.quotes]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) <= QUOTES


def test_refuses_what_is_not_there(stocked: Index) -> None:
    given = answer("Which volcano erupted near Reykjavik?", stocked)
    well_formed(given, stocked)
    assert (given.found, given.confidence, given.quotes) == (False, None, ())
    assert 0 < len(given.nearest) <= NEAREST


def test_empty_index_finds_nothing(index: Index) -> None:
    assert answer("Who won?", index) == Answer("Who won?", (), ())
    assert summarize("chess", index) == Answer("chess", (), ())


@pytest.mark.parametrize("question", ["", "   ", "?!…", "🙂🙂", "\n\t"])
def test_no_word_is_no_question(stocked: Index, question: str) -> None:
    with pytest.raises(ClippingsError, match="no word in the question"):
        answer(question, stocked)
    with pytest.raises(ClippingsError, match="no word in the question"):
        summarize(question, stocked)


@pytest.mark.parametrize(
    "question",
    [
        "ferry " * 20_000,
        "渡轮什么时候回来？",
        "متى تعود العبارة؟",
        "\ud800 ferry",
        "a\0b",
        'AND OR NOT ("',
        "the of and",
        "<b>ferry</b>",
    ],
)
def test_any_question_gets_an_answer(stocked: Index, question: str) -> None:
    well_formed(answer(question, stocked), stocked)
    well_formed(summarize(question, stocked), stocked)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters() | st.sampled_from("ferry strike chess ?"), min_size=1, max_size=60))
def test_every_answer_is_well_formed(stocked: Index, question: str) -> None:
    try:
        well_formed(answer(question, stocked), stocked)
        well_formed(summarize(question, stocked), stocked)
    except ClippingsError as error:
        assert "no word" in str(error)  # noqa: PT017  # most random text has none, and that is said


def test_numbers_follow_first_appearance(article: Make) -> None:
    one, two = article("One. Two.", "First"), article("Three.", "Second")
    hits = [Hit(Span(two.id, 0, 6), 3.0), Hit(Span(one.id, 5, 9), 2.0), Hit(Span(two.id, 0, 5), 1.0)]
    quotes, sources = numbered(hits, {one.id: one, two.id: two})
    assert [(quote.text, quote.source, quote.score) for quote in quotes] == [
        ("Three.", 1, 3.0),
        ("Two.", 2, 2.0),
        ("Three", 1, 1.0),
    ]
    assert sources == (two, one)


# Summarizing


def test_summary_takes_several_articles_in_order_of_date(index: Index, article: Make) -> None:
    days = {"b": date(2022, 1, 3), "c": date(2022, 1, 1), "a": None, "d": date(2022, 1, 2)}
    for name, day in days.items():
        others = [f"{name}word{number}x{place}" for number in range(6) for place in range(4)]
        text = " ".join(f"Harbour strike in Ellery {' '.join(others[at : at + 4])}." for at in range(0, 24, 4))
        index.add([article(text, f"Strike {name}", published=day)])
    given = summarize("harbour strike in Ellery", index)
    well_formed(given, index)
    assert FEWEST <= len(given.quotes) <= MOST
    assert given.confidence is None
    per_article = [sum(quote.source == number for quote in given.quotes) for number in range(1, len(given.sources) + 1)]
    assert max(per_article) <= PER_ARTICLE
    assert len(per_article) >= 3
    dates = [given.sources[quote.source - 1].published or date.max for quote in given.quotes]
    assert dates == sorted(dates)
    for quote, following in zip(given.quotes, given.quotes[1:], strict=False):
        assert quote.source != following.source or quote.span.start < following.span.start


def test_summary_does_not_repeat_a_reprint(index: Index, article: Make) -> None:
    for outlet in ("One", "Two", "Three"):
        index.add(
            [
                article(
                    "The harbour strike in Ellery has ended after nine long weeks of talks.",
                    "Harbour strike",
                    outlet=outlet,
                )
            ]
        )
    assert len(summarize("harbour strike Ellery", index).quotes) == 1


def test_summary_of_another_topic_is_not_found(stocked: Index) -> None:
    given = summarize("volcanoes of Iceland", stocked)
    well_formed(given, stocked)
    assert not given.found
