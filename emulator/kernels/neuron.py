"""One integration step of all neuron circuits of one kind.

The equations, v in CADC LSB, time in us, ``h`` the step, w the adaptation in LSB, per circuit::

    tau_m dv/dt = (v_leak - v) + delta_t exp((v - v_exp) / delta_t) - w + tau_m (i_offset + i_exc - i_inh)
    tau_w dw/dt = a (v - v_leak) - w                                    w += b at a spike
    tau_s di/dt = -i                                                    i += gain * weight at an event

where a conductance-based input contributes ``g (e_rev - v)`` instead of ``i``, ``g = i / abs(e_rev - e_ref)``.

Working units. Each kernel works in ``x = (v - origin) / scale``, with the synaptic state stored so that it enters
without another product, in an array of shape (3, trials, circuits): membrane, excitatory, inhibitory.

* Current-based, linear (``linear_step``): exact. With ``P_vv = exp(-h / tau_m)``, ``P_ss = exp(-h / tau_s)`` and
  ``P_vs = h P_vv phi(h / tau_m - h / tau_s)``, ``phi(z) = (exp(z) - 1) / z``, which holds for tau_m = tau_s too
  (Rotter & Diesmann 1999, Biol. Cybern. 81:381), the stored current is ``i P_vs / P_ss``; its product with
  ``P_ss`` is what the membrane gains in the step. The origin is the resting potential with the offset current.
* Conductance-based without further terms (``conductance_step``): the conductances are replaced by their mean over
  the step, which leaves a linear equation that is solved exactly; second order. Origin e_rev_inh, unit
  e_rev_exc - e_rev_inh, stored conductances are ``-h`` times the mean.
* With exponential term or adaptation (``adaptive_step``): exponential Rosenbrock-Euler (Hochbruck, Ostermann &
  Schweitzer 2009, SIAM J. Numer. Anal. 47:786) on the same step means; the adaptation is staggered by half a
  step (leapfrog), so that each of the two is constant at the middle of the other's step; second order.

Positional ``out`` arguments: they halve the cost of a call at this size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

Step = Callable[[], object]


def phi(z: np.ndarray) -> np.ndarray:
    """(exp(z) - 1) / z, 1 at z = 0."""
    z = np.asarray(z, float)
    safe = np.where(z == 0, 1.0, z)
    return np.where(z == 0, 1.0, np.expm1(safe) / safe)


def current_propagator(h: float, tau_m: np.ndarray, tau_s: np.ndarray) -> np.ndarray:
    """``P_vs``: what a synaptic current of 1 LSB/us at the start of a step adds to the membrane by its end, LSB."""
    return h * np.exp(-h / tau_m) * phi(h / tau_m - h / tau_s)


def step_mean(h: float, tau_s: np.ndarray) -> np.ndarray:
    """Mean over a step of a trace that decays from 1."""
    return phi(-h / tau_s)


_FEW_LENDERS = 2  # of a membrane, up to which one after the other is faster than all at once


class Lenders(NamedTuple):
    """Circuits that lend their inputs to membranes; index arrays or slices of one length.

    ``mix`` (2, 2, k), or None where reversal potentials are the membrane's own: a conductance of another reversal
    potential is two conductances of the membrane's reversal potentials with the same sum and the same mean, the
    share ``mix[0, s]`` of input s being excitatory and ``mix[1, s]`` inhibitory.
    """

    membrane: np.ndarray | slice
    lender: np.ndarray | slice
    mix: np.ndarray | None = None


def linear_step(x: np.ndarray, decay: np.ndarray, drift: np.ndarray | None,
                joined: tuple[Lenders, ...], whole: np.ndarray) -> Step:
    """Exact step of current-based circuits.

    ``x`` (3, trials, n), or (2, trials, n) without an inhibitory input, and ``decay`` of the same
    shape; ``drift`` (trials, n) is added to the membrane (noise);
    ``joined`` name membranes and, as indices in ``whole``, the circuits that lend their inputs; ``whole`` is the
    state of all circuits, which have decayed before.
    """
    v, exc, inh = x[0], x[1], x[-1]
    multiply, add = np.multiply, np.add

    def one_input() -> None:
        multiply(x, decay, x)
        add(v, exc, v)

    def two_inputs() -> None:
        multiply(x, decay, x)
        add(v, exc, v)
        add(v, inh, v)

    plain = two_inputs if len(x) == 3 else one_input
    if drift is None and not joined:
        return plain

    lend = _lending(v, joined, whole)

    def full() -> None:
        plain()
        lend()
        if drift is not None:
            add(v, drift, v)

    return full


def _lending(v: np.ndarray, joined: tuple[Lenders, ...], whole: np.ndarray) -> Step:
    """Adds the inputs of lending circuits to their membranes."""
    if len(joined) <= _FEW_LENDERS:
        def one_by_one() -> None:
            for membrane, lender, _ in joined:
                v[:, membrane] += whole[1][:, lender] + whole[2][:, lender]

        return one_by_one
    order = np.arange(max(v.shape[1], whole.shape[2]))
    pairs = np.concatenate([np.stack([order[m], order[lend]]) for m, lend, _ in joined], axis=1)
    pairs = pairs[:, np.argsort(pairs[0], kind="stable")]
    membranes, first = np.unique(pairs[0], return_index=True)
    lenders, exc, inh = pairs[1], whole[1], whole[2]
    lent, other = (np.empty((len(v), len(lenders))) for _ in range(2))
    mine = v[:, membranes[0]:membranes[0] + 1] if len(membranes) == 1 else None

    def together() -> None:
        exc.take(lenders, 1, lent, "clip")
        inh.take(lenders, 1, other, "clip")
        np.add(lent, other, lent)
        total = np.add.reduceat(lent, first, axis=1)
        if mine is None:
            v[:, membranes] += total
        else:
            np.add(mine, total, mine)

    return together


def _full(constant, shape: tuple[int, ...]):
    """A constant in the shape of the state: at this size an operand that must be broadcast costs twice as much.

    Arrays that have the shape already are taken as they are, so that they can be changed from outside.
    """
    if not isinstance(constant, np.ndarray) or constant.shape == shape:
        return constant
    return np.ascontiguousarray(np.broadcast_to(constant, shape))


class _Collector(NamedTuple):
    """Synaptic inputs of a membrane: its own circuit's, plus those of joined circuits where there are any."""

    exc: np.ndarray
    inh: np.ndarray
    collect: Step | None


