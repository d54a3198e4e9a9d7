"""Where plastic synapses are stored during a run, and the traces of their spikes."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..pairs import VOGELS, PairSynapses
from .pair_rule import Selection, rule_of
from .routing import ranges

_VANISHED = 1e-150  # traces below this are set to zero: subnormal numbers are slow
_SHORT = 96  # rows of fewer synapses than this, on average, are taken all together
_LINE = 8  # floats in a cache line


@lru_cache(maxsize=16)
def layout_of(synapses: PairSynapses) -> Layout:
    """The layout of synapses; it never changes, and runs that are cut need it again and again, so some are kept."""
    return Layout(synapses)


class Layout:
    """Where synapses are stored: those of one presynaptic slot stand together, in a row.

    A presynaptic slot is a (pre_delay, post_delay, tau_plus, source), a postsynaptic one a (post_delay, tau_minus,
    post_source). ``place`` (M,) is where each synapse is; ``synapse``, ``p`` and ``q`` (size,) are the synapse of a
    place and its two slots. Rows are sorted by ``q``; if all sources reach all targets, the synapses of a postsynaptic
    slot are a slice, too. Long rows are padded to an odd number of cache lines: a column whose stride is a power of
    two would keep only a few lines in the cache. ``at_pre`` and ``at_post`` are the changes of their rule.
    """

    def __init__(self, s: PairSynapses) -> None:
        names = ("tau_us", "tau_us") if s.timing == VOGELS else ("tau_plus_us", "tau_minus_us")
        tau_plus, tau_minus = (np.asarray(s.parameters[name], float) for name in names)
        p, first_p = _number(s.pre_delay_steps, s.post_delay_steps, tau_plus, s.source)
        q, first_q = _number(s.post_delay_steps, tau_minus, s.post_source)
        self.pre_slots, self.post_slots, m = len(first_p), len(first_q), len(s)
        self.tau_plus, self.tau_minus = tau_plus[first_p], tau_minus[first_q]
        self.pre_delay, self.post_delay = s.pre_delay_steps[first_p], s.post_delay_steps[first_p]
        self.pre_of = _by_source(s.source[first_p], self.pre_delay)
        self.post_of = _by_source(s.post_source[first_q], s.post_delay_steps[first_q])
        self.one_delay = m > 0 and np.ptp(self.post_delay) == 0
        self.longest = int(max(s.pre_delay_steps.max(initial=0), s.post_delay_steps.max(initial=0)))
        self.short_pre, self.short_post = m < _SHORT * self.pre_slots, m < _SHORT * self.post_slots
        self._store(p, q)
        self.at_pre, self.at_post = rule_of(s, self.spread)
        self._rows: dict[int, tuple[slice, Selection, np.ndarray, int]] = {}
        self._columns: dict[int, tuple[Selection, Selection]] = {}

    def _store(self, p: np.ndarray, q: np.ndarray) -> None:
        m, count = len(p), np.bincount(p, minlength=self.pre_slots)
        width = count if self.short_pre else (-(-count // _LINE) | 1) * _LINE
        self.size, self.longest_row = int(width.sum()), int(count.max(initial=0))
        self.pre_start = np.cumsum(width) - width
        self.pre_stop = self.pre_start + count
        order = np.lexsort((q, p))
        self.place = np.empty(m, np.intp)
        self.place[order] = ranges(self.pre_start, self.pre_stop)
        self._grid = self._as_grid()
        self.synapse, self.p, self.q = (np.zeros(self.size, np.intp) for _ in range(3))
        self.synapse[self.place], self.p[self.place], self.q[self.place] = np.arange(m), p, q
        self.by_post = self.place[np.lexsort((self.place, q))]
        self.post_stop = np.cumsum(np.bincount(q, minlength=self.post_slots))
        self.post_start = np.concatenate(([0], self.post_stop[:-1]))

    def spread(self, value: np.ndarray) -> np.ndarray:
        """Values (..., size) by place, of values (..., M) by synapse."""
        out = np.zeros((*value.shape[:-1], self.size))
        if self._grid is None:
            out[..., self.place] = value
        else:
            rows, length = self._grid
            out.reshape(*value.shape[:-1], rows, -1)[..., :length] = value.reshape(*value.shape[:-1], rows, length)
        return out

    def gather(self, value: np.ndarray) -> np.ndarray:
        """Values (..., M) by synapse, of values (..., size) by place; a copy."""
        if self._grid is None:
            return value[..., self.place]
        rows, length = self._grid
        out = np.empty((*value.shape[:-1], rows, length))
        out[...] = value.reshape(*value.shape[:-1], rows, -1)[..., :length]
        return out.reshape(*value.shape[:-1], -1)

    def _as_grid(self) -> tuple[int, int] | None:
        """Rows and their length, if all are equally long and hold their synapses in order."""
        rows, m = self.pre_slots, len(self.place)
        if not m or m % rows or self.size % rows:
            return None
        width = self.size // rows
        place = np.add.outer(np.arange(rows) * width, np.arange(m // rows)).reshape(-1)
        return (rows, m // rows) if np.array_equal(place, self.place) else None

    def pre_row(self, slot: int) -> tuple[slice, Selection, np.ndarray, int]:
        """Of a presynaptic slot: its places, their postsynaptic slots, their synapses, and the delay of the current."""
        if slot not in self._rows:
            row = slice(int(self.pre_start[slot]), int(self.pre_stop[slot]))
            self._rows[slot] = row, _compact(self.q[row]), self.synapse[row], int(self.post_delay[slot])
        return self._rows[slot]

    def post_column(self, slot: int) -> tuple[Selection, Selection]:
        """Of a postsynaptic slot: its places, and their presynaptic slots."""
        if slot not in self._columns:
            place = self.by_post[self.post_start[slot]:self.post_stop[slot]]
            self._columns[slot] = _compact(place), _compact(self.p[place])
        return self._columns[slot]


def _number(*keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers (M,) of the distinct combinations of keys, in ascending order, and one entry that has each."""
    order = np.lexsort(keys[::-1])
    new = np.zeros(len(order), bool)
    new[:1] = True
    for key in keys:
        new[1:] |= key[order[1:]] != key[order[:-1]]
    number = np.empty(len(order), np.intp)
    number[order] = np.cumsum(new) - 1
    return number, order[new]


