"""Events on their way: from the firing of a source to the step at which they act.

Two forms of one contract, ``fire(step, circuits)`` and ``deliver(step)``: ``SingleQueue`` for one trial, where each
event is a Python number and one addition, and ``BatchQueue`` for many trials, where the events of a step are arrays.
Both add the events of a step in ascending order of event number within each trial, and after them the events that
carry a factor (``_Weighted``), in the same order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import pairwise

import numpy as np

from .routing import ranges
from .synapse import Delivery

_BULK = 48  # events in one step from which compressed rows are added in one call


def expand(d: Delivery, step: np.ndarray, trial: np.ndarray, source: np.ndarray
           ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All events of firings: (step at which they act, trial, event number)."""
    first, last = d.source_start[source], d.source_start[source + 1]
    place = ranges(first, last)
    count = last - first
    if len(count) and count.min() == count.max() == 1:
        return step + d.source_delay[place], trial, d.source_event[place]
    return np.repeat(step, count) + d.source_delay[place], np.repeat(trial, count), d.source_event[place]


def ascending(trial: np.ndarray, number: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """The order in which things that carry a factor are taken: by trial, number, factor."""
    return np.lexsort((factor, number, trial))


class _Weighted:
    """Events that carry a factor, which multiplies their row: those of relays."""

    def __init__(self, d: Delivery, synaptic: np.ndarray) -> None:
        self._delivery, self._synaptic, self._flat = d, synaptic, synaptic.reshape(-1)
        self._due: dict[int, list[tuple[np.ndarray, np.ndarray, np.ndarray]]] = {}
        self._rows: dict[tuple[int, int], tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        self._product = np.empty(d.targets)

    def add(self, due: np.ndarray, trial: np.ndarray, event: np.ndarray, factor: np.ndarray) -> None:
        if (due == due[0]).all():
            self._due.setdefault(int(due[0]), []).append((trial, event, factor))
            return
        order = np.argsort(due, kind="stable")
        due, trial, event, factor = due[order], trial[order], event[order], factor[order]
        edges = [0, *(np.flatnonzero(np.diff(due)) + 1).tolist(), len(due)]
        for i, j in pairwise(edges):
            self._due.setdefault(int(due[i]), []).append((trial[i:j], event[i:j], factor[i:j]))

    def deliver(self, step: int) -> None:
        parts = self._due.pop(step, None)
        if parts is None:
            return
        trial, event, factor = parts[0] if len(parts) == 1 else map(np.concatenate, zip(*parts, strict=True))
        if len(event) > 1:
            code = trial * self._delivery.events + event
            if not (code[1:] > code[:-1]).all():
                order = ascending(trial, event, factor)
                trial, event, factor = trial[order], event[order], factor[order]
        if self._delivery.first_sparse:
            dense = event < self._delivery.first_sparse
            if dense.all():
                self._add_dense(trial, event, factor)
                return
            self._add_dense(trial[dense], event[dense], factor[dense])
            trial, event, factor = trial[~dense], event[~dense], factor[~dense]
        self._add_sparse(trial, event, factor)

    def _add_dense(self, trial: np.ndarray, event: np.ndarray, factor: np.ndarray) -> None:
        rows = self._rows
        for t, e, f in zip(trial.tolist(), event.tolist(), factor.tolist(), strict=True):
            view, row, product = rows.get((t, e)) or self._row(t, e)
            np.multiply(row, f, product)
            np.add(view, product, view)

    def _row(self, trial: int, event: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        block = next(b for b in reversed(self._delivery.blocks) if b.first_event <= event)
        view = self._synaptic[block.input, trial, block.start:block.stop]
        self._rows[trial, event] = view, block.rows[event - block.first_event], self._product[:view.size]
        return self._rows[trial, event]

    def _add_sparse(self, trial: np.ndarray, event: np.ndarray, factor: np.ndarray) -> None:
        d = self._delivery
        k = event - d.first_sparse
        first, last = d.sparse_start[k], d.sparse_start[k + 1]
        offset = (d.sparse_input[k] * self._synaptic.shape[1] + trial) * d.targets
        place, count = ranges(first, last), last - first
        if len(place) > len(k) or len(place) < len(k) or count.max(initial=1) > 1:
            offset, factor = np.repeat(offset, count), np.repeat(factor, count)
        np.add.at(self._flat, d.sparse_target[place] + offset, d.sparse_value[place] * factor)


class _Queue(ABC):
    """What both forms share: the general way from a firing to its events."""

    _delivery: Delivery
    _stop: int
    _weighted: _Weighted | None = None
    _synaptic: np.ndarray

    def emit(self, step: int, trial: np.ndarray, source: np.ndarray) -> None:
        """Firings of any sources at a step."""
        due, trial, event = expand(self._delivery, np.full(len(source), step), trial, source)
        self._put(due, trial, event)

    def emit_weighted(self, step: np.ndarray, trial: np.ndarray, source: np.ndarray, factor: np.ndarray,
                      now: int) -> None:
        """Firings, at one step each, whose events carry a factor; those due up to ``now`` are past."""
        d = self._delivery
        due, trial, event = expand(d, step, trial, source)
        factor = np.repeat(factor, d.source_start[source + 1] - d.source_start[source])
        coming = (due > now) & (due <= self._stop)
        if coming.any():
            if self._weighted is None:
                self._weighted = _Weighted(d, self._synaptic)
            self._weighted.add(due[coming], trial[coming], event[coming], factor[coming])

    @abstractmethod
    def _put(self, due: np.ndarray, trial: np.ndarray, event: np.ndarray) -> None:
        """Note events that are due at some step."""

    def deliver(self, step: int) -> None:
        """Add all events that act at a step."""
        self._deliver(step)
        if self._weighted is not None:
            self._weighted.deliver(step)

    @abstractmethod
    def _deliver(self, step: int) -> None:
        """Add the events without a factor that act at a step."""


class SingleQueue(_Queue):
    """Events of one trial; ``synaptic`` is the state that they are added to, (inputs, 1, targets)."""

    def __init__(self, d: Delivery, synaptic: np.ndarray, start: int, stop: int) -> None:
        self._delivery, self._start, self._stop, self._synaptic = d, start, stop, synaptic
        self._slots = d.max_delay + 1
        self._ring: list[list[int]] = [[] for _ in range(self._slots)]
        self._out = d.outgoing
        self._flat = synaptic.reshape(-1)
        self._operations: list[tuple] = []
        for block in d.blocks:
            view = synaptic[block.input, 0, block.start:block.stop]
            self._operations += [(view, row, view) for row in block.rows]
        self._targets = d.flat_target
        self._pieces: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._outside: list[int] = []
        self._edges: list[int] = [0] * (stop - start + 2)
        self._events_of: dict[int, list[tuple[int, int]]] = {}

    def schedule(self, step: np.ndarray, trial: np.ndarray, event: np.ndarray) -> None:
        """Known events from outside, in any order; those beyond the end of the run are left out."""
        here = step <= self._stop
        order = np.argsort(step[here], kind="stable")
        self._outside = event[here][order].tolist()
        self._edges = np.searchsorted(step[here][order], np.arange(self._start, self._stop + 2)).tolist()

    def emit(self, step: int, trial: np.ndarray, source: np.ndarray) -> None:
        """Firings of any sources at a step."""
        known, ring, slots = self._events_of, self._ring, self._slots
        for s in source.tolist():
            for delay, event in known[s] if s in known else self._look_up(s):
                ring[(step + delay) % slots].append(event)

    def _look_up(self, source: int) -> list[tuple[int, int]]:
        d = self._delivery
        here = slice(int(d.source_start[source]), int(d.source_start[source + 1]))
        events = list(zip(d.source_delay[here].tolist(), d.source_event[here].tolist(), strict=True))
        self._events_of[source] = events
        return events

    def fire(self, step: int, spiked: np.ndarray) -> None:
        out, ring, slots = self._out, self._ring, self._slots
        for circuit in spiked.tolist():
            for delay, event in out[circuit]:
                ring[(step + delay) % slots].append(event)

    def _put(self, due: np.ndarray, trial: np.ndarray, event: np.ndarray) -> None:
        for k, e in zip(due.tolist(), event.tolist(), strict=True):
            self._ring[k % self._slots].append(e)

    def _deliver(self, step: int) -> None:
        slot = step % self._slots
        due = self._ring[slot]
        i = step - self._start
        low, high = self._edges[i], self._edges[i + 1]
        if low != high:
            due = due + self._outside[low:high]
        elif not due:
            return
        if len(due) > 1:
            due.sort()
        sparse = self._delivery.first_sparse
        if len(due) > _BULK and due[-1] >= sparse:
            self._bulk(due)
        else:
            operations, add = self._operations, np.add
            for event in due:
                if event < sparse:
                    add(*operations[event])
                else:
                    target, value = self._pieces.get(event) or self._piece(event)
                    self._flat[target] += value
        if self._ring[slot]:
            self._ring[slot] = []

    def _piece(self, event: int) -> tuple[np.ndarray, np.ndarray]:
        d, k = self._delivery, event - self._delivery.first_sparse
        s = slice(int(d.sparse_start[k]), int(d.sparse_start[k + 1]))
        piece = (self._targets[s], d.sparse_value[s])
        self._pieces[event] = piece
        return piece

    def _bulk(self, due: list[int]) -> None:
        d = self._delivery
        events = np.array(due)
        dense = int(np.searchsorted(events, d.first_sparse))
        for event in due[:dense]:
            np.add(*self._operations[event])
        k = events[dense:] - d.first_sparse
        place = ranges(d.sparse_start[k], d.sparse_start[k + 1])
        np.add.at(self._flat, self._targets[place], d.sparse_value[place])


class BatchQueue(_Queue):
    """Events of many trials, as codes ``trial * events + event`` in ascending order.

    Dense rows are added one by one here, too: a loop over rows costs less than picking and putting back the rows of
    several trials at once.
    """

    def __init__(self, d: Delivery, synaptic: np.ndarray, start: int, stop: int) -> None:
        self._delivery, self._start, self._stop, self._synaptic = d, start, stop, synaptic
        self._trials, self._circuits, self._events = synaptic.shape[1], d.inside, max(1, d.events)
        self._slots = d.max_delay + 1
        self._ring: list[list[np.ndarray]] = [[] for _ in range(self._slots)]
        self._flat = synaptic.reshape(-1)
        self._rows: list[np.ndarray] = []
        self._views: list[list[np.ndarray]] = []  # of each event: the state of its targets, by trial
        for block in d.blocks:
            views = list(synaptic[block.input][:, block.start:block.stop])
            self._rows += list(block.rows)
            self._views += [views] * len(block.rows)
        self._one_delay = self._one_event_each()

    def _one_event_each(self) -> int | None:
        """The delay, if every circuit that has events at all has one, and all have the same delay."""
        d, n = self._delivery, self._circuits
        count = np.diff(d.source_start[:n + 1])
        delay = d.source_delay[:d.source_start[n]]
        if len(delay) == 0 or count.max() > 1 or np.ptp(delay):
            return None
        self._event_of = np.where(count == 1, d.source_event[np.minimum(d.source_start[:n], len(delay) - 1)], -1)
        return int(delay[0])

    def schedule(self, step: np.ndarray, trial: np.ndarray, event: np.ndarray) -> None:
        """Known events from outside, in any order; those beyond the end of the run are left out."""
        d = self._delivery
        # outside events with dense rows come first in the order of events, and can be put in order beforehand
        known = next((b.first_event for b in d.blocks if not b.external), d.first_sparse)
        here = step <= self._stop
        first = np.flatnonzero(here & (event < known))
        order = first[np.argsort(step[first] * self._events + event[first])]
        steps = np.arange(self._start, self._stop + 2)
        self._edges = np.searchsorted(step[order], steps).tolist()
        self._known_trials, self._known_events = trial[order].tolist(), event[order].tolist()
        other = np.flatnonzero(here & (event >= known))
        order = other[np.argsort(step[other], kind="stable")]
        self._codes = trial[order] * self._events + event[order]
        self._code_edges = np.searchsorted(step[order], steps).tolist()

    def fire(self, step: int, spiked: np.ndarray) -> None:
        trial, circuit = np.divmod(spiked, self._circuits)
        if self._one_delay is not None:
            event = self._event_of[circuit]
            code = trial * self._events + event
            self._ring[(step + self._one_delay) % self._slots].append(code[event >= 0])
            return
        self.emit(step, trial, circuit)

    def _put(self, due: np.ndarray, trial: np.ndarray, event: np.ndarray) -> None:
        code = trial * self._events + event
        for k in np.unique(due).tolist():
            self._ring[k % self._slots].append(np.sort(code[due == k]))

    def _deliver(self, step: int) -> None:
        i = step - self._start
        low, high = self._edges[i], self._edges[i + 1]
        if low != high:
            self._add(self._known_trials[low:high], self._known_events[low:high])
        slot = step % self._slots
        due = self._ring[slot]
        low, high = self._code_edges[i], self._code_edges[i + 1]
        if low != high:
            due = [*due, np.sort(self._codes[low:high])]
        if not due:
            return
        self._ring[slot] = []
        code = due[0] if len(due) == 1 else np.sort(np.concatenate(due))
        trial, event = np.divmod(code, self._events)
        dense = event < self._delivery.first_sparse
        if dense.all():
            self._add(trial.tolist(), event.tolist())
            return
        self._add(trial[dense].tolist(), event[dense].tolist())
        self._add_sparse(trial[~dense], event[~dense])

    def _add(self, trials: list[int], events: list[int]) -> None:
        views, rows, add = self._views, self._rows, np.add
        for trial, event in zip(trials, events, strict=True):
            view = views[event][trial]
            add(view, rows[event], view)

    def _add_sparse(self, trial: np.ndarray, event: np.ndarray) -> None:
        d, n = self._delivery, self._delivery.targets
        k = event - d.first_sparse
        first, last = d.sparse_start[k], d.sparse_start[k + 1]
        place = ranges(first, last)
        offset = (d.sparse_input[k] * self._trials + trial) * n
        np.add.at(self._flat, d.sparse_target[place] + np.repeat(offset, last - first), d.sparse_value[place])
