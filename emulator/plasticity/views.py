"""What a rule sees of the synapses, and changes, as arrays.

Reading goes through the chip's converters. Resets act at once; weights and labels that a rule writes are collected,
and become visible when its run time is over (``written``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from .. import limits
from ..kernels.plastic_array import PlasticRun
from ..kernels.sensor_readout import ACAUSAL, CAUSAL, SensorReadout
from ..plastic import PlasticArray, PlasticArrayState
from .cost import CostMeter, Operation

_Take = Callable[[np.ndarray | None, int | None], np.ndarray]  # rows, trial (None for all) -> (trials, rows, columns)


class SynapseView:
    """The synapses of one projection; all arrays are (rows, columns), for a batched rule (replicas, rows, columns).

    ``row`` chooses rows, all by default: a number, a slice or an array. A batched rule may choose other rows in each
    replica by an array (replicas, r). ``column`` chooses columns in the same way, but for all replicas alike; the
    processor works on whole rows, and is charged for them.

    Attributes
    ----------
    post : str
        Label of the postsynaptic population, as the ``NeuronView`` of it has it.
    there : bool, (rows, columns)
        Where a synapse exists; what is written elsewhere has no effect.
    row, column : int, (connections,)
        Place of each connection of the projection in the order of creation, -1 where it was lost in the mapping.
    pre_index, post_index : int, (connections,)
        Cells that each connection joins.
    eta : float
        What a pair of spikes at no distance adds to a sensor, in units of its converter, as it was set.
    unit : float, (connections,)
        The weight of one code, a magnitude in PyNN's unit; 0 where a connection was lost.
    candidates : int, (k,), or None
        Of slots the presynaptic cell that each label 0..k-1 stands for; of other synapses None, their labels have a
        meaning for their own row only.
    """

    def __init__(self, array: PlasticArray, state: PlasticArrayState, place: Sequence[np.ndarray],
                 meter: CostMeter, rng: Sequence[np.random.Generator] | None, batched: bool = False,
                 post: str = "", eta: float = limits.SENSOR_ETA_LSB, unit: np.ndarray | None = None,
                 candidates: np.ndarray | None = None) -> None:
        self.there, self.post, self.eta, self.candidates = array.there, post, eta, candidates
        self.unit = np.ones(len(place[0])) if unit is None else unit
        self._events = state.events
        self.row, self.column, self.pre_index, self.post_index = place
        self._meter, self._rng, self._batched = meter, rng, batched
        self._trials = len(state.synapses.weight)
        self._array, self._state = array, state
        self._next: PlasticRun | None = None
        self._sensors = (None if array.sensors is None or state.sensors is None
                         else SensorReadout(array.sensors, state.sensors))

    @cached_property
    def _now(self) -> PlasticRun:
        """What is there at present; many rules don't ask."""
        return PlasticRun(self._array.there, self._array.strength, self._state.synapses)

    @cached_property
    def neuron(self) -> np.ndarray:
        """The postsynaptic cell of each column, int (columns,)."""
        result = np.full(self.shape[1], -1)
        result[self.column[self.column >= 0]] = self.post_index[self.column >= 0]
        return result

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.there.shape

    # --- weights and labels --------------------------------------------------------------------------------

    def get_weights(self, row=None) -> np.ndarray:
        """Weights 0..63, int16: of all rows, or of some."""
        self._charge(Operation.WEIGHT_READ, row)
        return self._read(self._now.weights, row)

    def set_weights(self, values, row=None, saturate: bool = True, column=None) -> np.ndarray:
        """Write weights of all rows, or of some, and of all their columns, or of some; True where one was limited.

        Raises
        ------
        ValueError
            With ``saturate=False``, if a weight lies outside.
        """
        self._charge(Operation.WEIGHT_WRITE, row)
        return self._write(lambda v, rows, trial: self._written().set_weights(v, rows, saturate, trial, column), values,
                           row, None if column is None else len(np.atleast_1d(np.arange(self.shape[1])[column])))

    def get_labels(self, row=None) -> np.ndarray:
        """Labels 0..63, int16: which events of its row a synapse listens to."""
        self._charge(Operation.LABEL_READ, row)
        return self._read(self._now.labels, row)

    def set_labels(self, values, row=None) -> None:
        """Write labels; ValueError for what is no integer of 0..63, or in a slot no candidate's."""
        self._charge(Operation.LABEL_WRITE, row)
        if self.candidates is not None:
            self._demand_candidates(np.asarray(values), row, len(self.candidates))
        self._write(self._written().set_labels, values, row)

    def _written(self) -> PlasticRun:
        """What will be visible later."""
        if self._next is None:
            self._next = PlasticRun(self._array.there, self._array.strength, self._state.synapses)
        return self._next

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

    def get_causal_correlation(self, row=None, column=None) -> np.ndarray:
        """Baseline minus code of the causal sensors, int16: rises with correlation; noise brings some below 0."""
        return self._convert(row, lambda s, rows, trial, rng: s.correlation(CAUSAL, rows, rng, trial, column))

    def get_acausal_correlation(self, row=None, column=None) -> np.ndarray:
        """Baseline minus code of the acausal sensors."""
        return self._convert(row, lambda s, rows, trial, rng: s.correlation(ACAUSAL, rows, rng, trial, column))

    def get_correlation_codes(self, kind: str, row=None) -> np.ndarray:
        """Codes 0..255 of the converter, which fall with correlation; ``kind`` is "causal" or "acausal"."""
        return self._convert(row, lambda s, rows, trial, rng: s.raw(kind, rows, rng, trial))

    def reset_correlation(self, row=None) -> None:
        """Empty both sensors of rows."""
        self._charge(Operation.CORRELATION_RESET, row)
        for rows, trial in self._chosen(row):
            self._need_sensors().reset(rows, trials=trial)

    def _convert(self, row, take: Callable) -> np.ndarray:
        sensors, streams = self._need_sensors(), self._rng
        self._meter.convert("sensors")
        self._meter.charge(Operation.CADC_READ, self._touched(row))
        return self._read(lambda rows, trial: take(
            sensors, rows, trial, streams if trial is None or streams is None else streams[trial:trial + 1]), row)

    def _need_sensors(self) -> SensorReadout:
        if self._sensors is None:
            raise ValueError("these synapses have no correlation sensors")
        return self._sensors

    # --- events ----------------------------------------------------------------------------------------------------

    def get_event_counts(self, reset: bool = False) -> np.ndarray:
        """Presynaptic events of each synapse since the last reset, int64.

        A chip counts the spikes of its own neurons; of events from outside only the host knows, which has to tell the
        processor. Both are charged as one reading of a counter for each row.
        """
        if self._events is None:
            raise ValueError("the events of these synapses are not counted")
        self._meter.charge(Operation.COUNTER_READ, self.shape[0])
        labels = self._now.labels().astype(np.intp)
        trial, row = np.arange(self._trials)[:, None, None], np.arange(self.shape[0])[:, None]
        counts = self._events[trial, row, labels].astype(np.int64) * self.there
        if reset:
            self._events = np.zeros_like(self._events)
        return counts if self._batched else counts[0]

    # --- rows and replicas ---------------------------------------------------------------------------------

    def _rows(self, row) -> np.ndarray:
        return np.atleast_1d(np.arange(self.shape[0])[slice(None) if row is None else row])

    def _parts(self, row) -> list[tuple[np.ndarray, int | None]]:
        """Rows, and the replica in which they are meant, None for all."""
        if np.ndim(row) != 2:
            return [(self._rows(row), None)]
        if not self._batched or len(row) != self._trials:
            raise ValueError(f"rows of shape {np.shape(row)} were chosen; rows that differ from replica to replica are "
                             f"({self._trials}, r), for a rule with batched=True")
        return [(self._rows(np.asarray(r)), t) for t, r in enumerate(row)]

    def _chosen(self, row) -> Sequence[tuple[np.ndarray | None, int | None]]:
        """As ``_parts``, but all rows are None: what need not be picked is faster."""
        return [(None, None)] if row is None else self._parts(row)

    def _touched(self, row) -> int:
        """How many rows are touched in one replica; the meter is told which."""
        rows = self._parts(row)[0][0]
        self._meter.touch(id(self), rows)
        return len(rows)

    def _charge(self, operation: Operation, row) -> None:
        self._meter.charge(operation, limits.VECTORS_PER_ROW * self._touched(row))

    def _read(self, take: _Take, row) -> np.ndarray:
        parts = [take(rows, trial) for rows, trial in self._chosen(row)]
        values = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return values if self._batched else values[0]

    def _write(self, put: Callable, values, row, columns: int | None = None) -> np.ndarray:
        values, parts = np.asarray(values), self._parts(row)
        if not self._batched and values.ndim >= 2:
            values = values[None]
        if len(parts) == 1:
            result = put(values, parts[0][0], parts[0][1])
        else:
            whole = np.broadcast_to(values, (self._trials, *np.broadcast_shapes(
                values.shape[-2:], (len(parts[0][0]), self.shape[1] if columns is None else columns))))
            done = [put(whole[t], rows, t) for t, (rows, _) in enumerate(parts)]
            result = None if done[0] is None else np.concatenate(done)
        return result if self._batched or result is None else result[0]

    # --- logical and physical order ------------------------------------------------------------------------

    def logical(self, values: np.ndarray) -> np.ndarray:
        """Values (..., rows, columns) by connection, float (..., connections); NaN where a connection was lost."""
        values = np.asarray(values)
        result = np.full((*values.shape[:-2], len(self.row)), np.nan)
        alive = self.row >= 0
        result[..., alive] = values[..., self.row[alive], self.column[alive]]
        return result

    def physical(self, values, fill: float = 0.0) -> np.ndarray:
        """Values by connection (..., connections) as float (..., rows, columns); ``fill`` where there is no synapse."""
        values = np.asarray(values)
        values = np.broadcast_to(values, (*values.shape[:-1], len(self.row)))
        result = np.full((*values.shape[:-1], *self.shape), float(fill))
        alive = self.row >= 0
        result[..., self.row[alive], self.column[alive]] = values[..., alive]
        return result

    # --- for the one who runs the rule ---------------------------------------------------------------------

    def present(self) -> PlasticArrayState:
        """State with what acts at once: resets of sensors and counters."""
        sensors = None if self._sensors is None else self._sensors.state()
        return self._state.replace(sensors=sensors, events=self._events)

    def written(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Weights and labels, (trials, rows, columns), that become visible later; None if nothing was written."""
        if self._next is None:
            return None
        state = self._next.state()
        return state.weight, state.label
