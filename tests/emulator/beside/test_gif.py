"""GIF cells: the deterministic part against a reference, the statistics of spikes against the rate."""

import numpy as np
import pytest
from pynn_brainscales.emulator.beside.escape import Uniforms

NONE = {"a_eta": [0.0, 0.0, 0.0], "a_gamma": [0.0, 0.0]}
END, STEPS = 40.0, [0.8, 0.4, 0.2, 0.1]


@pytest.mark.parametrize("conductance", [True, False])
def test_deterministic_part(beside, conductance, capsys):
    """After a spike before the start: i_eta and v_t decay from given sums, on their slowest component."""
    def rhs(t, x):
        v, eta, gamma, s = x
        dv = (-65.0 - v) / 15.0 + (0.1 - eta + (-s * v if conductance else s)) / 0.25
        return [dv, -eta / 100.0, -gamma / 200.0, -s / 3.0]

    weight = 0.01 if conductance else 0.3
    grid = np.round(np.arange(51) * 0.8, 9)
    jumps = [(float(grid[5]), 3, weight), (float(grid[20]), 3, weight)]
    exact = beside.reference(rhs, [-60.0, 0.05, 12.0, 0.0], grid, jumps)
    receptor = beside.receptor("exp", tau_syn=3.0, **({"e_syn": 0.0} if conductance else {}))
    cells = beside.group("GIF", receptors=[receptor], i_offset=0.1, lambda0=0.0)
    error = []
    for h in STEPS:
        events = [(round(t / h), 0, 0, 0, weight) for t in (4, 16)]
        course = beside.Course(cells, h, round(END / h), events, {"v": -60.0, "i_eta": 0.05, "v_t": -36.0},
                               variables=("v", "i_eta", "v_t"))
        every = round(0.8 / h)
        v, eta, v_t = (course.values[name][::every, 0, 0] for name in ("v", "i_eta", "v_t"))
        np.testing.assert_allclose(eta, exact[:, 1], rtol=1e-10)
        np.testing.assert_allclose(v_t + 48.0, exact[:, 2], rtol=1e-10)
        error.append(np.abs(v - exact[:, 0]).max())
    if conductance:
        order = beside.orders(STEPS, error)
        with capsys.disabled():
            print(f"\n  error {', '.join(f'{e:.2g}' for e in error)} mV, order {', '.join(f'{o:.3f}' for o in order)}")
        assert np.all(np.abs(order - 2.0) < 0.05)
    else:
        assert max(error) < 1e-10


def test_a_spike_feeds_current_and_threshold(beside):
    """Components grow together and decay apart, also in the refractory time, where the membrane stands."""
    cells = beside.group("GIF", i_offset=2.0, tau_refrac=3.0)
    course = beside.Course(cells, 0.1, 200, variables=("v", "i_eta", "v_t"))
    k = course.steps_of()[0]
    t = 0.1 * np.arange(31)
    eta = sum(a * np.exp(-t / tau) for a, tau in ((0.1, 1.0), (0.05, 10.0), (0.02, 100.0)))
    gamma = 15.0 * np.exp(-t / 5.0) + 3.0 * np.exp(-t / 200.0)
    np.testing.assert_allclose(course.values["i_eta"][k:k + 31, 0, 0], eta, rtol=1e-12)
    np.testing.assert_allclose(course.values["v_t"][k:k + 31, 0, 0], -48.0 + gamma, rtol=1e-12)
    assert np.all(course.values["v"][k:k + 31, 0, 0] == -68.0)
    assert course.values["v"][k + 31, 0, 0] > -68.0
    assert course.values["i_eta"][k - 1, 0, 0] == 0.0


@pytest.mark.parametrize(("distance", "h"), [(0.0, 0.1), (1.0, 0.1), (2.0, 1.0)])
def test_rate(beside, distance, h, capsys):
    """Membrane held ``distance`` mV above v_t_star: intervals are geometric after the refractory time."""
    n, steps, refractory = 1000, 400, 5
    v = -48.0 + distance
    cells = beside.group("GIF", n, v_rest=v, v_reset=v, lambda0=20.0, delta_v=0.5, tau_refrac=refractory * h, **NONE)
    course = beside.Course(cells, h, steps, initial={"v": v})
    p = -np.expm1(-20.0e-3 * h * np.exp(distance / 0.5))
    # trials at risk: a cell is not at risk for ``refractory`` steps after each spike
    lost = np.minimum(refractory, steps - course.spikes[:, 0]).sum()
    at_risk = n * steps - lost
    z = (len(course.spikes) - at_risk * p) / np.sqrt(at_risk * p * (1 - p))
    with capsys.disabled():
        print(f"\n  p = {p:.4f} in a step: {len(course.spikes)} spikes, {at_risk * p:.0f} expected, z = {z:.2f}")
    assert len(course.spikes) > 500
    assert abs(z) < 3.5
    gaps = np.concatenate([np.diff(course.spikes[course.spikes[:, 2] == i, 0]) for i in range(n)])
    assert gaps.min() >= refractory + 1


def test_rate_follows_the_moving_membrane(beside):
    """Probability of no spike up to a time, with a membrane that climbs: exp(-integral of the rate)."""
    n, h = 4000, 0.1
    cells = beside.group("GIF", n, v_rest=-40.0, lambda0=1.0, delta_v=2.0, tau_refrac=1e3, **NONE)
    course = beside.Course(cells, h, 300, initial={"v": -60.0})
    t = h * np.arange(1, 301)
    hazard = 1e-3 * np.exp((-40.0 - 20.0 * np.exp(-t / 15.0) + 48.0) / 2.0)
    survival = np.exp(-h * np.cumsum(hazard))
    first = course.spikes[:, 0]
    assert len(np.unique(course.spikes[:, 2])) == len(first)
    for k in (150, 200, 300):
        alive = n - np.sum(first <= k)
        s = survival[k - 1]
        assert 0.01 < s < 0.999
        assert abs(alive - n * s) < 3.5 * np.sqrt(n * s * (1 - s))


def test_overwhelming_drive_fires_in_every_step_that_it_can(beside):
    cells = beside.group("GIF", receptors=[beside.receptor("delta")], i_offset=1e6, tau_refrac=0.0, **NONE)
    course = beside.Course(cells, 0.1, 20)
    assert course.steps_of() == list(range(1, 21))


def test_silent_without_a_rate(beside):
    cells = beside.group("GIF", i_offset=1e6, lambda0=0.0, **NONE)
    assert len(beside.Course(cells, 0.1, 50).spikes) == 0


@pytest.mark.parametrize("start", [1, 15, 16, 17, 1023, 1024, 1030, 3000])
def test_uniform_numbers_depend_on_the_absolute_step_only(start):
    whole = Uniforms(3, 7, 0, 2, 5)
    table = np.array([whole.at(k).copy() for k in range(1, 3050)])
    part, second = Uniforms(3, 7, 0, 2, 5), Uniforms(3, 7, 1, 1, 5)
    for k in range(start, start + 40):
        np.testing.assert_array_equal(part.at(k), table[k - 1])
        np.testing.assert_array_equal(second.at(k)[0], table[k - 1, 1])
    assert len(np.unique(table)) == table.size
    other = Uniforms(3, 8, 0, 2, 5)
    assert not np.any(other.at(start) == table[start - 1])
