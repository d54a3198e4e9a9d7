"""Events find their synapses by row select and label, as the chip does it; against a plain loop over everything."""

import numpy as np
import pytest
from pynn_brainscales.emulator import coordinates, limits
from pynn_brainscales.emulator.config import ChipConfig, Probe, RoutedSynapses, Routes, verify_config
from pynn_brainscales.emulator.kernels.routing import effective_synapses, event_table, ranges
from pynn_brainscales.emulator.profile import quantised
from pynn_brainscales.emulator.run import run
from pynn_brainscales.emulator.stimulus import Stimulus
from pynn_brainscales.emulator.variation import draw_pattern


def routed(make, seed=0, chips=2, external=12):
    """Random arrays, masks and routes: most events hit something, many hit several rows."""
    rng = np.random.default_rng(seed)
    n = 512 * chips
    shape = (chips, 2, limits.ROWS, limits.COLUMNS)
    weight = rng.integers(1, 64, shape) * (rng.random(shape) < 0.02)
    label = rng.integers(0, 4, shape)
    sign = rng.integers(-1, 2, shape[:3])
    mask = rng.choice([31, 16, 0, 19], (chips, 2, limits.DRIVERS), p=[0.7, 0.1, 0.1, 0.1])
    direct = np.arange(0, n, 7)
    array = rng.integers(0, 2, len(direct))
    output = coordinates.output_of(direct % 512)
    m = 40
    routes = Routes(
        source=np.r_[direct, rng.integers(0, n + external, m)], chip=np.r_[direct // 512, rng.integers(0, chips, m)],
        array=np.r_[array, rng.integers(0, 2, m)], bus=np.r_[output % 4, rng.integers(0, 4, m)],
        row_select=np.r_[output << 2 | rng.integers(0, 4, len(direct)), rng.integers(0, 32, m)],
        label=rng.integers(0, 4, len(direct) + m), delay_steps=rng.integers(1, 5, len(direct) + m),
        relayed=np.r_[np.zeros(len(direct), bool), np.ones(m, bool)])
    synapses = RoutedSynapses(weight.astype(np.uint8), label.astype(np.uint8), sign.astype(np.int8),
                              mask.astype(np.uint8), routes)
    return ChipConfig(0.1, chips, make.circuits(n), external, synapses, (Probe("i_exc", np.arange(n), 1),))


def by_hand(cfg):
    """(source, target, input, delay) -> summed weight, one synapse at a time."""
    s, r = cfg.synapses, cfg.synapses.routes
    found = {}
    for e in range(len(r)):
        chip, array = int(r.chip[e]), int(r.array[e])
        for row in range(limits.ROWS):
            driver = row // 2
            if driver % 4 != r.bus[e] or s.row_sign[chip, array, row] == 0:
                continue
            wrong = (int(r.row_select[e]) ^ (driver // 4)) & int(s.driver_mask[chip, array, driver])
            if wrong:
                continue
            for column in np.flatnonzero(s.weight[chip, array, row]):
                if s.label[chip, array, row, column] == r.label[e]:
                    target = chip * 512 + array * 256 + int(column)
                    side = int(s.row_sign[chip, array, row] < 0)
                    key = (int(r.source[e]), target, side, int(r.delay_steps[e]))
                    found[key] = found.get(key, 0) + int(s.weight[chip, array, row, column])
    return found


def test_events_reach_what_the_chip_would_reach(make):
    cfg = routed(make)
    verify_config(cfg)
    table = event_table(cfg)
    event = np.repeat(np.arange(len(table.source)), np.diff(table.start))
    found = {(int(table.source[e]), int(t), int(table.input[e]), int(table.delay[e])): w
             for e, t, w in zip(event, table.target, table.weight, strict=True)}
    expected = by_hand(cfg)
    assert len(expected) > 500
    assert found == expected


def test_variation_of_synapse_and_driver_multiplies(make):
    cfg = routed(make)
    c = cfg.circuits
    profile = quantised.replace(synapse=0.3, driver=0.2)
    pattern = draw_pattern(profile, 1, 1, 2, c.chip, c.circuit)
    ones = cfg.replace(pattern=pattern.replace(synapse=np.ones_like(pattern.synapse)))
    plain, both, drivers = (effective_synapses(x).weight for x in (cfg, cfg.replace(pattern=pattern), ones))
    ratio = drivers / plain
    assert len(np.unique(np.round(ratio, 9))) <= 2 * 2 * limits.DRIVERS
    assert np.std(np.log(both / drivers)) == pytest.approx(0.3, rel=0.1)


def test_spike_travels_to_the_column_below_the_synapse(make):
    weight = np.zeros((1, 2, 256, 256), np.uint8)
    label = np.zeros_like(weight)
    weight[0, 1, 10, 200], label[0, 1, 10, 200] = 63, 5  # row 10: driver 5, bus 1, index 1
    sign = np.zeros((1, 2, 256), np.int8)
    sign[0, 1, 10] = 1
    route = Routes(*(np.array([k]) for k in (512, 0, 1, 1, 1, 5, 3)), relayed=np.array([True]))
    cfg = ChipConfig(0.1, 1, make.circuits(512), 1, RoutedSynapses(weight, label, sign,
                     np.full((1, 2, 128), 31, np.uint8), route), (Probe("i_exc", np.arange(512), 1),))
    recording, _ = run(cfg, Stimulus(np.array([0]), np.array([1.0])), 3.0)
    current = recording.samples[0].values[0]
    assert np.flatnonzero(current.any(axis=0)).tolist() == [256 + 200]
    assert current[13, 456] == pytest.approx(63.0)


@pytest.mark.parametrize(("field", "value", "sentence"), [
    ("bus", 3, r"bus \(output % 4\)"), ("row_select", 31, "upper bits"), ("chip", 1, "stays on its chip"),
    ("label", 64, r"0\.\.63"), ("delay_steps", 0, ">= 1")])
def test_routes_that_break_the_chips_rules_are_refused(make, field, value, sentence):
    cfg = routed(make)
    r = cfg.synapses.routes
    changed = getattr(r, field).copy()
    changed[0] = value
    bad = cfg.replace(synapses=cfg.synapses.replace(routes=r.replace(**{field: changed})))
    with pytest.raises(ValueError, match=sentence):
        verify_config(bad)


def test_weight_without_circuit_is_refused(make):
    cfg = routed(make, chips=1)
    fewer = cfg.replace(circuits=make.circuits(100), probes=())
    keep = cfg.synapses.routes.source < 100
    r = cfg.synapses.routes
    routes = Routes(**{name: getattr(r, name)[keep] for name in r.__dataclass_fields__})
    with pytest.raises(ValueError, match="circuit is not configured"):
        event_table(fewer.replace(synapses=cfg.synapses.replace(routes=routes)))


def test_ranges():
    assert ranges(np.array([3, 7, 7]), np.array([5, 7, 9])).tolist() == [3, 4, 7, 8]
    assert ranges(np.array([1]), np.array([1])).tolist() == []


def test_coordinates():
    assert coordinates.output_of(np.array([0, 31, 32, 255, 256, 511])).tolist() == [0, 0, 1, 7, 0, 7]
    assert coordinates.quadrant_of(np.array([0, 128, 256, 511])).tolist() == [0, 1, 2, 3]
    for driver in range(limits.DRIVERS):
        bus, index = coordinates.bus_of_driver(driver), coordinates.index_of_driver(driver)
        assert coordinates.driver_of(bus, index) == driver
        assert [coordinates.driver_of_row(coordinates.row_of(driver, k)) for k in (0, 1)] == [driver, driver]
