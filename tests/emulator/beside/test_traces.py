"""Shapes of receptors against closed forms: the peak is the weight."""

import numpy as np
import pytest

TIMES = [(2.0, 6.0), (6.0, 2.0), (4.0, 4.0), (4.0, 4.0 + 1e-9), (4.0, 4.001), (0.2, 1.7), (0.01, 30.0)]


def course_of(beside, receptor, h, steps, weight=0.7):
    cells = beside.group("LIF", receptors=[receptor], v_thresh=1e9)
    return beside.Course(cells, h, steps, [(1, 0, 0, 0, weight)], variables=("0.g",)).values["0.g"][1:, 0, 0]


@pytest.mark.parametrize("e_syn", [None, 0.0])
@pytest.mark.parametrize("h", [0.1, 1.0])
def test_exp(beside, e_syn, h):
    t = h * np.arange(50)
    g = course_of(beside, beside.receptor("exp", tau_syn=4.0, e_syn=e_syn), h, 50)
    np.testing.assert_allclose(g, 0.7 * np.exp(-t / 4.0), rtol=1e-12)


@pytest.mark.parametrize("e_syn", [None, 0.0])
@pytest.mark.parametrize("h", [0.1, 1.0])
def test_alpha(beside, e_syn, h):
    t = h * np.arange(200)
    g = course_of(beside, beside.receptor("alpha", tau_syn=4.0, e_syn=e_syn), h, 200)
    np.testing.assert_allclose(g, 0.7 * np.e * t / 4.0 * np.exp(-t / 4.0), rtol=1e-12, atol=1e-15)
    assert g[round(4.0 / h)] == pytest.approx(0.7, rel=1e-12)  # at tau_syn, the peak


@pytest.mark.parametrize(("rise", "decay"), TIMES)
@pytest.mark.parametrize("h", [0.1, 1.0])
def test_beta(beside, rise, decay, h):
    """Difference of exponentials over its peak; equal time constants make it an alpha function."""
    t = h * np.arange(200)
    g = course_of(beside, beside.receptor("beta", tau_rise=rise, tau_decay=decay), h, 200)
    if abs(rise - decay) < 1e-3:
        np.testing.assert_allclose(g, 0.7 * np.e * t / 4.0 * np.exp(-t / 4.0), rtol=2e-8, atol=1e-12)
        return
    peak = np.log(decay / rise) / (1 / rise - 1 / decay)

    def difference(t):
        return (np.exp(-t / decay) - np.exp(-t / rise)) / (1 / rise - 1 / decay)

    digits = 1e-11 if abs(rise - decay) > 0.1 else 1e-9  # of the closed form
    np.testing.assert_allclose(g, 0.7 * difference(t) / difference(peak), rtol=digits, atol=1e-14)


@pytest.mark.parametrize(("rise", "decay"), TIMES)
def test_peak_of_beta_is_the_weight(beside, rise, decay):
    """Seen on a fine grid, without a formula."""
    receptor = beside.receptor("beta", tau_rise=rise, tau_decay=decay, e_syn=0.0)
    g = course_of(beside, receptor, 0.002, 3000)
    assert g.max() == pytest.approx(0.7, rel=1e-3 if rise == 0.01 else 1e-5)
    assert g.max() <= 0.7 * (1 + 1e-12)


def test_events_add_up(beside):
    """Linear: several events, of both signs, at several steps and receptors of all shapes in one group."""
    receptors = [beside.receptor("alpha", tau_syn=2.0), beside.receptor("delta"), beside.receptor("exp", tau_syn=5.0),
                 beside.receptor("beta", tau_rise=1.0, tau_decay=3.0), beside.receptor("alpha", tau_syn=4.0)]
    cells = beside.group("LIF", receptors=receptors, v_thresh=1e9)
    events = [(3, 0, 0, 0, 0.5), (3, 3, 0, 0, 0.2), (7, 0, 0, 0, -0.3), (9, 2, 0, 0, 0.4), (9, 4, 0, 0, 0.6),
              (11, 1, 0, 0, 2.0), (15, 3, 0, 0, 0.1)]
    names = ("v", "0.g", "2.g", "3.g", "4.g")
    whole = beside.Course(cells, 0.5, 60, events, variables=names).values
    rest = beside.Course(cells, 0.5, 60, [], variables=names).values
    for name in names:
        single = sum(beside.Course(cells, 0.5, 60, [e], variables=names).values[name] - rest[name] for e in events)
        np.testing.assert_allclose(whole[name] - rest[name], single, atol=1e-12)
