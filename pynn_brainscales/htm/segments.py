"""Segments of a temporal memory as arrays: a row for each, with a place for each of its synapses."""

from __future__ import annotations

import numpy as np

_GONE = 1e-6  # a synapse of less permanence is removed


class Segments:
    """All segments.

    Attributes
    ----------
    cell : int, (S,)
        Cell of each segment; ``cells`` where there is none any more.
    pre : int, (S, width)
        Presynaptic cell of each synapse; ``cells`` at places that are free.
    permanence : float32, (S, width)
    count : int, (cells,)
        Segments of every cell.
    """

    def __init__(self, cells: int, most: int) -> None:
        self._cells, self._most = cells, most
        width = min(most, 8)
        self._cell = np.zeros(0, np.int64)
        self._pre, self._permanence = np.full((0, width), cells, np.int32), np.zeros((0, width), np.float32)
        self._used = np.zeros(0, np.int64)  # when a segment has predicted last
        self.count = np.zeros(cells, np.int64)
        self._size, self._clock = 0, 0
        self._free: list[int] = []

    @property
    def cell(self) -> np.ndarray:
        return self._cell[:self._size]

    @property
    def pre(self) -> np.ndarray:
        return self._pre[:self._size]

    @property
    def permanence(self) -> np.ndarray:
        return self._permanence[:self._size]

    def overlaps(self, active: np.ndarray, connected: float) -> tuple[np.ndarray, np.ndarray]:
        """Connected synapses of each segment to active cells, and all of them, each (S,)."""
        hit = self._mask(active)[self.pre]
        potential = np.count_nonzero(hit, axis=1)
        hit &= self.permanence >= np.float32(connected)
        return np.count_nonzero(hit, axis=1), potential

    def use(self, segments: np.ndarray) -> None:
        """Note that some have predicted."""
        self._clock += 1
        self._used[segments] = self._clock

    def adapt(self, segments: np.ndarray, active: np.ndarray, increment: float, decrement: float) -> None:
        """Synapses to active cells get ``increment``, the others lose ``decrement``; those at 0 are removed."""
        if not len(segments):
            return
        pre, permanence = self._pre[segments], self._permanence[segments]
        there = pre < self._cells
        change = np.where(self._mask(active)[pre], np.float32(increment), np.float32(-decrement))
        permanence = np.clip(permanence + np.where(there, change, np.float32(0)), 0.0, 1.0)
        gone = there & (permanence < _GONE)
        pre[gone], permanence[gone] = self._cells, 0.0
        self._pre[segments], self._permanence[segments] = pre, permanence
        for segment in segments[~(pre < self._cells).any(axis=1)].tolist():
            self._destroy(segment)

    def grow(self, segment: int, candidates: np.ndarray, n: int, permanence: float, rng: np.random.Generator) -> None:
        """Up to ``n`` new synapses to random ones of the candidates that the segment has none to yet."""
        if self._cell[segment] == self._cells:
            return  # it has just lost its last synapse
        row = self._pre[segment]
        candidates = candidates[~np.isin(candidates, row)]
        chosen = rng.permutation(candidates)[:min(n, self._most)]
        if not len(chosen):
            return
        free = np.flatnonzero(row == self._cells)
        if len(free) < len(chosen) and self._pre.shape[1] < self._most:
            self._widen(len(chosen) - len(free))
            row = self._pre[segment]
            free = np.flatnonzero(row == self._cells)
        if len(free) < len(chosen):  # the weakest make room
            held = np.flatnonzero(row < self._cells)
            weakest = held[np.argsort(self._permanence[segment, held], kind="stable")]
            free = np.concatenate([free, weakest[:len(chosen) - len(free)]])
        at = free[:len(chosen)]
        self._pre[segment, at], self._permanence[segment, at] = chosen, permanence

    def create(self, cell: int, most: int) -> int:
        """A new segment of a cell; where it has ``most`` already, the one used least recently goes."""
        while self.count[cell] >= most:
            own = np.flatnonzero(self.cell == cell)
            self._destroy(int(own[np.argmin(self._used[own])]))
        if self._free:
            segment = self._free.pop()
        else:
            if self._size == len(self._cell):
                self._lengthen()
            segment, self._size = self._size, self._size + 1
        self._cell[segment] = cell
        self._used[segment] = self._clock
        self.count[cell] += 1
        return segment

    def _destroy(self, segment: int) -> None:
        self.count[self._cell[segment]] -= 1
        self._cell[segment] = self._cells
        self._pre[segment], self._permanence[segment] = self._cells, 0.0
        self._free.append(segment)

    def _mask(self, cells: np.ndarray) -> np.ndarray:
        mask = np.zeros(self._cells + 1, bool)
        mask[cells] = True
        return mask

    def _widen(self, more: int) -> None:
        width = min(self._most, self._pre.shape[1] + max(more, 8))
        added = width - self._pre.shape[1]
        self._pre = np.pad(self._pre, ((0, 0), (0, added)), constant_values=self._cells)
        self._permanence = np.pad(self._permanence, ((0, 0), (0, added)))

    def _lengthen(self) -> None:
        more = max(256, len(self._cell))
        self._cell = np.pad(self._cell, (0, more), constant_values=self._cells)
        self._used = np.pad(self._used, (0, more))
        self._pre = np.pad(self._pre, ((0, more), (0, 0)), constant_values=self._cells)
        self._permanence = np.pad(self._permanence, ((0, more), (0, 0)))