def _collector(x: np.ndarray, joined, whole: np.ndarray) -> _Collector:
    if not joined:
        return _Collector(x[1], x[-1], None)
    total = np.empty_like(x[1:3])

    def collect() -> None:
        np.copyto(total, x[1:3])
        for membrane, lender, mix in joined:
            lent = whole[1:3][:, :, lender]
            total[:, :, membrane] += lent if mix is None else mix[:, 0, None] * lent[0] + mix[:, 1, None] * lent[1]

    return _Collector(total[0], total[1], collect)


def conductance_step(x: np.ndarray, decay: np.ndarray, leak: np.ndarray, constant: np.ndarray,
                     e_exc: np.ndarray | None, joined, whole: np.ndarray) -> Step:
    """Second-order step of conductance-based leaky circuits.

    ``x`` is (3, trials, n), or (2, trials, n) without an inhibitory input and joined circuits; ``leak`` is
    ``-h / tau_m`` (n,), ``constant`` (trials, n) minus the drive of leak and offset current, ``e_exc`` None where the
    excitatory reversal potential is 1 for all, else (n,); ``decay`` is of the shape of ``x[1:]``.
    """
    v, synapses, both = x[0], x[1:], len(x) == 3
    exc, inh, collect = _collector(x, joined, whole)
    rate, rest = np.empty_like(v), np.empty_like(v)
    leak, e_exc = _full(leak, v.shape), _full(e_exc, v.shape)
    add, multiply, subtract, divide, exp = np.add, np.multiply, np.subtract, np.divide, np.exp

    def step() -> None:
        if collect is not None:
            collect()
        if both:
            add(exc, inh, rate)
            add(rate, leak, rate)
        else:
            add(exc, leak, rate)
        if e_exc is None:
            add(exc, constant, rest)
        else:
            multiply(exc, e_exc, rest)
            add(rest, constant, rest)
        divide(rest, rate, rest)
        subtract(v, rest, v)
        exp(rate, rate)
        multiply(v, rate, v)
        add(v, rest, v)
        multiply(synapses, decay, synapses)

    return step


class Adaptive(NamedTuple):
    """Constants of ``adaptive_step``, each (n,) or (trials, n); None where a term is off for the whole kind.

    ``constant`` is minus the constant drive of a step; ``slope`` 1 / delta_t and ``shift`` such that
    ``exp(slope x + shift)`` is the exponential term's contribution to a step; ``keep`` and ``coupling`` the
    recursion of the adaptation; ``limit`` an upper bound of the exponent where it could overflow.
    """

    leak: np.ndarray
    constant: np.ndarray
    e_exc: np.ndarray | None
    slope: np.ndarray | None
    shift: np.ndarray | None
    limit: float | None
    keep: np.ndarray | None
    coupling: np.ndarray | None


def adaptive_step(x: np.ndarray, w: np.ndarray, decay: np.ndarray, k: Adaptive, conductance: bool, joined,
                  whole: np.ndarray) -> Step:
    """Second-order step of circuits with exponential term or adaptation; ``w`` (trials, n) at half steps.

    For current-based inputs the stored currents are the step means times ``h``, inhibitory ones negative.
    """
    v, synapses = x[0], x[1:3]
    exc, inh, collect = _collector(x, joined, whole)
    rate, force, rise, growth = (np.empty_like(v) for _ in range(4))
    add, multiply, subtract, divide, exp, expm1 = np.add, np.multiply, np.subtract, np.divide, np.exp, np.expm1
    leak, constant, e_exc, slope, shift, _, keep, coupling = (_full(a, v.shape) for a in k)
    limit = k.limit
    if not conductance:
        rate[...] = leak

    def step() -> None:
        if collect is not None:
            collect()
        if keep is not None:
            multiply(w, keep, w)
            multiply(v, coupling, rise)
            add(w, rise, w)
        if conductance:
            add(exc, inh, rate)
            add(rate, leak, rate)
            multiply(rate, v, force)
            if e_exc is None:
                subtract(force, exc, force)
            else:
                multiply(exc, e_exc, rise)
                subtract(force, rise, force)
        else:
            multiply(rate, v, force)
            add(force, exc, force)
            add(force, inh, force)
        subtract(force, constant, force)
        if keep is not None:
            subtract(force, w, force)
        if slope is None:
            expm1(rate, growth)
            divide(growth, rate, growth)
        else:
            multiply(v, slope, rise)
            add(rise, shift, rise)
            if limit is not None:
                np.minimum(rise, limit, out=rise)
            exp(rise, rise)
            add(force, rise, force)
            multiply(rise, slope, rise)
            add(rise, rate, rise)
            expm1(rise, growth)
            try:
                divide(growth, rise, growth)
            except FloatingPointError:  # 0 / 0: the limit of (exp(z) - 1) / z is 1
                growth[rise == 0] = 1.0
        multiply(force, growth, force)
        add(v, force, v)
        multiply(synapses, decay, synapses)

    return step
