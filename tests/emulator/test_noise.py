"""Temporal noise and the converter, measured through recordings."""

import numpy as np
import pytest
from pynn_brainscales.emulator.config import Probe
from pynn_brainscales.emulator.profile import quantised
from pynn_brainscales.emulator.run import run
from pynn_brainscales.emulator.stimulus import Stimulus, no_stimulus
from pynn_brainscales.emulator.variation import Noise, draw_pattern


@pytest.mark.parametrize(("kind", "tau_m"), [({}, 10.0), ({}, 30.0), ({"conductance": True}, 10.0),
                                             ({"adaptation": True, "a": 0.0}, 10.0)])
def test_slow_noise_has_its_sigma_and_correlation_time(make, kind, tau_m):
    cfg = make.config(512, probes=[Probe("v", np.arange(512), 20)], tau_m=tau_m, v_thresh=1e6, **kind).replace(
        noise=Noise(seed=3, membrane_noise=0.5, membrane_noise_tau=20.0))
    recording, _ = run(cfg, None, 800.0)
    v = recording.samples[0].values[0, 100:] - 80.0  # 200 us in, sampled every 2 us
    assert v.std() == pytest.approx(0.5, rel=0.05)
    # leaky integration of an exponentially correlated drive (sum of two exponentials)
    lag, tau = 2.0 * np.arange(1, 20), 20.0
    expected = (tau * np.exp(-lag / tau) - tau_m * np.exp(-lag / tau_m)) / (tau - tau_m)
    measured = [np.mean(v[i:] * v[:-i]) / np.mean(v**2) for i in range(1, 20)]
    np.testing.assert_allclose(measured, expected, atol=0.05)
    assert abs(np.corrcoef(v[:, 0], v[:, 1])[0, 1]) < 0.5


def test_threshold_jitter_is_new_for_every_spike(make):
    """A slow linear ramp turns threshold jitter into spike-time jitter: sigma_t = sigma_theta / slope."""
    cfg = make.config(512, i_offset=0.45, tau_m=1000.0, v_reset=80.0, refractory_us=0.0, step_us=0.05).replace(
        noise=Noise(seed=4, threshold_jitter=0.5))
    recording, _ = run(cfg, None, 1200.0)
    times = [recording.spike_step[recording.spike_circuit == i] * 0.05 for i in range(512)]
    count = min(len(t) for t in times)
    assert count > 8
    interval = np.array([np.diff(t[:count]) for t in times])
    slope = 0.45 - 45.0 / 1000.0  # at threshold
    assert interval.std() == pytest.approx(0.5 / slope, rel=0.05)
    # each interval depends on its own threshold only: reset is exact, so successive ones don't correlate
    assert abs(np.corrcoef(interval[:, :-1].ravel(), interval[:, 1:].ravel())[0, 1]) < 0.06


def test_run_offset_is_new_in_each_trial(make):
    cfg = make.config(512, probes=[Probe("v", np.arange(512), 100)], v_thresh=1e6).replace(
        noise=Noise(seed=5, run_offset=1.2))
    recording, _ = run(cfg, no_stimulus(3), 100.0)
    rest = recording.samples[0].values[:, -1] - 80.0
    assert rest.std(axis=1) == pytest.approx(1.2, rel=0.1)
    assert np.abs(np.corrcoef(rest) - np.eye(3)).max() < 0.15


def test_readout_adds_white_noise_gain_and_offset(make):
    cfg = make.config(400, probes=[Probe("v", np.arange(400), 5)]).replace(
        noise=Noise(seed=6, readout_noise=0.45, cadc_noise=0.7))
    c = cfg.circuits
    pattern = draw_pattern(quantised.replace(cadc_offset=1.2, cadc_gain=0.01), 1, 1, 1, c.chip, c.circuit)
    recording, _ = run(cfg.replace(pattern=pattern), None, 500.0)
    v = recording.samples[0].values[0]
    assert (v - v.mean(axis=0)).std() == pytest.approx(np.hypot(0.45, 0.7), rel=0.02)
    np.testing.assert_allclose(v.mean(axis=0), 80.0 * pattern.cadc_gain + pattern.cadc_offset, atol=0.15)
    dynamics, _ = run(cfg.replace(probes=()), None, 500.0)
    assert len(dynamics.spike_step) == 0


def test_noise_of_a_circuit_does_not_depend_on_its_neighbours(make):
    noise = Noise(seed=3, membrane_noise=0.5, run_offset=1.0, threshold_jitter=0.5)
    alone = make.config(1, circuit=np.array([37]), i_offset=5.0, probes=[Probe("v", np.array([0]), 1)])
    many = make.config(100, i_offset=5.0, probes=[Probe("v", np.array([37]), 1)])
    a, b = (run(cfg.replace(noise=noise), None, 200.0)[0].samples[0].values for cfg in (alone, many))
    np.testing.assert_allclose(a, b, rtol=1e-12)


def test_poisson_sources(make):
    from pynn_brainscales.emulator.stimulus import PoissonSources

    cfg = make.config(1, external=50)
    rate = np.linspace(0.002, 0.1, 50)
    source = PoissonSources(np.arange(50), rate, np.full(50, 100.0), np.full(50, 9100.0), key=2)
    stim = Stimulus(np.zeros(0, int), np.zeros(0), None, 2, 0, (source,))
    recording, _ = run(cfg, stim, 10_000.0)
    for t in range(2):
        mine = recording.input_trial == t
        time, channel = recording.input_time_us[mine], recording.input_channel[mine]
        assert time.min() >= 100.0
        assert time.max() < 9100.0
        assert np.all(np.diff(time) >= 0)
        count = np.bincount(channel, minlength=50)
        assert np.all(np.abs(count - rate * 9000.0) < 5 * np.sqrt(rate * 9000.0))
        busiest = np.diff(time[channel == 49])
        assert busiest.std() / busiest.mean() == pytest.approx(1.0, abs=0.1)
        assert np.any(time % 0.1 > 0.01)  # times are not on the grid
    assert not np.array_equal(recording.input_time_us[recording.input_trial == 0][:50],
                              recording.input_time_us[recording.input_trial == 1][:50])


def test_slow_noise_does_not_depend_on_the_batch(make):
    """Many trials draw only what a run needs, few draw whole blocks: the numbers are the same, also after a cut."""
    cfg = make.config(5, probes=[Probe("v", np.arange(5), 1)], v_thresh=1e6).replace(
        noise=Noise(seed=9, membrane_noise=0.5))
    batch, state = run(cfg, no_stimulus(12), 7.3)
    late, _ = run(cfg, no_stimulus(12), 150.0, state)
    for t in (0, 11):
        alone, _ = run(cfg, no_stimulus().replace(first_trial=t), 157.3)
        both = np.concatenate([r.samples[0].values[t] for r in (batch, late)])
        assert np.array_equal(both, alone.samples[0].values[0])
        assert np.ptp(both) > 0.1
