"""Synapses whose weights and labels change during a run.

An event (trial, row, label) acts through every existing synapse of its row whose label equals its own, by
``strength * weight``. What an event does is kept until a weight or a label of its row is written.

Rules compute weights in floats: they become integers by ``floor(x + 1/2)``, halves upwards, so that a random walk of
+-1/2 has no drift towards or away from zero. What is then outside 0..63 is saturated or refused, as the caller
chooses, and never wraps around.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .. import limits
from ..frozen import Frozen, Same
from .pair_rule import Selection
from .sensor_readout import Chosen, several_of

_KEPT = 1 << 24  # bytes of events that are kept
_FAR = 1 << 40  # stands for all numbers beyond


@dataclass(frozen=True, eq=False)
class PlasticState(Frozen):
    """What can be written.

    Attributes
    ----------
    weight, label : uint8, (trials, R, C)
        0..63; the weight is 0 where there is no synapse.
    """

    weight: np.ndarray
    label: np.ndarray


def initial_plastic_state(trials: int, weight: np.ndarray, label: np.ndarray) -> PlasticState:
    """The same weights and labels (R, C), 0..63, in every trial.

    Raises
    ------
    ValueError
        If they have different shapes, are no integers, or lie outside of 0..63.
    """
    if weight.shape != label.shape or weight.ndim != 2:
        raise ValueError(f"weight has shape {weight.shape} and label {label.shape}; both must be (rows, columns)")
    for name, array in (("weight", weight), ("label", label)):
        _demand_integers(array, name)
        _demand(array, name)
    weights, labels = (np.repeat(array[None].astype(np.uint8), trials, axis=0) for array in (weight, label))
    return PlasticState(weights, labels)


class PlasticRun:
    """Plastic synapses during a run; it works on its own copy of the state.

    Parameters
    ----------
    there : bool, (R, C)
        Where a synapse exists; what is written elsewhere has no effect.
    strength : float, (R, C)
        What one unit of weight adds to the synaptic state, with the static errors of synapse and driver.
    state : PlasticState
    """

    def __init__(self, there: np.ndarray, strength: np.ndarray, state: PlasticState) -> None:
        trials = len(state.weight)
        rows, columns = self._shape = there.shape
        if there.flags.writeable or strength.flags.writeable:
            self._there, self._strength = _constants(there.copy(), strength)
        else:
            self._there, self._strength = _kept_constants(Same(there), Same(strength))
        whole = trials, rows, columns
        for name in ("weight", "label"):
            array = getattr(state, name)
            if array.shape != whole or array.dtype != np.uint8:
                raise ValueError(f"state.{name} is {array.dtype} {array.shape}, expected uint8 {whole}: "
                                 "start from initial_plastic_state(trials, weight, label)")
        self._weight, self._label = state.weight * self._there, state.label.copy()
        self._kept: dict[tuple[int, int], dict[int, tuple[np.ndarray, Selection | None]]] = {}
        self._space = self._most = max(1, _KEPT // (8 * max(1, columns)))

    # --- events ------------------------------------------------------------------------------------------------------

    def event(self, trial: int, row: int, label: int) -> tuple[np.ndarray, Selection | None]:
        """What an event does: its increments, float (C,), and the columns that take it.

        The columns are a slice or indices, or None for all, as ``SensorRun.pre`` takes them; a synapse of weight 0
        is among them. The increments are read-only.
        """
        of_row = self._kept.get((trial, row))
        if of_row is None:
            of_row = self._kept[trial, row] = {}
        found = of_row.get(label)
        if found is None:
            if not self._space:
                self._kept.clear()
                self._space, of_row = self._most, {}
                self._kept[trial, row] = of_row
            self._space -= 1
            found = of_row[label] = self._look_up(trial, row, label)
        return found

    def row_vector(self, trial: int, row: int, label: int) -> np.ndarray:
        """Increments of an event, float (C,), read-only."""
        return self.event(trial, row, label)[0]

    def _look_up(self, trial: int, row: int, label: int) -> tuple[np.ndarray, Selection | None]:
        if trial < 0 or row < 0:  # a second name for what is kept under its own
            raise IndexError(f"trial {trial}, row {row}: neither may be negative")
        hit = (self._label[trial, row] == label) & self._there[row]
        increments = self._strength[row] * self._weight[trial, row] * hit
        increments.flags.writeable = False
        return increments, _compact(hit.nonzero()[0], len(hit))

    def events(self, trial: np.ndarray, row: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Many events (E,) at once: their increments, float (E, C), and which columns take them, bool (E, C)."""
        hits = (self._label[trial, row] == label[:, None]) & self._there[row]
        return self._strength[row] * self._weight[trial, row] * hits, hits

    # --- weights and labels ------------------------------------------------------------------------------------------

    def weights(self, rows: Chosen = None, trials: Chosen = None) -> np.ndarray:
        """Present weights, int16 (t, r, C), a copy; signed, so that a rule may compute with them."""
        return self._weight[several_of(trials, len(self._weight))][:, several_of(rows, self._shape[0])].astype(np.int16)

    def labels(self, rows: Chosen = None, trials: Chosen = None) -> np.ndarray:
        """Present labels, int16 (t, r, C), a copy."""
        return self._label[several_of(trials, len(self._label))][:, several_of(rows, self._shape[0])].astype(np.int16)

    def set_weights(self, values, rows: Chosen = None, saturate: bool = True, trials: Chosen = None,
                    columns: Chosen = None) -> np.ndarray:
        """Write weights of whole rows, or of some columns of them.

        Parameters
        ----------
        values : int or float, broadcastable to (t, r, c)
            Floats become integers by ``floor(x + 1/2)``. Where there is no synapse they have no effect and may be NaN.
        rows, trials, columns : int, slice or int array, optional
            By default all.
        saturate : bool
            Limit what is outside 0..63; if False it is an error, and nothing is written.

        Returns
        -------
        bool, (t, r, c)
            Where a weight was saturated.

        Raises
        ------
        ValueError
        """
        where, shape, there = self._place(rows, trials, columns)
        whole = _whole(_fit(values, shape, "weights"), there)
        clipped = (whole < 0) | (whole > limits.WEIGHT_MAX)
        if not saturate:
            _demand(whole, "weight", "; saturate=True limits them")
        self._weight[where] = np.clip(whole, 0, limits.WEIGHT_MAX)
        self._forget(*where[:2])
        return clipped

    def set_labels(self, values, rows: Chosen = None, trials: Chosen = None) -> None:
        """Write labels, integers 0..63 broadcastable to (t, r, C), of whole rows; nothing is written on an error."""
        where, shape, there = self._place(rows, trials)
        values = _fit(values, shape, "labels")
        _demand_integers(values, "label")
        _demand(np.where(there, values, 0), "label")
        self._label[where] = np.where(there, values, self._label[where])
        self._forget(*where[:2])

    def _place(self, rows: Chosen, trials: Chosen, columns: Chosen = None
               ) -> tuple[tuple[np.ndarray, ...], tuple[int, ...], np.ndarray]:
        """Index, shape and existing synapses of what is to be written."""
        t, r = (np.arange(n)[several_of(x, n)] for x, n in ((trials, len(self._weight)), (rows, self._shape[0])))
        if columns is None:
            return (t[:, None], r[None, :]), (len(t), len(r), self._shape[1]), self._there[r]
        c = np.arange(self._shape[1])[several_of(columns, self._shape[1])]
        return (t[:, None, None], r[:, None], c), (len(t), len(r), len(c)), self._there[r[:, None], c]

    def _forget(self, trials: np.ndarray, rows: np.ndarray) -> None:
        if trials.size * rows.size >= self._weight[..., 0].size:
            self._kept.clear()
            self._space = self._most
            return
        for t in trials.ravel().tolist():
            for r in rows.ravel().tolist():
                self._space += len(self._kept.pop((t, r), ()))

    def state(self) -> PlasticState:
        """The present state."""
        return PlasticState(self._weight.copy(), self._label.copy())


