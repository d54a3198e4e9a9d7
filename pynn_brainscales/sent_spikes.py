"""Spikes that rules send into the chip: a closed loop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .emulator.stimulus import Stimulus
from .mapping.mapped import Mapped

_ROUNDING = 1e-6  # ms


@dataclass
class Sent:
    """Spikes of the cells ``index`` of one population, arrays (S,); ``time`` in ms since the start."""

    label: str
    trial: np.ndarray
    index: np.ndarray
    time: np.ndarray


class Outbox:
    """Takes the spikes of one execution of a rule; times count from its end.

    Parameters
    ----------
    sizes : dict
        Label -> size of the populations that can send.
    replicas : range
        Numbers of the replicas that the execution works on.
    """

    def __init__(self, sizes: dict[str, int], replicas: range) -> None:
        self._sizes, self._replicas = sizes, replicas
        self.spikes: list[Sent] = []

    def put(self, population, index, delay, replica) -> None:
        """Take spikes; see ``Ppu.send_spikes``."""
        label = getattr(population, "mapped_label", None)
        if label not in self._sizes:
            raise ValueError(f"{population!r} can't send spikes: it must be a SpikeSourceArray of this network")
        index = np.asarray(index)
        if replica is None:
            which = np.repeat(np.asarray(self._replicas), index.size)
            index, delay = (np.tile(np.broadcast_to(a, index.shape).reshape(-1), len(self._replicas))
                            for a in (index, delay))
        else:
            chosen = np.asarray(replica)
            self._demand(label, "replica", chosen, len(self._replicas))
            which = np.asarray(self._replicas)[np.broadcast_to(chosen, index.shape).reshape(-1)]
            index, delay = (np.broadcast_to(a, index.shape).reshape(-1) for a in (index, delay))
        self._demand(label, "index", index, self._sizes[label])
        delay = np.array(delay, float)
        if not np.all(np.isfinite(delay) & (delay >= 0)):
            raise ValueError(f"{label}: spikes are sent from now on; delay must be >= 0 ms, got {delay.min():g}")
        self.spikes.append(Sent(label, which, index.astype(np.int64), delay))

    @staticmethod
    def _demand(label: str, name: str, values: np.ndarray, size: int) -> None:
        if values.dtype.kind not in "iu":
            raise ValueError(f"{label}: {name} must be whole numbers, got {values.dtype}")
        if values.size and (values.min() < 0 or values.max() >= size):
            raise ValueError(f"{label}: {name} runs from {values.min()} to {values.max()}, there are 0 to {size - 1}")


def senders(state) -> dict[str, int]:
    """Label and size of the populations whose cells can be made to spike."""
    return {p.mapped_label: p.size for p in state.populations if type(p.celltype).__name__ == "SpikeSourceArray"}


class Mail:
    """All spikes that were sent and may still have to fire."""

    def __init__(self) -> None:
        self._parts: list[Sent] = []

    def post(self, outbox: Outbox, end: float) -> None:
        """Spikes of an execution that ends at a time (ms)."""
        self._parts += [Sent(s.label, s.trial, s.index, end + s.time) for s in outbox.spikes]

    def between(self, start: float, stop: float) -> list[Sent]:
        """Spikes with ``start <= time < stop``, up to rounding; those before ``start`` are forgotten."""
        start, stop = start - _ROUNDING, stop - _ROUNDING
        kept, result = [], []
        for s in self._parts:
            if not s.time.size or s.time.max() < start:
                continue
            kept.append(s)
            here = (s.time >= start) & (s.time < stop)
            if here.any():
                result.append(Sent(s.label, s.trial[here], s.index[here], s.time[here]))
        self._parts = kept
        return result


def with_sent(stimulus: Stimulus, mapped: Mapped, sent: list[Sent], start: int) -> Stimulus:
    """A stimulus with further events, in a piece of a run that begins at step ``start``."""
    if not sent:
        return stimulus
    offsets, neurons = mapped.network.offsets(), mapped.network.neurons
    step_us = mapped.config.step_us
    us = step_us / mapped.network.timestep
    given = len(stimulus.channel)
    trial = np.zeros(0, np.int64) if stimulus.trial is None else stimulus.trial
    channel, time = stimulus.channel, stimulus.time_us
    if stimulus.trial is None:
        trial = np.repeat(np.arange(stimulus.trials), given)
        channel, time = np.tile(channel, stimulus.trials), np.tile(time, stimulus.trials)
    return stimulus.replace(
        channel=np.concatenate([channel, *(s.index + (offsets[s.label] - neurons) for s in sent)]),
        time_us=np.concatenate([time, *(np.maximum(s.time * us, start * step_us) for s in sent)]),
        trial=np.concatenate([trial, *(s.trial for s in sent)]))
