"""Refractory time, reset, edge-triggered comparator, delta receptors: the same meaning as on the chip."""

import numpy as np
import pytest
from pynn_brainscales.emulator.config import EXC, INH
from pynn_brainscales.emulator.run import run
from pynn_brainscales.emulator.stimulus import Stimulus

KICK = {"v_rest": -65.0, "v_reset": -65.0, "tau_m": 1e12, "v_thresh": -50.0}  # a membrane that keeps its charge


def kicked(beside, kicks, steps=20, h=0.1, **values):
    cells = beside.group("LIF", receptors=[beside.receptor("delta")], **KICK | values)
    course = beside.Course(cells, h, steps, [(k, 0, 0, 0, w) for k, w in kicks])
    return course.values["v"][:, 0, 0], course.steps_of()


@pytest.mark.parametrize(("tau_refrac", "steps"), [(0.0, 0), (0.04, 0), (0.05, 1), (0.1, 1), (0.3, 3), (0.349, 3)])
def test_refractory_time_in_steps(beside, tau_refrac, steps):
    """A constant current that climbs 1 mV a step: it climbs again in the step from k + R to k + R + 1."""
    v = (course := beside.Course(beside.group("LIF", **KICK | {"tau_refrac": tau_refrac}, i_offset=2.5), 0.1, 60)
         ).values["v"][:, 0, 0]
    k = course.steps_of()[0]
    assert k in (15, 16)  # 15 steps of 1 mV, with rounding
    np.testing.assert_allclose(v[k:k + steps + 4], [-65.0] * (steps + 1) + [-64.0, -63.0, -62.0], atol=1e-9)
    assert np.diff(course.steps_of()[:3]).tolist() == [k + steps] * 2


def test_a_jump_reaches_the_membrane_at_its_step(beside):
    v, spikes = kicked(beside, [(3, 5.0), (3, 2.0), (6, -4.0)])
    np.testing.assert_allclose(v[[2, 3, 5, 6]], [-65.0, -58.0, -58.0, -62.0])
    assert spikes == []


def test_a_jump_to_threshold_is_a_spike_of_the_same_step(beside):
    v, spikes = kicked(beside, [(4, 15.0)])
    assert spikes == [4]
    assert v[4] == -65.0


def test_jumps_are_lost_in_the_refractory_time(beside):
    """Up to and including its last step, where nothing fires either; then they act."""
    for k, arrives in ((4, False), (6, False), (7, True)):
        v, spikes = kicked(beside, [(4, 15.0), (k, 5.0)], tau_refrac=0.2)
        assert spikes == [4]
        assert v[10] == pytest.approx(-60.0 if arrives else -65.0)
    _, spikes = kicked(beside, [(4, 15.0), (6, 15.0), (7, 15.0)], tau_refrac=0.2)
    assert spikes == [4, 7]


def test_reset_above_threshold_waits_for_the_membrane_to_be_below(beside):
    kicks = [(2, 20.0), (5, 3.0), (8, -12.0), (12, 9.0), (13, 2.0)]
    v, spikes = kicked(beside, kicks, v_reset=-45.0, tau_refrac=0.1)
    assert v[2] == v[3] == -45.0
    assert v[7] == pytest.approx(-42.0)  # above threshold all the time
    assert v[8] == pytest.approx(-54.0)  # armed again
    assert spikes == [2, 12]


def test_reset_above_threshold_without_refractory_time(beside):
    _, spikes = kicked(beside, [(2, 20.0), (6, -12.0), (9, 20.0)], v_reset=-45.0, tau_refrac=0.0)
    assert spikes == [2, 9]


def test_start_above_threshold_fires_in_the_first_step(beside):
    course = beside.Course(beside.group("LIF"), 0.1, 30, initial={"v": -40.0})
    assert course.steps_of() == [1]


