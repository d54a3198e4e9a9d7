"""Pair-based spike-timing-dependent plasticity, all pairs, one rule for all synapses of a ``PairRun``.

A presynaptic spike at t is effective at t + pre_delay, a postsynaptic one at t + post_delay. Where a spike is
effective the weight changes, as ``pair_rule`` says, by the trace of the other side: x, the sum of exp(-dt / tau_plus)
over all presynaptic spikes that were effective before, and y, that of exp(-dt / tau_minus) over the postsynaptic ones.

Equal steps: presynaptic arrivals come first, then postsynaptic ones; a pair at one step contributes nothing. The
current of a presynaptic spike acts at t + pre_delay + post_delay with the weight right after its own arrival.

A step k goes: ``advance(k)`` ends step k - 1 (arrivals with no delay, then the postsynaptic ones, then the traces),
takes the presynaptic arrivals of step k that were on their way, and gives what is due at k; ``fire(k)``, any number
of times, notes the firings of k. So the order in which firings of one step are noted has no influence.

Traces are kept as at the beginning of a block of absolute steps, as sums of exp(+t / tau): then reading them costs
one multiplication for all, and a step without spikes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..frozen import Frozen
from ..pairs import VOGELS, PairSynapses
from .pair_rule import Selection, rule_of
from .routing import ranges

_GROWTH = 60.0  # largest exponent of a trace inside a block
_LONGEST_BLOCK = 4096  # steps
_VANISHED = 1e-150  # traces below this are set to zero: subnormal numbers are slow
_SHORT = 96  # rows of fewer synapses than this, on average, are taken all together
_LINE = 8  # floats in a cache line
_FEW = 3  # unless there are no more than these

Deliveries = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class PairState(Frozen):
    """State of plastic synapses; it belongs to one length of the step and one set of sources, delays, time constants.

    Attributes
    ----------
    step : int
        The last step that was advanced; firings of it may still be noted.
    weights : float, (trials, M)
    pre_trace, post_trace : float, (trials, P), (trials, Q)
        Traces x and y by slot: a slot is a source with its delays and time constant.
    arrival_step, arrival_trial, arrival_slot : int, (A,)
        Spikes that are not effective yet, or are at ``step``: presynaptic slots 0..P-1, then postsynaptic ones.
    delivery_step, delivery_trial, delivery_synapse : int, (D,); delivery_weight : float, (D,)
        Currents on their way, in the order in which they are given.
    """

    step: int
    weights: np.ndarray
    pre_trace: np.ndarray
    post_trace: np.ndarray
    arrival_step: np.ndarray
    arrival_trial: np.ndarray
    arrival_slot: np.ndarray
    delivery_step: np.ndarray
    delivery_trial: np.ndarray
    delivery_synapse: np.ndarray
    delivery_weight: np.ndarray


def initial_pair_state(synapses: PairSynapses, trials: int = 1, step: int = 0) -> PairState:
    """The state before any spike, with the synapses' own weights."""
    layout = _Layout(synapses)
    none = np.zeros(0, np.int64)
    return PairState(step, np.tile(np.asarray(synapses.weight, float), (trials, 1)),
                     np.zeros((trials, layout.pre_slots)), np.zeros((trials, layout.post_slots)),
                     none, none, none, none, none, none, np.zeros(0))


