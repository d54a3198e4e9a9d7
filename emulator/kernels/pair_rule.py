"""How a weight changes at an effective spike, by timing and weight dependence.

With x and y the presynaptic and the postsynaptic trace right before the spike:

============================================  ====================================  ==================================
timing, dependence                            presynaptic spike: w <- w - ...       postsynaptic spike: w <- w + ...
============================================  ====================================  ==================================
SpikePairRule, Additive                       A_minus w_max y                       A_plus w_max x
SpikePairRule, Multiplicative                 A_minus (w - w_min) y                 A_plus (w_max - w) x
SpikePairRule, AdditivePotentiation...        A_minus (w - w_min) y                 A_plus w_max x
SpikePairRule, Gutig                          A_minus r ((w - w_min) / r)^mu y      A_plus r ((w_max - w) / r)^mu x
Vogels2011Rule, Additive (tau for both)       eta (2 rho tau - y)                   eta x
============================================  ====================================  ==================================

where r = w_max - w_min, mu is mu_minus and mu_plus, and the result is limited to w_min..w_max.

Sources: Song, Miller and Abbott (2000); van Rossum, Bi and Turrigiano (2000); Guetig, Aharonov, Rotter and Sompolinsky
(2003), whose weights are in units of their range; Vogels, Sprekeler, Zenke, Clopath and Gerstner (2011). That an
additive amplitude is in units of w_max is what the simulators behind PyNN agree on.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..pairs import ADDITIVE, GUTIG, MULTIPLICATIVE, VOGELS, PairSynapses

Selection = slice | np.ndarray
Spread = Callable[[np.ndarray], np.ndarray]


class Change:
    """One half of a rule: ``w += amplitude trace distance - shift``, limited.

    Parameters
    ----------
    spread : callable
        Brings values (M,) by synapse into the kernel's order of places.
    low, high : float, (M,)
        Limits of the weight.
    amplitude : float, (M,)
    upper : bool, optional
        Which limit the distance is to: True w_max, False w_min, None is no distance.
    exponent : float, (M,), optional
        The distance is in units of the range, to this power, and the amplitude in units of the range.
    shift : float, (M,), optional
    """

    def __init__(self, spread: Spread, low: np.ndarray, high: np.ndarray, amplitude: np.ndarray,
                 upper: bool | None = None, exponent: np.ndarray | None = None,
                 shift: np.ndarray | None = None) -> None:
        if exponent is not None:
            width = high - low
            amplitude = np.where(width > 0, amplitude * np.where(width > 0, width, 1.0) ** (1.0 - exponent), 0.0)
        self._amplitude, self._low, self._high = (_common(a, spread) for a in (amplitude, low, high))
        self._exponent = None if exponent is None else _common(exponent, spread)
        self._shift = None if shift is None else _common(shift, spread)
        self._upper = upper
        self._floor = shift is not None or bool(np.any(amplitude < 0))
        self._ceiling = shift is not None or bool(np.any(amplitude > 0))

    def uniform(self) -> UniformChange | None:
        """The same change, where all synapses have one amplitude and one limit, no distance and no shift."""
        bound, limit = (self._low, np.maximum) if self._floor else (self._high, np.minimum)
        if (self._shift is not None or self._upper is not None or not isinstance(self._amplitude, float)
                or not isinstance(bound, float)):
            return None
        return UniformChange(self._amplitude, bound, limit)

    def __call__(self, w: np.ndarray, at: Selection, trace: np.ndarray, decay: float) -> None:
        """Change weights ``w`` in place: those at the places ``at``, whose traces are ``trace * decay``."""
        change = trace * (decay * _pick(self._amplitude, at))
        if self._shift is not None:
            change -= _pick(self._shift, at)
        if self._upper is not None:
            distance = _pick(self._high, at) - w if self._upper else w - _pick(self._low, at)
            if self._exponent is not None:
                np.power(distance, _pick(self._exponent, at), out=distance)
            change *= distance
        np.add(w, change, out=w)
        if self._floor:
            np.maximum(w, _pick(self._low, at), out=w)
        if self._ceiling:
            np.minimum(w, _pick(self._high, at), out=w)


class UniformChange:
    """``w += amplitude trace``, limited on the side that it goes to: the cheapest form, with all operands prepared.

    Arrays as operands, and a number in an array without axes, cost half as much as plain numbers at this size.
    """

    def __init__(self, amplitude: float, bound: float, limit: np.ufunc) -> None:
        self._amplitude, self._bound, self._limit = amplitude, bound, limit
        self._factor = np.zeros(())
        self._operands: dict[int, tuple[np.ndarray, np.ndarray]] = {}  # of each length: work space, limits

    def set_decay(self, decay: float) -> None:
        """What all traces are multiplied with from now on."""
        self._factor.fill(decay * self._amplitude)

    def operands(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Work space and limits for so many weights."""
        if size not in self._operands:
            self._operands[size] = np.empty(size), np.full(size, self._bound)
        return self._operands[size]

    def __call__(self, w: np.ndarray, trace: np.ndarray, change: np.ndarray, bound: np.ndarray) -> None:
        """Change weights ``w`` in place; the last two are their ``operands``."""
        np.multiply(trace, self._factor, change)
        np.add(w, change, change)
        self._limit(change, bound, out=w)


def _common(value: np.ndarray, spread: Spread) -> float | np.ndarray:
    """A number if all synapses have the same, else values by place."""
    if len(value) and np.ptp(value) == 0:
        return float(value[0])
    return spread(value)


def _pick(value: float | np.ndarray, at: Selection) -> float | np.ndarray:
    return value if isinstance(value, float) else value[at]


def rule_of(s: PairSynapses, spread: Spread) -> tuple[Change, Change]:
    """The changes at a presynaptic and at a postsynaptic spike.

    Parameters
    ----------
    s : PairSynapses
    spread : callable
        Brings values (M,) by synapse into the kernel's order of places.
    """
    p = s.parameters
    low, high = p["w_min"], p["w_max"]

    def change(*rest) -> Change:
        return Change(spread, low, high, *rest)

    if s.timing == VOGELS:
        alpha = 2.0 * p["rho_per_us"] * p["tau_us"]
        return change(p["eta"], None, None, p["eta"] * alpha), change(p["eta"])
    minus, plus = -p["A_minus"], p["A_plus"]
    if s.dependence == GUTIG:
        return change(minus, False, p["mu_minus"]), change(plus, True, p["mu_plus"])
    down = change(minus * high) if s.dependence == ADDITIVE else change(minus, False)
    up = change(plus, True) if s.dependence == MULTIPLICATIVE else change(plus * high)
    return down, up
