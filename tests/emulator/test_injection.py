"""Currents that change during a run: closed forms, cuts, batches."""

import numpy as np
import pytest
from pynn_brainscales.emulator.config import Probe
from pynn_brainscales.emulator.run import run
from pynn_brainscales.emulator.stimulus import InjectedCurrent, no_stimulus

KINDS = {"linear": {}, "conductance": {"conductance": True}, "adaptive": {"adaptation": True, "tau_w": 50.0}}


def pulse(n=2, on=50, off=250, value=2.0):
    return InjectedCurrent(np.arange(n), np.arange(1.0, n + 1), np.array([on, off]), np.array([value, 0.0]))


@pytest.mark.parametrize("kind", KINDS)
def test_pulse(make, kind):
    """Charging and discharging of a leaky membrane; the value set at step k shows at k + 1."""
    cfg = make.config(3, v_thresh=1e6, probes=[Probe("v", np.arange(3), 1)], **KINDS[kind])
    recording, _ = run(cfg, no_stimulus().replace(currents=(pulse(),)), 60.0)
    v, t = recording.samples[0].values[0] - 80.0, np.arange(601) * 0.1
    up = np.where(t > 5.0, 1.0 - np.exp(-(t - 5.0) / 10.0), 0.0)
    down = np.where(t > 25.0, 1.0 - np.exp(-(t - 25.0) / 10.0), 0.0)
    for circuit, gain in enumerate((1.0, 2.0, 0.0)):
        np.testing.assert_allclose(v[:, circuit], 2.0 * gain * 10.0 * (up - down), rtol=1e-9, atol=1e-9)
    assert np.all(v[50] == 0.0)
    assert np.all(v[51, :2] > 0.0)


@pytest.mark.parametrize("kind", KINDS)
def test_cuts_and_batches(make, kind):
    rng = np.random.default_rng(1)
    cfg = make.random_network(probes=[Probe("v", np.arange(60), 3)], **KINDS[kind])
    wave = InjectedCurrent(np.arange(0, 60, 2), rng.uniform(0.5, 1.5, 30), np.arange(0, 1000, 2),
                           rng.normal(3.0, 4.0, 500))
    stim = make.poisson_like(20, 100.0).replace(trial=None, currents=(wave, pulse(40)))
    whole, end = run(cfg, stim, 100.0)
    assert len(whole.spike_step) > 50
    state, spikes = None, []
    for part in (4.9, 0.1, 20.1, 74.9):
        recording, state = run(cfg, stim, part, state)
        spikes.append(recording.spike_step)
    assert np.array_equal(np.concatenate(spikes), whole.spike_step)
    assert np.array_equal(state.x, end.x)
    batch, _ = run(cfg, stim.replace(trials=2), 100.0)
    assert np.array_equal(batch.spike_step[batch.spike_trial == 1], whole.spike_step)


def test_bad_currents(make):
    cfg = make.config(2)
    for current, sentence in (
            (pulse(3), r"circuits 0\.\.1; a current goes into 0\.\.2"), (pulse(on=9, off=9), "ascending"),
            (pulse(value=np.inf), "finite")):
        with pytest.raises(ValueError, match=sentence):
            run(cfg, no_stimulus().replace(currents=(current,)), 1.0)
