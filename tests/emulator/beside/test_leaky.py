"""Leaky membranes: exact with currents, second order with conductances."""

import numpy as np
import pytest

END, STEPS = 40.0, [0.8, 0.4, 0.2, 0.1]
EVENTS = [(0, 4.0), (1, 8.0), (0, 12.0), (1, 12.8), (0, 13.6), (0, 20.0)]  # receptor, ms
QUIET = {"v_thresh": 1e6}


def on_grid(h, weights):
    return [(round(t / h), r, 0, 0, weights[r]) for r, t in EVENTS]


def filters(receptors):
    """Time constants and coupling of the receptors' two states (y, g), from the definition: a response of peak 1."""
    optimize = pytest.importorskip("scipy.optimize")
    out = []
    for shape, p in receptors:
        if shape == "exp":
            out.append((np.inf, p["tau_syn"], 0.0))
            continue
        rise, decay = (p["tau_syn"],) * 2 if shape == "alpha" else (p["tau_rise"], p["tau_decay"])

        def fall(t, rise=rise, decay=decay):
            if rise == decay:
                return -t * np.exp(-t / rise)
            return (np.exp(-t / rise) - np.exp(-t / decay)) / (1 / rise - 1 / decay)

        peak = optimize.minimize_scalar(fall, (0.0, rise), method="brent", tol=1e-12)
        out.append((rise, decay, -1.0 / peak.fun))
    return out


def solve(beside, kinds, conductance, weights, tau_m, current, own=lambda t, v: 0.0, v=-60.0):
    """Membrane at every 0.8 ms."""
    constants = filters(kinds)
    e = (0.0, -80.0)

    def rhs(t, x):
        dv = (-65.0 - x[0]) / tau_m + current / 0.25
        out = [0.0]
        for i, (rise, decay, c) in enumerate(constants):
            y, g = x[1 + 2 * i:3 + 2 * i]
            dv += (g * (e[i] - x[0]) if conductance else g) / 0.25
            out += [-y / rise, c * y - g / decay]
        out[0] = dv
        return out

    jumps = [(t, 1 + 2 * r + (kinds[r][0] == "exp"), weights[r]) for r, t in EVENTS]
    grid = np.round(np.arange(int(END / 0.8) + 1) * 0.8, 9)
    jumps = [(float(grid[round(t / 0.8)]), i, w) for t, i, w in jumps]
    return beside.reference(rhs, [v, *[0.0] * (2 * len(kinds))], grid, jumps)[:, 0]


KINDS = {
    "exp": (("exp", {"tau_syn": 3.0}), ("exp", {"tau_syn": 6.0})),
    "exp, equal to the membrane": (("exp", {"tau_syn": 15.0}), ("exp", {"tau_syn": 15.0 * (1 + 1e-9)})),
    "alpha": (("alpha", {"tau_syn": 2.0}), ("alpha", {"tau_syn": 15.0})),
    "beta": (("beta", {"tau_rise": 0.5, "tau_decay": 4.0}), ("beta", {"tau_rise": 15.0, "tau_decay": 2.0})),
    "beta, equal constants": (("beta", {"tau_rise": 3.0, "tau_decay": 3.0}),
                              ("beta", {"tau_rise": 15.0, "tau_decay": 15.0})),
    "mixed": (("exp", {"tau_syn": 4.0}), ("beta", {"tau_rise": 1.0, "tau_decay": 5.0}))}


