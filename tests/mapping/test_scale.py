"""Numbers of the scaling pass, worked out by hand, and round trips of the units."""

import numpy as np
import pytest
from pynn_brainscales.emulator import limits
from pynn_brainscales.emulator.profile import ideal, quantised
from pynn_brainscales.mapping.errors import MappingError
from pynn_brainscales.mapping.scale import MAX_ROW_DRIVE, initial_values, physical_from_biological_units, scale
from pynn_brainscales.mapping.target import Target

CHIP, IDEAL = Target(profile=quantised), Target(profile=ideal)
# Vogels & Abbott's conductance-based cell: strongest synapse 51 nS inhibitory onto 0.2 nF
VA = {"cm": 0.2, "v_rest": -60.0, "v_reset": -60.0, "v_thresh": -50.0, "e_rev_I": -80.0, "e_rev_E": 0.0}


def one(make, model="IF_curr_exp", weight=0.1, receptor="excitatory", fan_in=1, **values):
    parts = (make.projection("p", "S", "A", [(i, 0) for i in range(fan_in)], weight, 1.0, receptor),)
    return make.Network((make.population("A", 1, model, **values),), (make.poisson("S", max(1, fan_in)),), parts)


def test_without_limits_the_units_are_millivolts(make):
    s = scale(one(make, weight=0.3, cm=2.0, i_offset=0.5), IDEAL)
    assert (s.alpha[0], s.v_offset[0]) == (1.0, 0.0)
    assert s.cells["v_leak"][0] == -65.0
    assert s.drive[0] == pytest.approx(0.15)  # nA / nF = mV / ms = mV / us on the chip
    assert s.cells["i_offset"][0] == pytest.approx(0.25)
    assert s.delay_us[0] == 1.0
    assert s.rows[0] == 1
    slow = scale(one(make, weight=0.3, cm=2.0), IDEAL.replace(speedup=500.0))
    assert slow.cells["tau_m"][0] == pytest.approx(40.0)
    assert slow.drive[0] == pytest.approx(0.075)


def test_conductance_without_limits_is_the_conductance_itself(make):
    s = scale(one(make, "IF_cond_exp", weight=0.01, cm=0.5), IDEAL)
    assert s.drive[0] == pytest.approx(0.02)
    assert s.cells["e_rev_exc"][0] - s.cells["e_ref_exc"][0] == pytest.approx(1.0)
    assert s.cells["e_ref_inh"][0] - s.cells["e_rev_inh"][0] == pytest.approx(1.0)


def test_swing_is_as_large_as_the_ranges_allow(make):
    s = scale(one(make, weight=0.01), CHIP)
    assert s.alpha[0] == pytest.approx(limits.MAX_SWING_LSB / 15.0)
    assert s.cells["v_leak"][0] == pytest.approx(80.0)
    assert s.cells["v_thresh"][0] == pytest.approx(200.0)
    apart = scale(one(make, weight=0.01, v_rest=-50.0, v_reset=-80.0, v_thresh=-45.0), CHIP)
    low, high = limits.V_LEAK_RANGE
    assert low - 1e-9 <= apart.cells["v_reset"][0] < apart.cells["v_leak"][0] <= high + 1e-9
    assert apart.cells["v_thresh"][0] <= limits.V_THRESH_RANGE[1]


def test_vogels_abbott_example(make):
    """Largest weight 5.1 mV/ms on a swing of 10 mV: one row a synapse gives alpha 2.9, three give 8 or more."""
    network = one(make, "IF_cond_exp", weight=0.051, receptor="inhibitory", **VA)
    reference = -55.0
    slope = 0.051 / 0.2 * abs(-80.0 - reference)
    assert scale(network, CHIP, max_rows=1).alpha[0] == pytest.approx(MAX_ROW_DRIVE / slope, rel=1e-6)
    three = scale(network, CHIP, max_rows=3)
    assert three.alpha[0] == pytest.approx(3 * scale(network, CHIP, max_rows=1).alpha[0], rel=0.25)
    assert three.rows[0] <= 3


def test_drive_of_one_nanoampere():
    """1 nA on 1 nF at 3 LSB/mV is 35 weight LSB at the vendor's default gain."""
    assert 3.0 / limits.synaptic_gain(500, 600) == pytest.approx(35.3, abs=0.1)


