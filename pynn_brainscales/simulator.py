"""The one place of global state that PyNN's interface demands: ``simulator.state``.

It holds the network being described, the last mapping, the chips' state and the position in time, and nothing that
could be derived from them.
"""

from __future__ import annotations

import sys
import warnings
from datetime import datetime
from enum import IntEnum

import numpy as np
from pyNN import common
from pyNN.common.control import BaseState

from .callers import told_to_caller
from .describe import describe, describe_currents, describe_sources
from .emulator.profile import calibrated
from .emulator.run import run as run_chips
from .emulator.state import ChipState, carry, same_circuits
from .emulator.stimulus import Stimulus
from .injection import currents
from .learning import collect_synapses, same_places, with_present_weights
from .mapping.compile import compile
from .mapping.errors import MappingWarning
from .mapping.mapped import Mapped
from .mapping.readback import signals, spikes
from .mapping.stimuli import initial_state
from .mapping.stimuli import stimulus as build_stimulus
from .mapping.target import Target
from .relay_transfer import relay_states
from .rule_runner import RuleRunner
from .sent_spikes import Mail, with_sent
from .transfer import transfer

name = "BrainScaleS-2 emulator"

_PROGRESS_PARTS = 40


class ID(int, common.IDMixin):
    """A cell: its number, and the population that it belongs to."""

    def __init__(self, n: int) -> None:
        common.IDMixin.__init__(self)

    def inject(self, current_source, location=None) -> None:
        """Inject the current of a source into this cell."""
        if not callable(getattr(current_source, "inject_into", None)):
            raise TypeError(f"cell {int(self)}: only a current source can be injected, like DCSource(amplitude=0.1), "
                            f"not {current_source!r}")
        super().inject(current_source, location)


class Stale(IntEnum):
    """What has changed in the description since it was last mapped."""

    NOTHING = 0
    STIMULUS = 1  # spike times and rates
    VALUES = 2  # parameters, weights, what is recorded
    STRUCTURE = 3  # populations, projections, delays


