"""Izhikevich's cells: order of convergence, regular spiking, and the unit of their currents."""

import numpy as np
import pytest

STEPS = [0.2, 0.1, 0.05, 0.025]


def test_second_order_below_threshold(beside, capsys):
    """Jumps of the membrane, a current with a course in time, and recovery, from rest; 1 nA is 1000 mV / ms."""
    def rhs(t, x):
        v, u, i = x
        return [0.04 * v * v + 5.0 * v + 140.0 - u + 1e3 * (0.001 + i), 0.02 * (0.2 * v - u), -i / 4.0]

    grid = np.round(np.arange(201) * 0.2, 9)
    events = [(0, 4.0, 9.0), (1, 8.0, 0.002), (0, 12.0, -5.0), (1, 20.0, -0.003), (0, 21.0, 4.0)]
    jumps = [(float(grid[round(t / 0.2)]), (0, 2)[r], w) for r, t, w in events]
    exact = beside.reference(rhs, [-70.0, -14.0, 0.0], grid, jumps)[:, :2]
    assert -62.0 < exact[:, 0].max() < 0.0
    cells = beside.group("Izhikevich", receptors=[beside.receptor("delta"), beside.receptor("exp", tau_syn=4.0)],
                         i_offset=0.001)
    error = []
    for h in STEPS:
        course = beside.Course(cells, h, round(40.0 / h), [(round(t / h), r, 0, 0, w) for r, t, w in events],
                               variables=("v", "u"))
        every = round(0.2 / h)
        assert len(course.spikes) == 0
        error.append(max(np.abs(course.values[name][::every, 0, 0] - exact[:, i]).max()
                         for i, name in enumerate(("v", "u"))))
    order = beside.orders(STEPS, error)
    with capsys.disabled():
        print(f"\n  error {', '.join(f'{x:.2g}' for x in error)} mV, order {', '.join(f'{o:.3f}' for o in order)}")
    assert np.all(np.abs(order - 2.0) < 0.1)
    assert error[-1] < 2e-3


def spikes_on_grid(parameters, current, duration, h):
    """Steps of the spikes of the exact flow, which is stopped at 30 mV and reset at the end of the step."""
    integrate = pytest.importorskip("scipy.integrate")
    a, b, c, d = parameters

    def rhs(t, x):
        v, u = x
        return [0.04 * v * v + 5.0 * v + 140.0 - u + current, a * (b * v - u)]

    def spike(t, x):
        return x[0] - 30.0

    spike.terminal = True
    k, y, steps = 0, [-70.0, -14.0], []
    while True:
        s = integrate.solve_ivp(rhs, (k * h, duration), y, "DOP853", events=spike, rtol=1e-11, atol=1e-11)
        if s.status != 1:
            return np.array(steps)
        k = int(np.ceil(s.t[-1] / h - 1e-9))
        u = b * 30.0 + (s.y[1, -1] - b * 30.0) * np.exp(-a * (k * h - s.t[-1]))
        y = [c, u + d]
        steps.append(k)


@pytest.mark.parametrize(("name", "parameters", "within"), [
    ("regular spiking", (0.02, 0.2, -65.0, 8.0), 0.0), ("chattering", (0.02, 0.2, -50.0, 2.0), 0.16),
    ("fast spiking", (0.1, 0.2, -65.0, 2.0), 0.31)])
def test_spikes_of_the_known_patterns(beside, name, parameters, within, capsys):
    """Against the exact flow on the same grid; a step's difference of one spike shifts those that follow."""
    h = 0.05
    exact = spikes_on_grid(parameters, 10.0, 300.0, h)
    assert len(exact) > 5
    cells = beside.group("Izhikevich", **dict(zip("abcd", parameters, strict=True)))
    steps = beside.Course(cells, h, round(300.0 / h), current=lambda k: 0.01).steps_of()
    assert len(steps) == len(exact)
    off = h * np.abs(steps - exact).max()
    with capsys.disabled():
        print(f"\n  {name}: {len(exact)} spikes in 300 ms, largest difference {off:.2f} ms")
    assert off <= within


def test_reset_and_recovery(beside):
    cells = beside.group("Izhikevich", d=3.0, a=0.0)
    course = beside.Course(cells, 0.1, 200, current=lambda k: 0.02, variables=("v", "u"))
    k = course.steps_of()[0]
    assert course.values["v"][k, 0, 0] == -65.0
    assert course.values["v"][k + 1, 0, 0] > -65.0  # no refractory time
    assert course.values["u"][k - 1, 0, 0] == -14.0
    assert course.values["u"][k, 0, 0] == -11.0


def test_start_values(beside):
    cells = beside.group("Izhikevich", 2, b=[0.2, 0.25])
    course = beside.Course(cells, 0.1, 0, initial={"v": [-70.0, -64.0]}, variables=("v", "u"))
    np.testing.assert_allclose(course.values["u"][0, 0], [-14.0, -16.0])


@pytest.mark.parametrize("h", [0.1, 1.0, 20.0])
def test_no_input_makes_it_diverge(beside, h):
    receptors = [beside.receptor("delta"), beside.receptor("exp", tau_syn=2.0, e_syn=0.0)]
    cells = beside.group("Izhikevich", receptors=receptors)
    events = [(3, 0, 0, 0, 1e4), (20, 0, 0, 0, -1e4), (60, 1, 0, 0, 10.0), (70, 1, 0, 0, 1e6)]
    course = beside.Course(cells, h, 100, events, variables=("v", "u"))
    assert np.all(np.isfinite(course.values["v"]))
    assert np.all(np.isfinite(course.values["u"]))
    assert 3 in course.steps_of()
