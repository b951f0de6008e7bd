"""From question to answer: what is retrieved, how it is read, what is quoted, and when nothing is."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clippings.answer import FOUND, NEAREST, SENTENCES, answer, consider, numbered, quoted
from clippings.errors import ClippingsError
from clippings.index import Index
from clippings.read import (
    HIGHLIGHT,
    READER_BOUND,
    SIGNALS,
    WITH_READER,
    WITHOUT_READER,
    Reading,
    probability,
    read,
    repeats,
)
from clippings.reader import Reader, Words
from clippings.records import Answer, Article, Confidence, Hit, Span
from clippings.retrieve import DATE_WEIGHT, DEPTH, INDEX_WEIGHTS, WORD_WEIGHTS, retrieve
from clippings.summarize import FEWEST, MOST, PER_ARTICLE, summarize
from clippings.when import nearness

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


def test_retrieve_weighs_what_the_indexes_and_the_words_tell(stocked: Index) -> None:
    query = stocked.query("Who ended the strike in Ellery?")
    candidates = stocked.search(query, DEPTH)
    best = max(each.text_bm25 for each in candidates)
    rarity = stocked.rarity(stocked.terms("ended strike Ellery"))
    asked, newest = stocked.terms("Who ended the strike in Ellery?"), date(2022, 5, 1)
    expected = {}
    for each in candidates:
        article = stocked.article(each.passage.span.article_id)
        texts = [article.text[span.start : span.end] for span in each.passage.sentences]
        title = set(stocked.terms(article.title))
        covered = [
            sum(weight for term, weight in rarity.items() if term in {*title, *stocked.terms(text)})
            / sum(rarity.values())
            for text in texts
        ]
        terms = stocked.terms(" ".join(texts))
        together = [pair for pair in pairwise(asked) if f" {' '.join(pair)} " in f" {' '.join(terms)} "]
        told = {
            "text": each.text_bm25 / best,
            "title": each.title_bm25 / best,
            "passage": each.cosine,
            "headline": each.title_cosine,
            "sentence": max(float(vector @ query.vector) for vector in each.passage.vectors),
            "covered": max(covered),
            "pairs": len(together) / (len(asked) - 1),
            "date": nearness(article.published, (newest, newest)),
        }
        weights = INDEX_WEIGHTS | WORD_WEIGHTS | {"date": DATE_WEIGHT}
        expected[each.passage.number] = sum(weights[name] * value for name, value in told.items())
    retrieved = retrieve(query, stocked, k=10)
    assert {each.candidate.passage.number: each.score for each in retrieved} == pytest.approx(expected, abs=1e-4)
    assert [each.score for each in retrieved] == sorted((each.score for each in retrieved), reverse=True)
    assert retrieved[0].article.path == "strike.txt"
    (best_alone,) = retrieve(query, stocked, k=1)
    assert best_alone.candidate.passage.number == retrieved[0].candidate.passage.number


def test_the_newest_comes_first_unless_another_time_is_asked_about(index: Index, article: Make) -> None:
    for year in (2012, 2016, 2020):
        index.add(
            [article(f"The chess final in Aldmoor drew {year} people.", path=f"{year}", published=date(year, 6, 1))]
        )
    for question, paths in (
        ("Who won the chess final in Aldmoor?", ["2020", "2016", "2012"]),
        ("Who won the chess final in Aldmoor before 2013?", ["2012", "2016", "2020"]),
    ):
        assert [each.article.path for each in retrieve(index.query(question), index, k=3)] == paths
    index.remove(index.ids("2020"))
    assert index.dates() == (date(2012, 6, 1), date(2016, 6, 1))


# Reading


class ScriptedReader(Reader):
    """Finds the words that it was told to, with the score that it was told, and otherwise nothing."""

    def __init__(self, words: str, score: float) -> None:
        self.name, self.words, self.score = "scripted", words, score

    def read(
        self, question: str, texts: Sequence[str], *, titles: Sequence[str], sentences: Sequence[Sequence[Span]]
    ) -> list[list[Words]]:
        return [
            [self.find(text, text.find(self.words, span.start, span.end), span) for span in spans]
            for text, spans in zip(texts, sentences, strict=True)
        ]

    def find(self, text: str, place: int, span: Span) -> Words:
        if place < 0:
            return Words(-self.score, span.start, span.end)
        return Words(self.score, place, place + len(self.words))


def of(stocked: Index, question: str, path: str, *, reader: Reader | None = None) -> list[dict[str, float]]:
    """The signals of each sentence of one file's article, in order."""
    query = stocked.query(question)
    retrieved = [each for each in retrieve(query, stocked, k=10) if each.article.path == path]
    readings = read(query, retrieved, stocked, reader=reader)
    return [
        dict(zip(SIGNALS, reading.signals, strict=True)) for reading in sorted(readings, key=lambda each: each.span)
    ]