class PairRun:
    """Plastic synapses during a run; it works on its own copy of the state.

    Parameters
    ----------
    synapses : PairSynapses
        As ``pairs.verify_pairs`` demands them.
    state : PairState
    step_us : float
    start : int
        The step of the state; the first to advance to is ``start + 1``.
    """

    def __init__(self, synapses: PairSynapses, state: PairState, step_us: float, start: int) -> None:
        layout = self._layout = _Layout(synapses)
        trials = len(state.weights)
        for name, width in (("weights", len(synapses)), ("pre_trace", layout.pre_slots),
                            ("post_trace", layout.post_slots)):
            if getattr(state, name).shape != (trials, width):
                raise ValueError(f"state.{name} has shape {getattr(state, name).shape}, expected ({trials}, {width}): "
                                 "start from initial_pair_state(synapses, trials)")
        if state.step != start:
            raise ValueError(f"the state is of step {state.step}, the run starts at {start}")
        self._step = start
        self._w = layout.spread(state.weights)
        self._flat, self._rows = self._w.reshape(-1), list(self._w)
        growth = step_us / min(layout.tau_plus.min(), layout.tau_minus.min()) if len(synapses) else 0.0
        block = 1
        while 2 * block <= _LONGEST_BLOCK and (2 * block - 1) * growth <= _GROWTH:
            block *= 2
        self._within = block - 1
        self._x = _Traces(state.pre_trace, layout.tau_plus, step_us, block)
        self._y = _Traces(state.post_trace, layout.tau_minus, step_us, block)
        self._at_pre, self._at_post = rule_of(synapses, layout.spread)
        self._ring = layout.longest + 1
        self._pre: list[list[int]] = [[] for _ in range(self._ring)]  # arrivals by step
        self._post: list[list[int]] = [[] for _ in range(self._ring)]
        self._due: list[list[tuple]] = [[] for _ in range(self._ring)]
        self._late: list[int] = []  # presynaptic arrivals of this step that have no delay
        self._restore(state)
        self._trials = np.broadcast_to(np.arange(trials)[:, None], (trials, layout.longest_row))
        self._nothing = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)

    @property
    def weights(self) -> np.ndarray:
        """Present weights, (trials, M), a copy.

        Of the arrivals of the present step, only presynaptic ones with a delay have acted.
        """
        return self._w[:, self._layout.place]

    def advance(self, k: int) -> Deliveries:
        """Go on to the next step; the currents that are due then: trial (E,), synapse (E,), weight (E,).

        They are in a fixed order within each trial.
        """
        i = self._step % self._ring
        if k != self._step + 1:
            raise ValueError(f"steps are advanced one by one: after {self._step} comes {self._step + 1}, not {k}")
        if self._pre[i] or self._post[i] or self._late:
            self._end(self._step, i)
        self._step = k
        if not k & self._within:
            self._x.new_block()
            self._y.new_block()
        i = k % self._ring
        if self._pre[i]:
            self._presynaptic(k, self._pre[i])
        due = self._due[i]
        if not due:
            return self._nothing
        self._due[i] = []
        trial = [self._trials[t, :w.size] if isinstance(t, int) else t for t, _, w in due]
        if len(due) == 1:
            return trial[0], due[0][1], due[0][2]
        return np.concatenate(trial), np.concatenate([s for _, s, _ in due]), np.concatenate([w for _, _, w in due])

    def fire(self, k: int, trial: np.ndarray, source: np.ndarray) -> None:
        """Note firings, (F,), of the present step; a source listed twice fires twice."""
        if k != self._step:
            raise ValueError(f"the present step is {self._step}; firings of step {k} can't be noted")
        layout, ring = self._layout, self._ring
        p, q = layout.pre_slots, layout.post_slots
        as_pre, as_post = layout.pre_of.get, layout.post_of.get
        for t, s in zip(trial.tolist(), source.tolist(), strict=True):
            for delay, slot in as_pre(s, ()):
                (self._pre[(k + delay) % ring] if delay else self._late).append(t * p + slot)
            for delay, slot in as_post(s, ()):
                self._post[(k + delay) % ring].append(t * q + slot)

    def state(self) -> PairState:
        """The present state; a run that goes on from it gives the same, bit for bit."""
        p, q, now = self._layout.pre_slots, self._layout.post_slots, self._step
        arrivals, deliveries = [np.zeros((0, 3), np.int64)], []
        for k in range(now, now + self._ring):
            i = k % self._ring
            for codes, slots, first in ((self._pre[i], p, 0), (self._late if k == now else [], p, 0),
                                        (self._post[i], q, p)):
                if codes:
                    trial, slot = np.divmod(np.array(codes), slots)
                    arrivals.append(np.stack([np.full(len(codes), k), trial, slot + first], axis=1))
            for t, synapse, w in self._due[i]:
                deliveries.append((np.full(w.size, k), np.broadcast_to(t, w.shape), synapse, w))
        due = [np.concatenate(a) for a in zip((self._nothing[0], *self._nothing), *deliveries, strict=True)]
        return PairState(now, self.weights, self._x.value.copy(), self._y.value.copy(),
                         *np.concatenate(arrivals).T.copy(), *due)

    # --- inside a step -----------------------------------------------------------------------------------------------

    def _restore(self, state: PairState) -> None:
        p, q = self._layout.pre_slots, self._layout.post_slots
        undelayed = self._layout.pre_delay == 0
        arrivals = np.stack([state.arrival_step, state.arrival_trial, state.arrival_slot], axis=1)
        for k, t, slot in arrivals.tolist():
            if slot >= p:
                self._post[k % self._ring].append(t * q + slot - p)
            else:
                (self._late if undelayed[slot] else self._pre[k % self._ring]).append(t * p + slot)
        for k in np.unique(state.delivery_step).tolist():
            here = state.delivery_step == k
            self._due[k % self._ring].append(
                (state.delivery_trial[here], state.delivery_synapse[here], state.delivery_weight[here]))

    def _end(self, k: int, i: int) -> None:
        """What is left of step k: traces change last, so a pair at one step does not count."""
        pre, late, post = self._pre[i], self._late, self._post[i]
        if late:
            self._presynaptic(k, late)
            self._late = []
        if post:
            self._postsynaptic(k, post)
            self._y.add(k & self._within, post)
            self._post[i] = []
        if pre or late:
            self._x.add(k & self._within, pre + late)
            self._pre[i] = []

    def _presynaptic(self, k: int, codes: list[int]) -> None:
        codes.sort()
        layout = self._layout
        if layout.short_pre and len(codes) > _FEW and len(set(codes)) == len(codes):
            self._presynaptic_bulk(k, np.array(codes))
            return
        slots, at, ring = layout.pre_slots, k & self._within, self._ring
        for code in codes:
            trial, slot = divmod(code, slots)
            row, traces, synapse, delay = layout.pre_row(slot)
            w = self._rows[trial][row]
            self._at_pre(w, row, *self._y.read(trial, traces, at))
            self._due[(k + delay) % ring].append((trial, synapse, w.copy()))

    def _postsynaptic(self, k: int, codes: list[int]) -> None:
        codes.sort()
        layout = self._layout
        if layout.short_post and len(codes) > _FEW and len(set(codes)) == len(codes):
            self._postsynaptic_bulk(k, np.array(codes))
            return
        slots, at = layout.post_slots, k & self._within
        for code in codes:
            trial, slot = divmod(code, slots)
            column, traces = layout.post_column(slot)
            w = self._rows[trial][column]
            self._at_post(w, column, *self._x.read(trial, traces, at))
            if not isinstance(column, slice):
                self._rows[trial][column] = w

    def _presynaptic_bulk(self, k: int, code: np.ndarray) -> None:
        layout = self._layout
        trial, slot = np.divmod(code, layout.pre_slots)
        delay = layout.post_delay[slot]
        if not layout.one_delay:
            order = np.argsort(delay, kind="stable")
            trial, slot, delay = trial[order], slot[order], delay[order]
        first, stop = layout.pre_start[slot], layout.pre_stop[slot]
        place, trial = ranges(first, stop), np.repeat(trial, stop - first)
        flat = trial * layout.size + place
        w = self._flat[flat]
        self._at_pre(w, place, *self._y.read_flat(trial, layout.q[place], k & self._within))
        self._flat[flat] = w
        synapse = layout.synapse[place]
        last = np.append(np.flatnonzero(np.diff(delay)), len(delay) - 1)  # of each delay, the last slot
        edges = np.concatenate(([0], np.cumsum(stop - first)[last])).tolist()
        for d, here in zip(delay[last].tolist(), map(slice, edges, edges[1:]), strict=False):
            self._due[(k + d) % self._ring].append((trial[here], synapse[here], w[here]))

    def _postsynaptic_bulk(self, k: int, code: np.ndarray) -> None:
        layout = self._layout
        trial, slot = np.divmod(code, layout.post_slots)
        first, stop = layout.post_start[slot], layout.post_stop[slot]
        place, trial = layout.by_post[ranges(first, stop)], np.repeat(trial, stop - first)
        flat = trial * layout.size + place
        w = self._flat[flat]
        self._at_post(w, place, *self._x.read_flat(trial, layout.p[place], k & self._within))
        self._flat[flat] = w


