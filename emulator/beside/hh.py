"""Hodgkin-Huxley cells of Traub & Miles (1991, Neuronal Networks of the Hippocampus, Cambridge University Press).

::

    cm dv/dt = g_leak (e_rev_leak - v) + gbar_Na m^3 h (e_rev_Na - v) + gbar_K n^4 (e_rev_K - v)
               + i_offset + current + synapses
    dx/dt    = alpha_x (1 - x) - beta_x x          x = m, h, n; rates in 1 / ms, u = v - v_offset in mV

    alpha_m = 0.32 (13 - u) / (exp((13 - u) / 4) - 1)      beta_m = 0.28 (u - 40) / (exp((u - 40) / 5) - 1)
    alpha_h = 0.128 exp((17 - u) / 18)                     beta_h = 4 / (1 + exp((40 - u) / 5))
    alpha_n = 0.032 (15 - u) / (exp((15 - u) / 5) - 1)     beta_n = 0.5 exp((10 - u) / 40)

A spike is an upward crossing of -20 mV; there is no reset and no refractory time. Gates are advanced exactly by half
a sub-step with v as it is, then v exactly by a whole one with the gates and mean synapses, then the gates by half a
sub-step: second order (Strang 1968, SIAM J. Numer. Anal. 5:506). Half sub-steps that follow each other are one.
"""

from __future__ import annotations

import numpy as np

from .config import CellGroup
from .step import relax
from .traces import Traces, plan_traces
from .trigger import Crossing

LEVEL = -20.0  # mV
LONGEST = 0.0125  # ms, longest sub-step
_TINY = 1e-300
_RANGE = 300.0  # mV from v_offset, beyond which rates stay as they are: keeps exp() finite


class Gates:
    """Rates of m, n, h: after ``at(v)``, ``steady`` and ``rate`` (3, trials, n).

    The six rates are functions of ``slope u + intercept``, in an order in which like ones are neighbours: beta_m,
    alpha_m, alpha_n, of the form ``factor z / (exp(z) - 1)``; alpha_h, beta_n, of the form ``exp(z)``; beta_h.
    """

    _slope = np.array([1 / 5, -1 / 4, -1 / 5, -1 / 18, -1 / 40, -1 / 5])[:, None, None]
    _intercept = np.array([-40 / 5, 13 / 4, 15 / 5, 17 / 18 + np.log(0.128), 10 / 40 + np.log(0.5), 40 / 5])[
        :, None, None]
    _factor = np.array([0.28 * 5, 0.32 * 4, 0.032 * 5])[:, None, None]

    def __init__(self, shape: tuple[int, ...], v_offset: np.ndarray) -> None:
        like = np.zeros((6, *shape))
        self._low, self._high = (np.zeros(shape) + v_offset + side for side in (-_RANGE, _RANGE))
        # spread out: an operand that is broadcast costs twice as much as one of full size
        self._slopes, self._intercepts = like + self._slope, like + self._intercept - self._slope * v_offset
        self._factors = like[:3] + self._factor
        self._u, self._z = np.empty(shape), like
        self.steady, self.rate = np.empty((3, *shape)), np.empty((3, *shape))

    def at(self, v: np.ndarray) -> None:
        """Take the rates at membranes v (trials, n), mV."""
        u, z, work = self._u, self._z, self.rate
        np.maximum(v, self._low, out=u)
        np.minimum(u, self._high, out=u)
        np.multiply(u, self._slopes, z)
        np.add(z, self._intercepts, z)
        linear, exponential, beta_h = z[:3], z[3:], z[5]
        np.add(linear, _TINY, linear)  # 0 / 0 at the singular points
        np.expm1(linear, work)
        np.divide(linear, work, linear)
        np.multiply(linear, self._factors, linear)
        np.exp(exponential, exponential)
        np.add(beta_h, 1.0, beta_h)
        np.divide(4.0, beta_h, beta_h)
        np.add(z[0], z[1], self.rate[0])
        np.add(z[2:4], z[4:6], self.rate[1:])
        np.divide(z[1:4], self.rate, self.steady)


def steady_gates(v: np.ndarray, v_offset: np.ndarray) -> np.ndarray:
    """Steady state of m, n, h (3, trials, n) at membranes v (trials, n)."""
    gates = Gates(v.shape, v_offset)
    gates.at(v)
    return gates.steady


class HHMembrane:
    """Second-order sub-steps; ``x`` (rows, trials, n), membrane and gates m, n, h first, is changed in place."""

    def __init__(self, group: CellGroup, h: float, x: np.ndarray, first_trace: int, current: np.ndarray,
                 crossing: Crossing) -> None:
        p = group.parameters
        self._sub_steps = max(1, int(np.ceil(h / LONGEST - 1e-9)))
        s = self._s = h / self._sub_steps
        self._gain = (s / p["cm"])[None]
        self._constant = self._gain * (p["g_leak"] * p["e_rev_leak"] + p["i_offset"])
        self._leak = self._gain * p["g_leak"]
        self._sodium, self._potassium = self._gain * p["gbar_Na"], self._gain * p["gbar_K"]
        self._e_sodium, self._e_potassium = p["e_rev_Na"][None], p["e_rev_K"][None]
        self._v, self._gates, self._current, self._crossing = x[0], x[1:4], current, crossing
        self._traces = Traces(x[first_trace:], plan_traces(group, s, linear=False))
        self._kinetics = Gates(x[0].shape, p["v_offset"])
        self._given, self._force, self._exponent, self._work = (np.empty_like(x[0]) for _ in range(4))

    def integrate(self) -> None:
        """One step, by sub-steps."""
        np.multiply(self._current, self._gain, self._given)
        np.add(self._given, self._constant, self._given)
        self._advance_gates(0.5 * self._s)
        for left in range(self._sub_steps, 0, -1):
            self._traces.collect()
            self._advance_membrane()
            self._traces.decay()
            self._crossing.observe()
            self._advance_gates(self._s if left > 1 else 0.5 * self._s)

    def _advance_gates(self, t: float) -> None:
        kinetics, x = self._kinetics, self._gates
        kinetics.at(self._v)
        np.multiply(kinetics.rate, -t, kinetics.rate)
        np.exp(kinetics.rate, kinetics.rate)
        np.subtract(x, kinetics.steady, x)
        np.multiply(x, kinetics.rate, x)
        np.add(x, kinetics.steady, x)

    def _advance_membrane(self) -> None:
        (m, n, h), force, exponent, work = self._gates, self._force, self._exponent, self._work
        np.add(self._given, self._traces.drive, force)
        np.add(self._traces.rate, self._leak, exponent)
        np.multiply(m, m, work)
        np.multiply(work, m, work)
        np.multiply(work, h, work)
        np.multiply(work, self._sodium, work)
        np.add(exponent, work, exponent)
        np.multiply(work, self._e_sodium, work)
        np.add(force, work, force)
        np.multiply(n, n, work)
        np.multiply(work, work, work)
        np.multiply(work, self._potassium, work)
        np.add(exponent, work, exponent)
        np.multiply(work, self._e_potassium, work)
        np.add(force, work, force)
        np.negative(exponent, exponent)
        np.multiply(exponent, self._v, work)
        np.add(force, work, force)
        relax(self._v, force, exponent, work)