def test_signals_are_what_they_say(stocked: Index) -> None:
    question = "How many dockers did Sandvik lead?"
    query = stocked.query(question)
    (passage,) = [each for each in retrieve(query, stocked, k=10) if each.article.path == "strike.txt"]
    first, second = of(stocked, question, "strike.txt")
    rarity = stocked.rarity(stocked.terms("dockers Sandvik lead"))
    docker, sandvik, lead = rarity.values()
    total = docker + sandvik + lead
    assert second == pytest.approx(
        {
            "passage": passage.score,
            "sentence": float(passage.candidate.passage.vectors[1] @ query.vector),
            "covered": (docker + sandvik) / total,
            "around": (docker + sandvik) / total,
            "pairs": 0.0,
            "absent": 0.0,
            "kind": 1.0,  # 340
            "reader": 0.0,
        },
        abs=1e-6,
    )
    assert first["covered"] == pytest.approx(docker / total)
    assert first["kind"] == -1.0


@pytest.mark.parametrize(
    ("question", "absent"),
    [
        ("Tell me about Sandvik", 0.0),
        ("Tell me about Petrova", 1.0),
        ("Did Petra Holm meet Sandvik?", 2 / 3),
        ("Petrova dockers vote", 0.0),  # the first word has a capital anyway
        ("Did dockers vote élan?", 0.0),
        ("Did dockers vote Élan?", 1.0),
    ],
)
def test_names_that_a_passage_lacks_are_a_signal(stocked: Index, question: str, absent: float) -> None:
    _, second = of(stocked, question, "strike.txt")
    assert second["absent"] == pytest.approx(absent)


def test_neighbouring_terms_are_a_signal(stocked: Index) -> None:
    _, second = of(stocked, "Who is Ida Sandvik?", "strike.txt")
    assert second["pairs"] == pytest.approx(1 / 3)  # who is, is Ida, Ida Sandvik


def test_a_sentence_that_points_back_has_the_one_before_it(stocked: Index, article: Make) -> None:
    stocked.add([article("Dockers met. He spoke.\n\nThey voted.", path="it.txt")])
    query = stocked.query("ferry engine dockers voted")
    readings = {each.text: each for each in read(query, retrieve(query, stocked, k=10), stocked)}
    assert readings["It was rebuilt during the winter because the engine had failed."].before == (
        readings["The ferry returns to Ellery harbour on 12 May."].span
    )
    assert readings["He spoke."].before == readings["Dockers met."].span
    assert readings["They voted."].before is None  # another paragraph
    assert readings["The match lasted four hours."].before is None


