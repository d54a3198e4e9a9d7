"""What a rule sees of the chip, and changes: synapses and neurons, as arrays.

Reading goes through the chip's converters and counters. Resets act at once; weights and labels that a rule writes are
collected, and become visible when its run time is over (``written``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import limits
from ..kernels.correlation import ACAUSAL, CAUSAL, SensorRun
from ..kernels.plastic_array import PlasticRun
from ..plastic import PlasticArray, PlasticArrayState
from .cost import CostMeter, Operation


class SynapseView:
    """The synapses of one projection; all arrays are (rows, columns), for one trial.

    Attributes
    ----------
    there : bool, (rows, columns)
        Where a synapse exists; what is written elsewhere has no effect.
    row, column : int, (connections,)
        Place of each connection of the projection in the order of creation, -1 where it was lost in the mapping.
    pre_index, post_index : int, (connections,)
        Cells that each connection joins.
    neuron : int, (columns,)
        The postsynaptic cell of each column.
    candidates : int, (k,), or None
        Of slots the presynaptic cell that each label 0..k-1 stands for; of other synapses None, their labels have a
        meaning for their own row only.
    """

    def __init__(self, array: PlasticArray, state: PlasticArrayState, place: Sequence[np.ndarray], step_us: float,
                 meter: CostMeter, rng: Sequence[np.random.Generator] | None,
                 candidates: np.ndarray | None = None) -> None:
        self.there, self.candidates = array.there, candidates
        self.row, self.column, self.pre_index, self.post_index = place
        self.neuron = np.full(array.shape[1], -1)
        self.neuron[self.column[self.column >= 0]] = self.post_index[self.column >= 0]
        self._meter, self._rng = meter, rng
        self._now = PlasticRun(array.there, array.strength, state.synapses)
        self._next = PlasticRun(array.there, array.strength, state.synapses)
        self._sensors = (None if array.sensors is None or state.sensors is None
                         else SensorRun(array.sensors, state.sensors, step_us, array.there))
        self._wrote = False

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.there.shape

    def _rows(self, row) -> np.ndarray:
        return np.atleast_1d(np.arange(self.shape[0])[slice(None) if row is None else row])

    def _charge(self, operation: Operation, row) -> None:
        self._meter.charge(operation, limits.VECTORS_PER_ROW * len(self._rows(row)))

    # --- weights and labels --------------------------------------------------------------------------------

    def get_weights(self, row=None) -> np.ndarray:
        """Weights 0..63, int16: of all rows, or of some."""
        self._charge(Operation.WEIGHT_READ, row)
        return self._now.weights(self._rows(row))[0]

    def set_weights(self, values, row=None, saturate: bool = True) -> np.ndarray:
        """Write weights of all rows, or of some; True where one was limited to 0..63.

        Raises
        ------
        ValueError
            With ``saturate=False``, if a weight lies outside.
        """
        self._charge(Operation.WEIGHT_WRITE, row)
        self._wrote = True
        return self._next.set_weights(_with_trial(values), self._rows(row), saturate)[0]

    def get_labels(self, row=None) -> np.ndarray:
        """Labels 0..63, int16: which events of its row a synapse listens to."""
        self._charge(Operation.LABEL_READ, row)
        return self._now.labels(self._rows(row))[0]

    def set_labels(self, values, row=None) -> None:
        """Write labels; ValueError for what is no integer of 0..63, or in a slot no candidate's."""
        self._charge(Operation.LABEL_WRITE, row)
        if self.candidates is not None:
            self._demand_candidates(np.asarray(values), row, len(self.candidates))
        self._wrote = True
        self._next.set_labels(_with_trial(values), self._rows(row))

    def get_partners(self, row=None) -> np.ndarray:
        """Presynaptic cell that each slot listens to, -1 where there is none; what ``get_labels`` reads costs time."""
        if self.candidates is None:
            raise ValueError("these synapses are no slots: their labels tell sources of their own row apart, and can't "
                             "choose among others; use PlasticSynapse(..., slots=True)")
        return np.where(self.there[self._rows(row)], self.candidates[self.get_labels(row)], -1)

    def _demand_candidates(self, labels: np.ndarray, row, candidates: int) -> None:
        beyond = (labels >= candidates) & self.there[self._rows(row)]
        if beyond.any():
            raise ValueError(f"label {int(np.broadcast_to(labels, beyond.shape)[beyond].max())} in a slot; its "
                             f"{candidates} candidates have the labels 0..{candidates - 1}")

    # --- correlation ---------------------------------------------------------------------------------------

    def get_causal_correlation(self, row=None) -> np.ndarray:
        """Baseline minus code of the causal sensors, int16: rises with correlation; noise brings some below 0."""
        return self._correlation(CAUSAL, row)

    def get_acausal_correlation(self, row=None) -> np.ndarray:
        """Baseline minus code of the acausal sensors."""
        return self._correlation(ACAUSAL, row)

    def get_correlation_codes(self, kind: str, row=None) -> np.ndarray:
        """Codes 0..255 of the converter, which fall with correlation; ``kind`` is "causal" or "acausal"."""
        self._meter.charge(Operation.CADC_READ, len(self._rows(row)))
        return self._need_sensors().raw(kind, self._rows(row), self._rng)[0]

    def _correlation(self, kind: str, row) -> np.ndarray:
        self._meter.charge(Operation.CADC_READ, len(self._rows(row)))
        return self._need_sensors().correlation(kind, self._rows(row), self._rng)[0]

    def reset_correlation(self, row=None) -> None:
        """Empty both sensors of rows."""
        self._charge(Operation.CORRELATION_RESET, row)
        self._need_sensors().reset(self._rows(row))

    def _need_sensors(self) -> SensorRun:
        if self._sensors is None:
            raise ValueError("these synapses have no correlation sensors")
        return self._sensors

    # --- logical and physical order ------------------------------------------------------------------------

    def logical(self, values: np.ndarray) -> np.ndarray:
        """Values (rows, columns) by connection, float (connections,); NaN where a connection was lost."""
        result = np.full(len(self.row), np.nan)
        alive = self.row >= 0
        result[alive] = np.asarray(values)[self.row[alive], self.column[alive]]
        return result

    def physical(self, values, fill: float = 0.0) -> np.ndarray:
        """Values by connection as float (rows, columns); ``fill`` where there is no synapse."""
        result = np.full(self.shape, float(fill))
        alive = self.row >= 0
        result[self.row[alive], self.column[alive]] = np.broadcast_to(values, self.row.shape)[alive]
        return result

    # --- for the one who runs the rule ---------------------------------------------------------------------

    def counters(self, reset: bool) -> np.ndarray:
        """Spike counters of the columns, int16 (columns,), 0..255."""
        return self._now.counters(reset)[0][0]

    def present(self) -> PlasticArrayState:
        """State with what acts at once: resets of sensors and counters."""
        return PlasticArrayState(self._now.state(), None if self._sensors is None else self._sensors.state())

    def written(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Weights and labels, (1, rows, columns), that become visible later; None if nothing was written."""
        state = self._next.state()
        return (state.weight, state.label) if self._wrote else None


def _with_trial(values) -> np.ndarray:
    values = np.asarray(values)
    return values[None] if values.ndim >= 2 else values


class NeuronView:
    """The neurons of one population, in its order; those without plastic synapses of the rule have no counter here."""

    def __init__(self, size: int, synapses: Sequence[SynapseView], places: Sequence[tuple[np.ndarray, np.ndarray]],
                 meter: CostMeter) -> None:
        self.size, self._synapses, self._places, self._meter = size, synapses, places, meter

    def receives(self, view: SynapseView) -> bool:
        """Whether the synapses of a view end on these neurons."""
        return any(view is mine for mine in self._synapses)

    def get_rate_counters(self, reset: bool = False) -> np.ndarray:
        """Spikes since the last reset, int16 (size,), at most 255; 0 for neurons that no plastic synapse reaches."""
        self._meter.charge(Operation.COUNTER_READ, self.size)
        counts = np.zeros(self.size, np.int16)
        for view, (neuron, column) in zip(self._synapses, self._places, strict=True):
            counts[neuron] = np.maximum(counts[neuron], view.counters(reset)[column])
        return counts
