"""Leaky membranes: LIF, with conductances of adaptation and relative refractoriness (GsfaGrr), and GIF.

::

    cm dv/dt = cm (v_rest - v) / tau_m + i_offset + current + sum of i + sum of g (e_rev - v)

where the sums run over receptors and the model's own traces: ``g_s`` and ``g_r`` grow by q_sfa and q_rr at a spike
and decay with tau_sfa and tau_rr (Muller et al. 2007, Neural Comput. 19:2958); ``i_eta``, which counts as ``-i``, is
a sum of components that grow by a_eta and decay with tau_eta (Mensi et al. 2012, J. Neurophysiol. 107:1756).

Without conductances the membrane is linear and the step is exact (Rotter & Diesmann 1999, Biol. Cybern. 81:381). Else
conductances and currents are replaced by their exact mean over the step, and the linear equation with these constant
coefficients is solved exactly: second order, and stable for any conductance.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .config import CellGroup
from .step import relax
from .traces import Traces, plan_traces

Hold = Callable[[], None]


class LinearMembrane:
    """Exact step of membranes with currents only; ``x`` (rows, trials, n) is changed in place."""

    def __init__(self, group: CellGroup, h: float, x: np.ndarray, first_trace: int, current: np.ndarray, hold: Hold
                 ) -> None:
        p = group.parameters
        resistance = p["tau_m"] / p["cm"]
        self._keep, rise = np.exp(-h / p["tau_m"])[None], -np.expm1(-h / p["tau_m"])
        self._constant = (rise * (p["v_rest"] + resistance * p["i_offset"]))[None]
        self._gain = (rise * resistance)[None]
        self._v, self._current, self._hold = x[0], current, hold
        self._traces = Traces(x[first_trace:], plan_traces(group, h, linear=True))
        self._work = np.empty_like(x[0])

    def integrate(self) -> None:
        """One step."""
        v, work = self._v, self._work
        self._traces.collect()
        np.multiply(self._current, self._gain, work)
        np.add(work, self._constant, work)
        np.multiply(v, self._keep, v)
        np.add(v, work, v)
        if self._traces.drives:
            np.add(v, self._traces.drive, v)
        self._hold()
        self._traces.decay()


class ConductingMembrane:
    """Second-order step of leaky membranes with conductances; ``x`` (rows, trials, n) is changed in place."""

    def __init__(self, group: CellGroup, h: float, x: np.ndarray, first_trace: int, current: np.ndarray, hold: Hold
                 ) -> None:
        p = group.parameters
        self._leak = (h / p["tau_m"])[None]
        self._constant = (h * (p["v_rest"] / p["tau_m"] + p["i_offset"] / p["cm"]))[None]
        self._gain = (h / p["cm"])[None]
        self._v, self._current, self._hold = x[0], current, hold
        self._traces = Traces(x[first_trace:], plan_traces(group, h, linear=False))
        self._force, self._exponent, self._work = (np.empty_like(x[0]) for _ in range(3))

    def integrate(self) -> None:
        """One step."""
        self._traces.collect()
        self._linear_part(self._current)
        relax(self._v, self._force, self._exponent, self._work)
        self._hold()
        self._traces.decay()

    def _linear_part(self, current: np.ndarray) -> None:
        """Set ``force``, h dv/dt, and ``exponent``, its derivative by v, for leak, synapses and a current (nA)."""
        force, exponent = self._force, self._exponent
        np.multiply(current, self._gain, force)
        np.add(force, self._constant, force)
        if self._traces.drives:
            np.add(force, self._traces.drive, force)
        np.add(self._traces.rate, self._leak, exponent)
        np.negative(exponent, exponent)
        np.multiply(exponent, self._v, self._work)
        np.add(force, self._work, force)