class State(BaseState):
    """Time in whole steps, the network as it is described, and what has become of it."""

    def __init__(self) -> None:
        super().__init__()
        self.dt = 0.1
        self.requested_min_delay: float | str = "auto"
        self.max_delay: float | str = "auto"
        self.target = Target(profile=calibrated)
        self.trial_noise = "repeat"
        self.progress = False
        self.shared_rng = "repeat"
        self.replicas, self.first_replica = 1, 0
        self.clear()

    def clear(self) -> None:
        """Forget the network and everything that was recorded."""
        self.mpi_rank, self.num_processes = 0, 1
        self.recorders = set()
        self.write_on_end = []
        self.session_start = datetime.now().astimezone()
        self.populations: list = []
        self.projections: list = []
        self.currents: list = []
        self.attached: list = []  # (rule, population) of ``attach_rule``
        self.generators = 0
        self.begun = None
        self.id_counter = 1
        self.segment_counter = -1
        self.mapped: Mapped | None = None
        self.chips: ChipState | None = None
        self.stimulus: Stimulus | None = None
        self.stale = Stale.STRUCTURE
        self.reset()

    def reset(self) -> None:
        """Back to t = 0, initial values and no spikes on their way; the mapping stays."""
        self.running = False
        self.step = 0
        self.t_start = 0
        self.segment_counter += 1
        self.chips = None
        self.rules: RuleRunner | None = None
        self.mail = Mail()
        for source in self.currents:
            source.reset()
        for projection in self.projections:
            projection.restore()

    @property
    def t(self) -> float:
        """Time in ms."""
        return self.step * self.dt

    @property
    def min_delay(self) -> float:
        """As given to ``setup``, or the smallest delay in the network, or the timestep."""
        if self.requested_min_delay != "auto":
            return self.requested_min_delay
        return min((p.shortest_delay for p in self.projections if len(p)), default=self.dt)

    @property
    def trial(self) -> int:
        """Number of this trial, or of the first one of a batch, in the random streams."""
        batch = self.segment_counter if self.trial_noise == "fresh" else 0
        return batch * self.replicas + self.first_replica

    def changed(self, what: Stale) -> None:
        """Note that the description has changed."""
        self.stale = max(self.stale, what)

    # --- running -------------------------------------------------------------------------------------------

    def map(self) -> Mapped:
        """Bring the mapping, and the chips' state, up to date with the description."""
        if self.stale >= Stale.VALUES or self.mapped is None:
            old, network = self.mapped, describe(self)
            previous = old if self.stale == Stale.VALUES else None
            self.mapped = told_to_caller(compile, network, self.target, previous, running=self.chips is not None)
            if self.chips is not None and old is not None:
                self._carry(old)
            self.stimulus = None
        if self.stimulus is None or self.stale >= Stale.STIMULUS:
            described = self.mapped.described.replace(currents=describe_currents(self))
            self.mapped = self.mapped.replace(described=described)
            self.stimulus = build_stimulus(self.mapped, describe_sources(self), self.replicas, self.trial)
        self.stale = Stale.NOTHING
        return self.mapped

    def _carry(self, old: Mapped) -> None:
        """The chips' present state under a new mapping."""
        new = self.mapped
        same_scale = np.array_equal(old.scaled.alpha, new.scaled.alpha) and np.array_equal(
            old.scaled.v_offset, new.scaled.v_offset)
        if same_circuits(old.config, new.config) and same_scale:
            relays = relay_states(self.chips, old, new)
            chips = carry(self.chips, old.config, new.config).replace(relays=relays)
            self.chips = with_present_weights(self, chips, old)
            return
        if len(self.chips.fired_step):
            warnings.warn("the network has changed in the middle of a run: spikes that were on their way are dropped",
                          MappingWarning, stacklevel=2)
        same = same_places(old, self.mapped)
        chips = transfer(self.chips, old, self.mapped)
        if same:
            chips = chips.replace(plastic=self.chips.plastic)
        self.chips = with_present_weights(self, chips, old)

    def run(self, simtime: float) -> None:
        self.run_until(self.t + simtime)

    def run_until(self, tstop: float) -> None:
        """Run to the step nearest to ``tstop`` (ms)."""
        stop = round(tstop / self.dt)
        mapped = self.map()
        self._demand_one_current()
        if self.chips is None or self.stimulus.first_trial != self.trial:
            self.stimulus = self.stimulus.replace(first_trial=self.trial)
        if self.chips is None:
            self.chips = initial_state(mapped, self.replicas, self.trial)
        if (mapped.split.plastic or self.attached) and self.rules is None:
            self.rules = RuleRunner(self, mapped)
        elif self.rules is not None and self.rules.mapped is not mapped:
            self.rules.use(self, mapped, self.chips)
        self.running = True
        total = stop - self.step
        visible = self.progress and sys.stderr.isatty()
        parts = _PROGRESS_PARTS if visible and total > _PROGRESS_PARTS else 1
        first = self.step
        for i in range(1, parts + 1):
            self._advance_with_rules(mapped, first + total * i // parts)
            if parts > 1:
                _show_progress(i / parts, self.t)

    def _demand_one_current(self) -> None:
        if self.replicas > 1 and any(source.differs_by_trial for source in self.currents):
            raise ValueError(f"setup(replicas={self.replicas}) with a NoisyCurrentSource: one current goes into all "
                             "replicas of a batch, and its noise would be the same in all; run them one by one, by "
                             "replicas=1 and first_replica")

    def _advance_with_rules(self, mapped: Mapped, stop: int) -> None:
        """Run to a step, in pieces between which plasticity rules act."""
        rules = self.rules
        if rules is None:
            self._advance(mapped, stop)
            return
        while (step := rules.next_event(stop)) is not None:
            self._advance(mapped, step)
            self.chips = rules.at(step, self, self.chips)
        self._advance(mapped, stop)
        rules.count_missed(stop)
        rules.tell(self.chips)

    def _advance(self, mapped: Mapped, stop: int) -> None:
        if stop <= self.step:
            return
        start = self.step
        circuits, cells = currents(self.currents, mapped, start, stop)
        stimulus = self.stimulus.replace(currents=circuits, currents_beside=cells)
        sent = self.mail.between(start * self.dt, stop * self.dt)
        stimulus = with_sent(stimulus, mapped, sent, start)
        recording, self.chips = run_chips(mapped.config, stimulus, (stop - start) * mapped.config.step_us, self.chips)
        for source in self.currents:
            source.keep(start, stop)
        self.step = stop
        for replica in range(self.replicas if self.recorders else 0):
            fired, sampled = spikes(mapped, recording, replica), signals(mapped, recording, replica)
            for recorder in self.recorders:
                recorder.collect(start, stop, fired, sampled, sent, replica)
        collect_synapses(self, mapped, recording, start, stop)


def _show_progress(share: float, t: float) -> None:
    width = 40
    done = round(share * width)
    end = "\n" if share >= 1 else ""
    sys.stderr.write(f"\r[{'=' * done}{' ' * (width - done)}] {t:.1f} ms{end}")
    sys.stderr.flush()


state = State()
