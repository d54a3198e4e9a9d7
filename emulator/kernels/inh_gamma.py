"""Inhomogeneous gamma processes: renewal processes whose interval distribution changes with time.

Definition. At time t, a time x after its last event (or after its start), a process fires with the hazard that the
gamma distribution of shape ``a(t)`` and scale ``b(t)`` has at age x::

    h(x; a, b) = x^(a-1) exp(-x / b) / (b^a Gamma(a, x / b)),    Gamma(a, y) the upper incomplete gamma function

with a and b piecewise constant in time (Muller, Buesing, Schemmel & Meier 2007, Neural Comput. 19:2958). With
constant a and b that is the gamma renewal process of SpikeSourceGamma.

Events are drawn by thinning (Lewis & Shedler 1979, Nav. Res. Logist. Q. 26:403; Ogata 1981, IEEE Trans. Inf. Theory
27:23): proposals come from a process whose hazard is never below h, and each is kept with the ratio of the two. From
1 / (b h) = E[(1 + b u / x)^(a-1)], u exponentially distributed with mean 1, and Jensen's inequality follows

    a >= 1:  h <= 1 / b                                                  (a >= 2: also (x / (x + b))^(a-1) / b)
    a < 1:   h <= (1 + b / x)^(1-a) / b;    for x >= b that is <= 2 / b,
             for any x and alpha <= a at most 1 / b + b^(-alpha) x^(alpha-1)

so two kinds of proposals are enough in all bins of a process: at the rate 1 / b(t), doubled where a < 1, and, where
there are such bins, with the hazard C x^(alpha-1) up to the age X, with alpha = min a, C = max b^-alpha and X = max b
over them. The integrals of both are known, so they are drawn exactly, whatever the bins.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count as count_from

import numpy as np

from ..frozen import Frozen
from ..streams import Stream, generator

_WINDOW = 32.0  # proposals of a process in the piece of time that is drawn at once, on average
_TINY = 1e-300
_PRECISION = 1e-15
_MOST_TERMS = 100_000


@dataclass(frozen=True, eq=False)
class InhGammaSources(Frozen):
    """Inhomogeneous gamma processes that are drawn during the run.

    Attributes
    ----------
    channels : int, (n,)
        External channels.
    first_bin : int, (n + 1,)
        Bins ``first_bin[i]:first_bin[i + 1]`` belong to process i; each has at least one.
    edge_us : float, (bins,)
        Where each bin begins, us since the start of the experiment, ascending in a process; the last one goes on.
    shape : float, (bins,)
        a, > 0.
    scale_us : float, (bins,)
        b, us, > 0.
    start_us, stop_us : float, (n,)
        A process is silent outside, and before its first bin; its age is 0 where it begins.
    key : int
        Names the random stream, among all groups of sources.
    """

    channels: np.ndarray
    first_bin: np.ndarray
    edge_us: np.ndarray
    shape: np.ndarray
    scale_us: np.ndarray
    start_us: np.ndarray
    stop_us: np.ndarray
    key: int


class InhGammaSequence:
    """Events of a group from its start on; it grows as far as it is asked for, always by the same draws.

    Time is cut into windows that depend on the processes only; each is drawn whole, in order.
    """

    def __init__(self, p: InhGammaSources, seed: int, trial: int) -> None:
        first = p.first_bin[:-1]
        self._p, self._rng = p, generator(seed, Stream.RENEWAL, trial, p.key)
        self._log_gamma = np.array([math.lgamma(a) for a in p.shape])
        irregular = p.shape < 1.0
        self._rate = np.where(irregular, 2.0, 1.0) / p.scale_us  # of proposals of the first kind, per bin
        self._alpha = np.minimum.reduceat(np.where(irregular, p.shape, 1.0), first)
        factor = p.scale_us ** -np.repeat(self._alpha, np.diff(p.first_bin))
        self._factor = np.maximum.reduceat(np.where(irregular, factor, 0.0), first)
        self._oldest = np.maximum.reduceat(np.where(irregular, p.scale_us, 0.0), first)
        self._mass = _before(np.append(np.diff(p.edge_us), 0.0) * self._rate, p.first_bin)
        self._by_time, self._by_mass = _Keys(p.edge_us, p.first_bin), _Keys(self._mass, p.first_bin)
        self._last = np.maximum(p.start_us, p.edge_us[first])  # time of the last event
        self._proposed = self._last.copy()
        self._ends = _windows(p, self._rate, self._last)
        self._drawn_to: list[float] = []
        self._windows: list[tuple[np.ndarray, np.ndarray]] = []
        self._propose(np.arange(len(self._last)))

    def between(self, low_us: float, high_us: float) -> tuple[np.ndarray, np.ndarray]:
        """(channel, time in us) of the events in low <= time < high, in temporal order."""
        while (not self._drawn_to or self._drawn_to[-1] < high_us) and np.any(self._proposed < self._p.stop_us):
            self._grow(next(self._ends))
        parts = self._windows[bisect_right(self._drawn_to, low_us):bisect_left(self._drawn_to, high_us) + 1]
        if not parts:
            return np.zeros(0, np.int64), np.zeros(0)
        channel, time = (np.concatenate(a) for a in zip(*parts, strict=True))
        low, high = np.searchsorted(time, (low_us, high_us))
        return channel[low:high], time[low:high]

    def _grow(self, until: float) -> None:
        """Draw the next window; in each round all processes that are inside it decide about one proposal."""
        p = self._p
        end = np.minimum(until, p.stop_us)
        which, times = [np.zeros(0, np.int64)], [np.zeros(0)]
        active = np.flatnonzero(self._proposed < end)
        while len(active):
            kept = active[self._decide(active)]
            which.append(kept)
            times.append(self._proposed[kept])
            self._last[kept] = self._proposed[kept]
            self._propose(active)
            active = active[self._proposed[active] < end[active]]
        who, time = np.concatenate(which), np.concatenate(times)
        order = np.lexsort((who, time))
        self._windows.append((p.channels[who[order]], time[order]))
        self._drawn_to.append(until)

    def _propose(self, i: np.ndarray) -> None:
        """The next proposal of the processes ``i``: the earlier one of the two kinds."""
        p, now = self._p, self._proposed[i]
        draw = self._rng.standard_exponential((2, len(i)))
        k = self._by_time.bins(i, now)
        mass = self._mass[k] + (now - p.edge_us[k]) * self._rate[k] + draw[0]
        k = self._by_mass.bins(i, mass)
        time = p.edge_us[k] + np.maximum(mass - self._mass[k], 0.0) / self._rate[k]
        young = np.flatnonzero(now - self._last[i] < self._oldest[i])
        if len(young):
            j = i[young]
            last, alpha = self._last[j], self._alpha[j]
            age = ((now[young] - last) ** alpha + alpha * draw[1, young] / self._factor[j]) ** (1.0 / alpha)
            time[young] = np.where(age < self._oldest[j], np.minimum(time[young], last + age), time[young])
        self._proposed[i] = time

    def _decide(self, i: np.ndarray) -> np.ndarray:
        """Whether the proposals of the processes ``i`` are events."""
        p, time = self._p, self._proposed[i]
        k = self._by_time.bins(i, time)
        x, a, b = time - self._last[i], p.shape[k], p.scale_us[k]
        height = self._rng.random(len(i))
        kept = x > 0  # two events at one time, as far as numbers can tell: the hazard has no value there
        x = np.where(kept, x, 1.0)
        height *= self._rate[k] + np.where(x < self._oldest[i], self._factor[i] * x ** (self._alpha[i] - 1.0), 0.0)
        kept &= height * b < np.where(a >= 2.0, (x / (x + b)) ** (a - 1.0), np.inf)  # spares most of what follows
        rest = np.flatnonzero(kept)
        if len(rest):
            kept[rest] = height[rest] < gamma_hazard(x[rest], a[rest], b[rest], self._log_gamma[k[rest]])
        return kept


class _Keys:
    """Finds the bins in which processes are, by values that ascend within each."""

    def __init__(self, values: np.ndarray, first_bin: np.ndarray) -> None:
        self._first, self._last = first_bin[:-1], first_bin[1:] - 1
        self._low = values[self._first]
        self._width = values[self._last] - self._low
        self._offset = np.cumsum(self._width + 1.0) - (self._width + 1.0)
        self._keys = values + np.repeat(self._offset - self._low, np.diff(first_bin))

    def bins(self, i: np.ndarray, value: np.ndarray) -> np.ndarray:
        """The bins of the processes ``i`` at ``value``; the first also before it, the last also after it."""
        key = np.minimum(value - self._low[i], self._width[i]) + self._offset[i]
        return np.clip(np.searchsorted(self._keys, key, side="right") - 1, self._first[i], self._last[i])


def _before(parts: np.ndarray, first_bin: np.ndarray) -> np.ndarray:
    """Sum of what comes before each bin in its process."""
    total = np.cumsum(parts) - parts
    return total - np.repeat(total[first_bin[:-1]], np.diff(first_bin))


def _windows(p: InhGammaSources, rate: np.ndarray, begin: np.ndarray) -> Iterator[float]:
    """Ends of the windows: in each, as many proposals of the first kind are expected, over all processes."""
    count = np.diff(p.first_bin)
    beyond = np.append(p.edge_us[1:], np.inf)
    beyond[p.first_bin[1:] - 1] = np.inf
    low = np.maximum(p.edge_us, np.repeat(begin, count))
    high = np.minimum(beyond, np.repeat(p.stop_us, count))
    live = high > low
    low, high, rate = low[live], high[live], rate[live]
    time = np.concatenate([low, high[np.isfinite(high)]])
    order = np.argsort(time)
    time = time[order]
    whole = np.maximum(np.cumsum(np.concatenate([rate, -rate[np.isfinite(high)]])[order]), 0.0)
    mass = np.append(0.0, np.cumsum(np.diff(time) * whole[:-1])) if len(time) else np.zeros(1)
    if len(time) and not np.all(np.isfinite(high)):
        whole[-1] = rate[~np.isfinite(high)].sum()  # what the sum of all changes gives only up to rounding
    for number in count_from(1):
        target = number * _WINDOW * len(p.channels)
        k = int(np.searchsorted(mass, target)) - 1
        ended = k == len(mass) - 1 and np.all(np.isfinite(high))
        yield math.inf if ended else float(time[k] + (target - mass[k]) / whole[k])


def gamma_hazard(x: np.ndarray, shape: np.ndarray, scale: np.ndarray, log_gamma: np.ndarray | None = None
                 ) -> np.ndarray:
    """Hazard of a gamma distribution at age ``x`` > 0, in units of 1 / ``scale``'s unit.

    ``log_gamma`` is ln Gamma(shape), computed if it isn't given. All arrays have one shape.
    """
    y = x / scale
    log_gamma = _log_gamma(shape) if log_gamma is None else log_gamma
    tail = _tail(shape, y)
    result = np.empty_like(y)
    result[tail] = 1.0 / (y[tail] * _continued_fraction(shape[tail], y[tail]))
    body = ~tail
    a, z = shape[body], y[body]
    density = np.exp(a * np.log(z) - z - log_gamma[body])  # times y
    result[body] = density / (z * (1.0 - density * _series(a, z)))
    return result / scale


def upper_gamma(shape: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Regularised upper incomplete gamma function Q(shape, y) = Gamma(shape, y) / Gamma(shape), y > 0.

    Below y = shape + 1 by the series of the lower function (DLMF 8.11.4), above by the continued fraction of the
    upper one (DLMF 8.9.2); for shapes below 1 the border is y = 1, since the series loses digits where Q is small.
    """
    shape, y = (np.array(a, float) for a in np.broadcast_arrays(shape, y))
    tail = _tail(shape, y)
    factor = np.exp(shape * np.log(y) - y - _log_gamma(shape))
    result = np.empty_like(y)
    result[tail] = factor[tail] * _continued_fraction(shape[tail], y[tail])
    result[~tail] = 1.0 - factor[~tail] * _series(shape[~tail], y[~tail])
    return result


