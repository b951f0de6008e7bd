"""Read passages with a question-answering model: the words that answer, and how sure it is that they are there."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clippings.embed import DEFAULT_MODEL, model_folder, weights_sha256
from clippings.errors import ClippingsError
from clippings.records import Span

if TYPE_CHECKING:
    from transformers import PreTrainedModel

DEFAULT_READER = "clippings-reader"
DEFAULT_FOLDER = Path(__file__).resolve().parent.parent / "reader"  # its README.md says how it was made
DEFAULT_SHA256 = "5b4dcd37130f0593962a4aff3fa8cda59b3d20d1969e408017cb01b25dee6718"
NO_READER = "none"
WINDOW = 384  # tokens of question and passage read at once, as is usual on SQuAD; hardly a passage is longer
STRIDE = 128  # tokens that two windows of a longer one share
QUESTION = 96  # tokens of the question that are read at most
BATCH = 16  # windows a pass
MAX_ANSWER = 30  # tokens of one answer; hardly any that people mark is longer
LONG = 8  # tokens of one answer that cost nothing
COST = 0.1  # log-odds, of each token beyond, lest the start of one answer go with the end of another


@dataclass(frozen=True)
class Words:
    """The words of a sentence that answer best: characters [start, end) of the text that was read."""

    score: float  # of the sentence: log-odds against "not here" that words of it answer; -inf where there are none
    start: int
    end: int


def open_reader(name: str | None) -> "Reader | None":
    """Load the reader that an option names: the project's own when it is not given, none for "none"."""
    return None if name == NO_READER else Reader(DEFAULT_READER if name is None else name)


