"""Timers: due times and what is refused."""

import dataclasses
import math

import numpy as np
import pytest
from pynn_brainscales.emulator.plasticity.timer import Timer


def test_due_times():
    timer = Timer(start=5.0, period=2.5, num_periods=4)
    assert [timer.due(k) for k in range(4)] == [5.0, 7.5, 10.0, 12.5]
    assert timer.end == 15.0
    assert Timer(start=0, period=1).end == math.inf
    assert Timer(start=np.float64(1), period=np.int64(2), num_periods=np.int64(3)) == Timer(
        start=1.0, period=2.0, num_periods=3)
    assert Timer(start=0, period=1, num_periods=3.0).num_periods == 3


def test_units_are_scaled():
    timer = Timer(start=5.0, period=2.5, num_periods=4)
    assert timer.scaled(1000.0) == Timer(start=5000.0, period=2500.0, num_periods=4)


@pytest.mark.parametrize(("changes", "error", "words"), [
    ({"start": -1.0}, ValueError, "start=-1; the first execution"), ({"start": math.inf}, ValueError, "start=inf"),
    ({"period": 0.0}, ValueError, "above 0"), ({"period": math.nan}, ValueError, "period=nan"),
    ({"num_periods": -1}, ValueError, "num_periods=-1"), ({"num_periods": 2.5}, TypeError, "whole number"),
    ({"num_periods": True}, TypeError, "whole number"), ({"start": "1 ms"}, TypeError, "isn't a number"),
    ({"period": np.array([1.0])}, TypeError, "isn't a number")])
def test_what_is_no_timer_is_refused(changes, error, words):
    with pytest.raises(error, match=words):
        Timer(**{"start": 0.0, "period": 1.0, "num_periods": 1, **changes})


def test_timers_are_frozen_and_named():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Timer(start=0.0, period=1.0).start = 2.0
    with pytest.raises(TypeError):
        Timer(0.0, 1.0, 2)
