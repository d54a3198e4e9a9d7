"""Sparse distributed representations: arrays of bits, of which few are on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class SDR:
    """Bits of some dimensions, with the names that HTM libraries use.

    Parameters
    ----------
    dimensions : int or sequence of int
    """

    def __init__(self, dimensions: int | Sequence[int]) -> None:
        shape = (int(dimensions),) if np.isscalar(dimensions) else tuple(int(n) for n in dimensions)  # type: ignore
        if not shape or min(shape) < 1:
            raise ValueError(f"SDR: dimensions={dimensions!r} must be whole numbers >= 1")
        self._bits = np.zeros(shape, bool)

    @property
    def dimensions(self) -> list[int]:
        """Sizes of all axes."""
        return list(self._bits.shape)

    @property
    def size(self) -> int:
        """Number of bits."""
        return self._bits.size

    # --- three ways to read and write the bits -------------------------------------------------------------------

    @property
    def dense(self) -> np.ndarray:
        """All bits, bool; writing to the array changes the SDR."""
        return self._bits

    @dense.setter
    def dense(self, values) -> None:
        values = np.asarray(values)
        if values.size != self.size:
            raise ValueError(f"SDR: {values.size} bits for dimensions {self.dimensions}")
        self._bits[...] = values.reshape(self._bits.shape) != 0

    @property
    def sparse(self) -> np.ndarray:
        """Flat indices of the bits that are on, ascending."""
        return np.flatnonzero(self._bits)

    @sparse.setter
    def sparse(self, indices) -> None:
        indices = np.asarray(indices, np.int64).reshape(-1)
        if indices.size and (indices.min() < 0 or indices.max() >= self.size):
            raise ValueError(f"SDR: indices from {indices.min()} to {indices.max()}; there are 0 to {self.size - 1}")
        self._bits[...] = False
        self._bits.reshape(-1)[indices] = True

    @property
    def coordinates(self) -> list[np.ndarray]:
        """Indices of the bits that are on, an array for each axis."""
        return list(self._bits.nonzero())

    # --- what HTM people ask of it -------------------------------------------------------------------------------

    def getSum(self) -> int:
        """Bits that are on."""
        return int(np.count_nonzero(self._bits))

    def getSparsity(self) -> float:
        """Share of the bits that are on."""
        return self.getSum() / self.size

    def getOverlap(self, other: SDR) -> int:
        """Bits that are on in both."""
        return int(np.count_nonzero(self._bits & self._same(other)))

    def zero(self) -> SDR:
        """All bits off."""
        self._bits[...] = False
        return self

    def randomize(self, sparsity: float, rng: np.random.Generator) -> SDR:
        """Random bits, of which this share is on."""
        self.sparse = rng.choice(self.size, round(sparsity * self.size), replace=False)
        return self

    def addNoise(self, fraction: float, rng: np.random.Generator) -> SDR:
        """Move ``round(fraction * sum)`` of the bits that are on to places where none was."""
        on = self.sparse
        n = round(fraction * len(on))
        off = np.flatnonzero(~self._bits)
        if n > len(off):
            raise ValueError(f"SDR: {n} bits can't move to the {len(off)} that are off")
        flat = self._bits.reshape(-1)
        flat[rng.choice(on, n, replace=False)] = False
        flat[rng.choice(off, n, replace=False)] = True
        return self

    def intersection(self, a: SDR, b: SDR) -> SDR:
        """Become what is on in both."""
        self.dense = self._same(a) & self._same(b)
        return self

    def union(self, a: SDR, b: SDR) -> SDR:
        """Become what is on in either."""
        self.dense = self._same(a) | self._same(b)
        return self

    def concatenate(self, parts: Sequence[SDR], axis: int = 0) -> SDR:
        """Become several SDRs side by side."""
        self.dense = np.concatenate([p.dense for p in parts], axis)
        return self

    def reshape(self, dimensions: int | Sequence[int]) -> SDR:
        """The same bits with other dimensions, as a new SDR."""
        result = SDR(dimensions)
        result.dense = self._bits
        return result

    def to_spikes(self, start: float, gap: float = 0.04) -> tuple[np.ndarray, np.ndarray]:
        """A volley: cell and time (ms) of one spike for each bit that is on, one after another with a gap (ms)."""
        on = self.sparse
        return on, start + gap * np.arange(len(on))

    def copy(self) -> SDR:
        """An SDR of its own with the same bits."""
        return self.reshape(self.dimensions)

    def _same(self, other: SDR) -> np.ndarray:
        if other.dimensions != self.dimensions:
            raise ValueError(f"SDR: dimensions {self.dimensions} and {other.dimensions} must be one")
        return other.dense

    def __eq__(self, other) -> bool:
        return isinstance(other, SDR) and np.array_equal(self._bits, other.dense)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"SDR( {', '.join(map(str, self.dimensions))} ) {', '.join(map(str, self.sparse.tolist()))}"


def bits_of(given, size: int, what: str) -> np.ndarray:
    """Flat indices of the active bits of an SDR, of a dense array of ``size`` bits, or of indices."""
    if isinstance(given, SDR):
        if given.size != size:
            raise ValueError(f"{what}: an SDR of {given.size} bits; expected {size}")
        return given.sparse
    array = np.asarray(given)
    if array.dtype == bool or (array.size == size and array.ndim and array.size and array.max() <= 1):
        if array.size != size:
            raise ValueError(f"{what}: {array.size} bits; expected {size}")
        return np.flatnonzero(array)
    indices = np.unique(array.astype(np.int64))
    if indices.size and (indices[0] < 0 or indices[-1] >= size):
        raise ValueError(f"{what}: indices from {indices[0]} to {indices[-1]}; there are 0 to {size - 1}")
    return indices
