"""The benchmark: its measures against other ways to get them, a run on made-up data, and floors that are pinned."""

import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))  # scripts, not a package

import metrics
import quality
import sets
from metrics import NO_ANSWER, Case, Curve, EventCase, Extract, Figure, Point, Rankings
from sets import Asked, Gold

from clippings.answer import FOUND
from clippings.embed import Encoder
from clippings.reader import Reader, Words
from clippings.records import Answer, Article, Confidence, Quote, Span

ROOT = Path(__file__).resolve().parent.parent

# Texts, with values worked out by hand


@pytest.mark.parametrize(
    ("predicted", "golds", "exact", "f1"),
    [
        ("The Grand Canyon!", ["grand canyon"], 1, 1),
        ("in October 1973", ["October 1973", "1973"], 0, 4 / 5),
        ("oil oil price", ["oil"], 0, 1 / 2),
        ("Squid Game", ["“Squid Game”"], 1, 1),
        ("March", ["May"], 0, 0),
        ("", ["May"], 0, 0),
        ("", [], 1, 1),
        ("May", [], 0, 0),
        ("the", [], 1, 1),  # nothing, once it is normalised
    ],
)
def test_answers_are_compared_as_squad_does(predicted: str, golds: list[str], exact: float, f1: float) -> None:
    assert metrics.exact_match(predicted, golds) == exact
    assert metrics.token_f1(predicted, golds) == pytest.approx(f1)


@pytest.mark.parametrize(
    ("text", "golds", "stands"),
    [
        ("Netflix renewed ‘Squid Game’, it said.", ["“Squid Game”"], True),
        ("It cost $5.", ["$15", "$5"], True),
        ("It cost $15.", ["$5"], False),
        ("Novak Djokovic's bid is over.", ["Novak Djokovic"], True),
        ("McDonald’s closes.", ["McDonald's"], True),
        ("NOVAK DJOKOVIC'S BID", ["Novak Djokovic"], True),
        ("McDonald's Ukraine's unit", ["McDonald's Ukraine"], True),
        ("the WHO's report on the U.S.'s bid", ["WHO"], True),
        ("the WHO's report on the U.S.'s bid", ["U.S."], True),
        ("It's over.", ["It"], False),
        ("The Woods closed.", ["Wood"], False),
        ("The end.", ["the"], False),
        ("The end.", [], False),
    ],
)
def test_an_answer_stands_in_a_text_in_whole_words(text: str, golds: list[str], stands: bool) -> None:
    assert metrics.contains(text, golds) == stands


TEXT = "Rain fell. The ferry sank in May."


def quote(start: int, *, article: str = "a", highlight: Span | None = None) -> Quote:
    return Quote(Span(article, start, len(TEXT)), TEXT[start:], 1, 0.5, highlight)


def asked(*golds: Gold, article: str | None = "a") -> Asked:
    return Asked("1", "When did the ferry sink?", "report", article, golds)


def test_a_quote_answers_with_the_marked_place_or_where_none_is_known_with_the_words() -> None:
    assert metrics.answers(quote(11), asked(Gold("In may", 25)))
    assert metrics.answers(quote(11), asked(Gold("the month of May", 25)))
    assert not metrics.answers(quote(11), asked(Gold("May", 0)))  # the same words, but about something else
    assert not metrics.answers(quote(11, article="b"), asked(Gold("May", 28)))
    assert metrics.answers(quote(11, article="b"), asked(Gold("May", -1)))
    assert not metrics.answers(quote(11), asked(Gold("Rain", -1)))
    assert not metrics.answers(quote(11), asked())


def test_highlighted_are_the_words_inside_the_first_quote() -> None:
    may = quote(11, highlight=Span("a", 29, 32))
    assert metrics.highlighted(Answer("?", (may, quote(0)), ())) == "May"
    assert metrics.highlighted(Answer("?", (quote(0), may), ())) == ""
    assert metrics.highlighted(Answer("?", (), ())) == ""


# Rankings and probabilities, against brute force


