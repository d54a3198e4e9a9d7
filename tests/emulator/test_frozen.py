"""Frozen values and what is kept for arrays."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest
from pynn_brainscales.emulator.frozen import Frozen, Same


@dataclass(frozen=True, eq=False)
class Pair(Frozen):
    a: np.ndarray
    b: int = 3

    def __post_init__(self):
        super().__post_init__()
        if self.b < 0:
            raise ValueError("b must be >= 0")

    @cached_property
    def total(self):
        return float(self.a.sum()) + self.b


def test_arrays_are_read_only_and_the_callers_own_is_not():
    mine = np.zeros(3)
    value = Pair(mine)
    with pytest.raises(ValueError, match="read-only"):
        value.a[0] = 1.0
    mine[0] = 1.0
    assert Pair(value.a).a is value.a  # what is read-only already is taken as it is


def test_replace_checks_and_forgets_what_was_computed():
    value = Pair(np.ones(3))
    assert value.total == 6.0
    other = value.replace(a=np.zeros(2), b=1)
    assert (other.total, other.b) == (1.0, 1)
    assert not other.a.flags.writeable
    assert (value.total, value.b) == (6.0, 3)
    with pytest.raises(TypeError, match="Pair has no field c"):
        value.replace(c=1)
    with pytest.raises(ValueError, match="b must be"):
        value.replace(b=-1)


def test_same_array():
    a, b = np.zeros(3), np.zeros(3)
    assert Same(a) == Same(a)
    assert hash(Same(a)) == hash(Same(a))
    assert Same(a) != Same(b)
