"""The first spiking temporal memory, of three kinds of neurons a cell, as published: it predicts and does not learn.

See ``paper_network`` for how it works. Its cycle must be neither so short that conductances of one element are left
at the next, nor so long that predictions have decayed. Its synapses are loaded, for example those that a
``TemporalMemory`` has learnt.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from pyNN.parameters import Sequence as Times

import pynn_brainscales as sim

from .metrics import raw_anomaly
from .paper_network import PaperNetwork, build
from .sdr import SDR, bits_of

WINDOW = (50.0, 60.0)  # ms: cycles with which it works
INPUT = 0.1  # ms into a cycle: the columns' spikes
TEACHER = 5.0 + 0.1 * np.arange(4)  # ms into a cycle: the spikes that make a segment predict


@dataclass(frozen=True, eq=False)
class Outcome:
    """What some elements have done, each array (elements, columns, cells), bool.

    Attributes
    ----------
    shown : bool, (elements, columns)
        Columns that were to become active.
    active : bool
        Cells whose soma has fired.
    predicted : bool
        Cells that were predicted when the element came: a segment of theirs fired in the cycle before.
    predictive : bool
        Cells that the element has predicted.
    """

    shown: np.ndarray
    active: np.ndarray
    predicted: np.ndarray
    predictive: np.ndarray

    def correct(self, predicted: np.ndarray | None = None) -> np.ndarray:
        """Whether each column did what a temporal memory does, (elements, columns).

        In a column that is shown exactly the predicted cells must fire, or all if none is predicted; in the others
        none. ``predicted`` says which cells should have been predicted, by default those that were.
        """
        predicted = self.predicted if predicted is None else predicted
        wanted = self.shown[..., None] & (predicted | ~predicted.any(axis=-1, keepdims=True))
        return (self.active == wanted).all(axis=-1)


class PaperTemporalMemory:
    """Temporal memory of LIF neurons with conductances; sets up the simulator for itself.

    Parameters
    ----------
    columnDimensions : int or sequence of int
    cellsPerColumn, segmentsPerCell : int
    segments : sequence of (int, sequence of int)
        Cell of each segment, and the cells that its synapses come from, numbered as in a ``TemporalMemory``, whose
        ``connectedSegments`` it may be.
    activationThreshold : int
        Spikes at once that fire a segment.
    cycle : float
        Time for an element, ms.
    teacher : bool
        Whether there are inputs that fire the first segment of each cell: ``present(forced=...)``.
    weight_spread : float
        Relative spread of all weights, drawn from ``seed``; chips have one of their own.
    chip : str or Profile, optional
    chip_seed, seed : int
    timestep : float
        ms
    **setup
        Further arguments of ``setup``.

    Attributes
    ----------
    network : PaperNetwork
    anomaly : float
        Share of the columns of the last element that were not predicted.
    """

    def __init__(self, columnDimensions: int | Sequence[int], cellsPerColumn: int = 8, segmentsPerCell: int = 2,
                 segments: Sequence[tuple[int, Sequence[int]]] = (), activationThreshold: int = 7, cycle: float = 57.0,
                 teacher: bool = True, weight_spread: float = 0.0, chip=None, chip_seed: int = 0, seed: int = 0,
                 timestep: float = 0.1, **setup) -> None:
        self._dimensions = (columnDimensions,) if isinstance(columnDimensions, int) else tuple(columnDimensions)
        self.columns, self.cellsPerColumn, self.cycle = prod(self._dimensions), cellsPerColumn, float(cycle)
        self.segmentsPerCell = segmentsPerCell
        if min(self.columns, cellsPerColumn, segmentsPerCell, activationThreshold) < 1:
            raise ValueError(f"PaperTemporalMemory: {self.columns} columns of {cellsPerColumn} cells with "
                             f"{segmentsPerCell} segments of activationThreshold={activationThreshold}; each must be "
                             "at least 1")
        if not WINDOW[0] <= cycle <= WINDOW[1]:
            warnings.warn(
                f"PaperTemporalMemory: cycle={cycle:g} ms; it works from {WINDOW[0]:g} to {WINDOW[1]:g} ms: of columns "
                "of 8 cells 58, 79, 100, 99 and 40 % do right at 40, 50, 55 to 57, 60 and 65 ms; shorter ones end "
                "before the conductances have, longer ones after the predictions have decayed", UserWarning,
                stacklevel=2)
        if "replicas" in setup:
            raise TypeError("PaperTemporalMemory has no replicas: columns side by side are as fast")
        synapses = self._numbered(segments)
        sim.setup(timestep=timestep, min_delay=timestep, chip=chip, chip_seed=chip_seed, seed=seed, **setup)
        self.network: PaperNetwork = build(self.columns, cellsPerColumn, segmentsPerCell, synapses, activationThreshold,
                                           teacher, weight_spread, np.random.default_rng([seed, 1]))
        for population in (self.network.soma, self.network.dendrite):
            population.record("spikes")
        self._forget()

    def _numbered(self, segments) -> list[tuple[int, np.ndarray]]:
        """Dendrite and somata of each segment that is given."""
        size, most = self.columns * self.cellsPerColumn, self.segmentsPerCell
        used = np.zeros(size, int)
        result = []
        for cell, given in segments:
            pre = np.asarray(given, np.int64)
            if not 0 <= cell < size or np.any((pre < 0) | (pre >= size)):
                raise ValueError(f"PaperTemporalMemory: a segment of cell {cell} from cells {pre.tolist()}; there are "
                                 f"cells 0 to {size - 1}")
            if used[cell] == most:
                raise ValueError(f"PaperTemporalMemory: cell {cell} has more than segmentsPerCell={most} segments; "
                                 "raise it, or learn with fewer (maxSegmentsPerCell)")
            result.append((cell * most + int(used[cell]), pre))
            used[cell] += 1
        return result

    # --- elements --------------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """A sequence begins: everything is at rest, nothing is predicted."""
        sim.reset()
        self._forget()

    def _forget(self) -> None:
        self._active = self._predictive = np.zeros((self.columns, self.cellsPerColumn), bool)
        self.anomaly = 0.0

    def present(self, elements: Sequence, forced: np.ndarray | None = None) -> Outcome:
        """Show some elements, one cycle each, after those that came before.

        Parameters
        ----------
        elements : sequence of SDR, or of arrays of bits, or of indices
            Active columns.
        forced : bool (elements, columns, cells), optional
            Cells that are predicted in the cycle of each element, besides those that its cells predict.
        """
        shape = (len(elements), self.columns, self.cellsPerColumn)
        if not len(elements):
            raise ValueError("PaperTemporalMemory.present: no elements; give at least one, of no columns if need be")
        shown = np.zeros(shape[:2], bool)
        for row, element in zip(shown, elements, strict=True):
            row[bits_of(element, self.columns, "PaperTemporalMemory.present")] = True
        start = sim.get_current_time()
        _send(self.network.input, shown, start + self.cycle * np.arange(shape[0]), np.array([INPUT]))
        if forced is not None or self.network.teacher is not None:
            self._force(np.zeros(shape, bool) if forced is None else np.asarray(forced, bool), shape, start)
        soma, dendrite = self.network.soma, self.network.dendrite
        before = [len(_runs(p)) for p in (soma, dendrite)]
        sim.run(self.cycle * shape[0])
        active = self._fired(soma, before[0], start, shape)
        predictive = self._fired(dendrite, before[1], start, (*shape, self.segmentsPerCell)).any(axis=-1)
        predicted = np.concatenate([self._predictive[None], predictive[:-1]])
        self._active, self._predictive = active[-1], predictive[-1]
        self.anomaly = raw_anomaly(shown[-1], predicted[-1].any(axis=-1))
        return Outcome(shown, active, predicted, predictive)

    def _force(self, forced: np.ndarray, shape: tuple[int, ...], start: float) -> None:
        if self.network.teacher is None:
            raise ValueError("PaperTemporalMemory.present: forced predictions need inputs to the segments: make it "
                             "with teacher=True")
        if forced.shape != shape:
            raise ValueError(f"PaperTemporalMemory.present: forced has shape {forced.shape}; elements, columns and "
                             f"cells are {shape}")
        _send(self.network.teacher, forced.reshape(shape[0], self.columns * self.cellsPerColumn),
              start + self.cycle * np.arange(shape[0]), TEACHER)

    def _fired(self, population, before: int, start: float, shape: tuple[int, ...]) -> np.ndarray:
        """Which neurons have fired in each cycle, of the runs since ``before``."""
        runs = _runs(population)[before:]
        result = np.zeros((shape[0], population.size), bool)
        for neuron, times in runs:
            cycle = ((times - start - 1e-6) // self.cycle).astype(int)  # a spike at the end of a cycle belongs to it
            result[np.clip(cycle, 0, shape[0] - 1), neuron] = True
        return result.reshape(shape)

    # --- as a TemporalMemory ---------------------------------------------------------------------------------------

    def compute(self, activeColumns, learn: bool = False) -> None:
        """One element.

        Raises
        ------
        NotImplementedError
            If it is to learn.
        """
        if learn:
            raise NotImplementedError("PaperTemporalMemory does not learn: its segments are loaded; learn with "
                                      "TemporalMemory and pass its connectedSegments(), and compute(..., learn=False)")
        self.present([activeColumns])

    def getActiveCells(self) -> SDR:
        """Cells whose soma has fired at the last element."""
        return self._cells(self._active)

    def getPredictiveCells(self) -> SDR:
        """Cells that are predicted for the next element."""
        return self._cells(self._predictive)

    def _cells(self, which: np.ndarray) -> SDR:
        result = SDR([*self._dimensions, self.cellsPerColumn])
        result.sparse = np.flatnonzero(which)
        return result

    def report(self) -> dict:
        """Numbers of the mapping: circuits, rows, lost synapses."""
        return sim.map_network().report.to_dict()


def _runs(population) -> list[tuple[np.ndarray, np.ndarray]]:
    """Neurons and times (ms) of the spikes of each run since the last reset."""
    return population.recorder.tapes[0].live.spikes


def _send(population, which: np.ndarray, begin: np.ndarray, times: np.ndarray) -> None:
    """Spikes of a source: cell i at each ``begin[k] + times`` where ``which[k, i]``."""
    population.set(spike_times=[Times((begin[which[:, i], None] + times).reshape(-1)) for i in range(which.shape[1])])
