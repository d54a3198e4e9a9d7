"""Plastic arrays in a run: events through their synapses, correlations, and spikes of their columns.

Within a step, events that act at it come first, then the spikes of the step: sensors see them in this order.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np

from .frozen import Same, read_only
from .kernels.correlation import SensorRun
from .kernels.indexing import as_slice
from .kernels.plastic_array import PlasticRun, PlasticState
from .kernels.routing import ranges
from .plastic import PlasticArray, PlasticArrayState

_MOST = 1 << 16  # operations that are kept
_SEVERAL = 3  # events of a step from which on they are looked up together


class _Plan:
    """What does not change from run to run; for the arguments see ``HybridRun``."""

    def __init__(self, array: PlasticArray, jump: np.ndarray, master: np.ndarray, sources: int) -> None:
        self.circuit, self.inputs = as_slice(array.circuit), array.input.tolist()
        self.strength = read_only(array.strength * jump[array.input][:, array.circuit])
        order = np.argsort(array.source, kind="stable")
        self.first = np.searchsorted(array.source[order], np.arange(sources + 1))
        self.sends = np.diff(self.first) > 0
        self.row, self.label, self.delay = (a[order] for a in (array.row, array.event_label, array.delay_steps))
        fires = master[array.circuit]
        self.columns = np.argsort(fires, kind="stable")
        self.first_column = np.searchsorted(fires[self.columns], np.arange(jump.shape[1] + 1))


@lru_cache(maxsize=4)
def _unchanged(there: Same, strength: Same, state: PlasticState) -> PlasticRun:
    """Synapses that nobody writes: runs from one state share them, and what they have looked up."""
    return PlasticRun(there.array, strength.array, state)


@lru_cache(maxsize=32)
def _plan(array: PlasticArray, jump: Same, master: Same, sources: int) -> _Plan:
    return _Plan(array, jump.array, master.array, sources)


class HybridRun:
    """One plastic array in a run.

    ``synaptic`` (2, trials, N) is the state that events are added to, ``jump`` (2, N) stored state per unit of weight,
    ``master`` (N,) the circuit that fires for each: a spike of joined circuits is one of all their columns. Nobody
    may write into ``jump`` and ``master`` later. Weights and labels of one trial are those of all.
    """

    def __init__(self, array: PlasticArray, state: PlasticArrayState, synaptic: np.ndarray, jump: np.ndarray,
                 master: np.ndarray, sources: int, step_us: float, start: int, stop: int) -> None:
        self._synaptic, self._start, self._stop = synaptic, start, stop
        plan = _plan(array, Same(jump), Same(master), sources)
        self._circuit, self._inputs = plan.circuit, plan.inputs
        self.synapses = _unchanged(Same(array.there), Same(plan.strength), state.synapses)
        self._alike = len(state.synapses.weight) == 1  # all trials have the same
        self.sensors = (None if array.sensors is None or state.sensors is None else
                        SensorRun(array.sensors, state.sensors, step_us, array.there))
        self._together = isinstance(self._circuit, slice)
        slim = self._alike and self.sensors is None and isinstance(self._circuit, slice)
        self._lines = [list(one[:, self._circuit]) for one in synaptic] if slim else []  # by input and trial
        self._known: dict[tuple[int, int], np.ndarray] = {}
        self.events = None if state.events is None else state.events.copy()
        self._first, self._row, self._label, self._delay = plan.first, plan.row, plan.label, plan.delay
        self._columns, self._first_column = plan.columns, plan.first_column
        self._sends = plan.sends
        self._due: dict[int, list[tuple[int, int, int]]] = {}  # (trial, row, label) by step
        self._operations: dict[tuple[int, int, int], tuple] = {}
        self._spiked: list[tuple[np.ndarray, np.ndarray]] = []
        self.max_delay = int(array.delay_steps.max(initial=0))

    def emit(self, step: np.ndarray, trial: np.ndarray, source: np.ndarray) -> None:
        """Firings of sources, each at its step; events that would have acted before the run are past."""
        if not self._sends[source].any():
            return
        first, last = self._first[source], self._first[source + 1]
        place, count = ranges(first, last), last - first
        due, trial = np.repeat(step, count) + self._delay[place], np.repeat(trial, count)
        coming = np.flatnonzero((due > self._start) & (due <= self._stop))
        order = coming[np.argsort(due[coming], kind="stable")]
        trial, row, label = trial[order], self._row[place[order]], self._label[place[order]]
        if self.events is not None:
            np.add.at(self.events, (trial, row, label), 1)
        events = list(zip(trial.tolist(), row.tolist(), label.tolist(), strict=True))
        steps, first = np.unique(due[order], return_index=True)
        for k, (i, j) in zip(steps.tolist(), pairwise([*first.tolist(), len(events)]), strict=True):
            self._due.setdefault(k, []).extend(events[i:j])

    def spiked(self, trial: np.ndarray, circuit: np.ndarray) -> None:
        """Sources that fired at the present step: the circuits among them count as spikes of their columns."""
        inside = circuit < len(self._first_column) - 1
        first, last = (self._first_column[circuit[inside] + i] for i in (0, 1))
        place = ranges(first, last)
        if place.size:
            self._spiked.append((np.repeat(trial[inside], last - first), self._columns[place]))

    def _add_alike(self, events: list[tuple[int, int, int]]) -> None:
        """Events of trials that have the same weights, where nobody keeps pairs: currents only."""
        lines, known, event_of = self._lines, self._known, self.synapses.event
        for trial, row, label in events:
            increments = known.get((row, label))
            if increments is None:
                increments = known[row, label] = event_of(0, row, label)[0]
            line = lines[self._inputs[row]][trial]
            np.add(line, increments, line)

    def _add_rows(self, step: int, events: list[tuple[int, int, int]]) -> bool:
        """Several events of one trial in different rows at once; False if they are none."""
        trial, row, label = (np.array(a) for a in zip(*events, strict=True))
        if trial[0] != trial[-1] or not np.all(row[1:] > row[:-1]):
            return False
        increments, hits = self.synapses.events(0 * trial if self._alike else trial, row, label)
        lines = [side[int(trial[0]), self._circuit] for side in self._synaptic]
        for k, one in zip(row.tolist(), increments, strict=True):
            line = lines[self._inputs[k]]
            np.add(line, one, line)
        if self.sensors is not None:
            self.sensors.pre_rows(step, int(trial[0]), row, hits)
        return True

    def advance(self, step: int) -> None:
        """Events that act at a step, then its spikes."""
        if step in self._due:
            self._deliver(step, sorted(self._due.pop(step)))
        if self._spiked:
            trial, column = (np.concatenate(a) for a in zip(*self._spiked, strict=True))
            self._spiked = []
            if self.sensors is not None:
                self.sensors.post_many(step, trial, column)

    def _deliver(self, step: int, events: list[tuple[int, int, int]]) -> None:
        """Events that act at a step."""
        if self._lines:
            self._add_alike(events)
            return
        if len(events) >= _SEVERAL and self._together and self._add_rows(step, events):
            return
        known = self._operations
        for event in events:
            operation = known[event] if event in known else self._operation(event)
            if operation:
                state, increments, trial, row, hit = operation
                if state is None:
                    self._synaptic[self._inputs[row], trial, self._circuit] += increments
                else:
                    np.add(state, increments, state)
                if self.sensors is not None:
                    self.sensors.pre(step, trial, row, hit)

    def _operation(self, event: tuple[int, int, int]) -> tuple:
        """What an event does: the state that it is added to, increments, trial, row, columns; () is nothing.

        During a run, weights and labels stay as they are.
        """
        trial, row, _ = event
        increments, hit = self.synapses.event(0 if self._alike else trial, *event[1:])
        if isinstance(hit, np.ndarray) and not hit.size:  # nobody listens: most events of slots
            operation: tuple = ()
        elif isinstance(self._circuit, slice):
            state = self._synaptic[self._inputs[row], trial, self._circuit]
            here = hit if isinstance(hit, slice) else slice(None)
            operation = state[here], increments[here], trial, row, hit
        else:
            operation = None, increments, trial, row, hit
        if len(self._operations) >= _MOST:
            self._operations.clear()
        self._operations[event] = operation
        return operation

    def state(self) -> PlasticArrayState:
        """The state after the run."""
        return PlasticArrayState(self.synapses.state(), None if self.sensors is None else self.sensors.state(True),
                                 self.events)
