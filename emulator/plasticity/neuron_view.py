"""What a rule sees of the neurons, and changes: spike counters, membranes, resets. All of it acts at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from .. import limits
from ..kernels.counters import read
from ..kernels.readout import channel_noise, through_channels
from ..program import Program
from ..state import ChipState
from .cost import CostMeter, Operation
from .views import SynapseView


class Bench:
    """Counters and membranes of all circuits while rules work on them; ``state()`` is what has become of them."""

    def __init__(self, program: Program, state: ChipState) -> None:
        self.program, self._state = program, state
        self.counters, self.x = state.counters.copy(), state.x
        self.touched = False

    def reset(self, trial: slice, circuit: np.ndarray) -> None:
        """Membranes of some circuits to their reset potentials."""
        if not self.touched:
            self.x, self.touched = self.x.copy(), True
        target = np.broadcast_to(self.program.reset, self.x[0].shape)
        self.x[0][trial, circuit] = target[trial, circuit]

    def state(self) -> ChipState:
        """The chips' state with the counters and membranes as they are now."""
        return self._state.replace(counters=self.counters, x=self.x)


class Converter(NamedTuple):
    """Codes of potentials: ``code = gain * v_lsb + shift``, and ``v_mV = mv_per_code * code + mv_at_0``."""

    gain: float
    shift: float
    mv_per_code: float
    mv_at_0: float


class NeuronView:
    """The neurons of one population, in its order; arrays are (size,), for a batched rule (replicas, size).

    Attributes
    ----------
    label : str
        Of the population.
    size : int
    """

    def __init__(self, label: str, circuit: np.ndarray, bench: Bench, meter: CostMeter,
                 rng: Callable[[], Sequence[np.random.Generator]], converter: Converter,
                 only: int | None = None) -> None:
        self.label, self.size, self._circuit, self._bench, self._meter = label, len(circuit), circuit, bench, meter
        self._rng, self._converter, self._only = rng, converter, only
        self._trial = slice(None) if only is None else slice(only, only + 1)

    def receives(self, view: SynapseView) -> bool:
        """Whether the synapses of a view end on these neurons."""
        return view.post == self.label

    def get_rate_counters(self, reset: bool = False) -> np.ndarray:
        """Spikes since the last reset, int16, at most 255."""
        return self._counted(reset)[0]

    def get_rate_counter_overflows(self) -> np.ndarray:
        """Whether a counter has seen more than 255 spikes since the last reset, bool."""
        return self._counted(False)[1]

    def _counted(self, reset: bool) -> tuple[np.ndarray, np.ndarray]:
        self._meter.charge(Operation.COUNTER_READ, self.size)
        spikes, overflow = read(self._bench.counters[self._trial][:, self._circuit])
        if reset:
            self._bench.counters[self._trial, self._circuit] = 0
        return self._own(spikes), self._own(overflow)

    def get_analog_readouts(self) -> np.ndarray:
        """Membrane potentials through the column converters: codes 0..255, int16; ``to_mv`` says what they stand for.

        Converters read membranes or correlation sensors: going from one to the other takes time.
        """
        self._meter.read_membranes()
        p, at = self._bench.program, self._circuit
        volts = p.origin[self._trial][:, at] + p.unit[at] * self._bench.x[0][self._trial][:, at]
        volts = self._converter.gain * through_channels(p.config, at, volts) + self._converter.shift
        sigma = channel_noise(p.config)
        if sigma:
            volts = volts + sigma * np.stack([r.standard_normal(self.size) for r in self._rng()])
        return self._own(np.clip(np.floor(volts + 0.5), 0, limits.CADC_MAX).astype(np.int16))

    def to_mv(self, codes) -> np.ndarray:
        """Potentials in mV of codes of the converters."""
        return self._converter.mv_per_code * np.asarray(codes) + self._converter.mv_at_0

    def reset_neurons(self, mask=None) -> None:
        """Bring membranes to their reset potentials: all, or where ``mask`` (size,) or (replicas, size) is True."""
        self._meter.charge(Operation.NEURON_RESET, -(-self.size // limits.PROCESSOR_LANES))
        mask = np.broadcast_to(True if mask is None else np.asarray(mask, bool),
                               (len(self._bench.counters[self._trial]), self.size))
        for t, chosen in enumerate(mask):
            first = t if self._only is None else self._only
            self._bench.reset(slice(first, first + 1), self._circuit[chosen])

    def _own(self, values: np.ndarray) -> np.ndarray:
        return values if self._only is None else values[0]
