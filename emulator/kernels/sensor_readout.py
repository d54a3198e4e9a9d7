"""Reading correlation sensors through the converter.

8-bit codes fall with correlation: ``code = clip(floor(baseline - stored + noise + 1/2), 0, 255)``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from .. import limits
from .pair_rule import Selection

if TYPE_CHECKING:
    from .correlation import SensorParameters, SensorState

Chosen = int | Selection | None  # some of the rows, columns or trials, None for all

CAUSAL, ACAUSAL = "causal", "acausal"


class Readout(ABC):
    """What can be read of sensors, wherever they keep what they store."""

    _parameters: SensorParameters

    @abstractmethod
    def stored(self, kind: str, rows: Chosen = None, trials: Chosen = None, columns: Chosen = None) -> np.ndarray:
        """Stored correlation (t, r, c) as it is, CADC LSB, a copy; no converter, no noise."""

    def raw(self, kind: str, rows: Chosen = None, rng: Sequence[np.random.Generator] | None = None,
            trials: Chosen = None, columns: Chosen = None) -> np.ndarray:
        """Codes 0..255 of the converter, int16 (t, r, c); they fall with correlation.

        Parameters
        ----------
        kind : str
            "causal" or "acausal".
        rows, trials, columns : int, slice or int array, optional
            By default all; their axes stay.
        rng : sequence of numpy Generators, optional
            One for each trial that is read, so that a trial is the same in every batch; see :func:`read_streams`.
            Without it the reading has no noise.
        """
        p = self._parameters
        value = self.stored(kind, rows, trials, columns)
        nominal = _picked(_by_column(p)[kind], rows, columns)
        np.subtract(nominal, value, out=value)
        if rng is not None and p.read_noise:
            for one, r in zip(value, rng, strict=True):
                one += p.read_noise * r.standard_normal(one.shape, dtype=np.float32)
        return code_of(value)

    def baseline(self, kind: str, rows: Chosen = None, columns: Chosen = None) -> np.ndarray:
        """Code of the empty sensors, int16 (r, c): the mean of many readings after a reset, rounded."""
        self._demand_kind(kind)
        return _picked(baseline_codes(self._parameters)[kind], rows, columns)

    def correlation(self, kind: str, rows: Chosen = None, rng: Sequence[np.random.Generator] | None = None,
                    trials: Chosen = None, columns: Chosen = None) -> np.ndarray:
        """Correlation as a rule sees it, baseline - code, int16 (t, r, c); noise brings some below 0."""
        return self.baseline(kind, rows, columns) - self.raw(kind, rows, rng, trials, columns)

    def _demand_kind(self, kind: str) -> None:
        if kind not in (CAUSAL, ACAUSAL):
            raise ValueError(f"a sensor is {CAUSAL!r} or {ACAUSAL!r}, not {kind!r}")


class SensorReadout(Readout):
    """Sensors between two pieces of a run: they can be read and reset. The state given is not changed.

    Parameters
    ----------
    parameters : SensorParameters
    state : SensorState
    """

    def __init__(self, parameters: SensorParameters, state: SensorState) -> None:
        self._parameters, self._state = parameters, state

    def stored(self, kind: str, rows: Chosen = None, trials: Chosen = None, columns: Chosen = None) -> np.ndarray:
        """Stored correlation (t, r, c) as it is, CADC LSB, a copy; no converter, no noise."""
        self._demand_kind(kind)
        values = getattr(self._state, kind)[several_of(trials, len(self._state.causal))]
        values = values[..., several_of(columns, values.shape[2])]  # they lie by column: the fewer the faster
        return np.array(values[:, several_of(rows, values.shape[1])], order="C")

    def reset(self, rows: Chosen = None, trials: Chosen = None) -> None:
        """Empty both capacitors of synapses; all rows and trials by default."""
        new = {}
        for kind in (CAUSAL, ACAUSAL):
            if rows is None and trials is None:
                new[kind] = np.broadcast_to(0.0, getattr(self._state, kind).shape)  # takes no room and no time
                continue
            values = getattr(self._state, kind).copy(order="K")
            which = (several_of(x, n) for x, n in zip((trials, rows), values.shape, strict=False))
            values[np.ix_(*(np.arange(n)[x] for x, n in zip(which, values.shape, strict=False)))] = 0.0
            new[kind] = values
        self._state = self._state.replace(**new)

    def state(self) -> SensorState:
        """The present state."""
        return self._state


def _picked(values: np.ndarray, rows: Chosen, columns: Chosen) -> np.ndarray:
    """Some rows and columns of values (R, C)."""
    return values[several_of(rows, len(values))][:, several_of(columns, values.shape[1])]


@lru_cache(maxsize=16)
def baseline_codes(parameters: SensorParameters) -> dict[str, np.ndarray]:
    """Codes (R, C) of the empty sensors, by kind."""
    return {kind: code_of(value) for kind, value in _by_column(parameters).items()}


@lru_cache(maxsize=16)
def _by_column(parameters: SensorParameters) -> dict[str, np.ndarray]:
    """Baselines (R, C), by kind; they lie by column, so that some columns are read fast."""
    return {kind: np.asfortranarray(getattr(parameters, f"baseline_{kind}")) for kind in (CAUSAL, ACAUSAL)}


def several_of(chosen: Chosen, size: int) -> Selection:
    """What is chosen of ``size`` rows, columns or trials, as an index that keeps the axis; None is all of them."""
    if chosen is None:
        return slice(None)
    if isinstance(chosen, slice):
        return chosen
    if np.ndim(chosen) == 0:
        first = range(size)[int(chosen)]  # IndexError if it is outside
        return slice(first, first + 1)
    return np.asarray(chosen)


def code_of(value: np.ndarray) -> np.ndarray:
    """To the nearest code, halves upwards."""
    return np.clip(np.floor(value + 0.5), 0, limits.CADC_MAX).astype(np.int16)
