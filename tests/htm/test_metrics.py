"""Each figure on an example that can be counted by hand."""

import numpy as np
import pytest

from pynn_brainscales.htm import metrics


def bits(*on, size=10):
    result = np.zeros(size, bool)
    result[list(on)] = True
    return result


def test_overlaps():
    a, b = bits(0, 1, 2, 3), bits(2, 3)
    assert metrics.overlap(a, b) == 1.0
    assert metrics.overlap(a, b, of=max) == 0.5
    assert metrics.overlap(bits(), b) == 0.0
    assert metrics.jaccard(a, b) == 0.5
    assert metrics.prediction_accuracy(a, b) == 0.5
    assert metrics.prediction_accuracy(bits(), b) == 0.0
    assert metrics.raw_anomaly(b, a) == 0.0
    assert metrics.raw_anomaly(a, b) == 0.5


def test_noise():
    pattern = bits(*range(20), size=100)
    noisy = metrics.with_noise(pattern, 0.25, np.random.default_rng(1))
    assert np.count_nonzero(noisy) == 20
    assert np.count_nonzero(noisy & pattern) == 15


def test_winner_quality():
    overlaps = np.array([9, 8, 7, 7, 7, 1, 1, 1, 1, 1])
    assert metrics.winner_quality(bits(0, 1, 2), overlaps) == 1.0
    assert metrics.winner_quality(bits(0, 1, 4), overlaps) == 1.0  # a tie
    assert metrics.winner_quality(bits(0, 2, 3), overlaps) == pytest.approx(2 / 3)
    assert metrics.winner_quality(bits(5, 6, 7), overlaps) == 0.0
    assert metrics.winner_quality(bits(), overlaps) == 0.0


def test_over_a_dataset():
    outputs = np.array([bits(0, 1), bits(0, 2)])
    assert metrics.entropy(outputs) == pytest.approx((0 + 1 + 1) / 10)  # columns 0, 1, 2
    assert metrics.classified(outputs, outputs) == 1.0
    assert metrics.classified(outputs[::-1], outputs) == 0.0
    assert metrics.stability(outputs, outputs) == 1.0
    assert metrics.stability(outputs, outputs[::-1]) == 0.5
    assert metrics.area([0.0, 0.25, 0.5], [1.0, 0.5, 0.0]) == pytest.approx(0.5)
    assert metrics.anomaly_area([1.0, 0.5], [0.0, 0.5]) == pytest.approx((1 + 1 + 1 + 0.5) / 4)


def test_solved():
    assert metrics.solved_at([1, 0.5, 0, 0.1, 0, 0]) == 5
    assert metrics.solved_at([0, 0]) == 1
    assert metrics.solved_at([0, 1]) is None
    assert metrics.solved_at([]) is None
