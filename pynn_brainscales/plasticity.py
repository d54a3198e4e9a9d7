"""Plasticity rules in NumPy: what a user writes to let the chip learn.

A rule is executed by the plasticity processor, at the times of its timer; it sees synapses and neurons as arrays and
may change weights and labels. ``PlasticSynapse`` (``standardmodels.hybrid``) says which projections it works on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .emulator.plasticity.cost import RuntimeModel, transfer_time
from .emulator.plasticity.timer import Timer

if TYPE_CHECKING:
    from .emulator.plasticity.memory import Memory
    from .emulator.plasticity.randomness import PpuRandom

__all__ = ["PlasticityRule", "Ppu", "Recording", "Timer"]


class Ppu:
    """The plasticity processor, as a rule sees it during one execution.

    Attributes
    ----------
    now : float
        Time, ms.
    period : int
        Number of the timer's period.
    rng : numpy.random.Generator
        Of this execution, keyed by the seed of ``setup``, the rule and the period.
    lanes : PpuRandom
        The processor's own shift registers.
    memory : Memory
        Arrays that the rule keeps from one execution to the next; a restart by ``reset()`` empties it.
    """

    def __init__(self, now: float, period: int, rng: np.random.Generator, lanes: PpuRandom, memory: Memory) -> None:
        self.now, self.period, self.rng, self.lanes, self.memory = now, period, rng, lanes, memory


class Recording:
    """Takes what a rule records: ``recording["name"] = array``, stamped with the present time."""

    def __init__(self, store: dict[str, list[tuple[float, np.ndarray]]], now: float) -> None:
        self._store, self._now = store, now

    def __setitem__(self, name: str, value) -> None:
        self._store.setdefault(name, []).append((self._now, np.array(value)))


class PlasticityRule:
    """Base of all rules; subclasses write ``update``.

    Parameters
    ----------
    timer : Timer
        When the rule is executed, in ms: ``Timer(start=..., period=..., num_periods=...)``.
    runtime_model : "chip", None, float or callable
        How long an execution takes the processor, in us of hardware time (as many as ms of biological time): "chip"
        counts what the rule reads and writes, None is instantaneous. On the ``ideal`` profile "chip" is
        instantaneous, too. A rule that takes longer than its period misses periods: see ``missed``.

    Attributes
    ----------
    executed, missed : int
        Periods since the start of the experiment.
    """

    def __init__(self, timer: Timer, runtime_model: RuntimeModel | str = "chip") -> None:
        if not isinstance(timer, Timer):
            raise TypeError(f"{type(self).__name__}: timer={timer!r} must be a Timer(start=..., period=..., "
                            "num_periods=...), in ms")
        self.timer = timer
        self.runtime_model: RuntimeModel = transfer_time if runtime_model == "chip" else runtime_model  # type: ignore
        self.instantaneous_when_ideal = runtime_model == "chip"
        self.executed = self.missed = 0
        self._recorded: dict[str, list[tuple[float, np.ndarray]]] = {}

    def update(self, ppu: Ppu, synapses, neurons, recording: Recording) -> None:
        """One execution.

        Parameters
        ----------
        ppu : Ppu
        synapses : list of SynapseView
            One for each projection with this rule, in the order of their creation.
        neurons : list of NeuronView
            One for each population that these projections end on.
        recording : Recording
        """
        raise NotImplementedError(f"{type(self).__name__} has no update(self, ppu, synapses, neurons, recording)")

    def get_observable_array(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Times (k,) in ms and values (k, ...) of what the rule has recorded under a name.

        Raises
        ------
        KeyError
            If nothing was recorded under it.
        """
        if name not in self._recorded:
            known = ", ".join(map(repr, self._recorded)) or "nothing"
            raise KeyError(f"{type(self).__name__} has recorded {known}, not {name!r}")
        times, values = zip(*self._recorded[name], strict=True)
        return np.array(times), np.stack(values)
