"""Inhomogeneous gamma processes: the hazard, the distribution of the events, their reproducibility."""

from itertools import pairwise

import numpy as np
import pytest
from pynn_brainscales.emulator.kernels.inh_gamma import InhGammaSequence, InhGammaSources, gamma_hazard, upper_gamma
from scipy import integrate, special, stats


def sources(bins, start=0.0, stop=np.inf, key=0):
    """A group from the bins [(edge, shape, scale), ..] of each process."""
    n = len(bins)
    edge, shape, scale = np.concatenate([np.array(b, float).reshape(-1, 3) for b in bins]).T
    return InhGammaSources(np.arange(n) + 10, np.cumsum([0, *map(len, bins)]), edge, shape, scale,
                           np.full(n, start, float), np.full(n, stop, float), key)


def trains(p, until, seed=1, trial=0):
    """Event times of each process up to a time."""
    channel, time = InhGammaSequence(p, seed, trial).between(0.0, until)
    assert np.all(np.diff(time) >= 0)
    return [time[channel == c] for c in p.channels]


# --- the function ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("a", [1e-3, 0.1, 0.5, 0.999, 1.0, 1.5, 3.0, 30.0, 1e3, 1e4])
def test_incomplete_gamma_function(a):
    y = np.concatenate([a * np.geomspace(1e-6, 20.0, 60), a + 1 + np.linspace(-6, 6, 60) * np.sqrt(a), [1.0, a + 1]])
    y = y[y > 0]
    reference = special.gammaincc(a, y)
    ours = upper_gamma(a, y)
    np.testing.assert_allclose(ours, reference, rtol=0, atol=1e-10)
    seen = reference > 1e-290
    np.testing.assert_allclose(ours[seen], reference[seen], rtol=1e-10)


@pytest.mark.parametrize("a", [0.2, 1.0, 2.5, 40.0])
def test_hazard(a):
    x = 0.3 * a * np.geomspace(1e-4, 8.0, 50)
    ours = gamma_hazard(x, np.full(50, a), np.full(50, 0.3))
    np.testing.assert_allclose(ours, stats.gamma.pdf(x, a, scale=0.3) / stats.gamma.sf(x, a, scale=0.3), rtol=1e-10)
    far = gamma_hazard(np.array([1e6]), np.array([a]), np.array([0.3]))  # where density and survival are both 0
    np.testing.assert_allclose(far, 1 / 0.3, rtol=1e-4)


@pytest.mark.parametrize("alpha", [0.05, 0.3, 0.9])
def test_bound_of_the_hazard(alpha):
    x = np.geomspace(1e-12, 100.0, 400)
    for a in (alpha, 0.5 * (alpha + 1), 0.9999):
        hazard = gamma_hazard(x, np.full(400, a), np.full(400, 0.7))
        assert np.all(hazard <= (1 / 0.7 + 0.7 ** -alpha * x ** (alpha - 1)) * (1 + 1e-9))
    for a in (1.0, 1.0001, 5.0, 200.0):
        assert np.all(gamma_hazard(x, np.full(400, a), np.full(400, 0.7)) <= 1 / 0.7 * (1 + 1e-9))


# --- the process -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("a", "b"), [(0.3, 20.0), (0.8, 4.0), (1.0, 5.0), (3.0, 2.0), (20.0, 0.4)])
def test_constant_parameters_make_a_gamma_renewal_process(a, b):
    times = trains(sources([[(0.0, a, b)]] * 400), (60 + 50 / a ** 0.5) * a * b)
    intervals = np.concatenate([np.diff(t, prepend=0.0)[:50] for t in times])
    assert len(intervals) == 400 * 50
    assert stats.kstest(intervals, stats.gamma(a, scale=b).cdf).pvalue > 0.01
    lags = np.corrcoef(intervals[:-1], intervals[1:])[0, 1]
    assert abs(lags) < 4 / np.sqrt(len(intervals))


def test_bins_that_change_nothing():
    """The same parameters in many bins and beside other bounds: still the gamma process."""
    fine = [(float(t), 0.7, 5.0) for t in range(0, 2000, 7)] + [(2000.0, 6.0, 0.01)]
    intervals = np.concatenate([np.diff(t, prepend=0.0)[:100] for t in trains(sources([fine] * 60), 1000.0)])
    assert len(intervals) > 5000
    assert stats.kstest(intervals, stats.gamma(0.7, scale=5.0).cdf).pvalue > 0.01


