"""Adaptive exponential cells: order of convergence, the spike, and the way out of any runaway."""

import numpy as np
import pytest

END, STEPS = 40.0, [0.4, 0.2, 0.1, 0.05]
EVENTS = [(0, 4.0), (1, 8.0), (0, 12.0), (1, 12.8), (0, 13.6), (0, 20.0)]  # receptor, ms


@pytest.mark.parametrize("exponential", [True, False])
@pytest.mark.parametrize("conductance", [True, False])
def test_second_order(beside, exponential, conductance, capsys):
    e, weights = (0.0, -80.0), (0.006, 0.008) if conductance else (0.35, -0.2)
    slope = 2.0 if exponential else 0.0

    def rhs(t, x):
        v, w, exc, inh = x
        dv = -65.0 - v + (slope * np.exp((v + 50.0) / slope) if exponential else 0.0)
        synapses = exc * (e[0] - v) + inh * (e[1] - v) if conductance else exc + inh
        return [dv / 15.0 + (0.2 - w + synapses) / 0.25, (4e-3 * (v + 65.0) - w) / 30.0, -exc / 3.0, -inh / 6.0]

    grid = np.round(np.arange(51) * 0.8, 9)
    jumps = [(float(grid[round(t / 0.8)]), 2 + r, weights[r]) for r, t in EVENTS]
    exact = beside.reference(rhs, [-60.0, 0.02, 0.0, 0.0], grid, jumps)[:, :2]
    assert -55.0 < exact[:, 0].max() < -45.0
    receptors = [beside.receptor("exp", tau_syn=tau, **({"e_syn": e[r]} if conductance else {}))
                 for r, tau in enumerate((3.0, 6.0))]
    cells = beside.group("AdExp", receptors=receptors, i_offset=0.2, tau_w=30.0, delta_T=slope, v_spike=1e6,
                         v_thresh=-50.0 if exponential else 1e6)
    error = []
    for h in STEPS:
        course = beside.Course(cells, h, round(END / h), [(round(t / h), r, 0, 0, weights[r]) for r, t in EVENTS],
                               {"v": -60.0, "w": 0.02}, variables=("v", "w"))
        every = round(0.8 / h)
        error.append(max(np.abs(course.values["v"][::every, 0, 0] - exact[:, 0]).max(),
                         1e2 * np.abs(course.values["w"][::every, 0, 0] - exact[:, 1]).max()))
    order = beside.orders(STEPS, error)
    with capsys.disabled():
        print(f"\n  exponential={exponential} conductance={conductance}: error "
              f"{', '.join(f'{x:.2g}' for x in error)} mV, order {', '.join(f'{o:.3f}' for o in order)}")
    assert np.all(np.abs(order[-2:] - 2.0) < 0.1)
    assert error[-1] < 2e-3


def test_spike_times_converge(beside, capsys):
    """Constant current: the times of the first spikes against a reference that finds the crossing of v_spike."""
    integrate = pytest.importorskip("scipy.integrate")

    def rhs(t, x):
        v, w = x
        return [(-65.0 - v + 2.0 * np.exp((v + 50.0) / 2.0)) / 15.0 + (0.6 - w) / 0.25, (4e-3 * (v + 65.0) - w) / 144.0]

    def spike(t, x):
        return x[0] + 40.0

    spike.terminal = True
    t, y, times = 0.0, [-65.0, 0.0], []
    while len(times) < 5:
        s = integrate.solve_ivp(rhs, (t, t + 200.0), y, "DOP853", events=spike, rtol=1e-11, atol=1e-12)
        times.append(s.t[-1])
        t, y = s.t[-1] + 2.0, None
        refractory = integrate.solve_ivp(lambda _, w: [(4e-3 * -3.0 - w[0]) / 144.0], (0.0, 2.0), [s.y[1, -1] + 0.08],
                                         rtol=1e-11, atol=1e-12)
        y = [-68.0, refractory.y[0, -1]]
    late = []
    for h in (0.1, 0.05, 0.025):
        course = beside.Course(beside.group("AdExp", i_offset=0.6), h, round(times[-1] / h) + 20)
        late.append((h * np.array(course.steps_of()[:5]) - times) / (1 + np.arange(5)))
    with capsys.disabled():
        print(f"\n  late per spike: {', '.join(f'{x.max():.3f}' for x in late)} ms at steps of 0.1, 0.05, 0.025 ms")
    for h, x in zip((0.1, 0.05, 0.025), late, strict=True):
        assert np.all((x >= -0.1 * h) & (x <= 1.1 * h))  # the comparator looks at the end of each step


