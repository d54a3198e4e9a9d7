"""Frozen values: every array inside is made read-only where the value is made."""

from __future__ import annotations

import dataclasses

import numpy as np


def read_only(array) -> np.ndarray:
    """A read-only view; the caller's own array stays as it is."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


class Frozen:
    """Mixin for frozen dataclasses: arrays become read-only views, ``replace`` gives a changed copy."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                object.__setattr__(self, field.name, read_only(value))

    def replace(self, **changes):
        """A copy with some fields changed; TypeError for a name that is no field."""
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]