@pytest.mark.parametrize("kinds", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("h", [0.8, 0.1])
def test_currents_are_exact(beside, kinds, h):
    weights = (0.2, -0.15)
    cells = beside.group("LIF", receptors=[beside.receptor(s, **p) for s, p in kinds], i_offset=0.05, **QUIET)
    course = beside.Course(cells, h, round(END / h), on_grid(h, weights), {"v": np.array([-60.0])},
                           current=lambda k: 0.03)
    exact = solve(beside, kinds, False, weights, 15.0, 0.08)
    mine = course.values["v"][::round(0.8 / h), 0, 0]
    assert np.abs(mine - exact).max() < 1e-10
    assert np.ptp(exact) > 1.4


@pytest.mark.parametrize("kinds", KINDS.values(), ids=KINDS)
def test_conductances_are_second_order(beside, kinds, capsys):
    weights = (0.01, 0.02)
    exact = solve(beside, kinds, True, weights, 15.0, 0.08)
    error = []
    for h in STEPS:
        receptors = [beside.receptor(s, e_syn=e, **p) for (s, p), e in zip(kinds, (0.0, -80.0), strict=True)]
        cells = beside.group("LIF", receptors=receptors, i_offset=0.08, **QUIET)
        course = beside.Course(cells, h, round(END / h), on_grid(h, weights), {"v": np.array([-60.0])})
        error.append(np.abs(course.values["v"][::round(0.8 / h), 0, 0] - exact).max())
    order = beside.orders(STEPS, error)
    with capsys.disabled():
        print(f"\n  {kinds[0][0]}: error {', '.join(f'{e:.2g}' for e in error)} mV, order "
              f"{', '.join(f'{o:.3f}' for o in order)}")
    assert np.all(np.abs(order - 2.0) < 0.05)


@pytest.mark.parametrize("h", [0.1, 1.0])
def test_two_exponential_currents_in_closed_form(beside, h):
    """The response of the membrane to one event; with equal time constants it is an alpha function."""
    tau_m, w = np.array([15.0, 15.0, 15.0]), 0.3
    tau_s = np.array([4.0, 15.0, 15.0 + 1e-7])
    cells = beside.group("LIF", 3, [beside.receptor("exp", 3, tau_syn=tau_s)], v_rest=0.0, v_thresh=1e3)
    steps = 50
    v = beside.Course(cells, h, steps, [(1, 0, 0, i, w) for i in range(3)]).values["v"][1:, 0]
    t = h * np.arange(steps)[:, None]
    slow, fast = np.exp(-t / tau_m[:1]), np.exp(-t / tau_s[:1])
    apart = w / 0.25 * (slow - fast) / (1 / tau_s[0] - 1 / tau_m[0])
    equal = w / 0.25 * t * np.exp(-t / 15.0)
    np.testing.assert_allclose(v[:, :1], apart, rtol=0, atol=1e-13)
    np.testing.assert_allclose(v[:, 1:], np.hstack([equal, equal]), rtol=0, atol=1e-7)
    np.testing.assert_allclose(v[:, 1:2], equal, rtol=0, atol=1e-13)


def test_adaptation_conductances_are_second_order(beside, capsys):
    """GsfaGrr: conductances (nS) from given start values; the spikes that feed them are tested with the trigger."""
    def rhs(t, x):
        v, g_s, g_r, e, i = x
        own = 1e-3 * (g_s * (-75.0 - v) + g_r * (-75.0 - v))
        dv = (-65.0 - v) / 15.0 + (0.1 + own - e * v + i * (-80.0 - v)) / 0.25
        return [dv, -g_s / 100.0, -g_r / 2.0, -e / 3.0, -i / 6.0]

    weights, start = (0.01, 0.02), {"v": -60.0, "g_s": 12.0, "g_r": 300.0, "0.g": 0.004, "1.g": 0.001}
    grid = np.round(np.arange(51) * 0.8, 9)
    jumps = [(float(grid[round(t / 0.8)]), 3 + r, weights[r]) for r, t in EVENTS]
    exact = beside.reference(rhs, list(start.values()), grid, jumps)
    receptors = [beside.receptor("exp", tau_syn=3.0, e_syn=0.0), beside.receptor("exp", tau_syn=6.0, e_syn=-80.0)]
    cells = beside.group("GsfaGrr", receptors=receptors, i_offset=0.1, **QUIET)
    error = []
    for h in STEPS:
        course = beside.Course(cells, h, round(END / h), on_grid(h, weights), start, variables=list(start))
        mine = np.stack([course.values[v][::round(0.8 / h), 0, 0] for v in start], axis=1)
        np.testing.assert_allclose(mine[:, 1:], exact[:, 1:], rtol=1e-10, atol=1e-13)
        error.append(np.abs(mine - exact)[:, 0].max())
    order = beside.orders(STEPS, error)
    with capsys.disabled():
        print(f"\n  GsfaGrr: error {', '.join(f'{e:.2g}' for e in error)} mV, order "
              f"{', '.join(f'{o:.3f}' for o in order)}")
    assert np.all(np.abs(order - 2.0) < 0.05)


def test_any_conductance_is_stable(beside):
    """The membrane goes to the reversal potential, and never beyond it."""
    receptors = [beside.receptor("exp", tau_syn=1.0, e_syn=0.0), beside.receptor("alpha", tau_syn=1.0, e_syn=-80.0)]
    cells = beside.group("LIF", receptors=receptors, tau_refrac=0.0, **QUIET)
    course = beside.Course(cells, 1.0, 30, [(1, 0, 0, 0, 1e6), (10, 1, 0, 0, 1e9)])
    v = course.values["v"][:, 0, 0]
    assert v[2] == pytest.approx(0.0, abs=1e-4)
    assert v[12] == pytest.approx(-80.0, abs=1e-2)
    assert np.all((v <= 0.0) & (v >= -80.0))


def test_extreme_time_constants(beside):
    """Receptors that are much faster or slower than a step: the charge is right, and nothing overflows."""
    tau = np.array([1e-4, 1e6])
    kinds = [beside.receptor("exp", 2, tau_syn=tau), beside.receptor("beta", 2, tau_rise=tau, tau_decay=1e-3 * tau)]
    cells = beside.group("LIF", 2, kinds, v_rest=0.0, tau_m=1e9, v_thresh=1e9)
    v = beside.Course(cells, 1.0, 3, [(1, 0, 0, 0, 1.0), (1, 0, 0, 1, 1.0)]).values["v"][:, 0]
    assert v[3, 0] == pytest.approx(1e-4 / 0.25, rel=1e-7)
    assert v[3, 1] == pytest.approx(2.0 / 0.25, rel=2e-6)