@settings(deadline=None)
@given(st.lists(st.tuples(st.permutations("abcdefghijklm"), st.integers(0, 13), st.sampled_from("abcdefghijklm"))))
def test_ranks(drawn: list[tuple[Sequence[str], int, str]]) -> None:
    rankings = [order[:length] for order, length, _ in drawn]
    right = [id for _, _, id in drawn]
    places = [ids.index(id) + 1 if id in ids else 99 for ids, id in zip(rankings, right, strict=True)]
    expected: dict[str, float] = {
        name: sum(place <= k for place in places) for name, k in (("first", 1), ("in five", 5), ("in ten", 10))
    }
    expected["MRR@10"] = sum(1 / place for place in places if place <= 10)
    measured = metrics.ranks(rankings, right)
    if not drawn:
        assert measured == dict.fromkeys(expected)
    else:
        assert measured == pytest.approx({name: value / len(drawn) for name, value in expected.items()})


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([-float("inf"), -1.0, 0.0, 0.5, 2.0]), st.booleans()), min_size=1))
def test_auc_is_the_chance_that_a_positive_scores_higher(drawn: list[tuple[float, bool]]) -> None:
    pairs = [1.0 if p > n else 0.5 if p == n else 0.0 for p, good in drawn if good for n, bad in drawn if not bad]
    measured = metrics.auc([score for score, _ in drawn], [positive for _, positive in drawn])
    assert measured == (pytest.approx(sum(pairs) / len(pairs)) if pairs else None)


def test_risk_and_coverage_of_five_answers() -> None:
    points = metrics.risk_coverage([0.8, 0.9, 0.8, 0.1, 0.5], [False, True, True, False, True])
    assert points == (Point(0.9, 1 / 5, 0), Point(0.8, 3 / 5, 1 / 3), Point(0.5, 4 / 5, 1 / 4), Point(0.1, 1, 2 / 5))


# Figures


def answered(probability: float, *quotes: Quote, golds: tuple[Gold, ...] = (), confidence: Confidence = "low") -> Case:
    return Case(asked(*golds), Answer("?", quotes, (), confidence), probability)


def test_refusing() -> None:
    may, rain = (Gold("May", 29),), (Gold("Rain", 0),)
    cases = [
        answered(FOUND, quote(11), golds=may),  # right
        answered(0.99, quote(11), quote(0), golds=rain, confidence="high"),  # wrong in its first sentence
        answered(0.99, quote(11), golds=may, confidence="high"),
        answered(FOUND - 0.01, quote(11), golds=may),  # refused, though right
        answered(0.99, quote(11), confidence="medium"),
        answered(0.0),
        answered(0.0),
    ]
    assert metrics.refusing("near", cases) == [
        Figure("refusing", "near: precision", 3, 2 / 3),
        Figure("refusing", "near: recall", 3, 2 / 3),
        Figure("refusing", "near: answerable answered", 4, 3 / 4),
        Figure("refusing", "near: right in the first sentence, of these", 3, 2 / 3),
        Figure("refusing", "near: right in the first sentence, of all with high confidence", 2, 1 / 2),
        Figure("refusing", "near: right in the first sentence, of all with medium confidence", 1, 0),
        Figure("refusing", "near: right in the first sentence, of all with low confidence", 1, 1),
    ]
    assert metrics.curve("near", cases).points[0] == Point(0.99, 3 / 7, 2 / 3)
    assert metrics.refusing("near", [])[0] == Figure("refusing", "near: precision", 0, None)


def test_conversations() -> None:
    may = (Gold("May", 29),)
    cases = [
        answered(FOUND, quote(11), quote(0), golds=may),
        answered(FOUND - 0.01, quote(0, article="b"), quote(11), golds=may),
        answered(0.0, quote(0, article="b"), golds=may),
        answered(0.0, quote(11)),  # its article does not say
        answered(0.99, quote(11)),
        Case(asked(article=None), Answer("?", (), ()), 0.0),
        Case(asked(article=None), Answer("?", (quote(0),), ()), FOUND),
        Case(asked(article=None), Answer("?", (quote(0),), ()), 0.01),
    ]
    assert metrics.conversations("yes or no", cases) == [
        Figure("conversations", "yes or no: answer's sentence first", 3, 1 / 3),
        Figure("conversations", "yes or no: answer's sentence in the quotes", 3, 2 / 3),
        Figure("conversations", "yes or no: refused, answer is there", 3, 2 / 3),
        Figure("conversations", "yes or no: refused, only others of its topic are", 2, 1 / 2),
        Figure("conversations", "yes or no: refused, only other topics are", 3, 2 / 3),
    ]


