"""The fixed pattern and the profiles."""

import numpy as np
import pytest
from pynn_brainscales.emulator.effective import effective_circuits
from pynn_brainscales.emulator.profile import (
    PROFILES,
    calibrated,
    ideal,
    profile,
    quantised,
    uncalibrated,
    variation,
)
from pynn_brainscales.emulator.variation import draw_pattern

CHIP, CIRCUIT = np.repeat([0, 1], 512), np.tile(np.arange(512), 2)
OFFSETS = {"v_leak": "v_leak", "v_reset": "v_reset", "v_thresh": "v_thresh", "v_exp": "v_exp",
           "cadc_offset": "cadc_offset"}
FACTORS = {"tau_m": "tau_m", "tau_syn_exc": "tau_syn", "tau_syn_inh": "tau_syn", "gain_exc": "gain",
           "gain_inh": "gain", "delta_t": "delta_t", "tau_w": "tau_w", "a": "a", "b": "b", "cadc_gain": "cadc_gain"}


def pattern(which, chip_seed=1, seed=1, chips=2, chip=CHIP, circuit=CIRCUIT):
    return draw_pattern(which, chip_seed, seed, chips, chip, circuit)


def test_perfect_chips_have_no_pattern():
    assert pattern(ideal) is None
    assert pattern(quantised) is None


@pytest.mark.parametrize("which", [calibrated, uncalibrated], ids=str)
def test_spread_is_that_of_the_profile(which):
    p = pattern(which.replace(capmem_rewrite=0.0, gain_quadrant=0.0))
    for name, field in OFFSETS.items():
        assert np.std(getattr(p, name)) == pytest.approx(getattr(which, field), rel=0.1), name
    for name, field in FACTORS.items():
        log = np.log(getattr(p, name))
        assert np.std(log) == pytest.approx(getattr(which, field), rel=0.1), name
        assert abs(np.median(log)) < 0.2 * getattr(which, field), name
    assert np.std(np.log(p.synapse)) == pytest.approx(which.synapse, rel=0.02)
    assert np.std(np.log(p.driver)) == pytest.approx(which.driver, rel=0.15)


def test_gain_of_an_uncalibrated_chip_differs_by_quadrant():
    p = draw_pattern(uncalibrated, 1, 1, 40, np.repeat(np.arange(40), 512), np.tile(np.arange(512), 40))
    log = np.log(p.gain_exc).reshape(40, 2, 2, 128)
    assert np.std(log) == pytest.approx(0.24, rel=0.15)
    assert np.std(log - log.mean(axis=-1, keepdims=True)) == pytest.approx(0.06, rel=0.05)


def test_a_circuit_is_the_same_whatever_else_is_used():
    whole = pattern(calibrated)
    part = pattern(calibrated, chip=np.array([1, 0]), circuit=np.array([7, 300]))
    assert np.array_equal(part.v_leak, whole.v_leak[[512 + 7, 300]])
    one_chip = pattern(calibrated, chips=1, chip=np.zeros(512, int), circuit=np.arange(512))
    assert np.array_equal(one_chip.tau_m, whole.tau_m[:512])


def test_one_effect_changes_alone():
    base, changed = pattern(calibrated), pattern(calibrated.replace(tau_m=0.1))
    assert np.allclose(np.log(changed.tau_m), 2 * np.log(base.tau_m))
    for name in (*OFFSETS, *(set(FACTORS) - {"tau_m"}), "synapse", "driver"):
        assert np.array_equal(getattr(base, name), getattr(changed, name)), name


def test_chips_and_writings_differ_by_their_seeds():
    base = pattern(calibrated)
    assert not np.array_equal(base.v_leak, pattern(calibrated, chip_seed=2).v_leak)
    rewritten = pattern(calibrated, seed=2)
    difference = rewritten.v_leak - base.v_leak
    assert np.std(difference) == pytest.approx(np.sqrt(2) / 2.4, rel=0.1)
    assert np.array_equal(rewritten.tau_m, base.tau_m)


def test_sets_by_name():
    v = variation(0.2)
    p = pattern(v)
    for name in ("tau_m", "tau_syn_exc", "gain_inh", "threshold_distance"):
        assert np.std(np.log(getattr(p, name))) == pytest.approx(0.2, rel=0.1), name
    assert np.all(p.v_leak == 0.0)
    assert "variation(0.2)" in str(v)
    assert profile("htm_sp").synapse == 0.1


def test_distance_to_the_threshold(make):
    cfg = make.config(512)
    c = cfg.circuits
    pattern_ = draw_pattern(quantised.replace(threshold_distance=0.1), 1, 1, 1, c.chip, c.circuit)
    effective = effective_circuits(cfg.replace(pattern=pattern_))
    ratio = (effective.v_thresh - effective.v_leak) / 45.0
    assert np.std(np.log(ratio)) == pytest.approx(0.1, rel=0.1)
    assert np.array_equal(effective.v_leak, c.v_leak)


def test_unknown_profile_is_refused_by_name():
    with pytest.raises(ValueError, match=r"no chip profile 'perfect'.*'ideal', 'quantised', 'calibrated'"):
        profile("perfect")
    assert profile("ideal") is PROFILES["ideal"]
    assert profile(calibrated) is calibrated


def test_profiles_refuse_what_they_cannot_do():
    with pytest.raises(ValueError, match="'tau_m' is a spread"):
        calibrated.replace(tau_m=-0.1)
    with pytest.raises(NotImplementedError, match="'event_losses'"):
        calibrated.replace(event_losses=True)
    with pytest.raises(ValueError, match="needs a chip with rows"):
        ideal.replace(synapse=0.1)
    with pytest.raises(TypeError):
        calibrated.replace(tau_membrane=0.1)
    assert "tau_m=0.05" in str(calibrated)
