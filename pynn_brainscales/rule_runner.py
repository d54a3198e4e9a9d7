"""Executes plasticity rules between the pieces of a run."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .columns import INDICES
from .describe import described_parts
from .emulator.kernels.correlation import read_streams
from .emulator.plasticity.cost import CostMeter, RuntimeModel, run_time_steps, run_time_us, transfer_time
from .emulator.plasticity.memory import Memory
from .emulator.plasticity.neuron_view import Bench, NeuronView
from .emulator.plasticity.randomness import PpuRandom, RandomState, initial_random_state
from .emulator.plasticity.replicas import ReplicaGenerators
from .emulator.plasticity.scheduler import Job, Schedule, Task, executed, initial_schedule, missed, next_job
from .emulator.plasticity.views import SynapseView
from .emulator.program import lower
from .emulator.state import ChipState
from .emulator.streams import Stream, generator
from .learning import same_places
from .mapping.mapped import Mapped
from .mapping.plastic import Places
from .mapping.readback import membrane_converter, plastic_places
from .mapping.report_sensors import processors
from .mechanisms import give_parameters, memory_for, rule_for, side_by_side
from .plasticity import PlasticityRule, Ppu, Recording
from .rules.stdp import SensorRule
from .sent_spikes import Outbox, senders

_MEMBRANES = 1 << 20  # readings of the membranes of population k have the streams of array _MEMBRANES + k


@dataclass
class _Writes:
    """Weights and labels of some arrays that become visible at a step."""

    step: int
    arrays: dict[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)


@dataclass
class _Share:
    """What one call of ``update`` works on: all replicas of a batched rule, or one of another."""

    replicas: range
    lanes: RandomState
    memory: Memory


class RuleRunner:
    """All rules of a network: when they run, what they remember, and what they have written.

    Made anew at the start of an experiment; between pieces of a run it is given the chips' state and gives it back.
    """

    def __init__(self, state, mapped: Mapped) -> None:
        self._by_label = _rules_by_label(state, mapped)
        self.rules = _each_once([*self._by_label.values(), *(rule for rule, _ in state.attached)])
        self.schedule = Schedule(tuple(Task(i, rule.timer) for i, rule in enumerate(self.rules)), state.dt)
        self.times = initial_schedule(self.schedule, state.step)
        self.pending: list[_Writes] = []
        self.use(state, mapped)
        self.shares = [_shares(rule, i, state, self._kept_synapses(rule)) for i, rule in enumerate(self.rules)]
        for rule, shares in zip(self.rules, self.shares, strict=True):
            rule.begin(state.session_start, state.segment_counter, len(shares))

    def use(self, state, mapped: Mapped, chips: ChipState | None = None) -> None:
        """Take the places of the synapses, and the parameters of mechanisms, from a mapping.

        In the middle of a run ``chips`` is the state under it: weights that the user has set replace those on their
        way to the chip; where synapses have moved to other places, nothing is on its way any more.

        Raises
        ------
        RuntimeError
            If the network has got another rule, or other plastic projections, in the middle of an experiment.
        """
        labels = list(mapped.split.plastic)
        if set(labels) != set(self._by_label):
            raise RuntimeError("plastic projections were made, or their places on the chip have gone, in the middle of "
                               "a run; call reset() before the next run(), or make them before the first")
        if any(not any(rule is known for known in self.rules) for rule, _ in state.attached):
            raise RuntimeError("a plasticity rule has been attached in the middle of an experiment: go back by reset() "
                               "first, so that all rules start together")
        parts = described_parts(state) if labels else {}
        self.projections = [p for p in parts if any(label in mapped.split.plastic for label, _ in parts[p])]
        rewritten = {id(p): p.taken_rewritten() for p in self.projections}
        if chips is not None:
            self._after_change(mapped, chips, rewritten)
        self.mapped = mapped
        self._rule = {i: self._by_label[label] for i, label in enumerate(labels)}
        for label in mapped.split.sensors:
            give_parameters(self._by_label[label], mapped, label)  # type: ignore[arg-type]
        places = plastic_places(mapped)
        self._arrays = {id(p): [(labels.index(label), places[label], here) for label, here in parts[p]
                                if label in places] for p in self.projections}
        self._models = [self._runtime_model(rule) for rule in self.rules]
        self._sources = senders(state)

    def _kept_synapses(self, rule: PlasticityRule) -> int:
        """How many places of synapses a rule works on."""
        return sum(int(self.mapped.config.plastic[i].there.sum()) for i, other in self._rule.items() if other is rule)

    def _after_change(self, mapped: Mapped, chips: ChipState, rewritten: dict[int, np.ndarray]) -> None:
        if not same_places(self.mapped, mapped):
            self.pending = []
            for rule, shares in zip(self.rules, self.shares, strict=True):
                if isinstance(rule, SensorRule):
                    for share in shares:
                        rule.forget_readings(share.memory)
            return
        for projection in self.projections:
            for i, place, here in self._arrays[id(projection)]:
                mine = rewritten[id(projection)][here] & (place.row >= 0)
                at = (slice(None), place.row[mine], place.column[mine])
                for writes in self.pending:
                    if i in writes.arrays:
                        weight = writes.arrays[i][0].copy()
                        weight[at] = chips.plastic[i].synapses.weight[at]
                        writes.arrays[i] = (weight, writes.arrays[i][1])

    def next_event(self, stop: int) -> int | None:
        """The next step, up to ``stop``, at which something has to be done between two pieces of a run."""
        job = next_job(self.schedule, self.times)
        steps = [w.step for w in self.pending if w.step <= stop]
        if job is not None and job.start < stop:
            steps.append(job.start)
        return min(steps, default=None)

    def at(self, step: int, state, chips: ChipState) -> ChipState:
        """Make visible what is due, and execute the rules whose turn it is."""
        chips = self._show(step, chips)
        while (job := next_job(self.schedule, self.times)) is not None and job.start <= step:
            chips = self._execute(job, state, chips)
            chips = self._show(step, chips)
        return chips

    def _show(self, step: int, chips: ChipState) -> ChipState:
        due = [w for w in self.pending if w.step <= step]
        if not due:
            return chips
        self.pending = [w for w in self.pending if w.step > step]
        arrays = list(chips.plastic)
        for writes in due:
            for i, (weight, label) in writes.arrays.items():
                arrays[i] = arrays[i].replace(synapses=arrays[i].synapses.replace(weight=weight, label=label))
        chips = chips.replace(plastic=tuple(arrays))
        self.tell(chips, [p for p in self.projections if p.recorder is not None])
        return chips

    def tell(self, chips: ChipState, projections=None) -> None:
        """The present weights to the projections, in PyNN's units."""
        for projection in self.projections if projections is None else projections:
            now = {"weight": self.weights(projection, chips)}
            if getattr(projection.synapse_type, "slots", False):
                now[INDICES[0]] = self._partners(projection, chips)
            projection.take(now)

    def _partners(self, projection, chips: ChipState) -> np.ndarray:
        """Present presynaptic indices (replicas, connections) of slots; of a lost synapse that of the start."""
        partners = np.tile(projection.indices[0], (chips.trials, 1))
        for i, place, here in self._arrays[id(projection)]:
            alive = place.row >= 0
            mine = np.arange(len(projection))[here][alive]
            partners[:, mine] = chips.plastic[i].synapses.label[:, place.row[alive], place.column[alive]]
        return partners

    def weights(self, projection, chips: ChipState) -> np.ndarray:
        """Present weights (replicas, connections) of a projection, in PyNN's units; NaN where one was lost."""
        values = np.array([projection.present("weight", r) for r in range(chips.trials)])  # of parts beside the chip
        for i, place, here in self._arrays[id(projection)]:
            values[:, here] = weights_of(chips, i, place)
        return values

    # --- one execution -------------------------------------------------------------------------------------

    def _execute(self, job: Job, state, chips: ChipState) -> ChipState:
        rule, config = self.rules[job.rule], self.mapped.config
        mine = [(i, place) for p in self.projections for i, place, _ in self._arrays[id(p)] if self._rule[i] is rule]
        bench = Bench(lower(config, chips.trials, chips.first_trial), chips)
        done, outboxes, longest = [], [], 0.0
        ideal = rule.instantaneous_when_ideal and not self.mapped.target.profile.limited
        for share, store in zip(self.shares[job.rule], rule._recorded, strict=True):
            meter = CostMeter()
            views = self._synapses(job, mine, share, state, chips, meter, rule.batched)
            ppu = self._ppu(job, share, state, meter, rule.batched)
            rule.update(ppu, list(views.values()), self._neurons(job, rule, share, mine, state, bench, meter),
                        Recording(store, ppu.now))
            share.lanes = ppu.lanes.state()
            done.append(views)
            outboxes.append(ppu._outbox)
            longest = max(longest, 0.0 if ideal else run_time_us(self._models[job.rule], meter))
        steps = run_time_steps(longest, config.step_us)
        self.times = executed(self.schedule, self.times, job, steps)
        rule.executed += 1
        for outbox in outboxes:
            state.mail.post(outbox, (job.start + steps) * state.dt)
        return self._finish(_Writes(job.start + steps), done, bench.state())

    def _runtime_model(self, rule: PlasticityRule) -> RuntimeModel:
        """The processors of all halves of chips with a rule's synapses work side by side, each on its own rows."""
        if rule.runtime_model is not transfer_time:
            return rule.runtime_model
        labels = [label for label, other in self._by_label.items() if other is rule]
        return side_by_side(processors(self.mapped, *labels))

    def _finish(self, writes: _Writes, done: list[dict[int, SynapseView]], chips: ChipState) -> ChipState:
        """Collect what all shares have written, and what has changed at once."""
        arrays = list(chips.plastic)
        for i in done[0]:
            parts = [views[i].present() for views in done]
            arrays[i] = parts[0] if len(parts) == 1 else _joined(parts)
            written = [views[i].written() for views in done]
            if any(w is not None for w in written):
                kept = [w if w is not None else (p.synapses.weight, p.synapses.label)
                        for w, p in zip(written, parts, strict=True)]
                weight, label = (np.concatenate(a) for a in zip(*kept, strict=True))
                writes.arrays[i] = weight, label
        if writes.arrays:
            self.pending.append(writes)
        return chips.replace(plastic=tuple(arrays))

    def _ppu(self, job: Job, share: _Share, state, meter: CostMeter, batched: bool) -> Ppu:
        share.memory.meter = meter
        streams = [generator(state.target.seed, Stream.PROCESSOR, state.trial + t, 1 + job.rule, job.period)
                   for t in share.replicas]
        rng = ReplicaGenerators(streams) if batched else streams[0]
        return Ppu(job.start * state.dt, job.period, rng, PpuRandom(share.lanes, meter), share.memory,
                   len(share.replicas), Outbox(self._sources, share.replicas))

    def _synapses(self, job: Job, mine: list[tuple[int, Places]], share: _Share, state, chips: ChipState,
                  meter: CostMeter, batched: bool) -> dict[int, SynapseView]:
        config, views, count = self.mapped.config, {}, len(share.replicas)
        noise = any(a.sensors is not None and a.sensors.read_noise for a in config.plastic)
        described = list(self.mapped.split.plastic.values())
        for i, place in mine:
            rng = None
            if noise:
                rng = read_streams(state.target.seed, state.trial + share.replicas[0], count, i, job.start)
            where = (place.row, place.column, described[i].pre_index, described[i].post_index)
            own = chips.plastic[i] if count == chips.trials else _part(chips.plastic[i], share.replicas[0])
            views[i] = SynapseView(config.plastic[i], own, where, meter, rng, batched,
                                   described[i].post, float(described[i].parameters["eta"][0]), np.abs(place.unit),
                                   described[i].candidates)
        return views

    def _neurons(self, job: Job, rule, share: _Share, mine: list[tuple[int, Places]], state, bench: Bench,
                 meter: CostMeter) -> list[NeuronView]:
        described = list(self.mapped.split.plastic.values())
        labels = [described[i].post for i, _ in mine]
        labels += [p.mapped_label for other, p in state.attached if other is rule]
        network, result = self.mapped.network, []
        for label in dict.fromkeys(labels):
            size, start = network.population(label).size, network.offsets()[label]
            number = _MEMBRANES + list(network.offsets()).index(label)

            def streams(number: int = number) -> list[np.random.Generator]:
                return read_streams(state.target.seed, state.trial + share.replicas[0], len(share.replicas), number,
                                    job.start)

            result.append(NeuronView(label, self.mapped.master[start:start + size], bench, meter, streams,
                                     membrane_converter(self.mapped, label),
                                     None if rule.batched else share.replicas[0]))
        return result

    def count_missed(self, step: int) -> None:
        """Note how many periods each rule has missed up to a step."""
        for task, count in zip(self.schedule.tasks, missed(self.schedule, self.times, step).tolist(), strict=True):
            self.rules[task.rule].missed = count