def test_first_event_in_changing_bins():
    """The distribution of the first event follows from the integral of the hazard through the bins."""
    bins = [(0.0, 4.0, 3.0), (5.0, 0.5, 6.0), (9.0, 8.0, 1.5), (14.0, 1.0, 2.0)]
    first = np.array([t[0] for t in trains(sources([bins] * 4000), 80.0)])
    edge = np.array([b[0] for b in bins] + [np.inf])

    def log_survival(a, b, x):
        return stats.gamma.logsf(x, a, scale=b)

    def cdf(t):
        total = np.zeros_like(t)
        for (low, a, b), high in zip(bins, edge[1:], strict=True):
            total += log_survival(a, b, np.clip(t, low, high)) - log_survival(a, b, low)
        return -np.expm1(total)

    assert stats.kstest(first, cdf).pvalue > 0.01


def test_rate_follows_the_bins():
    """Long bins: in each the process has the rate 1 / (a b), and the irregularity of its shape."""
    bins = [(0.0, 2.0, 5.0), (500.0, 0.6, 4.0), (1000.0, 5.0, 5.0), (1500.0, 5.0, 1.0)]
    times = trains(sources([bins] * 300), 2000.0)
    for low, a, b in bins:
        inside = [t[(t > low + 150) & (t < low + 500)] for t in times]
        count = sum(map(len, inside))
        expected = 300 * 350 / (a * b)
        assert abs(count - expected) < 4 * np.sqrt(expected / a)
        spread = np.var([len(t) for t in inside]) / (expected / 300)  # of counts, for long times that of intervals
        assert abs(spread * a - 1) < 0.35


def test_poisson_with_a_profile():
    """Shape 1: an inhomogeneous Poisson process, whose number of events is the integral of the rate."""
    edge = np.arange(0.0, 100.0, 0.5)
    rate = 0.5 + 0.4 * np.sin(edge / 5)
    times = trains(sources([np.stack([edge, np.ones(200), 1 / rate], axis=1)] * 300), 100.0)
    counts = np.array([np.histogram(t, np.append(edge, 100.0))[0] for t in times])
    expected = 0.5 * rate
    assert stats.chi2.sf(np.sum((counts.sum(axis=0) - 300 * expected) ** 2 / (300 * expected)), 200) > 0.01
    whole = counts.sum(axis=1)
    mean, _ = integrate.quad(lambda t: rate[int(t / 0.5)], 0, 100, limit=2000, points=edge[1::4])
    assert abs(whole.mean() - mean) < 4 * np.sqrt(mean / 300)
    assert abs(whole.var() / mean - 1) < 4 * np.sqrt(2 / 300)


# --- start, stop, draws ------------------------------------------------------------------------------------


MIXED = [[(0.0, 3.0, 1.0), (40.0, 0.4, 5.0)], [(25.0, 1.0, 0.5)], [(0.0, 9.0, 0.1), (60.0, 9.0, 50.0)]]


def test_silence_outside():
    p = sources(MIXED, start=10.0, stop=77.0)
    times = trains(p, 1e6)
    assert all(len(t) for t in times)
    assert min(t[0] for t in times) >= 10.0
    assert times[1][0] >= 25.0
    assert max(t[-1] for t in times) < 77.0
    assert all(len(t) == 0 for t in trains(sources(MIXED, start=10.0, stop=10.0), 1e6))


def test_start_inside_a_later_bin():
    bins = [(0.0, 1.0, 1e9), (20.0, 4.0, 0.5), (1e9, 1.0, 1.0)]
    first = np.array([t[0] for t in trains(sources([bins] * 2000, start=50.0), 200.0)]) - 50.0
    assert stats.kstest(first, stats.gamma(4.0, scale=0.5).cdf).pvalue > 0.01


def test_cuts_do_not_matter():
    p = sources(MIXED)
    whole = InhGammaSequence(p, 3, 0).between(0.0, 200.0)
    for edges in (np.linspace(0.0, 200.0, 401), [0.0, 0.1, 77.7, 200.0], [0.0, 199.999, 200.0]):
        cut = InhGammaSequence(p, 3, 0)
        parts = [cut.between(low, high) for low, high in pairwise(edges)]
        for i in (0, 1):
            assert np.array_equal(np.concatenate([part[i] for part in parts]), whole[i])
    backwards = InhGammaSequence(p, 3, 0)
    backwards.between(150.0, 200.0)
    again = backwards.between(0.0, 200.0)
    assert np.array_equal(again[1], whole[1])
    assert len(whole[1]) > 400


def test_keys_name_the_draws():
    p = sources(MIXED)
    reference = InhGammaSequence(p, 3, 0).between(0.0, 100.0)[1]
    assert np.array_equal(reference, InhGammaSequence(p, 3, 0).between(0.0, 100.0)[1])
    for other in (InhGammaSequence(p, 4, 0), InhGammaSequence(p, 3, 1), InhGammaSequence(p.replace(key=1), 3, 0)):
        assert not np.array_equal(reference[:50], other.between(0.0, 100.0)[1][:50])
