"""The dense index: exact inner products over the passages' vectors with FAISS, derived from the store."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch  # noqa: F401  # before faiss: the other order can crash on macOS (sentence-transformers#2291)

import faiss  # isort: skip
import numpy as np
from numpy.typing import NDArray

from clippings.errors import ClippingsError
from clippings.store import Store

SLICE = 50_000  # passages read from the store at a time
UNFINISHED = "unfinished"  # no state of any store


class Dense:
    """The vectors in memory, with a copy on disk whose name is the store's state that it was made from."""

    def __init__(self, folder: Path) -> None:
        """Open a copy in `folder`, or begin an empty index when there is none that can be read."""
        self._folder = folder
        self._state = ""
        self._index: Any = None  # until the first vectors say how long they are
        for path in sorted(folder.glob("*.faiss")):
            # By Python's own file, for FAISS cannot open every name that Windows allows. What is cut short, foreign or
            # damaged is passed over: it is only a copy.
            with suppress(RuntimeError, OSError, MemoryError), path.open("rb") as file:
                self._index = faiss.read_index(faiss.PyCallbackIOReader(file.read))  # type: ignore[attr-defined]
                self._state = path.stem
        self._saved = self._state

    def search(self, query: NDArray[np.float32], k: int) -> list[int]:
        """Give the numbers of the k passages nearest to the unit vector `query`, (dim,), the nearest first."""
        if self._index is None:
            return []
        numbers: list[int] = self._index.search(query[None], k)[1][0].tolist()
        return [number for number in numbers if number >= 0]  # FAISS fills up with -1

    def state(self) -> str:
        """Give the store's state that this index was made from."""
        return self._state

    def count(self) -> int:
        """Count the passages."""
        return 0 if self._index is None else int(self._index.ntotal)

    def catch_up(self, store: Store) -> None:
        """Take in what has changed in the store since, in memory."""
        changes = store.changes(self._state)
        if changes is None:
            self._state, self._index = "", None
            changes = store.changes("") or []
        if not changes:
            return
        self._state = UNFINISHED  # should reading fail half-way, the next time begins anew
        removed = [number for each in changes if not each.added for number in range(each.first, each.last + 1)]
        if removed and self._index is not None:
            self._index.remove_ids(np.array(removed, np.int64))
        for first, last in _runs([(each.first, each.last) for each in changes if each.added]):
            for start in range(first, last + 1, SLICE):
                numbers, vectors = store.vectors(start, min(start + SLICE - 1, last))
                if len(numbers):
                    if self._index is None:
                        self._index = _empty(vectors.shape[1])
                    self._index.add_with_ids(vectors, numbers)
        self._state = changes[-1].state

    def save(self) -> None:
        """Write the copy on disk; its name goes with its content, so no other file can be out of step with it."""
        path = self._folder / f"{self._state}.faiss"
        try:
            if self._index is not None and self._state != self._saved:
                self._write(path)
            for old in {*self._folder.glob("*.faiss"), *self._folder.glob("*.part")} - {path}:
                old.unlink(missing_ok=True)
        except OSError as error:
            raise ClippingsError(f"{self._folder}: cannot be written: {error.strerror or error}") from error
        self._saved = self._state

    def _write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        with part.open("wb") as file:
            faiss.write_index(self._index, faiss.PyCallbackIOWriter(file.write))  # type: ignore[attr-defined]
        with suppress(FileNotFoundError):  # another process has saved, and tidied this away
            part.replace(path)


def _empty(dimensions: int) -> Any:
    # Half precision is what the store holds, so nothing is lost, and a search reads half the memory.
    return faiss.IndexIDMap(
        faiss.IndexScalarQuantizer(dimensions, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    )


def _runs(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join neighbouring ranges, so that a thousand articles are one read."""
    joined: list[tuple[int, int]] = []
    for first, last in ranges:
        if joined and joined[-1][1] + 1 == first:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return joined
