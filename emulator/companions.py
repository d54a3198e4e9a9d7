"""What takes part in a run beside the circuits: cells on the host, relays, synapses that learn.

Relays see the firings of a step k all at once, at the beginning of step k + 1, whichever their source, and learning
synapses act on them then: so what they do does not depend on where a run is cut.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .beside.run import BesideRun
from .config import LearningSynapses
from .hybrid import HybridRun
from .kernels.pairs import PairRun
from .kernels.queue import ascending
from .kernels.relay import RelayRun
from .kernels.relay_samples import relay_samples
from .pair_delivery import PairDelivery
from .program import Program
from .recording import Recording, Samples
from .relays import Kind
from .state import ChipState
from .stimulus import Stimulus

_AHEAD = 128  # steps of known firings that relays are given at a time
Firings = tuple[np.ndarray, np.ndarray, np.ndarray]  # (step, trial, source)


class Companions:
    """The companions of one run; ``before``, ``fired`` and ``after`` are called in each step, in this order.

    ``early`` is ``before``, or None where nobody needs it.
    """

    def __init__(self, p: Program, s: ChipState, queue, synaptic: np.ndarray, stimulus: Stimulus, start: int,
                 stop: int) -> None:
        config = p.config
        self._p, self._s, self._queue, self._synaptic = p, s, queue, synaptic
        self._start, self._stop, self._circuits, self._trials = start, stop, len(p.circuits), p.trials
        seed, h = config.noise.seed, config.step_us
        self.beside = None if config.beside is None else BesideRun(
            config.beside, s.beside, self._circuits, config.external, seed, p.first_trial, start, stop, stimulus)
        self.relays = (None if p.relays is None or s.relays is None
                       else RelayRun(p.relays, s.relays, seed, p.first_trial, h))
        if self.relays is not None and config.relay_probes:
            self.relays.log = []
        self.pairs = [PairRun(g.synapses, state, h, start) for g, state in zip(config.pairs, s.pairs, strict=True)]
        self.plastic = [HybridRun(array, state, synaptic, p.jump, config.circuits.master,
                                  self._circuits + config.external, h, start, stop)
                        for array, state in zip(config.plastic, s.plastic, strict=True)]
        self._learning = [(run, PairDelivery(group, p, run, self._inputs(group)))
                          for group, run in zip(config.pairs, self.pairs, strict=True)]
        self._currents = [(run.due, delivery.add) for run, delivery in self._learning]
        self._foreseen = self._all_foreseen(p.relays)
        self._waiting = self.relays is not None and not self._foreseen
        self.early = self.before if self.relays is not None else None
        self._now: list[tuple[np.ndarray, np.ndarray]] = []  # firings of the present step: (trial, source)
        self._known: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._spikes: list[Firings] = []
        self._sent: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = [
            (s.sent_step, s.sent_trial, s.sent_channel, s.sent_factor)]
        self._samples = [_PairSampler(probe, self.pairs[probe.group], start, stop) for probe in config.pair_probes]

    def _inputs(self, group: LearningSynapses) -> np.ndarray:
        """What the currents of learning synapses are added to, (inputs, trials, targets)."""
        if group.beside < 0 or self.beside is None:
            return self._synaptic
        return self.beside.groups[group.beside].inputs

    def _all_foreseen(self, relays) -> bool:
        """Whether the firings of the sources of all relays are known before the run; sites are drawn step by step."""
        if relays is None:
            return False
        beside = 0 if self._p.config.beside is None else self._p.config.beside.size
        source = relays.source
        inside = (source < self._circuits) | (source >= self.first_cell) & (source < self.first_cell + beside)
        return not inside.any() and not (relays.kind == Kind.QUANTAL).any()

    @property
    def first_cell(self) -> int:
        """Number of the first cell beside the chip among the sources of events."""
        beside = self._p.config.beside
        return self._circuits + (0 if beside is None else beside.first_channel)

    @property
    def max_delay(self) -> int:
        """For how many steps a firing must be remembered."""
        return max(1, self.beside.max_delay if self.beside is not None else 0, *(a.max_delay for a in self.plastic))

    def begin(self, step: np.ndarray, trial: np.ndarray, source: np.ndarray) -> None:
        """All firings that are known before the run: of external channels in it, and those still on their way."""
        if self.beside is not None:
            self.beside.schedule(step, trial, source)
        for array in self.plastic:
            array.emit(step, trial, source)
        if self._learning:
            inside = (step >= self._start) & (step < self._stop)
            for pair, _ in self._learning:
                pair.fire_train(step[inside], trial[inside], source[inside])
        if self._waiting:
            here = np.flatnonzero((step >= self._start) & (step < self._stop))
            order = here[np.argsort(step[here], kind="stable")]
            steps, first = np.unique(step[order], return_index=True)
            for k, (i, j) in zip(steps.tolist(), pairwise([*first.tolist(), len(order)]), strict=True):
                self._known[k] = (trial[order[i:j]], source[order[i:j]])
        if self.relays is not None:
            self._send(*self._sent[0], now=self._start)
            if self._foreseen:
                here = np.flatnonzero((step >= self._start) & (step < self._stop))
                here = here[np.argsort(step[here], kind="stable")]
                self._train = step[here], trial[here], source[here]
                self._look_ahead(self._start)
        if self._start == 0 < self._stop:
            self._take(0)

    def _look_ahead(self, step: int) -> None:
        """Give relays the firings of a while, which are all known."""
        firing, trial, source = self._train
        here = slice(*np.searchsorted(firing, (step, step + _AHEAD)).tolist())
        if self.relays is not None and here.start < here.stop:
            sent = self.relays.fire_train(firing[here], trial[here], source[here])
            self._sent.append(sent)
            self._send(*sent, now=step)

    def before(self, step: int) -> None:
        """Relays take the firings of the step before."""
        if self._foreseen and (step - 1 - self._start) % _AHEAD == 0 and step - 1 > self._start:
            self._look_ahead(step - 1)
        if self.relays is None or self._foreseen:
            return
        last = step - 1
        parts = self._now
        if last in self._known:
            parts = [*parts, self._known[last]]
        if parts:
            trial, source = parts[0] if len(parts) == 1 else map(np.concatenate, zip(*parts, strict=True))
            if len(source) > 1:
                order = np.lexsort((source, trial))
                trial, source = trial[order], source[order]
            trial_, channel, factor = self.relays.fire(last, trial, source)
            if len(channel):
                sent = (np.full(len(channel), last), trial_, channel, factor)
                self._sent.append(sent)
                self._send(*sent, now=last)
            self._now = []

    def _send(self, step, trial, channel, factor, now: int) -> None:
        source = channel + self._circuits
        self._queue.emit_weighted(step, trial, source, factor, now)
        if self.beside is not None:
            outside = channel < self._p.config.external  # the drivers' own relays end on the chip
            self.beside.emit_weighted(step[outside], trial[outside], source[outside], factor[outside], now)

    def fired(self, step: int, trial: np.ndarray, source: np.ndarray) -> None:
        """Circuits, or channels of cells beside the chip, fired at the present step."""
        if self.beside is not None:
            self.beside.emit(step, trial, source)
        for array in self.plastic:
            array.emit(np.full(len(source), step), trial, source)
            array.spiked(trial, source)
        if step < self._stop:  # those of the last step belong to the next run
            for pair, _ in self._learning:
                pair.fire(step, trial, source)
        if self._waiting:
            self._now.append((trial, source))

    def after(self, step: int) -> None:
        """Cells beside the chip take the step; learning synapses deliver what is due."""
        if self.beside is not None:
            self.beside.advance(step)
        for array in self.plastic:
            array.advance(step)
        for due, add in self._currents:
            if parts := due(step):
                add(parts)
        if self.beside is not None:
            self._beside_fires(self.beside, step)
        for sampler in self._samples:
            sampler.take(step)

    def _beside_fires(self, beside: BesideRun, step: int) -> None:
        trial, cell = beside.fire(step)
        if cell.size:
            source = cell + self.first_cell
            self._spikes.append((np.full(len(cell), step), trial, source))
            self._queue.emit(step, trial, source)
            self.fired(step, trial, source)
        beside.take(step)

    def _take(self, step: int) -> None:
        if self.beside is not None:
            self.beside.take(step)
        for sampler in self._samples:
            sampler.take(step)

    # --- after the loop ------------------------------------------------------------------------------------

    def spikes(self) -> Firings:
        """Spikes of the cells beside the chip, as sources of events: (step, trial, source)."""
        if not self._spikes:
            none = np.zeros(0, np.int64)
            return none, none, none
        step, trial, source = (np.concatenate(a) for a in zip(*self._spikes, strict=True))
        return step, trial, source

    def recorded(self, recording: Recording) -> Recording:
        """A recording with the spikes and samples of the companions."""
        step, trial, source = self.spikes()
        return recording.replace(
            beside_step=step, beside_trial=trial, beside_cell=source - self.first_cell,
            beside_samples=() if self.beside is None else self.beside.samples(),
            pair_samples=tuple(s.samples() for s in self._samples), relay_samples=self._relay_samples())

    def _relay_samples(self) -> tuple[Samples, ...]:
        config = self._p.config
        return tuple(relay_samples(probe, self.relays, self._s.relays, self._trials, self._start, self._stop,
                                   config.step_us) for probe in config.relay_probes)

    def state(self) -> dict:
        """The fields of ``ChipState`` that are theirs."""
        changes: dict = {"pairs": tuple(p.state() for p in self.pairs),
                         "plastic": tuple(a.state() for a in self.plastic)}
        if self.beside is not None:
            changes["beside"] = self.beside.states()
        if self.relays is not None:
            changes["relays"] = self.relays.state()
            step, trial, channel, factor = (np.concatenate(a) for a in zip(*self._sent, strict=True))
            longest = max(self._p.delivery.max_delay, self.max_delay)
            late = np.flatnonzero(step + longest > self._stop)
            late = late[np.lexsort((ascending(trial[late], channel[late], factor[late]), step[late]))]
            changes |= {"sent_step": step[late], "sent_trial": trial[late], "sent_channel": channel[late],
                        "sent_factor": factor[late]}
        return changes


class _PairSampler:
    """Weights of some learning synapses every so many steps."""

    def __init__(self, probe, run: PairRun, start: int, stop: int) -> None:
        q = probe.interval_steps
        first = 0 if start == 0 < stop else (start // q + 1) * q
        self._probe, self._run, self._steps = probe, run, np.arange(first, stop + 1, q)
        self._values: list[np.ndarray] = []

    def take(self, step: int) -> None:
        if step % self._probe.interval_steps == 0:
            self._values.append(self._run.weights[:, self._probe.synapses].copy())

    def samples(self) -> Samples:
        trials = self._run.weights.shape[0]
        values = (np.stack(self._values, axis=1) if self._values
                  else np.zeros((trials, 0, len(self._probe.synapses))))
        return Samples("weight", self._probe.synapses, self._steps, values)
