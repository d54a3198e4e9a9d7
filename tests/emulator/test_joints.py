"""Conductances between membranes, against a high-order integration of the same equations."""

import numpy as np
import pytest
from pynn_brainscales.emulator.config import EXC, INH, Probe
from pynn_brainscales.emulator.joints import Joints
from pynn_brainscales.emulator.run import run
from pynn_brainscales.emulator.state import initial_state
from pynn_brainscales.emulator.stimulus import Stimulus

integrate = pytest.importorskip("scipy.integrate")

RATE = 0.3, 0.15  # of the first and second membrane, 1/us
EVENTS = [(0, 4.0), (1, 7.2), (2, 9.6), (0, 12.0)]  # channel, us
TARGETS = [(0, EXC, 5.0), (1, INH, 8.0), (1, EXC, 5.0)]  # of each channel: circuit, input, time constant
REVERSAL = {EXC: 300.0, INH: 30.0}
DELAY, END, SAMPLE = 0.8, 24.0, 0.8


def pair(make, step, conductance, n=2, joints=((0, 1),), **values):
    weight = 0.05 if conductance else 6.0
    if conductance:
        values |= {"conductance": True, "e_ref_exc": 299.0, "e_ref_inh": 31.0}  # weight = conductance
    delay = round(DELAY / step)
    rows = [(n + k, circuit, side, weight, delay) for k, (circuit, side, _) in enumerate(TARGETS)]
    probe = Probe("v", np.arange(n), round(SAMPLE / step))
    first, second = np.array(joints).T
    rates = (np.full(len(joints), r) for r in RATE)
    values = {"v_thresh": 1e6, "v_leak": np.array([80.0, 110.0] * (n // 2))} | values
    config = make.config(n, rows, 3, step, [probe], **values)
    return config.replace(joints=Joints(first, second, *rates)), weight


def stimulus(trials=1):
    channel, time = np.array(EVENTS).T
    return Stimulus(np.tile(channel.astype(int), trials), np.tile(time, trials), np.repeat(np.arange(trials), 4),
                    trials)


def reference(conductance, weight, leak=(80.0, 110.0)):
    """Both membranes at multiples of SAMPLE."""
    def rhs(_, y):
        v, g = y[:2], y[2:]
        dv = (np.array(leak) - v) / 10.0 + np.array(RATE) * (v[::-1] - v)
        for x, (circuit, side, _) in zip(g, TARGETS, strict=True):
            sign = 1.0 if side == EXC else -1.0
            dv[circuit] += x * (REVERSAL[side] - v[circuit]) if conductance else sign * x
        return [*dv, *(-x / tau for x, (_, _, tau) in zip(g, TARGETS, strict=True))]

    y, t, out = np.array([*leak, 0.0, 0.0, 0.0]), 0.0, {}
    for channel, at in [*((c, time + DELAY) for c, time in EVENTS), (None, END)]:
        grid = np.arange(np.ceil(t / SAMPLE - 1e-9), np.floor(at / SAMPLE + 1e-9) + 1) * SAMPLE
        solution = integrate.solve_ivp(rhs, (t, at), y, "DOP853", t_eval=np.clip(grid, t, at), rtol=1e-12, atol=1e-12)
        out |= dict(zip(np.round(solution.t, 6), solution.y[:2].T, strict=True))
        y, t = solution.y[:, -1].copy(), at
        if channel is not None:
            y[2 + channel] += weight
    return np.array([out[round(k * SAMPLE, 6)] for k in range(round(END / SAMPLE) + 1)])


@pytest.mark.parametrize("conductance", [False, True])
def test_second_order(make, conductance):
    errors = []
    for step in (0.4, 0.2, 0.1):
        cfg, weight = pair(make, step, conductance)
        recording, _ = run(cfg, stimulus(), END, initial_state(cfg))
        errors.append(np.abs(recording.samples[0].values[0] - reference(conductance, weight)).max())
    order = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all(np.abs(order - 2.0) < 0.2), (errors, order)
    assert errors[-1] < 0.05


@pytest.mark.parametrize("step", [0.2, 0.1])
def test_a_membrane_held_at_reset_drives_the_other_one(make, step):
    """A plateau: reset above threshold for a long refractory time; the other membrane goes to it exponentially."""
    cfg, _ = pair(make, step, False, v_thresh=np.array([85.0, 1e6]), v_reset=np.array([120.0, 70.0]), v_leak=80.0,
                  refractory_us=np.array([16.0, 2.0]))
    recording, _ = run(cfg, Stimulus(np.array([0]), np.array([0.0])), END, initial_state(cfg))
    k = int(recording.spike_step[0] * step / SAMPLE) + 1
    v = recording.samples[0].values[0]
    assert len(recording.spike_step) == 1
    assert np.all(v[k:k + 18, 0] == 120.0)
    rate = 0.1 + RATE[1]
    far = (0.1 * 80.0 + RATE[1] * 120.0) / rate
    decay = (far - v[k:k + 18, 1]) / (far - v[k, 1])
    np.testing.assert_allclose(decay, np.exp(-rate * SAMPLE * np.arange(18)), atol=0.02 * step)
    assert v[-1, 0] < 119.0  # released


@pytest.mark.parametrize("conductance", [False, True])
def test_cut_anywhere_and_in_any_batch(make, conductance):
    values = {"v_thresh": np.array([95.0, 130.0, 95.0, 130.0]), "v_reset": np.array([115.0, 70.0, 60.0, 70.0]),
              "refractory_us": np.array([5.0, 2.0, 1.0, 2.0]), "v_leak": np.array([80.0, 96.0, 99.0, 80.0])}
    cfg, _ = pair(make, 0.1, conductance, 4, [(0, 1), (3, 2)], **values)
    whole, end = run(cfg, stimulus(3), END, initial_state(cfg, 3))
    assert len(whole.spike_step) > 3
    state, samples = initial_state(cfg), []
    for piece in (3.3, 1.6, 8.1, END - 13.0):
        part, state = run(cfg, stimulus(), piece, state)
        samples.append(part.samples[0].values[0])
    np.testing.assert_array_equal(np.concatenate(samples), whole.samples[0].values[1])
    np.testing.assert_array_equal(state.x[:, 0], end.x[:, 2])


def test_every_trial_has_its_own_offset(make):
    """Origins of the working units differ from trial to trial; distances between membranes must not."""
    cfg, _ = pair(make, 0.1, False)
    cfg = cfg.replace(noise=cfg.noise.replace(run_offset=5.0))
    recording, _ = run(cfg, stimulus(4), END)
    v = recording.samples[0].values
    assert np.ptp(v[:, -1], axis=0).min() > 0.5
    alone, _ = run(cfg, Stimulus(*(a[:4] for a in (stimulus().channel, stimulus().time_us)), first_trial=2), END)
    np.testing.assert_array_equal(alone.samples[0].values[0], v[2])


@pytest.mark.parametrize(("change", "sentence"), [
    ({"second": np.array([0])}, "more than one pair"), ({"first": np.array([7])}, "there are 0..1"),
    ({"rate_first": np.array([-1.0])}, ">= 0"), ({"rate_first": np.array([1.0, 2.0])}, "shape")])
def test_bad_joints(make, change, sentence):
    cfg, _ = pair(make, 0.1, False)
    with pytest.raises(ValueError, match=sentence):
        run(cfg.replace(joints=cfg.joints.replace(**change)), None, 1.0)
