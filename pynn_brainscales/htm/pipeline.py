"""From values to predictions and surprise: encoder, spatial pooler and temporal memory as one object."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

from .metrics import raw_anomaly
from .sdr import SDR
from .spiking_memory import SpikingTemporalMemory
from .spiking_pooler import SpikingSpatialPooler


class Course(NamedTuple):
    """What came of some values.

    Attributes
    ----------
    active : bool, (values, columns)
        Columns that the pooler has chosen.
    predicted : bool, (values, columns)
        Columns that the memory predicts after each value, for the next one.
    anomaly : float, (values,)
        Share of the active columns that had not been predicted.
    """

    active: np.ndarray
    predicted: np.ndarray
    anomaly: np.ndarray


class Pipeline:
    """Values go through an encoder and a spatial pooler into a temporal memory.

    Spiking and reference parts go together as you like. Two spiking parts lie on chips of their own; the host hands the
    spikes of the pooler's columns on to the memory, as it does between the networks of two experiments on real chips.

    Parameters
    ----------
    encoder
        With ``encode(value)``, which gives an SDR.
    pooler : SpikingSpatialPooler or SpatialPooler
    memory : SpikingTemporalMemory or TemporalMemory
        With as many columns as the pooler.

    Raises
    ------
    ValueError
        If sizes don't fit.
    """

    def __init__(self, encoder, pooler, memory) -> None:
        self.encoder, self.pooler, self.memory = encoder, pooler, memory
        columns = pooler.getNumColumns()
        if memory.getPredictedColumns().size != columns:
            raise ValueError(f"Pipeline: the pooler has {columns} columns, the memory "
                             f"{memory.getPredictedColumns().size}; they must be as many")
        self.columns = columns
        self._last = np.zeros(columns, bool)  # predicted for the next value
        self._codes: dict[Hashable, np.ndarray] = {}

    def train_pooler(self, values: Sequence, epochs: int = 10) -> None:
        """Let the pooler learn to represent values, each once in an epoch; the memory learns nothing."""
        records = self._encoded(values)
        for _ in range(epochs):
            self._pooled(records, True)

    def run(self, values: Sequence, learn: bool = True) -> Course:
        """Values one after the other; None ends a sequence and resets the memory. Only the memory learns."""
        shown = [v for v in values if v is not None]
        codes = self._pooled(self._encoded(shown), False) if shown else np.zeros((0, self.columns), bool)
        for value, code in zip(shown, codes, strict=True):
            self._codes[value] = code
        predicted = self._remembered(values, codes, learn)
        before = np.concatenate([self._last[None], predicted[:-1]]) if len(predicted) else predicted
        ends = [i for i, v in enumerate(values) if v is None]
        shown_at = np.setdiff1d(np.arange(len(values)), ends)
        if len(predicted):
            self._last = predicted[-1]
        anomaly = np.array([raw_anomaly(code, before[i]) for code, i in zip(codes, shown_at, strict=True)])
        return Course(codes, predicted[shown_at], anomaly)

    def compute(self, value, learn: bool = True) -> float:
        """One value; its anomaly."""
        return float(self.run([value], learn).anomaly[0])

    def reset(self) -> None:
        """End a sequence."""
        self.memory.reset()
        self._last = np.zeros(self.columns, bool)

    def predict(self):
        """The value, of those shown so far, whose columns are predicted best; None if nothing is predicted."""
        if not self._last.any() or not self._codes:
            return None
        return max(self._codes, key=lambda v: np.count_nonzero(self._codes[v] & self._last)
                   / max(1, np.count_nonzero(self._codes[v])))

    # --- the parts ---------------------------------------------------------------------------------------------------

    def _encoded(self, values: Sequence) -> np.ndarray:
        return np.array([self.encoder.encode(value).dense.reshape(-1) for value in values])

    def _pooled(self, records: np.ndarray, learn: bool) -> np.ndarray:
        if isinstance(self.pooler, SpikingSpatialPooler):
            return self.pooler.learn(records) if learn else self.pooler.encode(records)
        output, result = SDR(self.columns), np.zeros((len(records), self.columns), bool)
        for row, record in zip(result, records, strict=True):
            self.pooler.compute(record, learn, output)
            row[:] = output.dense
        return result

    def _remembered(self, values: Sequence, codes: np.ndarray, learn: bool) -> np.ndarray:
        """Predicted columns after each value, and after each end."""
        waiting = iter(codes)
        elements = [None if v is None else np.flatnonzero(next(waiting)) for v in values]
        if isinstance(self.memory, SpikingTemporalMemory):
            return self._on_chip(elements, learn)
        result = np.zeros((len(elements), self.columns), bool)
        for row, element in zip(result, elements, strict=True):
            if element is None:
                self.memory.reset()
            else:
                self.memory.compute(element, learn)
                row[:] = self.memory.getPredictedColumns()
        return result

    def _on_chip(self, elements: list, learn: bool) -> np.ndarray:
        silence = [np.zeros(0, np.int64)] * self.memory.silence
        cycles = [part for e in elements for part in (silence if e is None else [e])]
        last = np.cumsum([len(silence) if e is None else 1 for e in elements]) - 1
        if not cycles:
            return np.zeros((0, self.columns), bool)
        return self.memory.predictedColumns(self.memory.present(cycles, learn).predicted[:, 0])[last]