def _by_source(source: np.ndarray, delay: np.ndarray) -> dict[int, list[tuple[int, int]]]:
    """The (delay, slot) of each source."""
    slots: dict[int, list[tuple[int, int]]] = {}
    for slot, (s, d) in enumerate(zip(source.tolist(), delay.tolist(), strict=True)):
        slots.setdefault(s, []).append((d, slot))
    return slots


def _compact(index: np.ndarray) -> Selection:
    """A slice if the index is an ascending progression."""
    step = int(index[1] - index[0]) if len(index) > 1 else 1
    if step > 0 and (np.diff(index) == step).all():
        return slice(int(index[0]), int(index[-1]) + 1, step)
    return index


class Traces:
    """Exponential traces of slots, (trials, slots), as at the beginning of a block of steps."""

    def __init__(self, value: np.ndarray, tau: np.ndarray, step_us: float, block: int) -> None:
        self.value = value.copy()
        self._flat, self._rows, self._slots = self.value.reshape(-1), list(self.value), value.shape[1]
        rate = step_us / tau
        one = len(tau) > 0 and np.ptp(tau) == 0
        self._rate = None if one else rate
        self._keep = np.exp(-block * (rate[0] if one else rate))
        steps = np.arange(block) * (rate[0] if one else 0.0)
        self._rise, self._fall = np.exp(steps).tolist(), np.exp(-steps).tolist()

    def new_block(self) -> None:
        self.value *= self._keep
        self.value[self.value < _VANISHED] = 0.0

    def read(self, trial: int, slots: Selection, at: int) -> tuple[np.ndarray, float]:
        """Traces of slots at a step of the block, as a product of two numbers."""
        trace = self._rows[trial][slots]
        return (trace, self._fall[at]) if self._rate is None else (trace * np.exp(-at * self._rate[slots]), 1.0)

    def view(self, trial: int, slots: Selection) -> np.ndarray | None:
        """Traces of slots as at the beginning of the block, if all decay alike (by ``fall``) and a view shows them."""
        return self._rows[trial][slots] if self._rate is None and isinstance(slots, slice) else None

    def fall(self, at: int) -> float:
        """What is left of traces at a step of the block, if all decay alike."""
        return self._fall[at]

    def read_flat(self, trial: np.ndarray, slots: np.ndarray, at: int) -> tuple[np.ndarray, float]:
        trace = self._flat[trial * self._slots + slots]
        return (trace, self._fall[at]) if self._rate is None else (trace * np.exp(-at * self._rate[slots]), 1.0)

    def add(self, at: int, codes: list[int]) -> None:
        """Spikes, as numbers trial * slots + slot, at a step of the block."""
        if self._rate is None:
            rise = self._rise[at]
            for code in codes:
                self._flat[code] += rise
        else:
            many = np.array(codes)
            np.add.at(self._flat, many, np.exp(at * self._rate[many % self._slots]))