def test_a_question_is_no_answer(stocked: Index, article: Make) -> None:
    stocked.add([article('Who leads the dockers? Sandvik does. "Who else?" she asked.', path="quiz.txt")])
    query = stocked.query("Who leads the dockers?")
    texts = [each.text for each in read(query, retrieve(query, stocked, k=10), stocked)]
    assert "Sandvik does." in texts
    assert '"Who else?" she asked.' in texts
    assert "Who leads the dockers?" not in texts


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("How many voted?", "340 dockers"),
        ("Did 340 vote?", None),
        ("Dockers voted. Did 340 of them?", None),
        ("Won’t 340 dockers vote", None),
        ("Did dockers vote? How many?", "340 dockers"),
        ("Did the U.S. see 340 dockers vote?", None),
        ("Was it 3.4 percent of 340 dockers?", None),
        ("Did the WHO say that 340 dockers voted?", None),
        ("Can you tell me whether 340 dockers voted?", None),
        ("How many dockers does the U.S. have?", "340 dockers"),
        ("DID THEY SAY WHO VOTED, 340 DOCKERS?", "340 dockers"),
        ("Can you tell me how many dockers voted?", "340 dockers"),
        ("Did 300 or 340 dockers vote?", "340 dockers"),
        ("Did the man who led 340 dockers vote?", None),
        ("Was it dark when 340 dockers voted?", None),
        ("Did he know exactly how many dockers voted?", "340 dockers"),
        ("Did dockers vote, and how many?", "340 dockers"),
        ("Did dockers vote, and if so, how many?", "340 dockers"),
        ("Did officials confirm when 340 dockers voted?", "340 dockers"),
        ("Could you name who led 340 dockers?", "340 dockers"),
        ("If dockers voted, how many did?", "340 dockers"),
        ("Tell me about 340 dockers", None),
        ("340 dockers", None),
    ],
)
def test_yes_or_no_and_a_mere_topic_ask_for_no_words(stocked: Index, question: str, words: str | None) -> None:
    query = stocked.query(question)
    best = read(query, retrieve(query, stocked, k=10), stocked, reader=ScriptedReader("340 dockers", 3.0))[0]
    text = stocked.article(best.span.article_id).text
    assert "340 dockers" in best.text
    assert (text[best.highlight.start : best.highlight.end] if best.highlight else None) == words


def test_a_dateline_has_no_words_that_answer(stocked: Index, article: Make) -> None:
    text = "ELLERY, June 3 (Coast News) - The dockers of Ellery voted on June 2."
    stocked.add([article(text, path="vote.txt")])
    query = stocked.query("When did the dockers of Ellery vote?")
    readings = read(query, retrieve(query, stocked, k=10), stocked, reader=ScriptedReader("June", 9.0))
    (found,) = (each.highlight for each in readings if each.text == text)
    assert found is not None
    assert found.start == text.rindex("June")


def test_an_article_has_the_month_in_which_it_was_published(stocked: Index) -> None:
    for question, absent in (
        ("Did dockers vote in April 2022?", 0.0),
        ("Did dockers vote for April?", 1.0),
        ("Did dockers vote in March 2022?", 1 / 2),
        ("Did dockers vote in April 2021?", 1 / 2),
    ):
        assert of(stocked, question, "strike.txt")[0]["absent"] == absent


def test_of_what_the_reader_hardly_believes_no_words_are_picked_out(stocked: Index) -> None:
    query = stocked.query("How many dockers voted?")
    for score, words in ((HIGHLIGHT + 0.1, True), (HIGHLIGHT - 0.1, False)):
        readings = read(query, retrieve(query, stocked, k=10), stocked, reader=ScriptedReader("340 dockers", score))
        (reading,) = (each for each in readings if "340 dockers" in each.text)
        assert (reading.highlight is not None) == words


def test_what_the_reader_says_is_a_signal_within_bounds(stocked: Index) -> None:
    for score, bounded in ((3.5, 3.5), (40.0, READER_BOUND), (float("inf"), READER_BOUND)):
        reader = ScriptedReader("340 dockers", score)
        first, second = of(stocked, "How many dockers?", "strike.txt", reader=reader)
        assert (first["reader"], second["reader"]) == (-bounded, bounded)


@pytest.mark.parametrize(
    ("question", "wordless"),
    [
        ("How many dockers voted?", False),
        ("Did dockers vote?", True),
        ("dockers' vote", True),
        ("tell me why dockers voted", False),
        ("dockers' vote on WHO funding", True),
        ("Кто победил?", False),
    ],
)
def test_less_is_wanted_of_the_reader_where_no_words_are_asked_for(
    stocked: Index, question: str, wordless: bool
) -> None:
    query = stocked.query(question)
    for reader, weights in ((None, WITHOUT_READER), (ScriptedReader("340 dockers", -1.0), WITH_READER)):
        best = read(query, retrieve(query, stocked, k=10), stocked, reader=reader)[0]
        more = best.log_odds - float(np.dot(best.signals, weights.answers)) - weights.bias
        assert more == pytest.approx(weights.wordless if wordless else 0)
    assert WITH_READER.wordless > 0


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
        ("Did the WHO open?", "It opened.", 0),
        ("DID SOMEBODY KNOW WHO OPENED?", "It opened.", -1),
        ("Кто победил?", "Победила Петра.", 0),
    ],
)
def test_kind_of_question(stocked: Index, article: Make, question: str, sentence: str, kind: int) -> None:
    stocked.add([article(sentence, path="it.txt")])
    assert [each["kind"] for each in of(stocked, question, "it.txt")] == [kind]