def test_without_exponential_term_the_lower_threshold_counts(beside):
    cells = beside.group("AdExp", 3, delta_T=[0.0, 0.0, 2.0], v_spike=[-40.0, -55.0, -40.0], v_thresh=-50.0, a=0.0,
                         b=0.0, i_offset=1.0)
    course = beside.Course(cells, 0.01, 1000)
    crossing = [15.0 * np.log(60.0 / (60.0 - up)) for up in (15.0, 10.0)]
    assert course.steps_of(0)[0] == np.ceil(crossing[0] / 0.01)
    assert course.steps_of(1)[0] == np.ceil(crossing[1] / 0.01)
    assert course.steps_of(2)[0] > course.steps_of(0)[0]


def test_adaptation_at_a_spike(beside):
    cells = beside.group("AdExp", a=0.0, i_offset=0.8)
    course = beside.Course(cells, 0.1, 300, variables=("v", "w"))
    v, w = course.values["v"][:, 0, 0], course.values["w"][:, 0, 0]
    first, second = course.steps_of()[:2]
    assert w[first - 1] == 0.0
    assert w[first] == 0.08
    assert np.all(v[first:first + 21] == -68.0)
    assert v[first + 21] > -68.0
    assert w[second - 1] == pytest.approx(0.08 * np.exp(-0.1 * (second - 1 - first) / 144.0), rel=1e-12)


def test_adaptation_follows_the_membrane_in_the_refractory_time(beside):
    cells = beside.group("AdExp", i_offset=0.8, tau_refrac=30.0)
    w = (course := beside.Course(cells, 0.1, 400, variables=("w",))).values["w"][:, 0, 0]
    k = course.steps_of()[0]
    rest = 4e-3 * (-68.0 + 65.0)
    expected = rest + (w[k] - rest) * np.exp(-0.1 * np.arange(300) / 144.0)
    np.testing.assert_allclose(w[k:k + 300], expected, rtol=1e-12)


@pytest.mark.parametrize("values", [
    {"delta_T": 0.01}, {"delta_T": 1e-6}, {"v_spike": 500.0}, {"i_offset": 1e9}, {"cm": 1e-9, "i_offset": 1.0},
    {"v_reset": -30.0, "tau_refrac": 0.0}, {"tau_m": 1e-3}])
@pytest.mark.parametrize("h", [0.01, 1.0])
def test_a_runaway_is_a_spike(beside, values, h):
    """Nothing overflows, whatever the step (``Course`` raises where NumPy would warn)."""
    receptors = [beside.receptor("exp", tau_syn=2.0, e_syn=0.0), beside.receptor("delta")]
    cells = beside.group("AdExp", receptors=receptors, **{"i_offset": 1.0} | values)
    events = [(5, 0, 0, 0, 50.0), (9, 1, 0, 0, 300.0), (15, 1, 0, 0, -400.0), (20, 0, 0, 0, 1e6)]
    course = beside.Course(cells, h, 200, events, {"v": -45.0}, variables=("v", "w"))
    assert np.all(np.isfinite(course.values["v"]))
    assert np.all(np.isfinite(course.values["w"]))
    assert len(course.spikes) >= 1


def test_strong_inhibition_near_the_spike_pulls_down_as_far_as_it_should(beside):
    """Where the tangent of the exponential term would throw the membrane far beyond; one step of 1 ms."""
    receptors = [beside.receptor("exp", tau_syn=5.0, e_syn=-80.0)]
    cells = beside.group("AdExp", receptors=receptors, b=0.0, a=0.0, tau_w=1e6)
    held = beside.Course(cells, 1.0, 1, [], {"v": -46.0, "0.g": 1e4}).values["v"][1, 0, 0]
    assert held == pytest.approx(-80.0, abs=0.01)
    down = beside.Course(cells, 1.0, 1, [], {"v": -41.0, "w": 20.0}).values["v"][1, 0, 0]
    without = -65.0 - 20.0 * 60.0 + (24.0 + 20.0 * 60.0) * np.exp(-1.0 / 15.0)  # no exponential term at all
    assert without <= down < without + 13.0
