"""The loop: ``run(config, stimulus, duration, state) -> (Recording, ChipState)``.

A run can be cut anywhere: the state that comes back, given to the next run, goes on bit for bit.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from .companions import Companions
from .config import ChipConfig
from .kernels import neuron
from .kernels.counters import count
from .kernels.coupling import Coupling
from .kernels.injection import Injection
from .kernels.noise import SlowNoise, ThresholdJitter
from .kernels.queue import BatchQueue, SingleQueue, expand
from .kernels.readout import Sampler
from .kernels.sources import draw_sources, given_events, nearest_step
from .program import ADAPTIVE_CONDUCTANCE, CONDUCTANCE, LENT_AFTER, LENT_BEFORE, LINEAR, Program, lower
from .recording import Recording
from .state import ChipState, initial_state
from .stimulus import Stimulus, no_stimulus, verify_stimulus
from .streams import BLOCK_STEPS

_VANISHED = 1e-150  # states below this are set to zero: subnormal numbers are slow


def run(config: ChipConfig, stimulus: Stimulus | None, duration: float, state: ChipState | None = None
        ) -> tuple[Recording, ChipState]:
    """Run the chips for a time.

    Parameters
    ----------
    config : ChipConfig
    stimulus : Stimulus or None
        Only events from the present time to the end of this run (exclusive) are used.
    duration : float
        us of hardware time, rounded to whole steps.
    state : ChipState, optional
        Where to go on; by default the start of the experiment, with membranes at their leak potentials. It is not
        changed.

    Returns
    -------
    recording : Recording
    state : ChipState

    Raises
    ------
    ValueError
        If the duration is negative, or configuration, stimulus and state don't fit each other.
    """
    if not duration >= 0:
        raise ValueError(f"a run goes forward: duration must be >= 0 us, got {duration}")
    if stimulus is None:
        stimulus = no_stimulus(1 if state is None else state.trials)
    verify_stimulus(stimulus, config.external, len(config.circuits),
                    0 if config.beside is None else config.beside.size)
    if state is None:
        state = initial_state(config, stimulus.trials, stimulus.first_trial)
    elif (state.trials, state.first_trial) != (stimulus.trials, stimulus.first_trial):
        raise ValueError(f"the state holds {state.trials} trials from {state.first_trial}, the stimulus "
                         f"{stimulus.trials} from {stimulus.first_trial}")
    program = lower(config, state.trials, state.first_trial)
    if state.x.shape[2] != len(config.circuits):
        raise ValueError(f"the state is of {state.x.shape[2]} circuits, the configuration has {len(config.circuits)}")
    start = state.step
    stop = start + int(np.floor(duration / config.step_us + 0.5))
    return _Run(program, state, stimulus, start, stop).go(stimulus)


class _Run:
    """Working copies of one run: the state is copied once and then changed in place."""

    def __init__(self, p: Program, s: ChipState, stimulus: Stimulus, start: int, stop: int) -> None:
        self.p, self.s, self.start, self.stop = p, s, start, stop
        self.n, config = len(p.circuits), p.config
        self.x, self.w = s.x.copy(), s.w.copy()
        self.theta, self.passages = s.theta.copy(), s.passages.copy()
        self.unarmed, self.slow_value = s.unarmed.copy(), s.slow.copy()
        self.threshold = np.where((s.release >= 0) | self.unarmed, np.inf, self.theta)
        self.x_flat, self.w_flat, self.theta_flat, self.threshold_flat, self.unarmed_flat = (
            a.reshape(-1) for a in (self.x[0], self.w, self.theta, self.threshold, self.unarmed))
        self.reset_flat, self.nominal_flat = p.reset.reshape(-1), p.threshold.reshape(-1)
        self.first_trials = np.zeros(self.n, np.int64)
        self.releases: dict[int, list[np.ndarray]] = {}
        release = s.release.reshape(-1)
        refractory = np.flatnonzero(release >= 0)
        self._schedule_release(release[refractory], refractory)
        noise = config.noise
        self._special_cases()
        self.coupling = None if p.joints is None else Coupling(
            p.joints, config.step_us, self.x[0], np.broadcast_to(p.origin, self.x[0].shape), p.unit, s.release >= 0)
        self.slow = (SlowNoise(config, p.trials, p.first_trial, self.slow_value, stop) if noise.membrane_noise
                     else None)
        self.jitter = (ThresholdJitter(config, p.trials, p.first_trial, self.passages)
                       if noise.threshold_jitter else None)
        capacitance = 1.0 if config.pattern is None else config.pattern.capacitance
        self.injection = (Injection(stimulus.currents, p.circuits.tau_m / capacitance, start) if stimulus.currents
                          else None)
        moving = self.slow is not None or self.injection is not None
        self.drift = np.zeros_like(self.x[0]) if moving else None
        self.constants = [g.constant.copy() if moving else g.constant for g in p.groups]
        self.samplers = [Sampler(probe, i, p, self.x, self.w, start, stop) for i, probe in enumerate(config.probes)]
        queue = SingleQueue if p.trials == 1 else BatchQueue
        self.queue = queue(p.delivery, self.x[1:3], start, stop)
        self.companions = None
        if p.accompanied:
            self.companions = Companions(p, s, self.queue, self.x[1:3], stimulus, start, stop)
        self.spikes: list[np.ndarray] = []
        self.spike_steps: list[int] = []

    # --- before the loop -----------------------------------------------------------------------------------

    def _special_cases(self) -> None:
        """What needs care at a spike; most circuits need none of it, and a step is too short to ask each time."""
        p = self.p
        self.adapting = p.any_adaptation
        self.one_refractory = int(p.refractory[0]) if self.n and np.ptp(p.refractory) == 0 else None
        same = self.n and not p.config.noise.threshold_jitter and all(
            (a == a.flat[0]).all() for a in (p.reset, self.theta))
        self.alike = (float(self.reset_flat[0]), float(self.theta_flat[0])) if same else None  # reset and threshold
        self.may_stay_above = bool(p.config.noise.threshold_jitter) or bool(np.any(p.reset >= p.threshold))
        self.clamping, self.all_clamped = bool(p.clamped.any()), bool(p.clamped.all())
        # with one refractory time for all, circuits are released in the order in which they have spiked
        self.in_turn = self.all_clamped and self.one_refractory is not None
        self.held, self.held_at = np.zeros(0, np.intp), np.zeros(0)
        self.clamped_flat = np.tile(p.clamped, p.trials)
        self.waiting = np.flatnonzero(self.unarmed_flat)
        self._hold()

    def _steps(self) -> list[neuron.Step]:
        """The kernels' steps, in the order in which they must be taken."""
        groups = sorted(zip(self.p.groups, self.constants, strict=True),
                        key=lambda g: (g[0].kind == LENT_AFTER) - (g[0].kind == LENT_BEFORE))
        return [self._step(group, constant) for group, constant in groups]

    def _step(self, g, constant: np.ndarray) -> neuron.Step:
        x = self.x[:, :, g.first:g.stop]
        if g.kind in (LENT_BEFORE, LENT_AFTER):
            return partial(np.multiply, x[1:3], g.decay, x[1:3])
        inputs = 3 if g.inhibited or x[2].any() else 2  # what is zero and stays zero need not be stepped
        if g.kind == LINEAR:
            drift = None if self.drift is None else self.drift[:, g.first:g.stop]
            return neuron.linear_step(x[:inputs], g.decay[:inputs], drift, g.joined, self.x)
        if g.kind == CONDUCTANCE:
            inputs = 3 if g.joined else inputs
            return neuron.conductance_step(x[:inputs], g.decay[:inputs - 1], g.leak, constant, g.e_exc, g.joined,
                                           self.x)
        return neuron.adaptive_step(x, self.w[:, g.first:g.stop], g.decay, g.adaptive._replace(constant=constant),
                                    g.kind == ADAPTIVE_CONDUCTANCE, g.joined, self.x)

    def _outside(self, stimulus: Stimulus) -> tuple[np.ndarray, ...]:
        """Put all events from outside, and those still on their way, into the queue; the events drawn."""
        p, h, s = self.p, self.p.config.step_us, self.s
        trial, channel, time = given_events(stimulus, self.start, self.stop, h)
        drawn = draw_sources(stimulus, p.config.noise.seed, self.start, self.stop, h)
        trial, channel = np.concatenate([trial, drawn[0]]), np.concatenate([channel, drawn[1]])
        fired = nearest_step(np.concatenate([time, drawn[2]]), h)
        self.fired = tuple(np.concatenate([a, b]) for a, b in (
            (s.fired_step, fired), (s.fired_trial, trial), (s.fired_source, channel + self.n)))
        step, trial, event = expand(p.delivery, *self.fired)
        coming = step > self.start
        if not coming.all():
            step, trial, event = step[coming], trial[coming], event[coming]
        self.queue.schedule(step, trial, event)
        if self.companions is not None:
            self.companions.begin(*self.fired)
        return drawn

    # --- the loop ------------------------------------------------------------------------------------------

    def go(self, stimulus: Stimulus) -> tuple[Recording, ChipState]:
        drawn = self._outside(stimulus)
        if self.start == 0 < self.stop:
            for sampler in self.samplers:
                sampler.take()
        with np.errstate(invalid="raise", over="ignore", under="ignore", divide="raise"):
            self._loop()
        circuits, steps = self._spikes()
        trial, circuit = np.divmod(circuits, max(1, self.n))
        recording = Recording(
            start_step=self.start, stop_step=self.stop, step_us=self.p.config.step_us, trials=self.p.trials,
            spike_trial=trial, spike_circuit=circuit, spike_step=steps, input_trial=drawn[0],
            input_channel=drawn[1], input_time_us=drawn[2], samples=tuple(s.samples() for s in self.samplers))
        if self.companions is not None:
            fired = self.companions.spikes()
            self.fired = tuple(np.concatenate([a, b]) for a, b in zip(self.fired, fired, strict=True))
            recording = self.companions.recorded(recording)
        return recording, self._state(trial, circuit, steps)

    def _loop(self) -> None:
        steps = self._steps()
        v, threshold = self.x_flat, self.threshold_flat
        above = np.empty(v.shape, bool)
        greater_equal, nonzero = np.greater_equal, above.nonzero
        deliver, releases = self.queue.deliver if self.p.delivery.events else None, self.releases
        slow_interval = self.slow.interval if self.slow else 0
        samplers = [(s.probe.interval_steps, s.take) for s in self.samplers]
        injection, coupling = self.injection, self.coupling
        before, after = (None, None) if self.companions is None else (self.companions.early, self.companions.after)
        if self.drift is not None:
            self._apply_shifts()
        for k in range(self.start + 1, self.stop + 1):
            if k % BLOCK_STEPS == 0:
                self._new_block()
            if injection is not None and k - 1 in injection.changes:
                injection.at(k - 1)
                self._apply_shifts()
            if self.slow is not None and (k - 1) % slow_interval == 0:
                self.slow.at(k - 1)
                self._apply_shifts()
            if before is not None:
                before(k)
            if coupling is not None:
                coupling.half()
            for step in steps:
                step()
            if coupling is not None:
                if self.held.size:
                    v[self.held] = self.held_at
                coupling.half()
            greater_equal(v, threshold, above)
            spiked = nonzero()[0]
            if self.waiting.size:
                self._arm()
            if k in releases:
                self._release(k)
            if spiked.size:
                self._spike(k, spiked)
            if self.held.size:
                v[self.held] = self.held_at
            if deliver is not None:
                deliver(k)
            if after is not None:
                after(k)
            for interval, take in samplers:
                if k % interval == 0:
                    take()

    def _apply_shifts(self) -> None:
        """Bring the present slow noise and injected currents into the constants of all kernels."""
        shift = self.slow_value if self.injection is None else self.slow_value + self.injection.shift
        shift = shift * self.p.noise_gain
        if self.drift is not None:
            self.drift[...] = shift
        for g, constant in zip(self.p.groups, self.constants, strict=True):
            np.add(g.constant, shift[:, g.first:g.stop], constant)

    def _spike(self, k: int, spiked: np.ndarray) -> None:
        p = self.p
        self.spikes.append(spiked)
        self.spike_steps.append(k)
        circuit = spiked % self.n if p.trials > 1 else spiked
        if self.adapting:
            climb = self.x_flat.take(spiked) - self.reset_flat.take(spiked)
            self.w_flat[spiked] += p.b.take(circuit) + p.w_catch_up.take(circuit) * climb
        if self.jitter is not None:
            base = self.nominal_flat.take(spiked)
            self.theta_flat[spiked] = base + self.jitter.draw(k, spiked) / p.unit.take(circuit)
        self.threshold_flat[spiked] = np.inf
        if self.one_refractory is None:
            self._schedule_release(k + p.refractory[circuit], spiked)
        else:
            self.releases.setdefault(k + self.one_refractory, []).append(spiked)
        if self.in_turn:
            self.held = np.concatenate((self.held, spiked))
            self.held_at = self.reset_flat.take(self.held)
        elif self.clamping:
            self._hold()
        if self.coupling is not None:
            self.coupling.hold(spiked, True)
        if p.delivery.events:
            self.queue.fire(k, spiked)
        if self.companions is not None:
            self.companions.fired(k, *self._places(spiked))
        if k in self.releases:
            self._release(k)

    def _places(self, spiked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Trial and circuit of flat indices."""
        if self.p.trials == 1:
            return self.first_trials[:spiked.size], spiked
        trial, circuit = np.divmod(spiked, self.n)
        return trial, circuit

    def _schedule_release(self, until: np.ndarray, which: np.ndarray) -> None:
        for k in np.unique(until).tolist():
            self.releases.setdefault(k, []).append(which[until == k])

    def _release(self, k: int) -> None:
        """End of the refractory time: the membrane stands at reset, the comparator waits for it to be below."""
        for which in self.releases.pop(k):
            if self.alike is not None:
                self.x_flat[which], self.threshold_flat[which] = self.alike
            else:
                self.x_flat[which] = self.reset_flat.take(which)
                self.threshold_flat[which] = self.theta_flat.take(which)
            if self.may_stay_above:
                above = which[self.reset_flat[which] >= self.theta_flat[which]]
                self.threshold_flat[above] = np.inf
                self.unarmed_flat[above] = True
                self.waiting = np.flatnonzero(self.unarmed_flat)
            if self.in_turn:
                self.held, self.held_at = self.held[which.size:], self.held_at[which.size:]
            if self.coupling is not None:
                self.coupling.hold(which, False)
        if self.clamping and not self.in_turn:
            self._hold()

    def _arm(self) -> None:
        """Comparators whose membrane has come below threshold can fire again."""
        below = self.waiting[self.x_flat[self.waiting] < self.theta_flat[self.waiting]]
        if below.size:
            self.unarmed_flat[below] = False
            self.threshold_flat[below] = self.theta_flat[below]
            self.waiting = np.flatnonzero(self.unarmed_flat)

    def _hold(self) -> None:
        """Find the refractory circuits whose membrane is clamped in every step (``held``, flat indices)."""
        refractory = [which for group in self.releases.values() for which in group]
        held = np.concatenate(refractory) if refractory else np.zeros(0, np.intp)
        if not self.all_clamped:
            held = held[self.clamped_flat[held]]
        self.held, self.held_at = held, self.reset_flat[held]

    def _new_block(self) -> None:
        self.x[np.abs(self.x) < _VANISHED] = 0.0
        self.w[np.abs(self.w) < _VANISHED] = 0.0
        if self.jitter is not None:
            self.jitter.new_block()

    # --- after the loop ------------------------------------------------------------------------------------

    def _spikes(self) -> tuple[np.ndarray, np.ndarray]:
        if not self.spikes:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        return np.concatenate(self.spikes), np.repeat(self.spike_steps, [len(s) for s in self.spikes])

    def _state(self, trial: np.ndarray, circuit: np.ndarray, steps: np.ndarray) -> ChipState:
        fired = [np.concatenate([a, b]) for a, b in zip(self.fired, (steps, trial, circuit), strict=True)]
        release = np.full(self.s.release.shape, -1, np.int64)
        for k, group in self.releases.items():
            for which in group:
                release.reshape(-1)[which] = k
        longest = self.p.delivery.max_delay
        changes = {}
        if self.companions is not None:
            longest, changes = max(longest, self.companions.max_delay), self.companions.state()
        on_the_way = fired[0] + longest > self.stop
        return self.s.replace(
            step=self.stop, x=self.x, w=self.w, theta=self.theta, release=release, unarmed=self.unarmed,
            passages=self.passages, slow=self.slow_value, counters=count(self.s.counters, trial, circuit),
            fired_step=fired[0][on_the_way], fired_trial=fired[1][on_the_way], fired_source=fired[2][on_the_way],
            **changes)
