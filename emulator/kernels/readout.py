"""Samples of state variables, with the errors of the readout channels."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..config import VARIABLES, ChipConfig, Probe
from ..program import Program
from ..recording import Samples
from ..state import adaptation
from ..streams import Stream, generator

_BLOCK = 32  # samples whose noise is drawn together


class Sampler:
    """Takes the samples of one probe during a run: call ``take(step)`` at every multiple of the interval."""

    def __init__(self, probe: Probe, number: int, p: Program, x: np.ndarray, w: np.ndarray, start: int, stop: int
                 ) -> None:
        self.probe, self._program, self._key = probe, p, (number,)
        q = probe.interval_steps
        first = 0 if start == 0 < stop else (start // q + 1) * q  # a run of no steps takes no samples
        self.steps = np.arange(first, stop + 1, q)
        at, circuits = probe.circuits, np.arange(len(p.circuits))
        self._sources: list[np.ndarray] = [x[0], w] if probe.variable in ("v", "w") else []
        if probe.variable == "v":
            self._sources = [x[0]]
        elif not self._sources:
            self._sources = [x[1 + (probe.variable == "i_inh")]]
            # the other circuits of the same membrane and port
            many = int(p.circuits.ports.max(initial=0)) + 1
            group = p.circuits.master * many + p.circuits.ports
            self._lent = np.flatnonzero(np.isin(group, group[at]) & ~np.isin(circuits, at))
            self._to = np.array([np.flatnonzero(group[at] == group[j])[0] for j in self._lent], np.int64)
            at = np.concatenate([at, self._lent])
        self._neighbours = len(at) > 0 and bool(np.all(np.diff(at) == 1))
        if self._neighbours:  # a view that follows the state: nothing to pick
            self._sources = [source[:, at[0]:at[-1] + 1] for source in self._sources]
        self._buffers = [np.empty((len(self.steps), x.shape[1], len(at))) for _ in self._sources]
        self._next = 0
        self._index = at

    def take(self) -> None:
        """Store the next sample."""
        i = self._next
        for source, buffer in zip(self._sources, self._buffers, strict=True):
            buffer[i] = source if self._neighbours else source.take(self._index, 1)
        self._next = i + 1

    def samples(self) -> Samples:
        """All samples in hardware units, with the readout's errors."""
        p, at, variable = self._program, self.probe.circuits, self.probe.variable
        raw = [b.swapaxes(0, 1) for b in self._buffers]  # (trials, samples, cells)
        if variable == "v":
            values = p.origin[:, None, at] + p.unit[at] * raw[0]
        elif variable == "w":
            values = adaptation(p, raw[0], raw[1], at)
        else:
            side = int(variable == "i_inh")
            values = raw[0] / p.synaptic[side, self._index]
            for j, to in enumerate(self._to.tolist()):
                values[:, :, to] += values[:, :, len(at) + j]
            values = values[:, :, :len(at)]
        if variable in ("v", "w"):
            values = self._converted(values, offset=variable == "v")
        return Samples(variable, at, self.steps, values)

    def _converted(self, values: np.ndarray, offset: bool) -> np.ndarray:
        """Through the converter channel of each circuit: gain, offset, noise."""
        config = self._program.config
        values, sigma = through_channels(config, self.probe.circuits, values, offset), channel_noise(config)
        if sigma and values.size:
            q = self.probe.interval_steps
            number = self.steps // q
            for t in range(values.shape[0]):
                for block in range(int(number[0]) // _BLOCK, int(number[-1]) // _BLOCK + 1):
                    here = number // _BLOCK == block
                    z = _normals(config.noise.seed, self._program.first_trial + t, VARIABLES.index(self.probe.variable),
                                 q, block, values.shape[2])
                    values[t, here] += sigma * z[number[here] % _BLOCK]
        return values


def through_channels(config: ChipConfig, at: np.ndarray, values: np.ndarray, offset: bool = True) -> np.ndarray:
    """Values (..., n) through the converter channels of circuits ``at``: gain and, of potentials, offset."""
    if config.pattern is None:
        return values
    values = values * config.pattern.cadc_gain[at]
    return values + config.pattern.cadc_offset[at] if offset else values


def channel_noise(config: ChipConfig) -> float:
    """Standard deviation of a sample's noise, CADC LSB."""
    return float(np.hypot(config.noise.readout_noise, config.noise.cadc_noise))


@lru_cache(maxsize=32)
def _normals(seed: int, trial: int, variable: int, interval: int, block: int, cells: int) -> np.ndarray:
    rng = generator(seed, Stream.READOUT, trial, variable, interval, block)
    return rng.standard_normal((_BLOCK, cells))
