"""Pair-based spike-timing-dependent plasticity, all pairs, one rule for all synapses of a ``PairRun``.

A presynaptic spike at t is effective at t + pre_delay, a postsynaptic one at t + post_delay. Where a spike is
effective the weight changes, as ``pair_rule`` says, by the trace of the other side: x, the sum of exp(-dt / tau_plus)
over all presynaptic spikes that were effective before, and y, that of exp(-dt / tau_minus) over the postsynaptic ones.

Equal steps: presynaptic arrivals come first, then postsynaptic ones; a pair at one step contributes nothing. The
current of a presynaptic spike acts at t + pre_delay + post_delay with the weight right after its own arrival.

A step k goes: ``advance(k)`` ends step k - 1 (arrivals with no delay, then the postsynaptic ones, then the traces),
takes the presynaptic arrivals of step k that were on their way, and gives what is due at k; ``fire(k)``, any number
of times before step k ends, notes the firings of k. So the order in which they are noted has no influence.

Traces are kept as at the beginning of a block of absolute steps, as sums of exp(+t / tau): then reading them costs
one multiplication for all, and a step without spikes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat

import numpy as np

from ..frozen import Frozen
from ..pairs import PairSynapses
from .pair_layout import Traces, layout_of
from .routing import ranges

_GROWTH = 60.0  # largest exponent of a trace inside a block
_LONGEST_BLOCK = 4096  # steps
_FEW = 3  # short rows are taken all together unless there are no more than these

Deliveries = tuple[np.ndarray, np.ndarray, np.ndarray]
Row = tuple[int, int, np.ndarray]  # trial, presynaptic slot, weights (a copy) of its row


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
    layout = layout_of(synapses)
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
        layout = self._layout = layout_of(synapses)
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
        self._x = Traces(state.pre_trace, layout.tau_plus, step_us, block)
        self._y = Traces(state.post_trace, layout.tau_minus, step_us, block)
        self._at_pre, self._at_post = layout.at_pre.uniform(), layout.at_post.uniform()
        self._row_views: dict[int, tuple] = {}
        self._column_views: dict[int, tuple] = {}
        self._pre: dict[int, list[int]] = {}  # arrivals by step
        self._late: dict[int, list[int]] = {}  # presynaptic ones that have no delay
        self._post: dict[int, list[int]] = {}
        self._due: dict[int, list[Row | Deliveries]] = {}
        self._restore(state)
        self._trials = np.broadcast_to(np.arange(trials)[:, None], (trials, layout.longest_row))
        self._nothing = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)

    @property
    def weights(self) -> np.ndarray:
        """Present weights, (trials, M), a copy.

        Of the arrivals of the present step, only presynaptic ones with a delay have acted.
        """
        return self._layout.gather(self._w)

    def advance(self, k: int) -> Deliveries:
        """Go on to the next step; the currents that are due then: trial (E,), synapse (E,), weight (E,).

        They are in a fixed order within each trial.
        """
        due = [self._as_arrays(part) for part in self.due(k)]
        if not due:
            return self._nothing
        trial, synapse, weight = due[0] if len(due) == 1 else map(np.concatenate, zip(*due, strict=True))
        return trial, synapse, weight

    def due(self, k: int) -> Sequence[Row | Deliveries]:
        """Go on to the next step; what is due then, in its order: the receiver may write into the weights of a row."""
        last = self._step
        if k != last + 1:
            raise ValueError(f"steps are advanced one by one: after {last} comes {last + 1}, not {k}")
        if last in self._pre or last in self._post or last in self._late:
            self._end(last)
        self._step = k
        if not k & self._within:
            self._x.new_block()
            self._y.new_block()
        if k in self._pre:
            self._presynaptic(k, self._pre[k])
        return self._due.pop(k) if k in self._due else ()

    def _as_arrays(self, part: Row | Deliveries) -> Deliveries:
        trial, row, weight = part
        if isinstance(trial, np.ndarray) and isinstance(row, np.ndarray):
            return trial, row, weight
        return self._trials[trial, :len(weight)], self.row_synapses(row), weight  # type: ignore[arg-type]

    def row_synapses(self, slot: int) -> np.ndarray:
        """The synapses of the row of a presynaptic slot."""
        return self._layout.pre_row(slot)[2]

    def fire(self, k: int, trial: np.ndarray, source: np.ndarray) -> None:
        """Note firings, (F,), of the present step or a later one; a source listed twice fires twice."""
        if k < self._step:
            raise ValueError(f"the present step is {self._step}; firings of step {k} can't be noted")
        self._note(repeat(k, len(source)), trial, source)

    def fire_train(self, step: np.ndarray, trial: np.ndarray, source: np.ndarray) -> None:
        """Note firings, (F,), of several steps, none before the present one."""
        if len(step) and step.min() < self._step:
            raise ValueError(f"the present step is {self._step}; firings of step {step.min()} can't be noted")
        self._note(step.tolist(), trial, source)

    def _note(self, steps: Iterable[int], trial: np.ndarray, source: np.ndarray) -> None:
        layout = self._layout
        p, q = layout.pre_slots, layout.post_slots
        as_pre, as_post = layout.pre_of, layout.post_of
        for k, t, s in zip(steps, trial.tolist(), source.tolist(), strict=True):
            if s in as_pre:
                for delay, slot in as_pre[s]:
                    arrivals = self._pre if delay else self._late
                    arrivals.setdefault(k + delay, []).append(t * p + slot)
            if s in as_post:
                for delay, slot in as_post[s]:
                    self._post.setdefault(k + delay, []).append(t * q + slot)

    def state(self) -> PairState:
        """The present state; a run that goes on from it gives the same, bit for bit."""
        p, q, now = self._layout.pre_slots, self._layout.post_slots, self._step
        arrivals, deliveries = [np.zeros((0, 3), np.int64)], []
        for k in sorted({*self._pre, *self._late, *self._post}):
            for codes, slots, first in ((self._pre.get(k), p, 0), (self._late.get(k), p, 0), (self._post.get(k), q, p)):
                if codes:
                    trial, slot = np.divmod(np.sort(codes), slots)
                    arrivals.append(np.stack([np.full(len(codes), k), trial, slot + first], axis=1))
        for k in sorted(self._due):
            for t, synapse, w in map(self._as_arrays, self._due[k]):
                deliveries.append((np.full(w.size, k), t, synapse, w))
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
                self._post.setdefault(k, []).append(t * q + slot - p)
            else:
                (self._late if undelayed[slot] else self._pre).setdefault(k, []).append(t * p + slot)
        for k in np.unique(state.delivery_step).tolist():
            here = state.delivery_step == k
            self._due[k] = [(state.delivery_trial[here], state.delivery_synapse[here], state.delivery_weight[here])]

    def _end(self, k: int) -> None:
        """What is left of step k: traces change last, so a pair at one step does not count."""
        pre, late, post = self._pre.pop(k, None), self._late.pop(k, None), self._post.pop(k, None)
        if late:
            self._presynaptic(k, late)
        if post:
            self._postsynaptic(k, post)
            self._y.add(k & self._within, post)
        if late:
            self._x.add(k & self._within, late)
        if pre:
            self._x.add(k & self._within, pre)

    def _presynaptic(self, k: int, codes: list[int]) -> None:
        layout, at, change, views, due = self._layout, k & self._within, self._at_pre, self._row_views, self._due
        if len(codes) > 1:
            codes.sort()
            if layout.short_pre and len(codes) > _FEW and len(set(codes)) == len(codes):
                self._presynaptic_bulk(k, np.array(codes))
                return
        if change is not None:
            change.set_decay(self._y.fall(at))
        for code in codes:
            w, traces, operands, row, slots, trial, slot, delay = views[code] if code in views else self._row(code)
            if change is not None and traces is not None:
                change(w, traces, *operands)
            else:
                layout.at_pre(w, row, *self._y.read(trial, slots, at))
            part = trial, slot, w.copy()
            if k + delay in due:
                due[k + delay].append(part)
            else:
                due[k + delay] = [part]

    def _row(self, code: int) -> tuple:
        """Of a presynaptic slot in a trial: what its arrivals work on."""
        trial, slot = divmod(code, self._layout.pre_slots)
        row, slots, _, delay = self._layout.pre_row(slot)
        operands = () if self._at_pre is None else self._at_pre.operands(row.stop - row.start)
        found = self._row_views[code] = (self._rows[trial][row], self._y.view(trial, slots), operands, row, slots,
                                         trial, slot, delay)
        return found

    def _postsynaptic(self, k: int, codes: list[int]) -> None:
        layout, at, change, views = self._layout, k & self._within, self._at_post, self._column_views
        if len(codes) > 1:
            codes.sort()
            if layout.short_post and len(codes) > _FEW and len(set(codes)) == len(codes):
                self._postsynaptic_bulk(k, np.array(codes))
                return
        if change is not None:
            change.set_decay(self._x.fall(at))
        for code in codes:
            weights, traces, operands, column, slots, trial = views[code] if code in views else self._column(code)
            w = weights if isinstance(column, slice) else weights[column]
            if change is not None and traces is not None:
                change(w, traces, *operands)
            else:
                layout.at_post(w, column, *self._x.read(trial, slots, at))
            if w is not weights:
                weights[column] = w

    def _column(self, code: int) -> tuple:
        """Of a postsynaptic slot in a trial: what its arrivals work on."""
        trial, slot = divmod(code, self._layout.post_slots)
        column, slots = self._layout.post_column(slot)
        weights = self._rows[trial][column] if isinstance(column, slice) else self._rows[trial]
        size = int(self._layout.post_stop[slot] - self._layout.post_start[slot])
        operands = () if self._at_post is None else self._at_post.operands(size)
        found = self._column_views[code] = (weights, self._x.view(trial, slots), operands, column, slots, trial)
        return found

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
        layout.at_pre(w, place, *self._y.read_flat(trial, layout.q[place], k & self._within))
        self._flat[flat] = w
        synapse = layout.synapse[place]
        last = np.append(np.flatnonzero(np.diff(delay)), len(delay) - 1)  # of each delay, the last slot
        edges = np.concatenate(([0], np.cumsum(stop - first)[last])).tolist()
        for d, here in zip(delay[last].tolist(), map(slice, edges, edges[1:]), strict=False):
            self._due.setdefault(k + d, []).append((trial[here], synapse[here], w[here]))

    def _postsynaptic_bulk(self, k: int, code: np.ndarray) -> None:
        layout = self._layout
        trial, slot = np.divmod(code, layout.post_slots)
        first, stop = layout.post_start[slot], layout.post_stop[slot]
        place, trial = layout.by_post[ranges(first, stop)], np.repeat(trial, stop - first)
        flat = trial * layout.size + place
        w = self._flat[flat]
        layout.at_post(w, place, *self._x.read_flat(trial, layout.p[place], k & self._within))
        self._flat[flat] = w