def test_adaptation_in_units_of_the_leak(make):
    s = scale(one(make, "EIF_cond_exp_isfa_ista", weight=0.001, cm=0.281, tau_m=9.3667), CHIP)
    g_leak = 0.281 / 9.3667  # uS
    assert s.cells["a"][0] == pytest.approx(0.004 / g_leak)
    assert s.cells["b"][0] == pytest.approx(s.alpha[0] * 0.08 / g_leak)
    assert s.cells["delta_t"][0] == pytest.approx(2.0 * s.alpha[0])
    assert s.cells["v_thresh"][0] == pytest.approx(s.alpha[0] * -40.0 + s.v_offset[0])
    assert s.cells["v_exp"][0] == pytest.approx(s.alpha[0] * -50.0 + s.v_offset[0])
    flat = scale(one(make, "EIF_cond_exp_isfa_ista", weight=0.001, delta_T=0.0, a=0.0, b=0.0), CHIP)
    assert not flat.cells["exponential"][0]
    assert not flat.cells["adaptation"][0]
    assert flat.cells["v_thresh"][0] == pytest.approx(flat.alpha[0] * -50.0 + flat.v_offset[0])


def test_shunting_inhibition_moves_its_reference(make):
    network = one(make, "IF_cond_exp", weight=0.001, receptor="inhibitory", e_rev_I=-56.0)
    s = scale(network, CHIP)
    assert limits.E_REF_RANGE[0] <= s.cells["e_ref_inh"][0] <= limits.E_REF_RANGE[1]
    assert s.cells["e_ref_inh"][0] > s.cells["e_rev_inh"][0]
    # the conductance is what counts: drive over distance does not depend on where the reference is
    conductance = s.drive[0] / (s.cells["e_ref_inh"][0] - s.cells["e_rev_inh"][0])
    assert conductance == pytest.approx(0.001)
    with pytest.raises(MappingError, match="reference potential in"):
        scale(one(make, "IF_cond_exp", weight=0.001, receptor="inhibitory", e_rev_I=0.0), CHIP)


def test_strong_synapses_take_rows_within_the_fan_in(make):
    few = scale(one(make, weight=5.0, fan_in=5), CHIP)
    many = scale(one(make, weight=5.0, fan_in=100), CHIP)
    assert few.rows.max() > many.rows.max()
    assert few.alpha[0] > many.alpha[0]
    assert many.rows.sum() <= limits.ROWS


def test_potentials_that_have_no_common_place(make):
    with pytest.raises(MappingError, match=r"population 'A'.*from -50 to 950"):
        scale(make.Network((make.population("A", 2, v_thresh=np.array([-50.0, 950.0])),), (), ()), CHIP)


@pytest.mark.parametrize("variable", ["v", "w", "isyn_exc", "isyn_inh", "gsyn_inh"])
@pytest.mark.parametrize("model", ["IF_curr_exp", "IF_cond_exp", "EIF_cond_exp_isfa_ista"])
def test_state_goes_in_and_comes_out(make, model, variable):
    from pynn_brainscales.mapping.compile import compile
    from pynn_brainscales.mapping.readback import physical_in_biological_units

    mapped = compile(make.Network((make.population("A", 3, model, cm=0.3, tau_m=7.0),), (), ()), CHIP)
    values = np.array([[-57.0, 0.1, 3.0]])
    inside = physical_from_biological_units(mapped.network, CHIP, mapped.scaled.alpha, mapped.scaled.v_offset, variable,
                                            values, np.arange(3))
    assert not np.allclose(inside, values)
    np.testing.assert_allclose(physical_in_biological_units(mapped, variable, inside), values, rtol=1e-12)


def test_initial_values(make):
    network = one(make, "EIF_cond_exp_isfa_ista", weight=0.001)
    s = scale(network, CHIP)
    start = initial_values(network, CHIP, s.alpha, s.v_offset)
    assert start["v"][0] == pytest.approx(s.cells["v_leak"][0])
    assert start["w"][0] == start["i_exc"][0] == start["i_inh"][0] == 0.0
