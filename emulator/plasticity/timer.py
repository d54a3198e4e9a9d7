"""When a rule is executed: from a start on, at regular periods, so many times."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real

from ..frozen import Frozen


@dataclass(frozen=True, kw_only=True)
class Timer(Frozen):
    """Regular executions: number k of them is due at ``start + k period``.

    A timer carries no unit: the one who makes it and the one who reads it agree on it. The face makes it in
    milliseconds of biological time, which are as many microseconds on the chip; ``scaled`` changes the unit.

    Attributes
    ----------
    start : float
        When the first execution is due; 0 or later.
    period : float
        Above 0.
    num_periods : int or None
        Number of executions; None for as many as the run has time for.
    """

    start: float
    period: float
    num_periods: int | None = None

    def __post_init__(self) -> None:
        for name in ("start", "period"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Real):
                raise TypeError(f"Timer: {name}={value!r} isn't a number; times are in the unit of the run, without "
                                "units attached")
            object.__setattr__(self, name, float(value))
        if not (math.isfinite(self.start) and self.start >= 0.0):
            raise ValueError(f"Timer: start={self.start:g}; the first execution must lie at 0 or later")
        if not (math.isfinite(self.period) and self.period > 0.0):
            raise ValueError(f"Timer: period={self.period:g}; it must be finite and above 0. For a single execution "
                             "use num_periods=1 with any period")
        n = self.num_periods
        if n is None:
            return
        if isinstance(n, bool) or not (isinstance(n, Integral) or (isinstance(n, Real) and float(n).is_integer())):
            raise TypeError(f"Timer: num_periods={n!r} isn't a whole number; use None for executions without end")
        if n < 0:
            raise ValueError(f"Timer: num_periods={n}; it must be 0 or more, or None for executions without end")
        object.__setattr__(self, "num_periods", int(n))

    def due(self, k: int) -> float:
        """When execution k is due."""
        return self.start + k * self.period

    @property
    def end(self) -> float:
        """When the last period is over; inf without end."""
        return math.inf if self.num_periods is None else self.due(self.num_periods)

    def scaled(self, factor: float) -> Timer:
        """The same timer in another unit: ``factor`` new units are one old one."""
        return Timer(start=self.start * factor, period=self.period * factor, num_periods=self.num_periods)
