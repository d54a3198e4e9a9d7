"""Spike counters: 8 bits and a flag, against plain counting."""

import numpy as np
from pynn_brainscales.emulator.kernels.counters import count, read

TRIALS, N = 3, 11


def test_saturation():
    counters = np.zeros((TRIALS, N), np.int64)
    for n in range(1, 300):
        counters = count(counters, np.array([1, 2, 2]), np.array([4, 0, 10]))
        spikes, overflow = read(counters)
        assert spikes[1, 4] == spikes[2, 0] == spikes[2, 10] == min(n, 255)
        assert overflow[1, 4] == overflow[2, 10] == (n > 255)
    assert spikes.dtype == np.int16
    assert spikes.sum() == 3 * 255
    assert overflow.sum() == 3


def test_random_spikes():
    rng = np.random.default_rng(4)
    counters, total = np.zeros((TRIALS, N), np.int64), np.zeros((TRIALS, N), int)
    for _ in range(60):
        many = rng.integers(0, 1000)
        trial, circuit = rng.integers(0, TRIALS, many), rng.integers(0, N, many)  # some twice
        before = counters.copy()
        after = count(counters, trial, circuit)
        assert np.array_equal(counters, before)  # what was given stays
        counters = after
        np.add.at(total, (trial, circuit), 1)
        spikes, overflow = read(counters)
        assert np.array_equal(spikes, np.minimum(total, 255))
        assert np.array_equal(overflow, total > 255)
    assert overflow.all()