def _rules_by_label(state, mapped: Mapped) -> dict[str, PlasticityRule]:
    """The rule of every plastic projection by the label of its description: the user's, or that of a mechanism."""
    return {label: rule_for(mapped, label) if label in mapped.split.sensors else prj.synapse_type.plasticity_rule
            for prj, parts in described_parts(state).items() for label, _ in parts if label in mapped.split.plastic}


def _each_once(rules: list[PlasticityRule]) -> list[PlasticityRule]:
    result: list[PlasticityRule] = []
    for rule in rules:
        if not any(rule is known for known in result):
            result.append(rule)
    return result


def _shares(rule: PlasticityRule, number: int, state, synapses: int) -> list[_Share]:
    whole = range(state.replicas)
    parts = [whole] if rule.batched else [range(t, t + 1) for t in whole]
    return [_Share(part, initial_random_state(state.target.seed, number, len(part), state.trial + part[0]),
                   memory_for(rule, synapses, len(part))) for part in parts]


def _part(whole, replica: int):
    """The state of an array in one replica."""
    return _apply(lambda a: a[replica:replica + 1], [whole])


def _joined(parts: list):
    """The states of an array in several replicas as one."""
    return _apply(lambda *a: np.concatenate(a), parts)


def _apply(change, parts: list):
    """A state whose arrays come from those of other states, field by field."""
    if parts[0] is None:
        return None
    if isinstance(parts[0], np.ndarray):
        return change(*parts)
    names = parts[0].__dataclass_fields__
    return parts[0].replace(**{name: _apply(change, [getattr(p, name) for p in parts]) for name in names})


def weights_of(chips: ChipState, number: int, place: Places) -> np.ndarray:
    """Weights (replicas, connections) of a plastic array, in PyNN's units; NaN where one was lost."""
    result = np.full((chips.trials, len(place.row)), np.nan)
    alive = place.row >= 0
    codes = chips.plastic[number].synapses.weight[:, place.row[alive], place.column[alive]]
    result[:, alive] = codes * place.unit[alive]
    return result
