"""Current-based circuits are exact: closed forms, at any step."""

import numpy as np
import pytest
from pynn_brainscales.emulator.config import EXC, INH, Probe
from pynn_brainscales.emulator.run import run
from pynn_brainscales.emulator.state import initial_state
from pynn_brainscales.emulator.stimulus import Stimulus


def psp(t, tau_m, tau_s):
    """Membrane response at t >= 0 to a synaptic current of 1 LSB/us that starts at 0."""
    d = 1 / tau_s - 1 / tau_m
    return np.exp(-t / tau_m) * (t if d == 0 else -np.expm1(-d * t) / d)


@pytest.mark.parametrize("step", [0.05, 0.1, 0.5, 2.0])
@pytest.mark.parametrize("tau_s", [0.3, 5.0, 10.0, 10.0000001, 30.0])
@pytest.mark.parametrize(("side", "sign"), [(EXC, 1), (INH, -1)])
def test_one_event_gives_the_closed_form(make, step, tau_s, side, sign):
    cfg = make.config(1, [(1, 0, side, 3.0, 1)], external=1, step_us=step, probes=[Probe("v", np.array([0]), 1)],
                      tau_syn_exc=tau_s, tau_syn_inh=tau_s, v_thresh=1e6)
    recording, _ = run(cfg, Stimulus(np.array([0]), np.array([4.0])), 60.0)
    samples = recording.samples[0]
    t = samples.steps * step - (4.0 + step)
    expected = 80.0 + sign * 3.0 * np.where(t >= 0, psp(np.maximum(t, 0), 10.0, tau_s), 0.0)
    np.testing.assert_allclose(samples.values[0, :, 0], expected, rtol=1e-10, atol=1e-9)


def test_offset_current_and_start_value(make):
    cfg = make.config(1, step_us=0.1, probes=[Probe("v", np.array([0]), 1)], i_offset=2.0, v_thresh=1e6)
    start = initial_state(cfg, v=np.array([95.0]), i_exc=np.array([1.5]), i_inh=np.array([0.7]))
    recording, _ = run(cfg, None, 40.0, start)
    t = recording.samples[0].steps * 0.1
    expected = 100.0 - 5.0 * np.exp(-t / 10.0) + 1.5 * psp(t, 10.0, 5.0) - 0.7 * psp(t, 10.0, 8.0)
    np.testing.assert_allclose(recording.samples[0].values[0, :, 0], expected, rtol=1e-10)


def test_regular_spikes_come_when_theory_says(make):
    """Interspike interval of the LIF under constant drive: t_ref + tau ln((v_inf - v_r) / (v_inf - theta))."""
    cfg = make.config(1, step_us=0.001, i_offset=6.0)
    recording, _ = run(cfg, None, 120.0)
    interval = np.diff(recording.spike_step) * 0.001
    expected = 2.0 + 10.0 * np.log((140.0 - 70.0) / (140.0 - 125.0))
    np.testing.assert_allclose(interval, expected, atol=0.0011)
    assert len(interval) >= 5


@pytest.mark.parametrize(("refractory", "steps"), [(0.0, 0), (0.1, 1), (2.0, 20)])
def test_membrane_stands_at_reset_for_the_refractory_time(make, refractory, steps):
    cfg = make.config(1, probes=[Probe("v", np.array([0]), 1)], i_offset=6.0, refractory_us=refractory)
    recording, _ = run(cfg, None, 60.0)
    v = recording.samples[0].values[0, :, 0]
    for k in recording.spike_step:
        assert np.all(v[k:k + steps + 1] == 70.0)
        assert v[k + steps + 1] > 70.0


def test_no_spike_without_comparator(make):
    cfg = make.config(2, i_offset=6.0, spiking=np.array([True, False]))
    recording, _ = run(cfg, None, 60.0)
    assert set(recording.spike_circuit) == {0}


def test_comparator_is_edge_triggered(make):
    """A reset above threshold keeps the comparator silent until the membrane has been below once."""
    cfg = make.config(2, v_reset=140.0, v_leak=np.array([80.0, 130.0]), probes=[Probe("v", np.arange(2), 1)])
    start = initial_state(cfg, v=np.array([126.0, 130.0]))
    recording, state = run(cfg, None, 100.0, start)
    # circuit 0 fires at once, then falls back below threshold; circuit 1 rests above it and fires only once
    assert recording.spike_circuit.tolist() == [0, 1]
    up = state.replace(x=state.x + np.array([60.0, 0.0]) * np.array([1.0, 0, 0])[:, None, None])
    again, _ = run(cfg, None, 1.0, up)
    assert again.spike_circuit.tolist() == [0]


def test_silence_leaves_no_subnormal_numbers(make):
    cfg = make.config(1, [(1, 0, EXC, 3.0, 1)], external=1, step_us=1.0, v_thresh=1e6)
    _, state = run(cfg, Stimulus(np.array([0]), np.array([0.0])), 20_000.0)
    tiny = np.abs(state.x[state.x != 0])
    assert np.all(tiny > 1e-200)