def test_events() -> None:
    cases = [
        EventCase(True, FOUND, True),
        EventCase(True, 0.5, False),
        EventCase(True, 0.01, True),
        EventCase(False, 0.02, False),
    ]
    assert metrics.events(cases) == [
        Figure("events", "answered", 3, 2 / 3),
        Figure("events", "first sentence of its stories, of these", 2, 1 / 2),
        Figure("events", "refused without its stories", 1, 1),
        Figure("events", "AUC", 4, 2 / 3),
    ]


def test_reading() -> None:
    cases = [
        Extract(("in May",), "May", NO_ANSWER + 3, True),
        Extract(("Rain",), "Rain", NO_ANSWER - 1, True),
        Extract((), "the ferry", NO_ANSWER + 1, False),
        Extract((), "ferry", NO_ANSWER - 2, False),
    ]
    assert {each.metric: (each.n, each.ours) for each in metrics.reading(cases)} == {
        "exact match": (4, 1 / 4),
        "token F1": (4, pytest.approx((2 / 3 + 0 + 0 + 1) / 4)),
        "exact match, answerable, none refused": (2, 1 / 2),
        "token F1, answerable, none refused": (2, pytest.approx((2 / 3 + 1) / 2)),
        "right sentence, answerable, none refused": (2, 1),
        "unanswerable refused": (2, 1 / 2),
        "unanswerable, AUC": (4, 3 / 4),
    }


def test_retrieval_has_a_row_for_each_rank_before_and_after_reading() -> None:
    ranked = Case(asked(), Answer("?", (), ()), 0.5, Rankings(("b", "a"), ("a", "b"), ("c", "a", "b"), ("a",)))
    before = {each.metric: each for each in metrics.retrieval("squad", [ranked, answered(0.5)], what="paragraph")}
    assert before["paragraph first"] == Figure("squad", "paragraph first", 1, 0, 0, 1)
    assert before["paragraph in five"] == Figure("squad", "paragraph in five", 1, 1, 1, 1)
    assert before["paragraph MRR@10"] == Figure("squad", "paragraph MRR@10", 1, 1 / 2, 1 / 2, 1)
    assert before["paragraph first, after reading"] == Figure("squad", "paragraph first, after reading", 1, 1)


# Results


def test_the_table_has_published_figures_beside_ours() -> None:
    figures = [Figure("squad", "paragraph first", 700, 0.9, 0.789, 1.0), Figure("rtqa", "made up", 0, None)]
    assert metrics.as_table(figures).splitlines() == [
        "| measured on | | n | this version | BM25 alone | dense alone | published |",
        "|---|---|--:|--:|--:|--:|---|",
        "| squad | paragraph first | 700 | .900 | .789 | 1.000 | .820 [3] |",
        "| rtqa | made up | 0 |  |  |  |  |",
    ]


def test_the_same_curves_give_the_same_picture(tmp_path: Path) -> None:
    curves = [Curve("near", (Point(0.9, 0.2, 0), Point(0.1, 1, 0.4))), Curve("far", (Point(0.01, 1, 0.1),))]
    for name in ("one.svg", "two.svg"):
        quality.draw(curves, tmp_path / name)
    picture = (tmp_path / "one.svg").read_text(encoding="utf-8")
    assert picture == (tmp_path / "two.svg").read_text(encoding="utf-8")
    assert {"near", "far", "coverage", "risk"} <= {each.text for each in ElementTree.fromstring(picture).iter()}
    assert "date" not in picture


# From made-up data to figures

