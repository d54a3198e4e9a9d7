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
    from .emulator.plasticity.replicas import ReplicaGenerators
    from .sent_spikes import Outbox

Records = dict[str, list[tuple[float, np.ndarray]]]

__all__ = ["PlasticityRule", "Ppu", "Recording", "Timer"]


class Ppu:
    """The plasticity processor, as a rule sees it during one execution.

    Attributes
    ----------
    now : float
        Time, ms.
    period : int
        Number of the timer's period.
    rng : numpy.random.Generator or ReplicaGenerators
        Of this execution, keyed by the seed of ``setup``, the rule and the period; for a batched rule its methods draw
        for every replica and give arrays (replicas, ...).
    lanes : PpuRandom
        The processor's own shift registers.
    memory : Memory
        Arrays that the rule keeps from one execution to the next; a restart by ``reset()`` empties it.
    replicas : int
        How many this execution works on: 1 unless the rule is batched.
    """

    def __init__(self, now: float, period: int, rng: np.random.Generator | ReplicaGenerators, lanes: PpuRandom,
                 memory: Memory, replicas: int = 1, outbox: Outbox | None = None) -> None:
        self.now, self.period, self.rng, self.lanes, self.memory = now, period, rng, lanes, memory
        self.replicas = replicas
        self._outbox = outbox

    def send_spikes(self, population, index, delay=0.0, replica=None) -> None:
        """Let cells of a ``SpikeSourceArray`` spike, in addition to its own spike times.

        Parameters
        ----------
        population : Population
            Of the present network; its cells need no spike times of their own.
        index : int or array of int
            Which cells.
        delay : float or array, broadcastable to ``index``
            ms from the end of this execution, when what the rule writes becomes visible.
        replica : int or array, broadcastable to ``index``, optional
            In which replicas of a batched rule; by default in all of them.

        Raises
        ------
        ValueError
            If the population is no such source, or a number is out of range.
        """
        if self._outbox is None:
            raise RuntimeError("spikes can be sent only while a rule is executed")
        self._outbox.put(population, index, delay, replica)


class Recording:
    """Takes what a rule records: ``recording["name"] = array``, stamped with the present time."""

    def __init__(self, store: Records, now: float) -> None:
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
        counts what the rule reads and writes, shared by the processors of the halves of chips that its synapses lie on;
        None is instantaneous. On the ``ideal`` profile "chip" is instantaneous, too.
        A rule that takes longer than its period misses periods: see ``missed``.

    Attributes
    ----------
    executed, missed : int
        Periods since the start of the experiment.
    """

    batched = False  # whether update() takes all replicas of a batch at once, as arrays with a leading axis

    def __init__(self, timer: Timer, runtime_model: RuntimeModel | str = "chip") -> None:
        if not isinstance(timer, Timer):
            raise TypeError(f"{type(self).__name__}: timer={timer!r} must be a Timer(start=..., period=..., "
                            "num_periods=...), in ms")
        self.timer = timer
        self.runtime_model: RuntimeModel = transfer_time if runtime_model == "chip" else runtime_model  # type: ignore
        self.instantaneous_when_ideal = runtime_model == "chip"
        self.executed = self.missed = 0
        self._recorded: list[Records] = [{}]  # of each replica; of all of them together if the rule is batched
        self._history: dict[int, list[Records]] = {}  # by number of the segment
        self._session: object = None

    def begin(self, session: object, segment: int, parts: int) -> None:
        """An experiment begins: what is recorded from now on is of another segment; another session forgets all."""
        if session is not self._session:
            self._session, self._history = session, {}
        self._recorded = self._history[segment] = [{} for _ in range(parts)]
        self.executed = self.missed = 0

    def forget(self) -> None:
        """Forget everything that was recorded; recording goes on from now."""
        for store in (store for stores in self._history.values() for store in stores):
            store.clear()

    @property
    def observables(self) -> tuple[str, ...]:
        """Names under which the rule has recorded something."""
        return tuple(dict.fromkeys(name for stores in self._history.values() for store in stores for name in store))

    def segments(self) -> list[int]:
        """Numbers of the segments in which it has recorded something."""
        return [number for number, stores in sorted(self._history.items()) if any(stores)]

    def update(self, ppu: Ppu, synapses, neurons, recording: Recording) -> None:
        """One execution.

        Parameters
        ----------
        ppu : Ppu
        synapses : list of SynapseView
            One for each projection with this rule, in the order of their creation.
        neurons : list of NeuronView
            One for each population that these projections end on, and then for those that ``attach_rule`` has named.
        recording : Recording
        """
        raise NotImplementedError(f"{type(self).__name__} has no update(self, ppu, synapses, neurons, recording)")

    def get_observable_array(self, name: str, replica: int | None = None, segment: int = -1
                             ) -> tuple[np.ndarray, np.ndarray]:
        """Times (k,) in ms and values (k, ...) of what the rule has recorded under a name.

        Values of several replicas, where the rule is not batched, are (k, replicas, ...); ``replica`` chooses one.
        ``segment`` counts the segments (between two resets) in which it has recorded something; -1 is the last one.

        Raises
        ------
        KeyError
            If nothing was recorded under it.
        ValueError
            If replicas have recorded at different times.
        """
        numbers = self.segments()
        if numbers and not -len(numbers) <= segment < len(numbers):
            raise KeyError(f"{type(self).__name__} has recorded in {len(numbers)} segments, there is no segment "
                           f"{segment}")
        recorded = self._history[numbers[segment]] if numbers else self._recorded
        stores = recorded if replica is None or self.batched else [recorded[replica]]
        parts = []
        for store in stores:
            if name not in store:
                known = ", ".join(map(repr, store)) or "nothing"
                raise KeyError(f"{type(self).__name__} has recorded {known}, not {name!r}")
            times, values = zip(*store[name], strict=True)
            parts.append((np.array(times), np.stack(values)))
        if any(not np.array_equal(times, parts[0][0]) for times, _ in parts):
            raise ValueError(f"{name!r} was recorded at different times in the replicas; choose one by replica=")
        times, values = parts[0][0], [v for _, v in parts]
        if self.batched and replica is not None:
            return times, values[0][:, replica]
        return times, values[0] if len(values) == 1 else np.stack(values, axis=1)