class _Layout:
    """Where synapses are stored: those of one presynaptic slot stand together, in a row.

    A presynaptic slot is a (pre_delay, post_delay, tau_plus, source), a postsynaptic one a (post_delay, tau_minus,
    post_source). ``place`` (M,) is where each synapse is; ``synapse``, ``p`` and ``q`` (size,) are the synapse of a
    place and its two slots. Rows are sorted by ``q``; if all sources reach all targets, the synapses of a postsynaptic
    slot are a slice, too. Long rows are padded to an odd number of cache lines: a column whose stride is a power of
    two would keep only a few lines in the cache.
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
        self.synapse, self.p, self.q = (np.zeros(self.size, np.intp) for _ in range(3))
        self.synapse[self.place], self.p[self.place], self.q[self.place] = np.arange(m), p, q
        self.by_post = self.place[np.lexsort((self.place, q))]
        self.post_stop = np.cumsum(np.bincount(q, minlength=self.post_slots))
        self.post_start = np.concatenate(([0], self.post_stop[:-1]))

    def spread(self, value: np.ndarray) -> np.ndarray:
        """Values (..., size) by place, of values (..., M) by synapse."""
        out = np.zeros((*value.shape[:-1], self.size))
        out[..., self.place] = value
        return out

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


class _Traces:
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
