"""Hodgkin-Huxley cells: order of convergence, spike times, the crossing, and the gates' singular points."""

import numpy as np
import pytest
from pynn_brainscales.emulator.beside import hh

CELL = {"gbar_Na": 20.0, "gbar_K": 6.0, "g_leak": 0.01, "cm": 0.2, "v_offset": -63.0, "e_rev_Na": 50.0,
        "e_rev_K": -90.0, "e_rev_leak": -65.0}
END = 14.0
EVENTS = [(0, 2.0), (1, 7.0), (0, 9.0), (0, 10.0)]  # receptor, ms
WEIGHTS = (0.15, 0.1)


def rates(v):
    """alpha and beta of m, h, n, written out with the exponential functions of the original."""
    u = v + 63.0

    def linoid(x, y):
        return y * (1 - x / y / 2) if abs(x / y) < 1e-6 else x / (np.exp(x / y) - 1)

    return ((0.32 * linoid(13 - u, 4), 0.28 * linoid(u - 40, 5)),
            (0.128 * np.exp((17 - u) / 18), 4 / (np.exp((40 - u) / 5) + 1)),
            (0.032 * linoid(15 - u, 5), 0.5 * np.exp((10 - u) / 40)))


def rhs(current):
    def derivative(t, x):
        v, m, h, n, exc, inh = x
        dv = (0.01 * (-65.0 - v) + 20.0 * m**3 * h * (50.0 - v) + 6.0 * n**4 * (-90.0 - v) + current - exc * v
              + inh * (-80.0 - v)) / 0.2
        gates = [a * (1 - y) - b * y for (a, b), y in zip(rates(v), (m, h, n), strict=True)]
        return [dv, *gates, -exc / 0.2, -inh / 2.0]

    return derivative


def cells_of(beside, **values):
    receptors = [beside.receptor("exp", tau_syn=0.2, e_syn=0.0), beside.receptor("exp", tau_syn=2.0, e_syn=-80.0)]
    return beside.group("HH", receptors=receptors, **CELL | values)


@pytest.fixture
def course_of(beside):
    def course(h, **more):
        events = [(round(t / h), r, 0, 0, WEIGHTS[r]) for r, t in EVENTS]
        return beside.Course(cells_of(beside), h, round(END / h), events, {"v": -65.0, "m": 0.0, "h": 1.0, "n": 0.0},
                             variables=("v", "m", "h", "n"), **more)

    return course


def test_second_order_through_spikes(beside, course_of, monkeypatch, capsys):
    """The sub-step is the step here; the course has spikes, whose error is one of time: steep flanks."""
    grid = np.round(np.arange(141) * 0.1, 9)
    jumps = [(float(grid[round(t / 0.1)]), 4 + r, WEIGHTS[r]) for r, t in EVENTS]
    exact = beside.reference(rhs(0.0), [-65.0, 0.0, 1.0, 0.0, 0.0, 0.0], grid, jumps)[:, :4]
    assert exact[:, 0].max() > 20.0
    monkeypatch.setattr(hh, "LONGEST", 1.0)
    steps, error, gates = [0.02, 0.01, 0.005], [], []
    for h in steps:
        values = course_of(h).values
        mine = np.stack([values[name][::round(0.1 / h), 0, 0] for name in ("v", "m", "h", "n")], axis=1)
        error.append(np.abs(mine - exact)[:, 0].max())
        gates.append(np.abs(mine - exact)[:, 1:].max())
    order = beside.orders(steps, error)
    with capsys.disabled():
        print(f"\n  error {', '.join(f'{x:.2g}' for x in error)} mV, order {', '.join(f'{o:.3f}' for o in order)}")
    assert np.all(np.abs(order[-2:] - 2.0) < 0.1)
    assert np.all(np.abs(beside.orders(steps, gates)[-2:] - 2.0) < 0.1)


def test_spike_times_under_constant_current(beside, capsys):
    integrate = pytest.importorskip("scipy.integrate")

    def crossing(t, x):
        return x[0] + 20.0

    crossing.direction = 1
    start = [-65.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    s = integrate.solve_ivp(rhs(0.3), (0.0, 100.0), start, "DOP853", events=crossing, rtol=1e-10, atol=1e-11)
    exact = s.t_events[0]
    assert len(exact) > 4
    for h in (0.1, 1.0):
        course = beside.Course(cells_of(beside, i_offset=0.2), h, round(100.0 / h), current=lambda k: 0.1,
                               initial={"m": 0.0, "h": 1.0, "n": 0.0})
        late = h * np.array(course.steps_of()) - exact
        with capsys.disabled():
            print(f"\n  {len(exact)} spikes, steps of {h} ms: late by {late.min():.3f} .. {late.max():.3f} ms")
        drift = 0.003 * (1 + np.arange(len(exact)))  # 0.015 % of an interval
        assert np.all((late > -1e-3) & (late < h + drift))


def test_a_spike_is_one_crossing(beside):
    """No reset: the membrane goes on, and the next spike needs the next rise."""
    course = beside.Course(cells_of(beside), 0.1, 300, [(10, 0, 0, 0, 0.3)], variables=("v",))
    v, steps = course.values["v"][:, 0, 0], course.steps_of()
    rises = np.flatnonzero((v[1:] >= -20.0) & (v[:-1] < -20.0)) + 1
    assert steps == rises.tolist()
    assert len(steps) == 1
    assert v[steps[0] + 1] > 0.0


def test_above_the_level_at_the_start_is_no_spike(beside):
    course = beside.Course(cells_of(beside), 0.1, 3, initial={"v": 10.0})
    assert course.steps_of() == []


def test_default_gates_are_at_their_steady_state(beside):
    course = beside.Course(cells_of(beside), 0.1, 0, initial={"v": -70.0, "h": 0.25}, variables=("m", "h", "n"))
    (am, bm), _, (an, bn) = rates(-70.0)
    assert course.values["m"][0, 0, 0] == pytest.approx(am / (am + bm), rel=1e-12)
    assert course.values["h"][0, 0, 0] == 0.25
    assert course.values["n"][0, 0, 0] == pytest.approx(an / (an + bn), rel=1e-12)


@pytest.mark.parametrize("u", [13.0, 15.0, 40.0])
def test_singular_points_of_the_rates(u):
    """x / (exp(x) - 1) at x = 0; all of it exact in binary."""
    gates = hh.Gates((1, 1), np.array([-64.0]))
    with np.errstate(all="raise"):
        gates.at(np.array([[u - 64.0]]))
    m, h, n = rates(u - 63.0)
    expected = [a + b for a, b in (m, n, h)]
    np.testing.assert_allclose(gates.rate[:, 0, 0], expected, rtol=1e-12)


@pytest.mark.parametrize("v", [-1e6, -100.0, 100.0, 1e6])
def test_rates_are_finite_anywhere(v):
    gates = hh.Gates((1, 1), np.array([-63.0]))
    with np.errstate(all="raise"):
        gates.at(np.array([[v]]))
    assert np.all(np.isfinite(gates.rate))
    assert np.all((gates.steady >= 0.0) & (gates.steady <= 1.0))
