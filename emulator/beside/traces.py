"""Synaptic states and other rows that decay by themselves, and what they do to the membrane within a step.

The rows of a group's state: membrane, then what the model has of its own, then one row for each receptor, to which
events add their weight, then one for each alpha or beta receptor, the filtered course of its input::

    dy/dt = -y / tau_rise     dg/dt = c y - g / tau_decay     c = exp(t_peak / tau_rise) / tau_decay

so that the response to a weight has its peak, w, at ``t_peak = ln(tau_decay / tau_rise) / (1 / tau_rise - 1 /
tau_decay)``; an alpha receptor has both time constants equal (Roth & van Rossum 2009, in: Computational Modeling
Methods for Neuroscientists, MIT Press, 139-160). An exp receptor has only its input row; a delta receptor's input
row holds the jump of the membrane until the end of the step.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..frozen import Frozen
from .cascade import cascade
from .config import CellGroup, Receptor
from .layout import NANO, layout, own_traces


@dataclass(frozen=True, eq=False)
class TracePlan(Frozen):
    """Constants of the traces in a step; K rows: the model's own, the inputs, the filters.

    Attributes
    ----------
    decay : float, (K, 1, n)
    coupling : float, (F, 1, n)
        What the input of each filter adds to it in a step.
    pairs : tuple of (slice, slice)
        Rows of inputs (among the K) and of the filters (among the F) that belong to each other.
    to_drive, to_rate : float, (K, 1, n)
        What each row adds in a step to the membrane (mV) and to the exponent of its decay (1).
    driving, conducting : tuple of int
        Rows for which these are not zero.
    """

    decay: np.ndarray
    coupling: np.ndarray
    pairs: tuple[tuple[slice, slice], ...]
    to_drive: np.ndarray
    to_rate: np.ndarray
    driving: tuple[int, ...]
    conducting: tuple[int, ...]


@lru_cache(maxsize=64)
def plan_traces(group: CellGroup, h: float, linear: bool) -> TracePlan:
    """Constants for steps of ``h`` ms.

    What acts on the membrane is the exact mean of each current and conductance over the step, or, for a linear
    membrane, the exact response of the membrane to each current.
    """
    p, n = group.parameters, group.size
    cm = p["cm"] if "cm" in p else np.full(n, NANO)  # Izhikevich's model: see there
    target = 1.0 / p["tau_m"] if linear else np.zeros(n)
    where = layout(group)
    k = where.total - where.first_trace
    first_input, first_filter = where.first_input - where.first_trace, where.first_filter - where.first_trace
    decay, reach, e_rev, conducting = np.zeros((k, n)), np.zeros((k, n)), np.ones((k, n)), np.zeros(k, bool)
    coupling = np.zeros((len(where.filters), n))
    for i, own in enumerate(own_traces(group)):
        decay[i] = np.exp(-h / own.tau)
        reach[i] = own.gain * cascade(h, 0.0, 0.0, 1.0 / own.tau, target).target_from_filtered
        if own.e_rev is not None:
            e_rev[i], conducting[i] = own.e_rev, True
    for r, receptor in enumerate(group.receptors):
        i = first_input + r
        if receptor.shape == "delta":
            continue
        rows = [i]
        step = cascade(h, *_filter(receptor), target)
        decay[i], reach[i] = np.exp(-h / receptor.decay), step.target_from_filtered
        if r in where.filters:
            f = where.filters.index(r)
            g = first_filter + f
            rows.append(g)
            decay[g], reach[g] = decay[i], reach[i]
            decay[i], reach[i] = np.exp(-h / receptor.rise), step.target_from_input
            coupling[f] = step.filtered_from_input
        if receptor.conductance:
            e_rev[rows], conducting[rows] = receptor.parameters["e_syn"], True
    reach = reach / cm
    to_drive, to_rate = reach * e_rev, np.where(conducting[:, None], reach, 0.0)
    return TracePlan(
        decay=decay[:, None], coupling=coupling[:, None], pairs=_pairs(where.filters, first_input),
        to_drive=to_drive[:, None], to_rate=to_rate[:, None],
        driving=tuple(np.flatnonzero(to_drive.any(axis=1)).tolist()),
        conducting=tuple(np.flatnonzero(to_rate.any(axis=1)).tolist()))


def _filter(receptor: Receptor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rate of the input, its coupling to the filter, and rate of the filter, each (n,)."""
    decay = receptor.decay
    if receptor.shape == "exp":
        return np.zeros_like(decay), np.zeros_like(decay), 1.0 / decay
    rise = receptor.rise
    excess = decay / rise - 1.0
    small = np.abs(excess) < 1e-8
    safe = np.where(small, 1.0, excess)
    # t_peak / tau_rise = ln(q) q / (q - 1), q = tau_decay / tau_rise: 1 + (q - 1) / 2 near q = 1
    peak = np.where(small, 1.0 + 0.5 * excess, np.log1p(safe) / safe * (1.0 + safe))
    return 1.0 / rise, np.exp(peak) / decay, 1.0 / decay


def _pairs(filters: tuple[int, ...], first_input: int) -> tuple[tuple[slice, slice], ...]:
    """Filters of neighbouring receptors in one piece each."""
    pairs: list[tuple[slice, slice]] = []
    for f, r in enumerate(filters):
        row = first_input + r
        if pairs and pairs[-1][0].stop == row:
            inputs, own = pairs[-1]
            pairs[-1] = slice(inputs.start, row + 1), slice(own.start, f + 1)
        else:
            pairs.append((slice(row, row + 1), slice(f, f + 1)))
    return tuple(pairs)


class Traces:
    """The traces of a run: ``collect`` what they give to the membrane in the coming step, then ``decay``.

    ``rows`` (K, trials, n) is changed in place. ``drive`` and ``rate`` (trials, n) are the sums over rows of
    ``to_drive`` and ``to_rate`` times the row: mV, and 1. Rows are added one by one: the sum must not depend on the
    number of cells, as that of NumPy may.
    """

    def __init__(self, rows: np.ndarray, plan: TracePlan) -> None:
        self._rows, self._plan = rows, plan
        self._filters = rows[len(rows) - len(plan.coupling):]
        self._inputs = [(rows[i], plan.coupling[f], f) for i, f in plan.pairs]
        self._gain = np.empty_like(self._filters)
        self._work = np.empty_like(rows)
        self.drive, self.rate = np.zeros(rows.shape[1:]), np.zeros(rows.shape[1:])
        self.drives, self.conducts = bool(plan.driving), bool(plan.conducting)
        self._driving = [self._work[i] for i in plan.driving]
        self._conducting = [self._work[i] for i in plan.conducting]

    def collect(self) -> None:
        """Compute ``drive`` and ``rate`` of the coming step."""
        if self.drives:
            _sum(self._rows, self._plan.to_drive, self._work, self._driving, self.drive)
        if self.conducts:
            _sum(self._rows, self._plan.to_rate, self._work, self._conducting, self.rate)

    def decay(self) -> None:
        """One step of the traces themselves."""
        for inputs, coupling, own in self._inputs:
            np.multiply(inputs, coupling, self._gain[own])
        np.multiply(self._rows, self._plan.decay, self._rows)
        if self._inputs:
            np.add(self._filters, self._gain, self._filters)


def _sum(rows: np.ndarray, weight: np.ndarray, work: np.ndarray, which: list[np.ndarray], total: np.ndarray) -> None:
    np.multiply(rows, weight, work)
    if len(which) == 1:
        np.copyto(total, which[0])
        return
    np.add(which[0], which[1], total)
    for row in which[2:]:
        np.add(total, row, total)
