"""Grids, codes and weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pynn_brainscales.emulator import limits
from pynn_brainscales.emulator.profile import quantised
from pynn_brainscales.mapping.compile import compile
from pynn_brainscales.mapping.errors import MappingError, MappingWarning
from pynn_brainscales.mapping.mapped import Loss
from pynn_brainscales.mapping.quantise import on_codes, on_grid
from pynn_brainscales.mapping.target import Target
from pynn_brainscales.mapping.verify import verify_mapped

CHIP = Target(profile=quantised)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(value=st.floats(-50.0, 300.0), step=st.sampled_from([1 / 2.4, 0.05, 1.0]))
def test_grid(value, step):
    q = on_grid(np.array([value]), step, 50.0, 160.0)
    assert abs(q.realised[0] / step - round(q.realised[0] / step)) < 1e-9
    assert 50.0 - 1e-9 <= q.realised[0] <= 160.0 + 1e-9
    if 50.0 <= value <= 160.0:
        assert abs(q.realised[0] - value) <= step
        assert not q.clipped[0]
    if not 49.0 <= value <= 161.0:
        assert q.clipped[0]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(tau=st.floats(0.5, 60.0))
def test_codes(tau):
    q = on_codes(np.array([tau]), 948.0, 0.5, 60.0)
    code = 948.0 / q.realised[0]
    assert code == pytest.approx(round(code))
    assert 1 <= round(code) <= limits.CAPMEM_MAX


def neuron(make, **values):
    return compile(make.Network((make.population("A", 1, **values),), (), ()), CHIP).rounded.cells


@pytest.mark.parametrize("tau_m", [0.6, 0.93, 5.0, 7.4, 10.0, 20.0, 59.0])
def test_range_switches_keep_time_constants_fine(make, tau_m):
    got = neuron(make, tau_m=tau_m)["tau_m"]
    assert got.realised[0] == pytest.approx(tau_m, rel=0.01)


@pytest.mark.parametrize("tau_refrac", [0.1, 0.5, 1.0, 2.0, 5.0, 30.0])
def test_refractory_counter(make, tau_refrac):
    got = neuron(make, tau_refrac=tau_refrac)["refractory_us"]
    assert got.realised[0] == pytest.approx(tau_refrac, rel=1 / 30 / 2 + 1e-9, abs=0.008)
    assert not got.clipped[0]


def test_two_refractory_clocks_serve_one_side(make):
    network = make.Network((make.population("A", 3, tau_refrac=np.array([0.2, 2.0, 30.0])),), (), ())
    got = compile(network, CHIP).rounded.cells["refractory_us"]
    np.testing.assert_allclose(got.realised, [0.2, 2.0, 30.0], rtol=0.1)


@pytest.mark.parametrize(("name", "value", "shown"), [
    ("tau_m", 100.0, "tau_m 100 -> .* ms"), ("tau_syn_E", 0.1, "tau_syn_E 0.1 -> .* ms"),
    ("tau_refrac", 0.0, "tau_refrac 0 -> .* ms"), ("i_offset", 500.0, "i_offset 500 -> .* nA")])
def test_values_outside_the_ranges_are_told(make, name, value, shown):
    network = make.Network((make.population("A", 2, **{name: value}),), (), ())
    with pytest.warns(MappingWarning, match=f"population 'A': outside the chip's range.*{shown}"):
        mapped = compile(network, CHIP)
    assert any(q.clipped.all() for q in mapped.rounded.cells.values())


def fan(make, weights, **values):
    pairs = [(i, 0) for i in range(len(weights))]
    return make.Network((make.population("A", 1, **values),), (make.poisson("S", len(weights)),),
                        (make.projection("p", "S", "A", pairs, np.array(weights), 1.0),))


def test_the_largest_weight_uses_the_range(make):
    mapped = compile(fan(make, [0.5, 1.0, 0.25, 0.7]), CHIP)
    verify_mapped(mapped)
    assert 62 <= mapped.rounded.cell_weight.max() <= 63
    drive = mapped.rounded.drive
    np.testing.assert_allclose(drive.realised, drive.requested, atol=mapped.rounded.gain.realised[0, 0] / 2)


def test_conductances_do_not_suffer_from_rounded_potentials(make):
    """The emulator's conductance is gain * weight / distance: with realised potentials that must be what was asked."""
    cell = make.population("A", 1, "IF_cond_exp", e_rev_I=-56.3, e_rev_E=3.3)
    network = make.Network((cell,), (make.poisson("S", 2),), (
        make.projection("up", "S", "A", [(0, 0)], 0.01, 1.0),
        make.projection("down", "S", "A", [(1, 0)], 0.02, 1.0, "inhibitory")))
    mapped = compile(network, CHIP)
    c, weight = mapped.config.circuits, mapped.rounded.cell_weight
    distance = np.abs([c.e_rev_exc[0] - c.e_ref_exc[0], c.e_rev_inh[0] - c.e_ref_inh[0]])
    conductance = weight * np.array([c.gain_exc[0], c.gain_inh[0]]) / distance
    np.testing.assert_allclose(conductance, [0.01, 0.02], rtol=0.5 / 62)


def test_strong_weights_are_spread_over_rows(make):
    mapped = compile(fan(make, [5.0, 0.5]), CHIP)
    verify_mapped(mapped)
    assert mapped.scaled.rows[0] > 1
    np.testing.assert_allclose(mapped.rounded.drive.realised, mapped.rounded.drive.requested, rtol=0.05)


def test_few_strong_weights_do_not_make_the_others_coarse(make):
    weights = np.full(60, 0.02)
    weights[:3] = 1.0
    fine = compile(fan(make, weights), CHIP)
    verify_mapped(fine)
    assert fine.scaled.rows.tolist() == [4] * 3 + [1] * 57
    drive = fine.rounded.drive
    error = np.abs(drive.realised / drive.requested - 1.0)[3:]
    assert error.max() < 0.05  # 5 of 252 steps; scaled to the largest it would be 1 of 63
    assert compile(fan(make, np.full(60, 1.0)), CHIP).scaled.rows.tolist() == [1] * 60


def test_small_weights_round_to_nothing_and_are_told(make):
    with pytest.warns(MappingWarning, match=r"too small.*'p': 1 of 2 \(weight rounds to 0\)"):
        mapped = compile(fan(make, [1.0, 0.001]), CHIP)
    assert mapped.rounded.lost.tolist() == [Loss.NONE, Loss.WEIGHT]
    assert mapped.rounded.drive.realised[1] == 0.0


def test_weights_beyond_all_rows_are_clipped_and_told(make):
    with pytest.warns(MappingWarning, match="clipped: 'p': 1 of 1"):
        mapped = compile(fan(make, [5000.0]), CHIP)
    assert mapped.rounded.drive.clipped[0]
    assert mapped.rounded.drive.realised[0] < mapped.rounded.drive.requested[0]


def test_limits_without_bits_make_no_sense(make):
    with pytest.raises(MappingError, match="limited=True and quantised=False"):
        compile(fan(make, [1.0]), Target(profile=quantised.replace(quantised=False)))
