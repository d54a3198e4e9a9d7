"""Executes plasticity rules between the pieces of a run."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .columns import INDICES
from .describe import described_parts
from .emulator.kernels.correlation import read_streams
from .emulator.plasticity.cost import CostMeter, run_time_steps, run_time_us
from .emulator.plasticity.memory import Memory
from .emulator.plasticity.randomness import PpuRandom, initial_random_state
from .emulator.plasticity.scheduler import Job, Schedule, Task, executed, initial_schedule, missed, next_job
from .emulator.plasticity.views import NeuronView, SynapseView
from .emulator.state import ChipState
from .emulator.streams import Stream, generator
from .mapping.mapped import Mapped
from .mapping.plastic import Places
from .mapping.readback import plastic_places
from .plasticity import PlasticityRule, Ppu, Recording


@dataclass
class _Writes:
    """Weights and labels of some arrays that become visible at a step."""

    step: int
    arrays: dict[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)


class RuleRunner:
    """All rules of a network: when they run, what they remember, and what they have written.

    Made anew at the start of an experiment; between pieces of a run it is given the chips' state and gives it back.
    """

    def __init__(self, state, mapped: Mapped) -> None:
        self.rules: list[PlasticityRule] = []
        self.projections = [p for p in state.projections if hasattr(p.synapse_type, "plasticity_rule")]
        for projection in self.projections:
            rule = projection.synapse_type.plasticity_rule
            if not any(rule is known for known in self.rules):
                self.rules.append(rule)
        self.schedule = Schedule(tuple(Task(i, rule.timer) for i, rule in enumerate(self.rules)), state.dt)
        self.times = initial_schedule(self.schedule, state.step)
        self.pending: list[_Writes] = []
        seed, trial = state.target.seed, state.trial
        self.lanes = [initial_random_state(seed, i, 1, trial) for i in range(len(self.rules))]
        self.memory = [Memory(type(rule).__name__, 1) for rule in self.rules]
        for rule in self.rules:
            rule.executed, rule.missed, rule._recorded = 0, 0, {}
        self.use(state, mapped)

    def use(self, state, mapped: Mapped) -> None:
        """Take the places of the synapses from a mapping."""
        self.mapped, labels = mapped, list(mapped.split.plastic)
        places = plastic_places(mapped)
        parts = described_parts(state)
        self._arrays = {id(p): [(labels.index(label), places[label], here) for label, here in parts[p]]
                        for p in self.projections}

    def next_event(self, stop: int) -> int | None:
        """The next step, up to ``stop``, at which something has to be done between two pieces of a run."""
        job = next_job(self.schedule, self.times)
        steps = [w.step for w in self.pending if w.step <= stop]
        if job is not None and job.start < stop:
            steps.append(job.start)
        return min(steps, default=None)

    def at(self, step: int, state, chips: ChipState) -> ChipState:
        """Make visible what is due, and execute the rules whose turn it is."""
        chips = self._show(step, state, chips)
        while (job := next_job(self.schedule, self.times)) is not None and job.start <= step:
            chips = self._execute(job, state, chips)
            chips = self._show(step, state, chips)
        return chips

    def _show(self, step: int, state, chips: ChipState) -> ChipState:
        due = [w for w in self.pending if w.step <= step]
        if not due:
            return chips
        self.pending = [w for w in self.pending if w.step > step]
        arrays = list(chips.plastic)
        for writes in due:
            for i, (weight, label) in writes.arrays.items():
                arrays[i] = arrays[i].replace(synapses=arrays[i].synapses.replace(weight=weight, label=label))
        chips = chips.replace(plastic=tuple(arrays))
        self._tell(chips)
        return chips

    def _tell(self, chips: ChipState) -> None:
        """The present weights to the projections, in PyNN's units."""
        for projection in self.projections:
            values = np.zeros(len(projection))
            partners = projection.indices[0].copy() if projection.synapse_type.slots else None
            for i, place, here in self._arrays[id(projection)]:
                values[here] = weights_of(chips, i, place)
                if partners is not None:  # of a lost synapse it stays
                    alive, labels = place.row >= 0, chips.plastic[i].synapses.label[0]
                    partners[np.arange(len(projection))[here][alive]] = labels[place.row[alive], place.column[alive]]
            projection.take({"weight": values} | ({} if partners is None else {INDICES[0]: partners}))

    def _execute(self, job: Job, state, chips: ChipState) -> ChipState:
        rule, meter = self.rules[job.rule], CostMeter()
        config = self.mapped.config
        noise = any(a.sensors is not None and a.sensors.read_noise for a in config.plastic)
        views: dict[int, SynapseView] = {}
        mine = [p for p in self.projections if p.synapse_type.plasticity_rule is rule]
        for projection in mine:
            for i, place, _ in self._arrays[id(projection)]:
                rng = read_streams(state.target.seed, state.trial, 1, i, job.start) if noise else None
                part = list(self.mapped.split.plastic.values())[i]
                where = (place.row, place.column, part.pre_index, part.post_index)
                views[i] = SynapseView(config.plastic[i], chips.plastic[i], where, config.step_us, meter, rng,
                                       part.candidates)
        random, memory = PpuRandom(self.lanes[job.rule], meter), self.memory[job.rule]
        memory.meter = meter
        ppu = Ppu(job.start * state.dt, job.period, generator(
            state.target.seed, Stream.PROCESSOR, state.trial, 1 + job.rule, job.period), random, memory)
        rule.update(ppu, list(views.values()), self._neurons(mine, views, meter), Recording(rule._recorded, ppu.now))
        self.lanes[job.rule] = random.state()
        ideal = rule.instantaneous_when_ideal and not self.mapped.target.profile.limited
        steps = run_time_steps(0.0 if ideal else run_time_us(rule.runtime_model, meter), config.step_us)
        self.times = executed(self.schedule, self.times, job, steps)
        rule.executed += 1
        arrays = list(chips.plastic)
        writes = _Writes(job.start + steps)
        for i, view in views.items():
            arrays[i] = view.present()
            written = view.written()
            if written is not None:
                writes.arrays[i] = written
        if writes.arrays:
            self.pending.append(writes)
        return chips.replace(plastic=tuple(arrays))

    def _neurons(self, projections, views: dict[int, SynapseView], meter: CostMeter) -> list[NeuronView]:
        result: dict[str, tuple[int, list, list]] = {}
        for projection in projections:
            for i, place, _ in self._arrays[id(projection)]:
                described = list(self.mapped.split.plastic.values())[i]
                size = self.mapped.described.population(described.post).size
                entry = result.setdefault(described.post, (size, [], []))
                alive = np.flatnonzero(place.column >= 0)
                neuron, first = np.unique(described.post_index[alive], return_index=True)
                entry[1].append(views[i])
                entry[2].append((neuron, place.column[alive][first]))
        return [NeuronView(size, synapses, places, meter) for size, synapses, places in result.values()]

    def count_missed(self, step: int) -> None:
        """Note how many periods each rule has missed up to a step."""
        for task, count in zip(self.schedule.tasks, missed(self.schedule, self.times, step).tolist(), strict=True):
            self.rules[task.rule].missed = count


def weights_of(chips: ChipState, number: int, place: Places) -> np.ndarray:
    """Weights of the connections of a plastic array, in PyNN's units; NaN where one was lost."""
    result = np.full(len(place.row), np.nan)
    alive = place.row >= 0
    code = chips.plastic[number].synapses.weight[0, place.row[alive], place.column[alive]]
    result[alive] = code * place.unit[alive]
    return result