def test_synapses_go_on_in_the_refractory_time(beside):
    cells = beside.group("LIF", receptors=[beside.receptor("alpha", tau_syn=3.0)], tau_refrac=50.0, i_offset=5.0)
    course = beside.Course(cells, 0.1, 300, [(100, 0, 0, 0, 0.4)], variables=("v", "0.g"))
    assert course.steps_of()[0] < 100
    t = 0.1 * np.arange(200) / 3.0
    np.testing.assert_allclose(course.values["0.g"][100:300, 0, 0], 0.4 * np.e * t * np.exp(-t), atol=1e-14)


def test_adaptation_conductances_grow_at_a_spike(beside):
    cells = beside.group("GsfaGrr", i_offset=1.0, tau_refrac=1.0)
    course = beside.Course(cells, 0.1, 300, variables=("v", "g_s", "g_r"))
    k = course.steps_of()[0]
    t = 0.1 * np.arange(60)
    assert course.steps_of()[1] > k + 60
    np.testing.assert_allclose(course.values["g_s"][k:k + 60, 0, 0], 15.0 * np.exp(-t / 100.0), rtol=1e-12)
    np.testing.assert_allclose(course.values["g_r"][k:k + 60, 0, 0], 300.0 * np.exp(-t / 2.0), rtol=1e-12)
    assert course.values["v"][k + 11, 0, 0] < -68.0  # pulled below the reset potential by g_r


@pytest.fixture
def network(make):
    """Circuits of the chip with the same equations (1 us for 1 ms, 1 LSB for 1 mV), and random input."""
    def build(conductance, n=20, duration=200.0):
        rng = np.random.default_rng(5)
        common = {"tau_m": 15.0, "tau_syn_exc": 3.0, "tau_syn_inh": 6.0, "v_leak": -65.0, "v_reset": -68.0,
                  "v_thresh": -50.0, "refractory_us": rng.integers(0, 30, n) * 0.1, "conductance": conductance,
                  "i_offset": rng.uniform(0.8, 2.0, n)}
        gain = {"gain_exc": 1 / 0.25, "gain_inh": 1 / 0.25, "e_rev_exc": 0.0, "e_ref_exc": -1.0, "e_rev_inh": -80.0,
                "e_ref_inh": -79.0}
        weight = np.array([0.02, 0.04]) if conductance else np.array([0.6, 0.6])
        entries = [(n + r, i, (EXC, INH)[r], weight[r] * rng.uniform(0.5, 1.5), 1) for r in (0, 1) for i in range(n)]
        config = make.config(n, entries, external=2, **common, **gain)
        steps = rng.integers(1, round(duration / 0.1) - 2, 60)
        return config, entries, Stimulus(rng.integers(0, 2, 60), 0.1 * steps), duration

    return build


@pytest.mark.parametrize("conductance", [False, True])
def test_same_spikes_as_on_the_chip(beside, network, conductance):
    config, entries, stimulus, duration = network(conductance)
    c, n = config.circuits, len(config.circuits)
    recording, _ = run(config, stimulus, duration)
    theirs = sorted(zip(recording.spike_step.tolist(), recording.spike_circuit.tolist(), strict=True))
    e_syn = ({"e_syn": 0.0}, {"e_syn": -80.0}) if conductance else ({}, {})
    receptors = [beside.receptor("exp", n, tau_syn=t, **e) for t, e in zip((3.0, 6.0), e_syn, strict=True)]
    cells = beside.group("LIF", n, receptors, tau_refrac=c.refractory_us, i_offset=0.25 * c.i_offset)
    sign = (1.0, 1.0) if conductance else (1.0, -1.0)
    events = [(round(time / 0.1) + 1, r, 0, i, sign[r] * w)
              for channel, time in zip(stimulus.channel, stimulus.time_us, strict=True)
              for source, i, r, w, _ in entries if source == n + channel]
    course = beside.Course(cells, 0.1, round(duration / 0.1), events)
    mine = [(k, i) for k, _, i in course.spikes.tolist()]
    assert len(mine) > 60
    assert mine == theirs
