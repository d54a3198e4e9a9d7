"""Frozen values: every array inside is made read-only where the value is made."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache

import numpy as np


class Same:
    """An array, or another value, as a key of what is kept: equal to itself only; nobody may write into it."""

    def __init__(self, array) -> None:
        self.array = array

    def __hash__(self) -> int:
        return id(self.array)

    def __eq__(self, other) -> bool:
        return isinstance(other, Same) and other.array is self.array


def read_only(array) -> np.ndarray:
    """A read-only view; the caller's own array stays as it is."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


def _lines(value, indent: str) -> list[str]:
    """A line for each field of a frozen value, and for those of the values inside."""
    lines = []
    for field in dataclasses.fields(value):
        inner = getattr(value, field.name)
        head = f"{indent}{field.name:<18}"
        if isinstance(inner, np.ndarray):
            lines.append(head + _array(inner))
        elif isinstance(inner, Mapping):
            lines.append(head.rstrip())
            lines += [f"{indent}  {key:<16}{_array(x) if isinstance(x, np.ndarray) else ''}".rstrip()
                      for key, x in inner.items()]
        elif isinstance(inner, Frozen) and type(inner).__str__ is Frozen.__str__:
            lines += [f"{head}{type(inner).__name__}", *_lines(inner, indent + "  ")]
        elif isinstance(inner, tuple):
            lines.append(f"{head}{len(inner)} of {type(inner[0]).__name__}" if inner else f"{head}none")
        else:
            lines.append(head + str(inner).split("\n")[0])
    return lines


def _array(array: np.ndarray) -> str:
    text = f"{array.dtype.name} {array.shape}"
    if array.size == 0 or array.dtype.kind not in "iufb":
        return text
    low, high = (f"{float(x):.4g}" for x in (array.min(), array.max()))
    return f"{text} {low}" if low == high else f"{text} {low} .. {high}"


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


class Frozen:
    """Mixin for frozen dataclasses: arrays become read-only views, ``replace`` gives a changed copy.

    ``str()`` is a canonical text that fits a terminal: a line for each field, arrays by shape and range.
    """

    def __post_init__(self) -> None:
        values = self.__dict__
        for name in _names(type(self)):  # type: ignore[arg-type]
            value = values[name]
            if isinstance(value, np.ndarray) and (value.flags.writeable or type(value) is not np.ndarray):
                values[name] = read_only(value)

    def __str__(self) -> str:
        return "\n".join([type(self).__name__, *_lines(self, "  ")])

    def replace(self, **changes):
        """A copy with some fields changed; TypeError for a name that is no field."""
        names = _names(type(self))  # type: ignore[arg-type]
        if not changes.keys() <= set(names):
            raise TypeError(f"{type(self).__name__} has no field {', '.join(sorted(changes.keys() - set(names)))}")
        new = object.__new__(type(self))
        new.__dict__.update({name: self.__dict__[name] for name in names} | changes)
        new.__post_init__()
        return new
