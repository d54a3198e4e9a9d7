"""The cells beside the chip in a run: their events, steps, spikes and samples."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..kernels.injection import Injection
from ..kernels.queue import BatchQueue, SingleQueue, expand
from ..kernels.routing import Synapses, tabulate
from ..kernels.synapse import Delivery, plan_delivery
from ..recording import Samples
from ..stimulus import Stimulus
from .coupling import Beside
from .group import GroupRun, GroupState


@lru_cache(maxsize=16)
def plans(beside: Beside, circuits: int, external: int) -> tuple[Delivery, ...]:
    """The events of every group."""
    result = []
    for group, s in zip(beside.groups, beside.synapses, strict=True):
        inputs = max(1, len(group.receptors))
        table = tabulate(Synapses(s.source, s.target, s.receptor, s.weight, s.delay_steps), group.size, inputs)
        result.append(plan_delivery(table, np.ones((inputs, group.size)), circuits, external))
    return tuple(result)


class BesideRun:
    """Cells beside the chip between two steps of a run.

    Within a step every cell integrates, then gets the events of the step, then may fire.
    """

    def __init__(self, beside: Beside, states: tuple[GroupState, ...], circuits: int, external: int, seed: int,
                 first_trial: int, start: int, stop: int, stimulus: Stimulus) -> None:
        self._beside, self._circuits, self._external, self._start = beside, circuits, external, start
        self.groups = [GroupRun(g, s, beside.step_ms, start, seed, first_trial)
                       for g, s in zip(beside.groups, states, strict=True)]
        self._first = beside.first
        self._plans = plans(beside, circuits, external)
        queue = SingleQueue if stimulus.trials == 1 else BatchQueue
        self._queues = [queue(d, g.inputs, start, stop) for d, g in zip(self._plans, self.groups, strict=True)]
        self._injection = (Injection(stimulus.currents_beside, np.ones(beside.size), start)
                           if stimulus.currents_beside else None)
        self._set_currents()
        self._probes = []
        for probe in beside.probes:
            q = probe.interval_steps
            first = 0 if start == 0 < stop else (start // q + 1) * q
            steps = np.arange(first, stop + 1, q)
            self._probes.append((probe, steps, np.empty((stimulus.trials, len(steps), len(probe.cells)))))
        self._taken = [0] * len(self._probes)

    @property
    def max_delay(self) -> int:
        """Longest delay to any cell, steps."""
        return max((d.max_delay for d in self._plans), default=0)

    def schedule(self, step: np.ndarray, trial: np.ndarray, source: np.ndarray) -> None:
        """Firings known beforehand: those of external channels, and those whose events were on their way."""
        for queue, plan in zip(self._queues, self._plans, strict=True):
            due, t, event = expand(plan, step, trial, source)
            coming = due > self._start
            queue.schedule(due[coming], t[coming], event[coming])

    def emit(self, step: int, trial: np.ndarray, source: np.ndarray) -> None:
        """Firings at the present step."""
        for queue in self._queues:
            queue.emit(step, trial, source)

    def emit_weighted(self, step: np.ndarray, trial: np.ndarray, source: np.ndarray, factor: np.ndarray, now: int
                      ) -> None:
        """Firings whose events carry a factor: those of relays."""
        for queue in self._queues:
            queue.emit_weighted(step, trial, source, factor, now)

    def advance(self, step: int) -> None:
        """From the step before to this one, events included."""
        if self._injection is not None and step - 1 in self._injection.changes:
            self._injection.at(step - 1)
            self._set_currents()
        for group, queue in zip(self.groups, self._queues, strict=True):
            group.integrate(step)
            queue.deliver(step)

    def fire(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Spikes of this step: (trial, cell), in ascending order of group, trial and cell."""
        trials, cells = [], []
        for group, plan, first in zip(self.groups, self._plans, self._first, strict=False):
            spiked = group.fire(step)
            if spiked.size:
                trial, cell = np.divmod(spiked, plan.targets)
                trials.append(trial)
                cells.append(cell + first)
        if not trials:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        return np.concatenate(trials), np.concatenate(cells)

    def _set_currents(self) -> None:
        if self._injection is not None:
            for group, first, stop in zip(self.groups, self._first, self._first[1:], strict=False):
                group.current[...] = self._injection.shift[first:stop]

    def take(self, step: int) -> None:
        """Store the samples of a step."""
        for i, (probe, _, values) in enumerate(self._probes):
            if step % probe.interval_steps == 0:
                values[:, self._taken[i]] = self.groups[probe.group].read(probe.variable)[:, probe.cells]
                self._taken[i] += 1

    def samples(self) -> tuple[Samples, ...]:
        """All samples, in PyNN's units."""
        return tuple(Samples(p.variable, p.cells, steps, values) for p, steps, values in self._probes)

    def states(self) -> tuple[GroupState, ...]:
        """State of all groups."""
        return tuple(g.state() for g in self.groups)