def test_quoted_words_that_are_nowhere_are_absent(stocked: Index) -> None:
    for question, absent in (
        ("who won “chess final”", 0.0),
        ('"chess tournament" in who', 0.5),
        ("who won chess tournament", 0.0),
    ):
        assert of(stocked, question, "chess.txt")[0]["absent"] == absent


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


def test_probabilities_grow_with_the_log_odds() -> None:
    found = [probability(log_odds) for log_odds in (-800.0, -2.0, 0.0, 2.0, 800.0)]
    assert found == pytest.approx([0.0, 1 / (1 + np.exp(2)), 0.5, 1 / (1 + np.exp(-2)), 1.0])


def test_a_reprint_repeats_and_another_figure_does_not() -> None:
    def reading(text: str, vector: tuple[float, float]) -> Reading:
        return Reading(
            Span("a", 0, 1),
            text,
            np.array(vector, np.float32),
            (),
            score=0.0,
            log_odds=0.0,
            highlight=None,
            before=None,
        )

    one = reading("They leave on January 19.", (1.0, 0.0))
    assert repeats(one, reading("They will leave on January 19.", (1.0, 0.0)))
    assert not repeats(one, reading("They leave on January 22.", (1.0, 0.0)))
    assert not repeats(one, reading("They leave on January 19.", (0.6, 0.8)))


# Answering


@pytest.mark.parametrize(
    ("question", "likely", "confidence"),
    [
        ("When did 340 dockers vote?", 0.9, "high"),
        ("When did 340 dockers vote?", 0.5, "medium"),
        ("When did 340 dockers vote?", 0.2, "low"),
        ("Did 340 dockers vote?", 0.9, "medium"),
        ("Did 340 dockers vote?", 0.5, "low"),
    ],
)
def test_confidence_is_a_step_less_for_yes_or_no(
    stocked: Index, question: str, likely: float, confidence: Confidence
) -> None:
    considered = consider(question, stocked)
    best = replace(considered.readings[0], log_odds=math.log(likely / (1 - likely)))
    assert quoted(replace(considered, readings=(best,))).confidence == confidence


def test_answers_best_first(stocked: Index) -> None:
    given = answer("When does the ferry return to Ellery harbour?", stocked)
    well_formed(given, stocked)
    assert given.quotes[0].text == "The ferry returns to Ellery harbour on 12 May."
    assert given.sources[0].title == "Ferry returns"
    assert given.confidence in ("high", "medium", "low")
    scores = [quote.score for quote in given.quotes]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) <= SENTENCES


def test_a_reader_says_which_words_answer(stocked: Index) -> None:
    given = answer("Who spoke for the dockers of Ellery?", stocked, reader=ScriptedReader("Ida Sandvik", 9.0))
    well_formed(given, stocked)
    (quote, *_) = given.quotes
    assert quote.highlight is not None
    article = stocked.article(quote.span.article_id)
    assert article.text[quote.highlight.start : quote.highlight.end] == "Ida Sandvik"
    assert quote.span.start <= quote.highlight.start < quote.highlight.end <= quote.span.end


def test_a_sentence_is_quoted_with_the_one_that_it_points_back_to(stocked: Index) -> None:
    given = answer("Why was it rebuilt during the winter?", stocked)
    well_formed(given, stocked)
    assert given.quotes[0].text == FERRY  # both its sentences, as one quote


BEST, SECOND, THIRD = "The ferry returns on 12 May.", "Dockers ended a strike.", "Petra Holm won in Aldmoor."
NEWS, LATEST = "The yard needs more time.", "Its engine failed again."
OTHERS = [(BEST, date(2022, 5, 1), 0.0, 3.0), (SECOND, date(2022, 4, 1), -0.1, 3.0), (THIRD, None, -0.2, 3.0)]


