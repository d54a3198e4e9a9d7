"""Run times against sums worked out by hand from the published cycles."""

import numpy as np
import pytest
from pynn_brainscales.emulator import limits
from pynn_brainscales.emulator.plasticity.cost import (
    CYCLES,
    CostMeter,
    Operation,
    reserved_time,
    run_time_steps,
    run_time_us,
    transfer_time,
)


def test_every_operation_has_its_cycles():
    assert set(CYCLES) == set(Operation)
    assert all(n > 0 for n in CYCLES.values())


def test_weights_of_a_whole_half():
    """Reading and writing all weights: 2 x 2 x 256 x 20 cycles at 250 MHz, 82 us."""
    meter = CostMeter()
    meter.rows(Operation.WEIGHT_READ, np.arange(256))
    meter.rows(Operation.WEIGHT_WRITE, np.arange(256))
    assert meter.cycles == 20480
    assert transfer_time(meter) == pytest.approx(limits.UPDATE_BASE_US + 81.92)
    assert meter.row_count == 256


def test_scan_of_the_sensors():
    """One set of all 256 rows takes 0.42 ms, with reset 0.46 ms."""
    meter = CostMeter()
    meter.read_correlation(np.arange(256))
    assert meter.cycles / 250.0 == pytest.approx(419.84)
    meter.rows(Operation.CORRELATION_RESET, np.arange(256))
    assert meter.cycles / 250.0 == pytest.approx(460.8)
    both = CostMeter()
    both.read_correlation([3, 4], sets=2)
    assert both.cycles == 4 * 410


def test_switching_between_sensors_and_membranes_costs():
    meter = CostMeter()
    for read in (lambda: meter.read_correlation(0), meter.read_membranes, meter.read_membranes,
                 lambda: meter.read_correlation(1)):
        read()
    assert meter.count(Operation.CADC_READ) == 4
    assert meter.count(Operation.CADC_SWITCH) == 2
    assert meter.cycles == 4 * 410 + 2 * 250


def test_reserved_time_counts_different_rows():
    meter = CostMeter()
    meter.read_correlation(np.arange(100))
    meter.rows(Operation.WEIGHT_WRITE, np.arange(50, 150))
    meter.rows(Operation.WEIGHT_WRITE, [])
    assert meter.row_count == 150
    assert reserved_time(meter) == pytest.approx(5.0 + 25.0 * 150)


def test_runtime_models():
    meter = CostMeter()
    meter.charge(Operation.NEURON_RESET, 2)
    assert run_time_us(None, meter) == 0.0
    assert run_time_us(12, meter) == 12.0
    assert run_time_us(transfer_time, meter) == pytest.approx(5.0 + 40 / 250)
    assert run_time_us(lambda m: 2.0 * m.cycles, meter) == 80.0
    for model, error, words in ((-1.0, ValueError, "gave -1 us"), (float("nan"), ValueError, "gave nan"),
                                ("fast", TypeError, "give None"), (lambda m: None, TypeError, "gave None"),
                                ([1], TypeError, "give None")):
        with pytest.raises(error, match=words):
            run_time_us(model, meter)


def test_run_times_in_steps_round_up():
    assert [run_time_steps(t, 0.1) for t in (0.0, 0.05, 0.1, 0.1 * 3, 0.7, 0.71, 1.1)] == [0, 1, 1, 3, 7, 8, 11]


def test_what_cannot_be_charged_is_refused():
    meter = CostMeter()
    with pytest.raises(ValueError, match="must be 0 or more"):
        meter.charge(Operation.ARITHMETIC, -1)
    with pytest.raises(ValueError, match="use charge"):
        meter.rows(Operation.ARITHMETIC, [1])
    with pytest.raises(ValueError, match="rows 0 to 255"):
        meter.rows(Operation.WEIGHT_READ, [256])
    with pytest.raises(ValueError, match="2 correlation sensors"):
        meter.read_correlation([1], sets=3)
    with pytest.raises(TypeError, match="numbers"):
        meter.rows(Operation.WEIGHT_READ, np.ones(3, bool))


def test_text():
    meter = CostMeter()
    meter.rows(Operation.WEIGHT_READ, [1, 2])
    meter.charge(Operation.ARITHMETIC, 10)
    assert str(meter).split("\n") == [
        "weights read [vectors]                                   4 x  20 cycles",
        "arithmetic [operations on a vector]                     10 x   4 cycles",
        "5.48 us with 5 us to enter and leave"]
