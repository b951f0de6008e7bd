"""The dense index: exact inner products over the passages' vectors with FAISS, derived from the store."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch  # noqa: F401  # before faiss: the other order can crash on macOS (sentence-transformers#2291)

import faiss  # isort: skip
import numpy as np
from numpy.typing import NDArray

from clippings.store import Store

SLICE = 50_000  # passages read from the store at a time


class Dense:
    """The vectors in memory, with a copy on disk whose name is the store's state that it was made from."""

    def __init__(self, folder: Path, dimensions: int) -> None:
        """Open a copy in `folder`, or begin an empty index when there is none that can be read."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._dimensions = dimensions
        self._state, self._index = "", _empty(dimensions)
        for path in sorted(folder.glob("*.faiss")):
            try:
                index = faiss.read_index(str(path))
            except RuntimeError:  # cut short or foreign: it is only a copy
                continue
            if index.d == dimensions:
                self._state, self._index = path.stem, index

    def search(self, query: NDArray[np.float32], k: int) -> tuple[list[int], list[float]]:
        """Give the numbers and the cosines of the k nearest passages to the unit vector `query`, (dim,)."""
        scores, numbers = self._index.search(query[None], k)
        found = numbers[0] >= 0  # FAISS fills up with -1
        return numbers[0][found].tolist(), scores[0][found].tolist()

    def cosines(self, query: NDArray[np.float32], numbers: Sequence[int]) -> NDArray[np.float32]:
        """Give the cosines, (n,), of these passages with the unit vector `query`."""
        rows = [self._index.reconstruct(number) for number in numbers]
        return np.array(rows, np.float32).reshape(len(rows), -1) @ query if rows else np.zeros(0, np.float32)

    def state(self) -> str:
        """Give the store's state that this index was made from."""
        return self._state

    def count(self) -> int:
        """Count the passages."""
        return int(self._index.ntotal)

    def catch_up(self, store: Store) -> None:
        """Take in what has changed in the store since, in memory."""
        changes = store.changes(self._state)
        if changes is None:
            self._state, self._index = "", _empty(self._dimensions)
            changes = store.changes("") or []
        removed = [number for each in changes if not each.added for number in range(each.first, each.last + 1)]
        if removed:
            self._index.remove_ids(np.array(removed, np.int64))
        for first, last in _runs([(each.first, each.last) for each in changes if each.added]):
            for start in range(first, last + 1, SLICE):
                numbers, vectors = store.vectors(start, min(start + SLICE - 1, last))
                if len(numbers):
                    self._index.add_with_ids(vectors, numbers)
        if changes:
            self._state = changes[-1].state

    def save(self) -> None:
        """Write the copy on disk; its name goes with its content, so no other file can be out of step with it."""
        path = self._folder / f"{self._state}.faiss"
        if not path.exists():
            part = path.with_suffix(f".{os.getpid()}.part")
            faiss.write_index(self._index, str(part))
            part.replace(path)
        for old in {*self._folder.glob("*.faiss"), *self._folder.glob("*.part")} - {path}:
            old.unlink(missing_ok=True)


def _empty(dimensions: int) -> Any:
    # Half precision is what the store holds, so nothing is lost, and a search reads half the memory.
    return faiss.IndexIDMap2(
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
