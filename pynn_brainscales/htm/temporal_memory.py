"""The temporal memory, as published, in NumPy: reference and fallback of the spiking one.

Cells of a column have segments, whose synapses lead to other cells. A segment with ``activationThreshold`` connected
synapses to active cells predicts its cell. If a column becomes active, its predicted cells do; if none is predicted,
all (it bursts). Segments that predicted right, and the best matching one of a bursting column, learn: synapses to the
cells that were active before grow, the others shrink, and new ones lead to the winners before (Hawkins and Ahmad
2016, Front. Neural Circuits 10:23).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .metrics import raw_anomaly
from .sdr import SDR, bits_of
from .segments import Segments


class TemporalMemory:
    """Temporal memory; arguments and their order as HTM libraries have them.

    Parameters
    ----------
    columnDimensions : int or sequence of int
    cellsPerColumn : int
    activationThreshold : int
        Connected synapses to active cells that make a segment predict.
    initialPermanence, connectedPermanence : float
    minThreshold : int
        Synapses to active cells, connected or not, that make a segment match.
    maxNewSynapseCount : int
    permanenceIncrement, permanenceDecrement : float
    predictedSegmentDecrement : float
        Punishes synapses of segments that matched in columns that did not become active. Sequences that are told apart
        only by their beginnings need some, at the cost of capacity.
    seed : int
    maxSegmentsPerCell, maxSynapsesPerSegment : int
        Beyond that the segment used least recently, or the weakest synapses, make room.
    checkInputs : bool
        Without effect: inputs are always checked.
    externalPredictiveInputs : int
        Only 0.
    anomalyMode
        Only "raw".
    """

    def __init__(self, columnDimensions: int | Sequence[int], cellsPerColumn: int = 32, activationThreshold: int = 13,
                 initialPermanence: float = 0.21, connectedPermanence: float = 0.5, minThreshold: int = 10,
                 maxNewSynapseCount: int = 20, permanenceIncrement: float = 0.1, permanenceDecrement: float = 0.1,
                 predictedSegmentDecrement: float = 0.0, seed: int = 42, maxSegmentsPerCell: int = 255,
                 maxSynapsesPerSegment: int = 255, checkInputs: bool = True, externalPredictiveInputs: int = 0,
                 anomalyMode: str = "raw") -> None:
        if externalPredictiveInputs:
            raise NotImplementedError("TemporalMemory: externalPredictiveInputs are not supported; concatenate them "
                                      "with the columns instead")
        if anomalyMode != "raw":
            raise NotImplementedError(f"TemporalMemory: anomalyMode={anomalyMode!r}; there is 'raw'")
        if minThreshold > activationThreshold or min(cellsPerColumn, minThreshold, maxNewSynapseCount) < 1:
            raise ValueError(f"TemporalMemory: minThreshold={minThreshold} must be at least 1 and at most "
                             f"activationThreshold={activationThreshold}, as cellsPerColumn and maxNewSynapseCount")
        self._columns = SDR(columnDimensions)
        self.cellsPerColumn, self.activationThreshold, self.minThreshold = (
            cellsPerColumn, activationThreshold, minThreshold)
        self.initialPermanence, self.connectedPermanence = initialPermanence, connectedPermanence
        self.permanenceIncrement, self.permanenceDecrement = permanenceIncrement, permanenceDecrement
        self.predictedSegmentDecrement, self.maxNewSynapseCount = predictedSegmentDecrement, maxNewSynapseCount
        self.maxSegmentsPerCell = maxSegmentsPerCell
        self.numberOfCells = self._columns.size * cellsPerColumn
        self._segments = Segments(self.numberOfCells, min(maxSynapsesPerSegment, 1 << 15))
        self._rng = np.random.default_rng(seed)
        self.anomaly = 0.0
        self.reset()

    def reset(self) -> None:
        """A sequence begins: nothing was active before, nothing is predicted."""
        none = np.zeros(0, np.int64)
        self._active, self._winners = none, none
        self._predicting = self._matching = none
        self._potential = np.zeros(0, np.int64)
        self._fresh = True

    def compute(self, activeColumns, learn: bool = True) -> None:
        """One element: activate cells of some columns; ``activateDendrites`` follows when it is asked for.

        Parameters
        ----------
        activeColumns : SDR, or array of bits, or indices
        learn : bool
        """
        columns = bits_of(activeColumns, self._columns.size, "TemporalMemory.compute")
        self.activateDendrites(learn)
        predicted = np.zeros(self._columns.size, bool)
        predicted[self._segments.cell[self._predicting] // self.cellsPerColumn] = True
        active = np.zeros(self._columns.size, bool)
        active[columns] = True
        self.anomaly = raw_anomaly(active, predicted)
        self._activate_cells(columns, active, learn)
        self._fresh = False

    def activateDendrites(self, learn: bool = True) -> None:
        """Find the segments that predict, and those that match, from the active cells; done by itself when needed."""
        if self._fresh:
            return
        connected, self._potential = self._segments.overlaps(self._active, self.connectedPermanence)
        self._predicting = np.flatnonzero(connected >= self.activationThreshold)
        self._matching = np.flatnonzero(self._potential >= self.minThreshold)
        if learn:
            self._segments.use(self._predicting)
        self._fresh = True

    # --- one element ---------------------------------------------------------------------------------------------

    def _activate_cells(self, columns: np.ndarray, active: np.ndarray, learn: bool) -> None:
        s, cells = self._segments, self.cellsPerColumn
        before, winners_before = self._active, self._winners
        column_of = s.cell[self._predicting] // cells
        right = self._predicting[active[column_of]]
        cells_right = np.unique(s.cell[right])
        bursting = columns[~np.isin(columns, column_of)]
        burst_cells = (bursting[:, None] * cells + np.arange(cells)).reshape(-1)
        best, winners = self._best_matching(bursting)
        if learn and self.predictedSegmentDecrement:
            wrong = self._matching[~active[s.cell[self._matching] // cells]]
            s.adapt(wrong, before, -self.predictedSegmentDecrement, 0.0)
        if learn:
            self._learn(np.concatenate([right, best[best >= 0]]), before, winners_before)
            if len(winners_before):
                for cell in winners[best < 0].tolist():
                    self._new_segment(cell, winners_before)
        self._active = np.sort(np.concatenate([cells_right, burst_cells]))
        self._winners = np.sort(np.concatenate([cells_right, winners]))

    def _best_matching(self, bursting: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of each bursting column the segment that matches best, -1 for none, and the winner cell."""
        s, cells = self._segments, self.cellsPerColumn
        best = np.full(len(bursting), -1)
        if len(self._matching) and len(bursting):
            column = s.cell[self._matching] // cells
            place = np.searchsorted(bursting, column)
            place[place == len(bursting)] = 0
            mine = bursting[place] == column
            segment, place = self._matching[mine], place[mine]
            order = np.lexsort((-segment, self._potential[segment], place))  # of equal ones the oldest comes last
            best[place[order]] = segment[order]
        winners = s.cell[np.maximum(best, 0)] if len(s.cell) else np.zeros(len(bursting), np.int64)
        for i in np.flatnonzero(best < 0).tolist():
            first = int(bursting[i]) * cells
            count = s.count[first:first + cells]
            least = np.flatnonzero(count == count.min())
            winners[i] = first + least[self._rng.integers(len(least))]
        return best, winners

    def _learn(self, segments: np.ndarray, before: np.ndarray, winners_before: np.ndarray) -> None:
        segments = np.sort(segments)
        self._segments.adapt(segments, before, self.permanenceIncrement, self.permanenceDecrement)
        if not len(winners_before):
            return
        wanted = self.maxNewSynapseCount - self._potential[segments]
        for segment, n in zip(segments[wanted > 0].tolist(), wanted[wanted > 0].tolist(), strict=True):
            self._segments.grow(segment, winners_before, n, self.initialPermanence, self._rng)

    def _new_segment(self, cell: int, winners_before: np.ndarray) -> None:
        segment = self._segments.create(cell, self.maxSegmentsPerCell)
        n = min(self.maxNewSynapseCount, len(winners_before))
        self._segments.grow(segment, winners_before, n, self.initialPermanence, self._rng)

    # --- what there is to read -----------------------------------------------------------------------------------

    def getActiveCells(self) -> SDR:
        """Cells that are active."""
        return self._cells(self._active)

    def getWinnerCells(self) -> SDR:
        """Cells that new synapses lead to."""
        return self._cells(self._winners)

    def getPredictiveCells(self) -> SDR:
        """Cells that are predicted for the next element."""
        self.activateDendrites(False)
        return self._cells(self._segments.cell[self._predicting])

    def cellsToColumns(self, cells: SDR) -> SDR:
        """The columns of some cells."""
        result = SDR(self._columns.dimensions)
        result.sparse = np.unique(cells.sparse // self.cellsPerColumn)
        return result

    def getPredictedColumns(self) -> np.ndarray:
        """Columns that are predicted for the next element, bool."""
        return self.cellsToColumns(self.getPredictiveCells()).dense.reshape(-1)

    def connectedSegments(self) -> list[tuple[int, np.ndarray]]:
        """Segments that can predict: the cell of each, and the cells that its connected synapses come from."""
        s = self._segments
        connected = (s.pre < self.numberOfCells) & (s.permanence >= np.float32(self.connectedPermanence))
        enough = np.flatnonzero((s.cell < self.numberOfCells) & (connected.sum(axis=1) >= self.activationThreshold))
        return [(int(s.cell[i]), np.sort(s.pre[i, connected[i]])) for i in enough.tolist()]

    def numberOfSegments(self) -> int:
        """Segments of all cells."""
        return int(self._segments.count.sum())

    def numberOfSynapses(self) -> int:
        """Synapses of all segments."""
        return int(np.count_nonzero(self._segments.pre < self.numberOfCells))

    def _cells(self, cells: np.ndarray) -> SDR:
        result = SDR([*self._columns.dimensions, self.cellsPerColumn])
        result.sparse = cells
        return result
