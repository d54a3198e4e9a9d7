"""STDPMechanism by correlation sensors: what the mapping decides, against the ranges of the chip."""

import warnings

import numpy as np
import pytest
from pynn_brainscales.emulator import limits
from pynn_brainscales.emulator.profile import ideal, quantised
from pynn_brainscales.mapping.compile import compile
from pynn_brainscales.mapping.errors import MappingError, MappingWarning
from pynn_brainscales.mapping.target import Target

CHIP = Target(profile=quantised)
PAIR = ("SpikePairRule", "AdditiveWeightDependence")


def learning(make, size=4, inputs=3, rule=PAIR, model="IF_curr_exp", weight=0.5, **values):
    pairs = [(i, j) for i in range(inputs) for j in range(size)]
    return make.Network((make.cells("A", size, model),), (make.poisson("S", inputs),), (
        make.projection("p", "S", "A", pairs, weight, 1.0, model="STDPMechanism", rule=rule, **values),))


def mapped(network, target=CHIP):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MappingWarning)
        return compile(network, target)


@pytest.mark.parametrize(("plus", "minus", "tau", "clipped"), [
    (20.0, 20.0, 20.0, False), (10.0, 40.0, 20.0, False), (17.0, 34.0, np.sqrt(17.0 * 34.0), False),
    (1.0, 1.0, 2.0, True), (100.0, 20.0, 30.0, True)])
def test_time_constants(make, plus, minus, tau, clipped):
    m = mapped(learning(make, tau_plus=plus, tau_minus=minus))
    setting = m.split.sensors["p"]
    assert setting.tau == pytest.approx(tau)
    assert setting.clipped == clipped
    np.testing.assert_allclose(setting.plus * setting.tau, plus)  # the area of each window stays
    np.testing.assert_allclose(setting.minus * setting.tau, minus)
    sensors = m.config.plastic[0].sensors
    for name in ("tau_causal_us", "tau_acausal_us"):
        np.testing.assert_allclose(getattr(sensors, name), tau)  # us of hardware are ms of biology
    np.testing.assert_allclose(sensors.eta_causal, setting.eta)


def test_time_constants_at_another_speedup(make):
    """At ten times less speed the sensors reach ten times less far in biology."""
    slow = mapped(learning(make, tau_plus=20.0, tau_minus=20.0), Target(profile=quantised, speedup=100.0))
    assert slow.split.sensors["p"].tau == pytest.approx(3.0)
    np.testing.assert_allclose(slow.config.plastic[0].sensors.tau_causal_us, 30.0)


@pytest.mark.parametrize("period", [50.0, 800.0, 1600.0, 4000.0, 1e5])
def test_amplitude_and_period(make, period):
    """Fifty close pairs a second fill half of the usable range, as far as the chip's range of amplitudes goes."""
    setting = mapped(learning(make), Target(profile=quantised, stdp_period=period)).split.sensors["p"]
    assert setting.period == period
    low, high = limits.SENSOR_ETA_RANGE
    assert low <= setting.eta <= high
    filled = setting.eta * 0.05 * period
    assert filled == pytest.approx(80.0) if low < setting.eta < high else setting.eta in (low, high)


def test_period_follows_the_work(make):
    """Never below 100 ms; above what all rules take; longer for more synapses."""
    few, many = mapped(learning(make)), mapped(learning(make, size=100, inputs=100))
    assert few.split.sensors["p"].period == 100.0
    assert many.split.sensors["p"].period > few.split.sensors["p"].period
    for m in (few, many):
        said = m.report.to_dict()["projections"]["p"]["learning"]
        assert 0.0 < said["update_ms"] < said["period_ms"]


def test_a_period_that_is_too_short(make):
    with pytest.warns(MappingWarning, match=r"take the processor about 1\d ms, longer than stdp_period=1 ms"):
        compile(learning(make), Target(profile=quantised, stdp_period=1.0))


def test_what_is_refused(make):
    with pytest.raises(MappingError, match=r"stdp_period=0; available: a time in ms > 0"):
        Target(stdp_period=0)
    with pytest.raises(MappingError, match=r"w_max=0; available: w_max > 0 on chips"):
        compile(learning(make, weight=0.0, w_max=0.0), CHIP)


@pytest.mark.parametrize("model", ["IF_curr_exp", "IF_cond_exp", "IF_curr_delta"])
def test_weight_steps_in_the_users_unit(make, model):
    weight, w_max = {"IF_cond_exp": (0.004, 0.01)}.get(model, (0.4, 1.0))
    m = mapped(learning(make, model=model, weight=weight, w_max=w_max))
    said = m.report.to_dict()["projections"]["p"]["learning"]
    assert said["unit"] == {"IF_curr_exp": "nA", "IF_cond_exp": "uS", "IF_curr_delta": "mV"}[model]
    np.testing.assert_allclose(said["weight_step"], w_max / 63.0, rtol=0.02)
    assert said["steps"] == [63.0, 63.0]
    array = m.config.plastic[0]
    assert np.all(array.weight[array.there] == round(0.4 * 63))


def test_without_limits_it_stays_exact(make):
    m = mapped(learning(make), Target(profile=ideal))
    assert not m.split.sensors
    assert not m.config.plastic
    assert len(m.config.pairs) == 1
