"""Stochastic spikes of GIF cells: a rate that grows exponentially with the distance to a moving threshold.

::

    rate = lambda0 exp((v - v_t) / delta_v)      v_t = v_t_star + sum of gamma

The components of gamma grow by a_gamma at a spike and decay with tau_gamma. A cell that is not refractory fires in a
step with probability ``1 - exp(-rate h)``, all taken at the end of the step (Mensi et al. 2012, J. Neurophysiol.
107:1756; Pozzorini et al. 2015, PLoS Comput. Biol. 11:e1004275). Membrane, refractory time and reset are those of
other cells; gamma and the spike-triggered current go on in the refractory time.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from ..streams import BLOCK_STEPS, Stream, generator
from .config import CellGroup
from .trigger import Refractory

_LIMIT = 100.0  # of the exponent: such a rate is a spike at once
_ROWS = 16  # steps that are drawn at a time, a divisor of BLOCK_STEPS


class Uniforms:
    """Uniform numbers (trials, n) by absolute step, from one stream for each trial and block of steps.

    A stream is read row by row, or entered at the row of a step, so that no block need be held in memory.
    """

    def __init__(self, seed: int, key: int, first_trial: int, trials: int, n: int) -> None:
        self._key, self._shape = (seed, key, first_trial), (trials, n)
        self._table = np.empty((_ROWS, trials, n))
        self._streams: list[np.random.Generator] = []
        self._next = -1  # step of the first row that the streams give next
        self._first = 0  # step of the first row of the table

    def at(self, k: int) -> np.ndarray:
        """The numbers of step k."""
        if not self._streams or not self._first <= k < self._first + _ROWS:
            self._draw(k - k % _ROWS)
        return self._table[k - self._first]

    def _draw(self, first: int) -> None:
        seed, key, first_trial = self._key
        trials, n = self._shape
        block, row = divmod(first, BLOCK_STEPS)
        if first != self._next or row == 0:
            self._streams = [generator(seed, Stream.ESCAPE, first_trial + t, key, block) for t in range(trials)]
            if row:
                for stream in self._streams:
                    cast(np.random.PCG64, stream.bit_generator).advance(row * n)  # a double takes one step of it
        for t, stream in enumerate(self._streams):
            self._table[:, t] = stream.random((_ROWS, n))
        self._first, self._next = first, first + _ROWS


class Escape:
    """Spikes of GIF cells; ``v`` (trials, n) and ``gamma`` (components, trials, n) are looked at in every step."""

    def __init__(self, group: CellGroup, h: float, v: np.ndarray, gamma: np.ndarray, refractory: Refractory,
                 uniforms: Uniforms) -> None:
        p = group.parameters
        self._v, self._gamma, self._refractory, self._uniforms = v, gamma, refractory, uniforms
        self._threshold, self._sharpness = p["v_t_star"][None], (1.0 / p["delta_v"])[None]
        self._scale = (-1e-3 * h * p["lambda0"])[None]  # Hz is 1e-3 / ms
        self._work, self._spikes = np.empty_like(v), np.empty(v.shape, bool)
        self._flat = self._spikes.reshape(-1)
        self.hold, self.kick = refractory.hold, refractory.kick

    def fire(self, k: int) -> np.ndarray:
        """Flat indices of the cells that fire at step k."""
        work = self._work
        np.subtract(self._v, self._threshold, work)
        for row in self._gamma:
            np.subtract(work, row, work)
        np.multiply(work, self._sharpness, work)
        np.minimum(work, _LIMIT, out=work)
        np.exp(work, work)
        np.multiply(work, self._scale, work)
        np.expm1(work, work)  # minus the probability
        np.negative(work, work)
        np.less(self._uniforms.at(k), work, self._spikes)
        if self._refractory.held.size:
            self._flat[self._refractory.held] = False
            self._refractory.end(k)
        spiked = self._flat.nonzero()[0]
        if spiked.size:
            self._refractory.begin(k, spiked)
        return spiked
