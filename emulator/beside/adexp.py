"""Adaptive exponential integrate-and-fire cells (Brette & Gerstner 2005, J. Neurophysiol. 94:3637).

::

    cm dv/dt    = g_l (v_rest - v) + g_l delta_T exp((v - v_thresh) / delta_T) - w + i_offset + current + synapses
    tau_w dw/dt = a (v - v_rest) - w                     g_l = cm / tau_m, a in nS, w in nA

A cell fires at v_spike; then w grows by b (nA). With delta_T = 0 there is no exponential term, and the cell fires at
the lower one of v_thresh and v_spike.

w is advanced exactly by half a step, with v as it is; then v by a whole step, with w and the mean of the synapses;
then w again by half a step: second order (Strang 1968, SIAM J. Numer. Anal. 5:506). With the exponential term, the
membrane never stands above v_spike, so that w doesn't see how far it has shot over.
"""

from __future__ import annotations

import numpy as np

from .config import CellGroup
from .layout import NANO
from .leaky import ConductingMembrane, Hold
from .step import relax

_LIMIT = 100.0  # of the exponent
_FARTHEST = 50.0  # growth by exp() of this in a step is a spike for certain


def threshold(group: CellGroup) -> np.ndarray:
    """Potential (n,) at which the cells fire, mV."""
    p = group.parameters
    return np.where(p["delta_T"] > 0, p["v_spike"], np.minimum(p["v_thresh"], p["v_spike"]))


class AdExpMembrane(ConductingMembrane):
    """Second-order step; ``x`` (rows, trials, n), membrane and adaptation first, is changed in place."""

    def __init__(self, group: CellGroup, h: float, x: np.ndarray, first_trace: int, current: np.ndarray, hold: Hold
                 ) -> None:
        super().__init__(group, h, x, first_trace, current, hold)
        p = group.parameters
        sharp = p["delta_T"] > 0
        self._exponential = bool(sharp.any())
        self._slope = np.divide(1.0, p["delta_T"], out=np.zeros(group.size), where=sharp)[None]
        self._shift = -p["v_thresh"] * self._slope
        self._amplitude, self._steepness = self._leak * p["delta_T"], self._leak * sharp
        rise = -np.expm1(-0.5 * h / p["tau_w"])
        self._keep, self._pull = np.exp(-0.5 * h / p["tau_w"])[None], (NANO * p["a"] * rise)[None]
        self._pull_back = self._pull * p["v_rest"]
        self._ceiling = np.where(sharp, p["v_spike"], np.inf)[None]
        self._w, self._growth = x[1], np.empty_like(x[0])

    def integrate(self) -> None:
        """One step."""
        self._traces.collect()
        self._adapt()
        np.subtract(self._current, self._w, self._growth)
        self._linear_part(self._growth)
        if self._exponential:
            self._add_exponential()
        relax(self._v, self._force, self._exponent, self._work)
        np.minimum(self._v, self._ceiling, out=self._v)
        self._hold()
        self._adapt()
        self._traces.decay()

    def _adapt(self) -> None:
        w, work = self._w, self._work
        np.multiply(w, self._keep, w)
        np.multiply(self._v, self._pull, work)
        np.subtract(work, self._pull_back, work)
        np.add(w, work, w)

    def _add_exponential(self) -> None:
        growth, exponent, work = self._growth, self._exponent, self._work
        np.multiply(self._v, self._slope, growth)
        np.add(growth, self._shift, growth)
        np.minimum(growth, _LIMIT, out=growth)
        np.exp(growth, growth)
        np.multiply(growth, self._amplitude, work)
        np.add(self._force, work, self._force)
        np.multiply(growth, self._steepness, work)
        np.add(exponent, work, exponent)
        if exponent.max(initial=0.0) > 1.0:
            self._tame()

    def _tame(self) -> None:
        """Cells that run away within this step, where the tangent of the exponential term says little.

        Upwards they fire in any case; downwards, which takes a strong inhibition, the term is left out of the
        tangent, so that they can't be thrown to potentials that no current asks for.
        """
        exponent = self._exponent
        np.minimum(exponent, _FARTHEST, out=exponent)
        down = (exponent > 1.0) & (self._force < 0.0)
        exponent[down] = -(self._traces.rate + self._leak)[down]