class Reader:
    """One loaded extractive question-answering model; never touches the network.

    Words score the logit of their first token plus that of their last, less those of the window's first token, which
    stands for "not here" (BERT on SQuAD 2.0: Devlin et al., NAACL 2019), and less COST for each token beyond LONG. A
    sentence scores the logarithm of the summed odds of all its words, for one answer can be marked in several ways.
    Nothing is normalised within a passage.
    """

    def __init__(self, model: str = DEFAULT_READER, *, own: Path = DEFAULT_FOLDER) -> None:
        """Load `model`, the project's own from the folder `own`, or any on this machine by its name or path."""
        self.name = model
        if model == DEFAULT_READER:
            if weights_sha256(own) != DEFAULT_SHA256:
                raise ClippingsError(f"{own}: not the expected weights: get this folder of the project again")
            self._tokenizer, self._model = _load(own, word_embeddings=model_folder(DEFAULT_MODEL))
        else:
            self._tokenizer, self._model = _load(model_folder(model))

    def read(
        self, question: str, texts: Sequence[str], *, titles: Sequence[str], sentences: Sequence[Sequence[Span]]
    ) -> list[list[Words]]:
        """Find in each sentence of each text the words that answer best.

        A title stands before its text when that is read. `sentences[i]` counts characters of `texts[i]`, and so do the
        words.
        """
        wholes = [titled(title, text) for title, text in zip(titles, texts, strict=True)]
        windows = self._windows(question, wholes)
        return [
            [_best(windows[place], span, shift=len(wholes[place]) - len(texts[place])) for span in sentences[place]]
            for place in range(len(texts))
        ]

    def _windows(self, question: str, texts: Sequence[str]) -> list[list["_Window"]]:
        """Read each text, in several windows where it is long."""
        if not texts:
            return []
        encoded: Any = self._tokenizer(
            [self._shortened(question)] * len(texts),
            list(texts),
            truncation="only_second",
            max_length=WINDOW,
            stride=STRIDE,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        owners: list[int] = encoded.pop("overflow_to_sample_mapping")
        offsets = encoded.pop("offset_mapping")
        by_length = sorted(range(len(owners)), key=lambda row: len(offsets[row]))  # so that little is padded
        windows: list[list[_Window]] = [[] for _ in texts]
        for first in range(0, len(by_length), BATCH):
            rows = by_length[first : first + BATCH]
            starts, ends = self._logits({name: [values[row] for row in rows] for name, values in encoded.items()})
            for row, start, end in zip(rows, starts, ends, strict=True):
                places = _trimmed(offsets[row], encoded.sequence_ids(row), text=texts[owners[row]])
                windows[owners[row]].append(_Window(start[: len(places)], end[: len(places)], places))
        return windows

    def _shortened(self, question: str) -> str:
        """Keep the end of a question that would leave a passage no room: what is asked stands there."""
        encoded = self._tokenizer(question, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        kept = encoded["offset_mapping"][-QUESTION:]
        return question[kept[0][0] :] if kept else ""

    def _logits(self, rows: dict[str, list[list[int]]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        import torch

        padding = {"input_ids": self._tokenizer.pad_token_id or 0}
        longest = max(map(len, rows["input_ids"]))
        padded = {
            name: torch.tensor([row + [padding.get(name, 0)] * (longest - len(row)) for row in values])
            for name, values in rows.items()
        }
        with torch.inference_mode():
            out = self._model(**padded)
        return out.start_logits.float().numpy(), out.end_logits.float().numpy()


def titled(title: str, text: str) -> str:
    """Put the title before the text, as a reader is taught to read it."""
    return f"{title}. {text}" if title else text


@dataclass(frozen=True)
class _Window:
    """What the model says of one window; its first token stands for "not here"."""

    starts: NDArray[np.float32]  # (tokens,)
    ends: NDArray[np.float32]  # (tokens,)
    places: NDArray[np.int64]  # (tokens, 2), characters of the text; (0, 0) for what is not of it


def _best(windows: Sequence[_Window], sentence: Span, *, shift: int) -> Words:
    """Give the best words of a sentence, which stands `shift` characters further on in what was read."""
    found = [_best_inside(each, sentence.start + shift, sentence.end + shift) for each in windows]
    best = max(found, key=lambda words: words.score)
    return Words(best.score, best.start - shift, best.end - shift)


def _best_inside(window: _Window, first: int, last: int) -> Words:
    places, known = window.places, np.isfinite(window.starts + window.ends)
    inside = np.flatnonzero(known & (places[:, 0] >= first) & (places[:, 1] <= last) & (places[:, 1] > places[:, 0]))
    if not len(inside) or not known[0]:  # no token, or a broken model
        return Words(float("-inf"), first, last)
    scores = window.starts[inside][:, None] + window.ends[inside]
    tokens = np.arange(len(inside))
    lengths = tokens - tokens[:, None] + 1
    scores -= COST * np.maximum(lengths - LONG, 0)
    scores[(lengths < 1) | (lengths > MAX_ANSWER)] = -np.inf
    start, end = np.unravel_index(int(scores.argmax()), scores.shape)
    score = float(np.logaddexp.reduce(scores, axis=None) - window.starts[0] - window.ends[0])
    return Words(score, int(places[inside[start], 0]), int(places[inside[end], 1]))


def _trimmed(offsets: Sequence[tuple[int, int]], sequences: Sequence[int | None], *, text: str) -> NDArray[np.int64]:
    """Give each token's characters without white space before them; (0, 0) for tokens that are not of the text."""
    places = [
        (end - len(text[start:end].lstrip()), end) if sequence == 1 else (0, 0)
        for (start, end), sequence in zip(offsets, sequences, strict=True)
    ]
    return np.array(places, np.int64).reshape(-1, 2)


def _load(folder: Path, *, word_embeddings: Path | None = None) -> tuple[Any, "PreTrainedModel"]:
    """Load a model and its tokenizer, from a folder without word embeddings those of another."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file
    from transformers import AutoConfig, AutoModelForQuestionAnswering, AutoTokenizer

    here = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(word_embeddings or folder, **here)
        if word_embeddings:
            words = load_file(word_embeddings / "model.safetensors")["embeddings.word_embeddings.weight"]
            config = AutoConfig.from_pretrained(folder, **here)
            model = AutoModelForQuestionAnswering.from_config(config)  # type: ignore[no-untyped-call]
            weights = load_file(folder / "model.safetensors") | {"bert.embeddings.word_embeddings.weight": words}
            model.load_state_dict(weights)  # from half to single precision
        else:
            model, report = AutoModelForQuestionAnswering.from_pretrained(
                folder, dtype=torch.float32, output_loading_info=True, **here
            )
            if report["missing_keys"]:  # they would be made up
                raise ValueError(f"it lacks {min(report['missing_keys'])}")
        if not tokenizer.is_fast or tokenizer("a", "b")["input_ids"][0] != tokenizer.cls_token_id:
            raise ValueError("its tokenizer does not say where words stand, or has no first token for 'not here'")
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        reason = str(error).partition("\n")[0]
        raise ClippingsError(f"{folder}: cannot be loaded as a question-answering model: {reason}") from error
    return tokenizer, model.train(False)  # as eval() does
