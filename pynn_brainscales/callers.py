"""Warnings that point to the user's line, not into this package."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def level_of_caller() -> int:
    """How far up, for ``warnings.warn``, the call comes from outside of this package and PyNN."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] in (
            "pynn_brainscales", "pyNN"):
        level, frame = level + 1, frame.f_back
    return level


def told_to_caller(function: Callable[..., Result], *args, **named) -> Result:
    """Call a function; what it warns of is said at the user's line."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        result = function(*args, **named)
    for warning in told:
        warnings.warn(warning.message, stacklevel=level_of_caller())
    return result
