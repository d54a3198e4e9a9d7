"""Same seed, same result: however a run is cut, whatever the batch, however events are delivered."""

import numpy as np
import pytest
from pynn_brainscales.emulator.config import Probe
from pynn_brainscales.emulator.kernels import queue, synapse
from pynn_brainscales.emulator.profile import calibrated
from pynn_brainscales.emulator.program import lower
from pynn_brainscales.emulator.run import run
from pynn_brainscales.emulator.state import carry, initial_state, physical
from pynn_brainscales.emulator.stimulus import PoissonSources, Stimulus
from pynn_brainscales.emulator.variation import Noise, draw_pattern

PROBES = (Probe("v", np.array([3, 1, 40]), 1), Probe("i_exc", np.arange(5), 7), Probe("i_inh", np.arange(5), 1),
          Probe("w", np.array([0, 2]), 3))
KINDS = {
    "linear": {},
    "conductance": {"conductance": True, "gain_exc": 1.5, "gain_inh": 1.5},
    "adaptive": {"exponential": True, "adaptation": True, "a": 0.3, "b": 4.0, "v_thresh": 140.0},
    "mixed": {"conductance": np.arange(60) >= 20, "adaptation": np.arange(60) >= 40, "a": 0.3, "b": 2.0},
}
QUIET = Noise()
NOISE = Noise(seed=5, run_offset=1.2, membrane_noise=0.5, threshold_jitter=0.5, readout_noise=0.4, cadc_noise=0.7)


def network(make, kind, noise=QUIET):
    cfg = make.random_network(probes=PROBES, **KINDS[kind]).replace(noise=noise)
    if noise != QUIET:
        c = cfg.circuits
        profile = calibrated.replace(synapse=0.0, driver=0.0)
        cfg = cfg.replace(pattern=draw_pattern(profile, 3, 5, 1, c.chip, c.circuit))
    return cfg


def stimulus(make, trials=1, first_trial=0, duration=250.0):
    given = make.poisson_like(20, duration, rate=0.01)
    poisson = PoissonSources(np.arange(10), np.full(10, 0.01), np.zeros(10), np.full(10, np.inf), key=4)
    return given.replace(trial=None, trials=trials, first_trial=first_trial, poisson=(poisson,))


def same(a, b):
    for name in ("spike_trial", "spike_circuit", "spike_step", "input_channel", "input_time_us"):
        assert np.array_equal(getattr(a, name), getattr(b, name)), name
    for s, t in zip(a.samples, b.samples, strict=True):
        assert np.array_equal(s.steps, t.steps)
        assert np.array_equal(s.values, t.values), s.variable


def joined(parts):
    first = parts[0]
    names = ("spike_trial", "spike_circuit", "spike_step", "input_trial", "input_channel", "input_time_us")
    samples = tuple(
        s.replace(steps=np.concatenate([p.samples[i].steps for p in parts]),
                  values=np.concatenate([p.samples[i].values for p in parts], axis=1))
        for i, s in enumerate(first.samples))
    return first.replace(samples=samples, **{n: np.concatenate([getattr(p, n) for p in parts]) for n in names})