FERRY = "The ferry Aurora left Ellery harbour in May. Its engine had failed during the winter."
CHESS = "Petra Holm won the chess final in Aldmoor. The match lasted four hours."
STRIKE = "Dockers ended their strike over night shifts. Ida Sandvik had led the union into it."
FERRY_TALK = ["Aurora", "Departure", "When?", "the ferry Aurora left in May.", "Who?", "I don't know."]
FERRY_TALK += ["Did it?", "its engine had failed,"]
CHESS_TALK = ["Petra Holm", "Final", "Did she?", "Petra Holm won the chess final in Aldmoor."]


class LastWordReader(Reader):
    """Takes the last word of each sentence for the answer, the surer the more words the question shares."""

    def __init__(self) -> None:
        self.name = "last-word"

    def read(
        self, question: str, texts: Sequence[str], *, titles: Sequence[str], sentences: Sequence[Sequence[Span]]
    ) -> list[list[Words]]:
        words = set(question.lower().strip("?").split())
        return [
            [self.last_word(text, span, words) for span in spans] for text, spans in zip(texts, sentences, strict=True)
        ]

    def last_word(self, text: str, sentence: Span, words: set[str]) -> Words:
        pieces = text[sentence.start : sentence.end - 1].split()
        shared = sum(piece.lower() in words for piece in pieces)
        return Words(NO_ANSWER + shared - 3, sentence.end - 1 - len(pieces[-1]), sentence.end - 1)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with all that the benchmark reads, the source documents beside it."""
    folder = tmp_path / "shared" / "data"
    squad = [
        {"id": f"s{number}", "title": title, "context": text, "question": question, "answers": answers}
        for number, (title, text, question, answers) in enumerate(
            [
                (
                    "Ferries",
                    FERRY,
                    "When did the ferry Aurora leave Ellery harbour?",
                    [{"text": "May", "start": FERRY.index("May")}],
                ),
                ("Chess", CHESS, "Who won the chess final in Aldmoor?", [{"text": "Petra Holm", "start": 0}]),
                ("Chess", CHESS, "Which opening was on the board?", []),
            ]
        )
    ]
    news = [("n1", "Ferry", FERRY), ("n2", "Chess", CHESS), ("n3", "Strike", STRIKE)]
    quiz = [
        ("q1", "Where did Petra Holm win the chess final?", ["Aldmoor"], ["n2"]),
        ("q2", "Who led the dockers union into its strike?", ["Nobody"], ["n3"]),
        ("q3", "Which show was renewed?", ["“Squid Game”"], []),
    ]
    _write(folder / "squad" / "test.jsonl.gz", squad)
    _write(
        folder / "rtqa" / "test-articles.jsonl.gz",
        [{"id": id, "title": title, "text": text, "url": None, "published": None} for id, title, text in news],
    )
    _write(
        folder / "rtqa" / "test-questions.jsonl",
        [
            {"id": id, "question": question, "asked": "2022-06-16", "answers": answers, "articles": articles}
            for id, question, answers, articles in quiz
        ],
    )
    _write(
        folder / "followups" / "canard-test.jsonl",
        [
            {"id": f"{id}#{number}", "history": history, "question": "", "rewrite": question}
            for id, number, question, history in [
                ("c1", 1, "When did the Aurora leave?", FERRY_TALK[:2]),
                ("c1", 2, "Who was the Aurora's captain?", FERRY_TALK[:4]),
                ("c1", 3, "Did the Aurora's engine fail?", FERRY_TALK[:8]),
                ("c1", 4, "What came next?", FERRY_TALK),
                ("c2", 1, "Did Petra Holm win?", CHESS_TALK[:2]),
                ("c2", 2, "What else is in this article?", CHESS_TALK),
                ("c2", 3, "What came next?", [*CHESS_TALK, "What else?", "the match"]),
                ("c3", 1, "Who asked nothing?", ["Silence", "Beginning"]),
            ]
        ],
    )
    _write(
        folder / "summaries" / "neus-test.jsonl",
        [
            {
                "title": "Ferry Aurora leaves Ellery",
                "stories": [{"title": "Ferry", "text": FERRY}, {"title": "Empty", "text": " "}],
            },
            {
                "title": "Dockers end strike",
                "stories": [{"title": "Strike", "text": STRIKE}],
            },
        ],
    )
    _write(folder / "rtqa" / "test-outside.jsonl", [{"id": "o1", "question": "Xyzzy plugh?", "asked": "2025-01-01"}])
    _write(
        tmp_path / "shared" / "questions" / "kazakhstan.jsonl",
        [
            {"id": "k1", "question": "Who led the union into the strike?", "answer": "Sandvik", "articles": ["strike"]},
            {"id": "k2", "question": "Xyzzy plugh?", "answer": None, "articles": []},
        ],
    )
    (tmp_path / "shared" / "articles").mkdir()
    (tmp_path / "shared" / "articles" / "strike.txt").write_text(STRIKE, encoding="utf-8")
    return folder


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)


@pytest.mark.parametrize("reader", [None, LastWordReader()], ids=["none", "reader"])
def test_everything_is_measured_on_made_up_data(data: Path, encoder: Encoder, reader: Reader | None) -> None:
    outcome = quality.measure(data, quality.NAMES, encoder=encoder, reader=reader)
    names = list(dict.fromkeys(each.name for each in outcome.figures))
    assert names == [name for name in quality.NAMES if name != "news" and (reader or name != "reading")]
    measured = {(each.name, each.metric): each for each in outcome.figures}
    for name, first in (("squad", "paragraph first"), ("rtqa", "source article first")):
        assert measured[name, first] == Figure(name, first, 2, 1, 1, 1)
        assert measured[name, f"{first}, after reading"] == Figure(name, f"{first}, after reading", 2, 1)
    assert measured["rtqa", "source article first, reading BM25's 20"].bm25 == 1
    assert measured["rtqa", "right choice in the quotes"].ours == pytest.approx(1 / 3)
    assert measured["rtqa", "right choice, exact match"].ours == (pytest.approx(1 / 3) if reader else 0)
    assert measured["squad", "answer's sentence in the quotes"].ours == 1
    asked = {metric: each.n for (name, metric), each in measured.items() if name == "refusing"}
    assert asked["near: recall"] == asked["far: recall"] == 1
    assert asked["near: answerable answered"] == asked["far: answerable answered"] == 2
    assert [(curve.sort, curve.points[-1].coverage) for curve in outcome.curves] == [("near", 1), ("far", 1)]
    for sort, there, others in (("yes or no", 2, 0), ("others", 1, 1)):
        assert measured["conversations", f"{sort}: answer's sentence first"] == Figure(
            "conversations", f"{sort}: answer's sentence first", there, 1
        )
        assert measured["conversations", f"{sort}: refused, answer is there"].n == there
        assert measured["conversations", f"{sort}: refused, only others of its topic are"].n == others
        assert measured["conversations", f"{sort}: refused, only other topics are"].n == there + others
    assert measured["events", "answered"].n == measured["events", "refused without its stories"].n == 2
    assert measured["events", "AUC"] == Figure("events", "AUC", 4, 1)
    assert measured["kazakhstan", "refused"].n == measured["kazakhstan", "right"].n == 1
    if reader:  # it says "May", rightly, "Aldmoor", wrongly, and nothing, rightly
        assert measured["reading", "exact match"].ours == pytest.approx(2 / 3)
        assert measured["reading", "unanswerable refused"].ours == 1


def test_what_is_named_is_measured_alone(data: Path, encoder: Encoder) -> None:
    for name, only in (("kazakhstan", {"kazakhstan"}), ("refusing", {"refusing"}), ("reading", set())):
        outcome = quality.measure(data, [name], encoder=encoder, reader=None)
        assert {each.name for each in outcome.figures} == only
    fast = quality.measure(data, quality.NAMES, encoder=encoder, reader=None, fast=True)
    assert {each.name for each in fast.figures} == {"squad", "refusing"}


def test_other_data_may_lack_conversations_and_events(data: Path, encoder: Encoder) -> None:
    shutil.rmtree(data / "followups")
    shutil.rmtree(data / "summaries")
    assert quality.measure(data, ["conversations", "events"], encoder=encoder, reader=None) == quality.Outcome()


def test_written_questions_find_their_article_and_the_place_of_the_answer(tmp_path: Path, encoder: Encoder) -> None:
    text = "The ferry sank on May 3. Nobody was hurt. It had left Aldmoor with 40 people."
    questions = [{"question": "When did the ferry sink?", "start": 18, "end": 23}, {"question": "Who owned the ferry?"}]
    rows = [
        {"passage": sets.digest(text), "questions": questions},
        {"passage": "0" * 16, "questions": questions},
    ]
    _write(tmp_path / "test-news.jsonl", rows)
    articles = [Article("a", "Ferry", text), Article("b", "Harvest", "Rain spoilt the apples in the valley.")]
    asked = sets.written(articles, tmp_path / "test-news.jsonl")
    assert [(each.article, each.part, each.golds) for each in asked] == [
        ("a", "report", (Gold("May 3", 18),)),
        ("a", "report", ()),
    ]
    with sets.indexed(articles, encoder) as index:
        measured = {each.metric: each for each in metrics.news(quality.ask(asked, index, reader=None))}
    assert (measured["article first"].n, measured["article first"].ours) == (1, 1)
    assert measured["answer's sentence first"].ours == 1
    assert measured["refused, passage answers"].n == measured["refused, passage only seems to"].n == 1


def test_a_conversation_is_a_text_of_its_answers_each_once(data: Path) -> None:
    corpus = sets.conversations(data)
    ferry, asked = corpus.articles[0], corpus.asked
    assert (ferry.title, ferry.text) == ("Aurora", "The ferry Aurora left in May. Its engine had failed.")
    assert [each.question for each in asked if each.article == ferry.id] == [
        "When did the Aurora leave?",
        "Who was the Aurora's captain?",
        "Did the Aurora's engine fail?",
    ]
    golds = [[ferry.text[gold.start :][: len(gold.text)] for gold in each.golds] for each in asked[:3]]
    assert golds == [["The ferry Aurora left in May."], [], ["Its engine had failed"]]
    assert [each.part for each in asked] == ["report"] * 4


def test_figures_for_a_program_and_on_a_page() -> None:
    origin = quality.Origin("abc", "0123", "Linux", "clippings-reader")
    figures = [Figure("squad", "paragraph first", 700, 0.9, 0.789)]
    assert json.loads(quality.as_json(figures, origin)) == {
        "commit": "abc",
        "fingerprint": "0123",
        "machine": "Linux",
        "reader": "clippings-reader",
        "figures": {"squad": {"paragraph first": {"n": 700, "ours": 0.9, "bm25": 0.789, "dense": None}}},
    }
    page = quality.as_page(figures, origin)
    assert metrics.as_table(figures) in page
    assert "Commit abc, data 0123, reader clippings-reader, on Linux." in page


def test_missing_data_is_named(tmp_path: Path) -> None:
    command = [sys.executable, "benchmarks/quality.py", "--data", str(tmp_path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.splitlines()[-1].endswith("not one: give the data's folder with --data")


# Floors


@pytest.mark.skipif(not quality.DATA.is_dir(), reason="the data is not beside the project")
def test_no_figure_is_below_its_floor() -> None:
    pinned = json.loads((ROOT / "benchmarks" / "floors.json").read_text(encoding="utf-8"))
    if sets.fingerprint(quality.DATA) != pinned["fingerprint"]:
        pytest.skip("the floors are of other data: python benchmarks/quality.py --fast --json gives these figures")
    command = [sys.executable, "benchmarks/quality.py", "--fast", "--json"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert ran.returncode == 0, ran.stderr
    measured = json.loads(ran.stdout)["figures"]
    below = {
        f"{name}, {metric}": (ours, floor)
        for name, floors in pinned["floors"].items()
        for metric, floor in floors.items()
        if (ours := measured[name][metric]["ours"]) is None or ours < floor
    }
    assert below == {}