def _constants(there: np.ndarray, strength: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where a synapse exists, and strengths that are 0 elsewhere."""
    if strength.shape != there.shape:
        raise ValueError(f"strength has shape {strength.shape}, expected {there.shape}")
    if not np.isfinite(strength).all(where=there):
        raise ValueError("strength must be finite where a synapse exists")
    return there, np.where(there, strength, 0.0)


@lru_cache(maxsize=32)
def _kept_constants(there: Same, strength: Same) -> tuple[np.ndarray, np.ndarray]:
    """The same of arrays that never change: every piece of a run needs them."""
    return _constants(there.array, strength.array)


def _compact(index: np.ndarray, size: int) -> Selection | None:
    """None for all, a slice for neighbours, else the indices themselves."""
    if len(index) == size:
        return None
    if len(index) and index[-1] - index[0] + 1 == len(index):
        return slice(int(index[0]), int(index[-1]) + 1)
    return index


def _fit(values, shape: tuple[int, ...], name: str) -> np.ndarray:
    values = np.asarray(values)
    try:
        return np.broadcast_to(values, shape)
    except ValueError:
        raise ValueError(f"{name} have shape {values.shape}; expected (trials, rows, columns) {shape}, or fewer axes "
                         "where the others are to get the same") from None


def _demand_integers(values: np.ndarray, name: str) -> None:
    if values.dtype.kind not in "iu":
        raise ValueError(f"{name}s are integers 0..{limits.WEIGHT_MAX}, got {values.dtype}")


def _whole(values: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Integers of weights, halves upwards; 0 where there is no synapse."""
    if values.dtype.kind in "iub":
        if values.dtype == np.uint64:  # the only kind with numbers that int64 lacks
            values = np.minimum(values, np.uint64(_FAR))
        return np.where(there, values.astype(np.int64), 0)
    if values.dtype.kind != "f":
        raise ValueError(f"weights must be numbers, got {values.dtype}")
    values = np.where(there, values, 0.0)
    if np.isnan(values).any():
        raise ValueError("a weight is NaN where a synapse exists")
    return np.clip(np.floor(values + 0.5), -_FAR, _FAR).astype(np.int64)


def _demand(whole: np.ndarray, name: str, hint: str = "") -> None:
    """Weights and labels have 6 bits both."""
    outside = (whole < 0) | (whole > limits.WEIGHT_MAX)
    if outside.any():
        raise ValueError(f"{int(outside.sum())} {name}s are outside of 0..{limits.WEIGHT_MAX}, the first of them "
                         f"{int(whole[outside][0])}{hint}")
