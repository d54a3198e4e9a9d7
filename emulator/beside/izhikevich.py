"""Izhikevich's cells (2003, IEEE Trans. Neural Netw. 14:1569).

::

    dv/dt = 0.04 v^2 + 5 v + 140 - u + I           v in mV, t in ms, u and I in mV / ms
    du/dt = a (b v - u)                            v >= 30 mV: spike, v = c, u += d

There is no capacitance in this model, so a current needs a convention: PyNN's NEST, NEURON and Brian 2 backends all
take 1 pF, so that 1 nA is 1000 mV / ms, for i_offset and for injected currents. It is used here, for synapses with a
course in time too. Synapses of the standard cell are delta receptors whose weight is the jump in mV, unscaled.

u is advanced exactly by half a step, v by a whole step, u by half a step, as in ``adexp``.
"""

from __future__ import annotations

import numpy as np

from .config import CellGroup
from .leaky import Hold
from .step import relax
from .traces import Traces, plan_traces

CAPACITANCE = 1e-3  # nF
THRESHOLD = 30.0  # mV
_FARTHEST = 50.0  # growth by exp() of this in a step is a spike for certain


class IzhikevichMembrane:
    """Second-order step; ``x`` (rows, trials, n), membrane and recovery first, is changed in place."""

    def __init__(self, group: CellGroup, h: float, x: np.ndarray, first_trace: int, current: np.ndarray, hold: Hold
                 ) -> None:
        p = group.parameters
        self._h, self._gain = h, h / CAPACITANCE
        self._constant = (h * (140.0 + p["i_offset"] / CAPACITANCE))[None]
        self._keep = np.exp(-0.5 * h * p["a"])[None]
        self._pull = (-np.expm1(-0.5 * h * p["a"]) * p["b"])[None]
        self._v, self._u, self._current, self._hold = x[0], x[1], current, hold
        self._traces = Traces(x[first_trace:], plan_traces(group, h, linear=False))
        self._force, self._exponent, self._work = (np.empty_like(x[0]) for _ in range(3))

    def integrate(self) -> None:
        """One step."""
        v, force, exponent, work, h = self._v, self._force, self._exponent, self._work, self._h
        self._traces.collect()
        self._recover()
        np.multiply(self._current, self._gain, force)
        np.add(force, self._constant, force)
        np.multiply(self._u, h, work)
        np.subtract(force, work, force)
        if self._traces.drives:
            np.add(force, self._traces.drive, force)
        np.multiply(v, 0.04 * h, work)
        np.add(work, 5.0 * h, work)
        if self._traces.conducts:
            np.subtract(work, self._traces.rate, work)
        np.multiply(v, 0.04 * h, exponent)
        np.add(exponent, work, exponent)
        np.multiply(work, v, work)
        np.add(force, work, force)
        np.minimum(exponent, _FARTHEST, out=exponent)
        relax(v, force, exponent, work)
        np.minimum(v, THRESHOLD, out=v)
        self._hold()
        self._recover()
        self._traces.decay()

    def _recover(self) -> None:
        np.multiply(self._u, self._keep, self._u)
        np.multiply(self._v, self._pull, self._work)
        np.add(self._u, self._work, self._u)