@pytest.mark.parametrize("noise", [QUIET, NOISE], ids=["quiet", "noisy"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_can_be_cut_anywhere(make, kind, noise):
    cfg, stim = network(make, kind, noise), stimulus(make)
    whole, end = run(cfg, stim, 250.0)
    assert len(whole.spike_step) > 50
    state, parts = None, []
    for duration in (0.0, 0.1, 0.7, 49.2, 52.4, 0.1, 97.5, 50.0):
        part, state = run(cfg, stim, duration, state)
        parts.append(part)
    same(joined(parts), whole)
    for name in ("x", "w", "theta", "release", "unarmed", "passages", "slow", "fired_step", "fired_source"):
        assert np.array_equal(getattr(state, name), getattr(end, name)), name


@pytest.mark.parametrize("noise", [QUIET, NOISE], ids=["quiet", "noisy"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_equals_single_runs(make, kind, noise):
    cfg = network(make, kind, noise)
    batch, end = run(cfg, stimulus(make, trials=3, first_trial=7), 250.0)
    for t in range(3):
        single, state = run(cfg, stimulus(make, first_trial=7 + t), 250.0)
        mine = batch.spike_trial == t
        assert np.array_equal(batch.spike_step[mine], single.spike_step)
        assert np.array_equal(batch.spike_circuit[mine], single.spike_circuit)
        for s, u in zip(batch.samples, single.samples, strict=True):
            assert np.array_equal(s.values[t], u.values[0])
        assert np.array_equal(end.x[:, t], state.x[:, 0])


def test_trials_have_their_own_noise_and_input(make):
    batch, _ = run(network(make, "linear", NOISE), stimulus(make, trials=2), 250.0)
    first, second = (batch.spike_step[batch.spike_trial == t] for t in range(2))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("trials", [1, 2])
def test_the_way_of_delivery_does_not_matter(make, monkeypatch, trials):
    """Dense rows, compressed rows one by one, and compressed rows in bulk."""
    results = []
    for dense, bulk in ((0.05, 48), (2.0, 1), (2.0, 10**6)):
        monkeypatch.setattr(synapse, "DENSE", dense)
        monkeypatch.setattr(queue, "_BULK", bulk)
        lower.cache_clear()
        cfg = make.random_network(density=0.1, probes=PROBES, weight=8.0)
        results.append(run(cfg, stimulus(make, trials=trials), 150.0)[0])
    lower.cache_clear()
    assert len(results[0].spike_step) > 50
    same(results[1], results[2])
    assert np.array_equal(results[0].spike_step, results[1].spike_step)  # the order of sums differs, by rounding
    for s, t in zip(results[0].samples, results[1].samples, strict=True):
        np.testing.assert_allclose(s.values, t.values, rtol=1e-9, atol=1e-9)


def test_delays_and_order_of_events(make):
    """An event acts exactly its delay after the spike, and shows in the membrane one step later."""
    for delay in (1, 2, 17):
        cfg = make.config(2, [(2, 0, 0, 100.0, 1), (0, 1, 0, 1.0, delay)], external=1,
                          probes=[Probe("i_exc", np.array([1]), 1), Probe("v", np.array([1]), 1)])
        recording, _ = run(cfg, Stimulus(np.array([0]), np.array([1.0])), 10.0)
        k = int(recording.spike_step[0])
        current, v = (s.values[0, :, 0] for s in recording.samples)
        assert np.flatnonzero(current)[0] == k + delay
        assert np.flatnonzero(v != 80.0)[0] == k + delay + 1


def test_off_grid_input_acts_at_the_nearest_step(make):
    cfg = make.config(1, [(1, 0, 0, 1.0, 3)], external=1, probes=[Probe("i_exc", np.array([0]), 1)])
    for time, step in ((0.0, 0), (0.04, 0), (0.05, 1), (0.3, 3), (1.2499, 12)):
        recording, _ = run(cfg, Stimulus(np.array([0]), np.array([time])), 5.0)
        assert np.flatnonzero(recording.samples[0].values[0, :, 0])[0] == step + 3


def test_run_leaves_the_state_it_is_given(make):
    cfg, stim = network(make, "mixed"), stimulus(make)
    _, state = run(cfg, stim, 50.0)
    before = state.x.copy()
    run(cfg, stim, 50.0, state)
    assert np.array_equal(state.x, before)
    with pytest.raises(ValueError, match="read-only"):
        state.x[0] = 0.0


def test_carry_keeps_the_physical_state(make):
    old = network(make, "mixed")
    _, state = run(old, stimulus(make), 50.0)
    new = old.replace(circuits=old.circuits.replace(tau_m=old.circuits.tau_m * 2, v_leak=old.circuits.v_leak + 5.0))
    before, after = physical(old, state), physical(new, carry(state, old, new))
    for name in ("v", "w", "i_exc", "i_inh"):
        np.testing.assert_allclose(getattr(after, name), getattr(before, name), rtol=1e-9, atol=1e-9)
    same_again = carry(state, old, old.replace())
    np.testing.assert_allclose(same_again.x, state.x, rtol=1e-12, atol=1e-15)
    other = make.config(3)
    with pytest.raises(ValueError, match="same circuits"):
        carry(state, old, other)


def test_bad_calls(make):
    cfg = make.config(1, external=1)
    with pytest.raises(ValueError, match="goes forward"):
        run(cfg, None, -1.0)
    with pytest.raises(ValueError, match=r"external channels 0\.\.0"):
        run(cfg, Stimulus(np.array([1]), np.array([0.0])), 1.0)
    state = initial_state(cfg, trials=2)
    with pytest.raises(ValueError, match="2 trials"):
        run(cfg, Stimulus(np.array([0]), np.array([0.0])), 1.0, state)
    with pytest.raises(ValueError, match="circuits"):
        run(make.config(2), None, 1.0, initial_state(cfg))


@pytest.mark.parametrize("kind", ["linear", "conductance", "adaptive"])
def test_joined_circuits_are_one_neuron_with_more_inputs(make, kind):
    """Inputs spread over three joined circuits act like the same inputs on one."""
    values = KINDS[kind]
    entries = [(8, 0, 0, 12.0, 1), (9, 0, 0, 9.0, 2), (10, 0, 1, 4.0, 1), (8, 0, 0, 7.0, 4)]
    probes = [Probe("v", np.array([0]), 1), Probe("i_exc", np.array([0]), 1), Probe("i_inh", np.array([0]), 1)]
    plain = make.config(8, entries, external=3, probes=probes, **values)
    spread = [(s, t, i, w, d) for (s, _, i, w, d), t in zip(entries, (0, 1, 2, 2), strict=True)]
    circuits = make.circuits(8, master=np.array([0, 0, 0, 3, 4, 5, 6, 7]), **values)
    three = plain.replace(circuits=circuits, synapses=make.free(spread))
    stim = make.poisson_like(3, 200.0, rate=0.05)
    a, b = run(plain, stim, 200.0)[0], run(three, stim, 200.0)[0]
    assert len(a.spike_step) > 5
    assert np.array_equal(a.spike_step, b.spike_step)
    for s, t in zip(a.samples, b.samples, strict=True):
        np.testing.assert_allclose(t.values, s.values, rtol=1e-9, atol=1e-9)
