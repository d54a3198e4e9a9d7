"""Correlation sensors: two capacitors in each synapse that collect the pairs of its spikes, and their readout.

With t the time of an event, an existing synapse changes by the rule of nearest neighbours:

=================  ===================================  ==============================================================
event              pairs with                           change
=================  ===================================  ==============================================================
postsynaptic       the last presynaptic event, if it    causal   <- min(causal + eta_causal exp(-(t - t_pre) /
                   came since the last postsynaptic     tau_causal), saturation)
presynaptic        the last postsynaptic event, if it   acausal  <- min(acausal + eta_acausal exp(-(t - t_post) /
                   came since the last presynaptic      tau_acausal), saturation)
=================  ===================================  ==============================================================

Sources: Friedmann et al. (2017), IEEE Trans. Biomed. Circuits Syst. 11, for the sensor; Pehle et al. (2022), Front.
Neurosci. 16:795876, for this chip.

Equal steps: all presynaptic events of a step come before all postsynaptic ones, in every trial. So a pair inside one
step is causal, with exp(0) = 1, and the next presynaptic event forms an acausal pair with that postsynaptic one. The
grid cannot know better; one order for all keeps the result independent of the order of calls. A presynaptic event that
is there twice in a step counts once.

A reset empties the capacitors and nothing else: the sensor still knows its last events, as on the chip.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np

from .. import limits
from ..frozen import Frozen, Same
from ..streams import Stream, generator
from .pair_rule import Selection
from .sensor_readout import CAUSAL, Chosen, Readout, several_of

NEVER = -np.inf  # the time of an event that has not been

_LINE = 8  # floats in a cache line
_FEW = 8  # postsynaptic events up to which one after the other is faster than all at once
_PATTERN, _READ = 0, 1  # second word of the key of Stream.SENSOR
_QUANTITIES = ("eta_causal", "eta_acausal", "tau_causal_us", "tau_acausal_us", "baseline_causal", "baseline_acausal")


@dataclass(frozen=True, eq=False)
class SensorParameters(Frozen):
    """Sensors of R rows and C columns as they are on the virtual chip; arrays of shape (R, C).

    Attributes
    ----------
    eta_causal, eta_acausal : float
        What a pair at no distance adds, CADC LSB.
    tau_causal_us, tau_acausal_us : float
    baseline_causal, baseline_acausal : float
        Code of an empty sensor, CADC LSB.
    saturation : float
        Largest correlation that a capacitor stores, CADC LSB; may be inf.
    read_noise : float
        Standard deviation of one reading, CADC LSB.
    """

    eta_causal: np.ndarray
    eta_acausal: np.ndarray
    tau_causal_us: np.ndarray
    tau_acausal_us: np.ndarray
    baseline_causal: np.ndarray
    baseline_acausal: np.ndarray
    saturation: float = limits.SENSOR_SATURATION_LSB
    read_noise: float = 0.0


def verify_sensors(p: SensorParameters) -> None:
    """Raise ValueError, naming the field and the place, if there can be no such sensors."""
    shape = p.eta_causal.shape
    if len(shape) != 2:
        raise ValueError(f"eta_causal has shape {shape}, expected (rows, columns)")
    for name in _QUANTITIES:
        array = getattr(p, name)
        if array.shape != shape:
            raise ValueError(f"{name} has shape {array.shape}, expected {shape}")
        ok = np.isfinite(array) & ((array > 0) if name.startswith("tau") else (array >= 0))
        if not ok.all():
            row, column = (int(i[0]) for i in np.nonzero(~ok))
            raise ValueError(f"{name} must be finite and {'> 0' if name.startswith('tau') else '>= 0'}; it is "
                             f"{array[row, column]} at row {row}, column {column}")
    if not p.saturation > 0:
        raise ValueError(f"saturation must be > 0 CADC LSB, or inf for none, got {p.saturation}")
    if not 0 <= p.read_noise < np.inf:
        raise ValueError(f"read_noise is a spread and must be >= 0 CADC LSB, got {p.read_noise}")


def draw_sensors(chip_seed: int, chip, array, row, column, *, eta: float = limits.SENSOR_ETA_LSB,
                 tau_us: float = limits.SENSOR_TAU_US, baseline: float = limits.SENSOR_BASELINE_LSB,
                 eta_spread: float = 0.0, tau_spread: float = 0.0, baseline_spread: float = 0.0,
                 saturation: float = limits.SENSOR_SATURATION_LSB, read_noise: float = 0.0) -> SensorParameters:
    """Sensors of virtual chips, from nominal values and their spreads.

    A sensor depends on chip seed, chip and coordinate, not on what else is asked for; a larger spread scales the same
    pattern. The causal and the acausal sensor of a synapse differ independently.

    Parameters
    ----------
    chip_seed : int
        Names the virtual chips.
    chip, array, row, column : int arrays, broadcastable to (R, C)
        Coordinates of the synapses, e.g. ``row[:, None]`` and ``column[None, :]``. Without any spread (as on a chip
        without limits) only their shape is used.
    eta, tau_us, baseline : float
        Medians of amplitude (CADC LSB) and time constant (us), mean of the baseline (CADC LSB).
    eta_spread, tau_spread : float
        Standard deviation of the logarithm.
    baseline_spread : float
        CADC LSB.
    saturation, read_noise : float
        See :class:`SensorParameters`.
    """
    where = np.broadcast_arrays(*(np.asarray(a, np.int64) for a in (chip, array, row, column)))
    nominal = {"eta": (eta, eta_spread), "tau": (tau_us, tau_spread), "baseline": (baseline, baseline_spread)}
    for name, (_, spread) in nominal.items():
        if not 0 <= spread < np.inf:
            raise ValueError(f"{name}_spread must be >= 0, got {spread}")
    if any(spread for _, spread in nominal.values()):
        for name, index, bound in zip(("chip", "array", "row", "column"), where,
                                      (2**31, limits.HALVES, limits.ROWS, limits.COLUMNS), strict=True):
            if index.size and not 0 <= int(index.min()) <= int(index.max()) < bound:
                raise ValueError(f"{name} must lie in 0..{bound - 1}, got {index.min()}..{index.max()}: sensors differ "
                                 "by their place on a chip; leave all spreads 0 on a chip without limits")
    values = {}
    for key, name in enumerate(_QUANTITIES):
        kind = name.split("_")[0]
        middle, spread = nominal[kind]
        z = spread * _pattern(chip_seed, key, *where) if spread else np.zeros(where[0].shape)
        values[name] = np.maximum(middle + z, 0.0) if kind == "baseline" else middle * np.exp(z)
    parameters = SensorParameters(**values, saturation=saturation, read_noise=read_noise)
    verify_sensors(parameters)
    return parameters


def _pattern(chip_seed: int, quantity: int, chip, array, row, column) -> np.ndarray:
    """Standard normals of one quantity at coordinates of one shape."""
    out = np.empty(chip.shape)
    half = chip * limits.HALVES + array
    for number in np.unique(half).tolist():
        here = half == number
        rng = generator(chip_seed, Stream.SENSOR, _PATTERN, *divmod(number, limits.HALVES), quantity)
        out[here] = rng.standard_normal((limits.ROWS, limits.COLUMNS))[row[here], column[here]]
    return out


def read_streams(seed: int, first_trial: int, trials: int, group: int, step: int) -> list[np.random.Generator]:
    """Generators, one for each trial, for all readings of a plastic array (``group``) at one step."""
    return [generator(seed, Stream.SENSOR, _READ, first_trial + t, group, step) for t in range(trials)]


@dataclass(frozen=True, eq=False)
class SensorState(Frozen):
    """What sensors hold; it belongs to one length of the step.

    Attributes
    ----------
    causal, acausal : float, (trials, R, C)
        Stored correlation, CADC LSB.
    t_pre : float, (trials, R, C)
        Step of the last presynaptic event of every synapse, -inf for none.
    t_post : float, (trials, C)
        Step of the last postsynaptic event of every column, -inf for none.
    """

    causal: np.ndarray
    acausal: np.ndarray
    t_pre: np.ndarray
    t_post: np.ndarray


def initial_sensor_state(trials: int, rows: int, columns: int) -> SensorState:
    """Empty sensors that have not seen any event."""
    shape = (trials, rows, columns)
    return SensorState(np.zeros(shape), np.zeros(shape), np.full(shape, NEVER), np.full((trials, columns), NEVER))


class _Constants:
    """Rates and amplitudes of sensors as they are used in a run.

    Presynaptic events go along rows, which end in unused columns: an odd number of cache lines lets a column spread
    over the whole cache. The causal side is stored by column.
    """

    def __init__(self, p: SensorParameters, step_us: float, there: np.ndarray | None) -> None:
        verify_sensors(p)
        rows, columns = p.eta_causal.shape
        if there is None:
            there = np.ones((rows, columns), bool)
        elif there.shape != (rows, columns):
            raise ValueError(f"there has shape {there.shape}, expected {(rows, columns)}")
        self.stride = _stride(columns)
        self.pre_rate = _widened(step_us / p.tau_acausal_us, 1.0, self.stride)
        self.pre_eta = _widened(np.where(there, p.eta_acausal, 0.0), 0.0, self.stride)
        self.post_rate = np.ascontiguousarray((step_us / p.tau_causal_us).T)
        self.post_eta = np.ascontiguousarray(np.where(there, p.eta_causal, 0.0).T)
        first, last = np.argmax(there, axis=0), rows - np.argmax(there[::-1], axis=0)
        self.rows = [slice(i, j) if any_ else slice(0, 0) for i, j, any_ in zip(
            first.tolist(), last.tolist(), there.sum(axis=0).tolist(), strict=True)]  # between which a column has all


@lru_cache(maxsize=32)
def _constants(p: SensorParameters, step_us: float, there: Same | None) -> _Constants:
    """Constants are kept: runs that are cut by rules need them for every piece."""
    return _Constants(p, step_us, None if there is None else there.array)


def _stride(length: int) -> int:
    """Length of a row with its unused end."""
    return (-(-length // _LINE) | 1) * _LINE


def _widened(array: np.ndarray, value: float, stride: int) -> np.ndarray:
    """A copy with unused columns at the end."""
    out = np.empty((*array.shape[:-1], stride))
    out[..., :array.shape[-1]] = array
    out[..., array.shape[-1]:] = value
    return out


class SensorRun(Readout):
    """Sensors during a run; it works on its own copy of the state.

    Parameters
    ----------
    parameters : SensorParameters
    state : SensorState
    step_us : float
    there : bool, (R, C), optional
        Where a synapse exists; everywhere by default. Elsewhere nothing is ever stored.
    """

    def __init__(self, parameters: SensorParameters, state: SensorState, step_us: float,
                 there: np.ndarray | None = None) -> None:
        p = self._parameters = parameters
        trials = len(state.causal)
        rows, columns = self._shape = p.eta_causal.shape
        for field in fields(state):
            shape = (trials, columns) if field.name == "t_post" else (trials, rows, columns)
            if getattr(state, field.name).shape != shape:
                raise ValueError(f"state.{field.name} has shape {getattr(state, field.name).shape}, expected {shape}: "
                                 "start from initial_sensor_state(trials, rows, columns)")
        key = None if there is None or there.flags.writeable else Same(there)
        constants = _constants(p, step_us, key) if there is None or key is not None else _Constants(p, step_us, there)
        self._stride = constants.stride
        self._pre_rate, self._pre_eta = constants.pre_rate, constants.pre_eta
        self._post_rate, self._post_eta = constants.post_rate, constants.post_eta
        self._rows = constants.rows
        self._acausal = self._widen(state.acausal, 0.0)
        self._causal_wide = _widened(state.causal.swapaxes(1, 2), 0.0, _stride(rows))
        self._causal = self._causal_wide[..., :rows]
        self._t_pre, self._t_post = self._widen(state.t_pre, NEVER), self._widen(state.t_post, NEVER)
        self._most = float(p.saturation)
        self._limits = np.full(max(self._stride, rows), self._most)
        self._lines: dict[tuple, tuple[np.ndarray, ...]] = {}  # what events of whole rows and columns work on
        self._posts: dict[tuple[int, int], tuple[np.ndarray, ...]] = {}
        self._posted = float(state.t_post.max(initial=NEVER))  # last step with a postsynaptic event, with any event
        self._now = max(self._posted, float(state.t_pre.max(initial=NEVER)))

    def _widen(self, array: np.ndarray, value: float) -> np.ndarray:
        return _widened(array, value, self._stride)

    # --- events ------------------------------------------------------------------------------------------------------

    def pre(self, step: int, trial: int, row: int, hit: Selection | None = None) -> None:
        """A presynaptic event.

        Parameters
        ----------
        step, trial, row : int
        hit : slice, int array or bool array (C,), optional
            The columns whose synapse takes the event, each once, the bounds of a slice in 0..C; by default all.
        """
        if step < self._now or step == self._posted:
            self._refuse(step)
        self._now = step
        if hit is None or isinstance(hit, slice):
            key = (trial, row) if hit is None else (trial, row, hit.start, hit.stop, hit.step)
            stored, seen, post, rate, eta, most = self._lines.get(key) or self._line(key, trial, row, hit)
            np.add(stored, _pairs(post, step, rate, eta, post >= seen), stored)
            np.minimum(stored, most, out=stored)
            seen.fill(step)
            return
        if hit.dtype == bool:
            hit = hit.nonzero()[0]
        stored, seen, post = self._acausal[trial, row], self._t_pre[trial, row], self._t_post[trial][hit]
        grown = _pairs(post, step, self._pre_rate[row][hit], self._pre_eta[row][hit], post >= seen[hit])
        grown += stored[hit]
        stored[hit] = np.minimum(grown, self._most)
        seen[hit] = step

    def _line(self, key: tuple, trial: int, row: int, hit: slice | None) -> tuple[np.ndarray, ...]:
        """Views of what a presynaptic event of neighbouring synapses works on."""
        arrays = (self._acausal[trial, row], self._t_pre[trial, row], self._t_post[trial], self._pre_rate[row],
                  self._pre_eta[row])
        if hit is not None:
            arrays = tuple(array[hit] for array in arrays)
        self._lines[key] = *arrays, self._limits[:len(arrays[0])]
        return self._lines[key]

    def pre_rows(self, step: int, trial: int, rows: np.ndarray, hits: np.ndarray) -> None:
        """Presynaptic events of one step and trial in different rows (E,), ``hits`` bool (E, C): ``pre`` for each."""
        if step < self._now or step == self._posted:
            self._refuse(step)
        self._now = step
        width = self._shape[1]
        seen, post = self._t_pre[trial, rows, :width], self._t_post[trial, :width]
        event, column = ((post >= seen) & hits).nonzero()  # few columns have spiked since
        at = rows[event], column
        grown = _pairs(post[column], step, self._pre_rate[at], self._pre_eta[at], np.ones(len(column), bool))
        grown += self._acausal[trial][at]
        self._acausal[trial][at] = np.minimum(grown, self._most)
        self._t_pre[trial, rows, :width] = np.where(hits, float(step), seen)

    def post(self, step: int, trial: int, column: int) -> None:
        """A postsynaptic event of a column."""
        if step < self._now:
            self._refuse(step)
        self._now = self._posted = step
        pre, stored, rate, eta, most = self._posts.get((trial, column)) or self._post_line(trial, column)
        last = self._t_post[trial]
        np.add(stored, _pairs(pre, step, rate, eta, pre > last[column]), stored)
        np.minimum(stored, most, out=stored)
        last[column] = step

    def _post_line(self, trial: int, column: int) -> tuple[np.ndarray, ...]:
        """Views of what a postsynaptic event works on: the rows between which the column has synapses."""
        rows = self._rows[column]
        self._posts[trial, column] = (
            self._t_pre[trial, rows, column], self._causal[trial, column, rows], self._post_rate[column, rows],
            self._post_eta[column, rows], self._limits[:rows.stop - rows.start])
        return self._posts[trial, column]

    def pre_many(self, step: int, trial: np.ndarray, row: np.ndarray, hits: np.ndarray) -> None:
        """Presynaptic events of one step: ``trial`` and ``row`` (E,), ``hits`` bool (E, C)."""
        if len(trial) == 1:
            self.pre(step, int(trial[0]), int(row[0]), hits[0])
            return
        trial, row = np.asarray(trial, np.intp), np.asarray(row, np.intp)  # smaller ones would not hold a place
        if step < self._now or step == self._posted:
            self._refuse(step)
        self._now = step
        event, column = hits.nonzero()
        synapse = (row * self._stride)[event] + column
        place = (trial * self._acausal[0].size)[event] + synapse
        stored, seen = self._acausal.reshape(-1), self._t_pre.reshape(-1)
        post = self._t_post.reshape(-1).take((trial * self._stride)[event] + column)
        rate, eta = self._pre_rate.reshape(-1).take(synapse), self._pre_eta.reshape(-1).take(synapse)
        grown = _pairs(post, step, rate, eta, post >= seen.take(place))
        grown += stored.take(place)
        stored[place] = np.minimum(grown, self._most)
        seen[place] = step

    def post_many(self, step: int, trial: np.ndarray, column: np.ndarray) -> None:
        """Postsynaptic events of one step: ``trial`` and ``column`` (E,); none is no event."""
        if len(trial) <= _FEW:
            for t, c in zip(trial.tolist(), column.tolist(), strict=True):
                self.post(step, t, c)
            return
        if step < self._now:
            self._refuse(step)
        self._now = self._posted = step
        pre = np.ascontiguousarray(self._t_pre[trial, :, column])  # (E, R)
        fresh = pre > self._t_post[trial, column][:, None]
        grown = _pairs(pre, step, self._post_rate[column], self._post_eta[column], fresh)
        grown += self._causal[trial, column]
        self._causal[trial, column] = np.minimum(grown, self._most)
        self._t_post[trial, column] = step

    def _refuse(self, step: int) -> None:
        raise ValueError(f"an event of step {step} comes too late: sensors have seen events of step {int(self._now)}"
                         + (", postsynaptic ones among them" if self._posted == self._now else "")
                         + "; give the events in temporal order, of each step the presynaptic ones first")

    # --- readout -----------------------------------------------------------------------------------------------------

    def stored(self, kind: str, rows: Chosen = None, trials: Chosen = None, columns: Chosen = None) -> np.ndarray:
        """Stored correlation (t, r, c) as it is, CADC LSB, a copy; no converter, no noise."""
        self._demand_kind(kind)
        several, (height, width) = several_of(trials, len(self._causal)), self._shape
        which, side = several_of(rows, height), several_of(columns, width)
        if kind == CAUSAL:
            return np.array(self._causal[several][:, side][:, :, which].swapaxes(1, 2), order="C")
        return np.array(self._acausal[several][:, which, :width][..., side], order="C")

    def reset(self, rows: Chosen = None, columns: Chosen = None, trials: Chosen = None) -> None:
        """Empty both capacitors of synapses; all rows, columns and trials by default."""
        sizes = (len(self._causal), *self._shape)
        where = tuple(several_of(x, n) for x, n in zip((trials, rows, columns), sizes, strict=True))
        if not all(isinstance(x, slice) for x in where):
            where = np.ix_(*(np.arange(n)[x] for x, n in zip(where, sizes, strict=True)))
        self._acausal[..., :sizes[2]][where] = self._causal.swapaxes(1, 2)[where] = 0.0

    def state(self, last: bool = False) -> SensorState:
        """The present state; a run that goes on from it gives the same, bit for bit.

        ``last`` says that this run takes no further event: its own arrays are handed over.
        """
        wide = (self._causal_wide, self._acausal, self._t_pre, self._t_post)
        causal, *others = wide if last else (array.copy() for array in wide)
        # with the unused ends, and causal ones by column: so the next run copies them fast, and a rule reads them fast
        return SensorState(causal[..., :self._shape[0]].swapaxes(1, 2), *(a[..., :self._shape[1]] for a in others))


def _pairs(last: np.ndarray, step: int, rate: np.ndarray, eta: np.ndarray, fresh: np.ndarray) -> np.ndarray:
    """What pairs with events at steps ``last`` add at ``step``, where they are fresh."""
    grown = last - step
    grown *= rate
    np.exp(grown, grown)
    grown *= eta
    grown *= fresh
    return grown