def _log_gamma(shape: np.ndarray) -> np.ndarray:
    return np.vectorize(math.lgamma, otypes=[float])(shape)


def _tail(shape: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Where the continued fraction is used."""
    return y >= np.where(shape < 1.0, 1.0, shape + 1.0)


def _series(a: np.ndarray, y: np.ndarray) -> np.ndarray:
    """gamma(a, y) exp(y) y^-a = sum over k of y^k / (a (a+1) .. (a+k)), DLMF 8.11.4."""
    term = 1.0 / a
    total = term.copy()
    for k in range(1, _MOST_TERMS):
        term *= y / (a + k)
        total += term
        if k % 4 == 0 and not np.any(term > _PRECISION * total):
            break
    return total


def _continued_fraction(a: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Gamma(a, y) exp(y) y^-a as a continued fraction, DLMF 8.9.2.

    In its even part, 1 / (y+1-a - 1 (1-a) / (y+3-a - 2 (2-a) / (y+5-a - ...))), evaluated from the front by the
    modified method of Lentz (Thompson & Barnett 1986, J. Comput. Phys. 64:490).
    """
    b = y + 1.0 - a
    c = np.full_like(b, 1.0 / _TINY)
    d = 1.0 / b
    value = d.copy()
    for k in range(1, _MOST_TERMS):
        numerator = k * (a - k)
        b = b + 2.0
        d = numerator * d + b
        d[np.abs(d) < _TINY] = _TINY
        c = b + numerator / c
        c[np.abs(c) < _TINY] = _TINY
        d = 1.0 / d
        step = c * d
        value *= step
        if not np.any(np.abs(step - 1.0) > _PRECISION):
            break
    return value