@pytest.mark.parametrize(
    ("said", "quotes"),
    [
        ([(LATEST, date(2022, 5, 2), -8.0, 0.0)], [BEST, SECOND, LATEST]),
        ([(LATEST, date(2022, 5, 2), -0.15, 0.0)], [LATEST, BEST, SECOND]),  # as good as the best
        ([(LATEST, date(2022, 5, 2), -8.0, -1.0)], [BEST, SECOND, THIRD]),  # may not answer
        ([(LATEST, date(2022, 5, 1), -8.0, 0.0)], [BEST, SECOND, THIRD]),  # no later than the best
        ([(LATEST, None, -8.0, 0.0)], [BEST, SECOND, THIRD]),
        ([(NEWS, date(2022, 5, 2), -7.0, 1.0), (LATEST, date(2022, 5, 3), -8.0, 0.0)], [BEST, SECOND, LATEST]),
        ([(NEWS, date(2022, 5, 2), -7.0, 1.0), (BEST, date(2022, 5, 3), -8.0, 0.0)], [BEST, SECOND, THIRD]),
        ([(SECOND, date(2022, 5, 2), -8.0, 0.0)], [BEST, SECOND, THIRD]),  # a reprint of what is quoted
    ],
)
def test_what_was_published_last_comes_first_or_has_a_place(
    index: Index, article: Make, said: list[tuple[str, date | None, float, float]], quotes: list[str]
) -> None:
    assert told(index, article, "When does the ferry return?", *OTHERS, *said) == quotes


def test_nothing_has_a_place_that_is_later_than_the_time_asked_about(index: Index, article: Make) -> None:
    said = [(BEST, date(2021, 5, 1), 0.0, 3.0), (LATEST, date(2022, 5, 1), -8.0, 0.0)]
    assert told(index, article, "When did the ferry return?", *said) == [BEST, LATEST]
    assert told(index, article, "When did the ferry return in 2021?", *said) == [BEST]


def test_nothing_is_later_than_a_sentence_of_unknown_date(index: Index, article: Make) -> None:
    said = [(BEST, None, 0.0, 3.0), (LATEST, date(2022, 5, 1), -8.0, 0.0)]
    assert told(index, article, "When does the ferry return?", *said) == [BEST]


def told(index: Index, article: Make, question: str, *said: tuple[str, date | None, float, float]) -> list[str]:
    """Quote from articles of one sentence, each with its day, its score and its log-odds."""
    articles = [article(text, f"Article {n}", path=f"{n}", published=day) for n, (text, day, _, _) in enumerate(said)]
    index.add(articles)
    considered = consider(question, index)
    places = {each.id: n for n, each in enumerate(articles)}
    readings = [
        replace(each, score=said[place][2], log_odds=said[place][3])
        for each in considered.readings
        for place in [places[each.span.article_id]]
    ]
    readings.sort(key=lambda each: -each.score)
    given = quoted(replace(considered, readings=tuple(readings)))
    well_formed(given, index)
    return [quote.text for quote in given.quotes]


def test_what_is_refused_can_be_quoted_all_the_same(stocked: Index) -> None:
    considered = consider("Which volcano erupted near Reykjavik?", stocked)
    assert considered.probability < FOUND
    given = quoted(considered)
    well_formed(given, stocked)
    assert given.quotes[0].score == considered.probability
    assert not answer("Which volcano erupted near Reykjavik?", stocked).found


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


@pytest.mark.parametrize("topic", ["Sandvik", "the ferry", "Petra Holm"])
def test_summary_of_a_name_is_of_what_has_it(index: Index, topic: str) -> None:
    # So many other words leave these sentences hardly like the topic, as a bare name is to a model.
    for name, words in (("all", topic), ("part", topic.split()[0]), ("none", "nobody")):
        others = " ".join(f"{name}{number}" for number in range(40))
        index.add([Article(name, "Others", f"Among {others} they saw {words} that day.")])
    given = summarize(topic, index)
    well_formed(given, index)
    assert given.found
    assert all(topic in quote.text for quote in given.quotes)


@pytest.mark.parametrize("topic", ["the", "of it", "during", "volcano"])
def test_summary_of_nothing_is_not_found(stocked: Index, topic: str) -> None:
    given = summarize(topic, stocked)
    well_formed(given, stocked)
    assert not given.found


def test_summary_of_another_topic_is_not_found(stocked: Index) -> None:
    given = summarize("volcanoes of Iceland", stocked)
    well_formed(given, stocked)
    assert not given.found
