"""Conductances, the exponential term and adaptation converge, at their order, to a reference of high accuracy."""

import numpy as np
import pytest
from pynn_brainscales.emulator.config import EXC, INH, Probe
from pynn_brainscales.emulator.run import run
from pynn_brainscales.emulator.state import initial_state
from pynn_brainscales.emulator.stimulus import Stimulus

integrate = pytest.importorskip("scipy.integrate")

EVENTS = [(0, 4.0), (1, 8.0), (0, 12.0), (1, 12.8), (0, 13.6), (0, 20.0)]  # (channel, us); delay one step of 0.8
STEPS = [0.8, 0.4, 0.2, 0.1]
END = 40.0


def circuit_values(conductance, exponential, adaptation):
    values = {"conductance": conductance, "exponential": exponential, "adaptation": adaptation, "v_thresh": 1e6,
              "i_offset": 0.4}
    return values | ({"a": 0.8, "b": 3.0, "tau_w": 25.0} if adaptation else {})


def reference(conductance, exponential, adaptation, weight):
    """Scipy's DOP853 between events, right-hand side as in the kernels' docstring."""
    def rhs(_, y):
        v, w, e, i = y
        dv = (80.0 - v) / 10.0 + 0.4
        if exponential:
            dv += 5.0 * np.exp((v - 110.0) / 5.0) / 10.0
        if adaptation:
            dv -= w / 10.0
        dv += e / 200.0 * (300.0 - v) + i / 70.0 * (30.0 - v) if conductance else e - i
        return [dv, (0.8 * (v - 80.0) - w) / 25.0 if adaptation else 0.0, -e / 5.0, -i / 8.0]

    y, t = np.array([85.0, 1.0 if adaptation else 0.0, 0.0, 0.0]), 0.0
    out = {}
    for at, channel in [*((time + 0.8, ch) for ch, time in EVENTS), (END, None)]:
        grid = np.arange(np.ceil(t / 0.8 - 1e-9), np.floor(at / 0.8 + 1e-9) + 1) * 0.8
        grid = np.clip(grid, t, at)
        solution = integrate.solve_ivp(rhs, (t, at), y, "DOP853", t_eval=grid, rtol=1e-12, atol=1e-12)
        out |= dict(zip(np.round(solution.t, 6), solution.y[:2].T, strict=True))
        y, t = solution.y[:, -1].copy(), at
        if channel is not None:
            y[2 + channel] += weight[channel]
    return np.array([out[round(k * 0.8, 6)] for k in range(int(END / 0.8) + 1)])


def simulate(make, step, weight, values):
    delay = round(0.8 / step)
    cfg = make.config(1, [(1, 0, EXC, weight[0], delay), (2, 0, INH, weight[1], delay)], external=2, step_us=step,
                      probes=[Probe("v", np.array([0]), delay), Probe("w", np.array([0]), delay)], **values)
    start = initial_state(cfg, v=np.array([85.0]), w=np.array([1.0 if values["adaptation"] else 0.0]))
    channel, time = np.array(EVENTS).T
    recording, _ = run(cfg, Stimulus(channel.astype(int), time), END, start)
    return np.stack([s.values[0, :, 0] for s in recording.samples], axis=1)


@pytest.mark.parametrize(("conductance", "exponential", "adaptation"), [
    (True, False, False), (True, False, True), (True, True, False), (True, True, True),
    (False, True, False), (False, False, True), (False, True, True)])
def test_second_order(make, conductance, exponential, adaptation, capsys):
    weight = (12.0, 8.0) if conductance else (2.5, 2.0)
    if conductance and exponential:
        weight = (6.0, 8.0)  # stay below the point of no return, there is no threshold here
    values = circuit_values(conductance, exponential, adaptation)
    exact = reference(conductance, exponential, adaptation, weight)
    error = [np.abs(simulate(make, h, weight, values) - exact).max() for h in STEPS]
    order = np.diff(np.log(error)) / np.diff(np.log(STEPS))
    with capsys.disabled():
        print(f"\n  conductance={conductance} exp={exponential} adaptation={adaptation}: error "
              f"{', '.join(f'{e:.2g}' for e in error)} LSB, order {', '.join(f'{o:.2f}' for o in order)}")
    assert order[-1] > 1.9
    assert error[-1] < 5e-3


def test_exponential_exponent_of_zero_is_no_accident(make):
    """z = 0 in (exp(z) - 1) / z must give 1, not NaN: hit it exactly by the choice of numbers."""
    # with v = v_exp the Jacobian is -1/tau + 1/tau = 0, and h delta_t / tau = 1 keeps all of it exact in binary
    cfg = make.config(1, exponential=True, v_thresh=1e6, v_leak=105.0, v_exp=105.0, delta_t=8.0, tau_m=1.0,
                      step_us=0.125, conductance=False, probes=[Probe("v", np.array([0]), 1)])
    start = initial_state(cfg, v=np.array([105.0]))
    recording, _ = run(cfg, None, 0.125, start)
    assert recording.samples[0].values[0, 1, 0] == pytest.approx(106.0, rel=1e-12)


def test_adaptation_grows_by_b_at_a_spike(make):
    cfg = make.config(1, adaptation=True, b=3.0, a=0.0, tau_w=100.0, i_offset=8.0, step_us=0.1,
                      probes=[Probe("w", np.array([0]), 1)])
    recording, _ = run(cfg, None, 12.0)
    w = recording.samples[0].values[0, :, 0]
    k = int(recording.spike_step[0])
    assert w[k - 1] == 0.0
    assert w[k] == pytest.approx(3.0, rel=1e-9)
    assert len(recording.spike_step) == 1
    assert w[k + 20] == pytest.approx(3.0 * np.exp(-2.0 / 100.0), rel=1e-9)


def test_exponential_term_fires_and_resets(make):
    cfg = make.config(1, exponential=True, conductance=True, v_thresh=150.0, v_exp=110.0, i_offset=4.0,
                      probes=[Probe("v", np.array([0]), 1)])
    recording, _ = run(cfg, None, 100.0)
    v = recording.samples[0].values[0, :, 0]
    assert len(recording.spike_step) > 3
    assert np.all(np.isfinite(v))
    assert np.all(v[recording.spike_step] == 70.0)
