"""Sparse representations and what is done with them."""

import pickle

import numpy as np
import pytest

from pynn_brainscales.htm import SDR
from pynn_brainscales.htm.sdr import bits_of


def test_three_ways_to_the_same_bits():
    sdr = SDR((3, 4))
    sdr.sparse = [9, 1, 4]
    assert sdr.dense[0, 1]
    assert sdr.dense[1, 0]
    assert sdr.dense[2, 1]
    assert [a.tolist() for a in sdr.coordinates] == [[0, 1, 2], [1, 0, 1]]
    assert (sdr.getSum(), sdr.getSparsity(), sdr.size) == (3, 0.25, 12)
    other = SDR((3, 4))
    other.dense = sdr.dense.astype(int)
    assert other == sdr
    assert sdr.reshape(12).sparse.tolist() == [1, 4, 9]
    assert pickle.loads(pickle.dumps(sdr)) == sdr
    assert repr(sdr) == "SDR( 3, 4 ) 1, 4, 9"
    assert sdr.zero().getSum() == 0


def test_sets():
    a, b = SDR(6), SDR(6)
    a.sparse, b.sparse = [0, 1, 2], [2, 3]
    assert a.getOverlap(b) == 1
    assert SDR(6).intersection(a, b).sparse.tolist() == [2]
    assert SDR(6).union(a, b).sparse.tolist() == [0, 1, 2, 3]
    assert SDR(12).concatenate([a, b]).sparse.tolist() == [0, 1, 2, 8, 9]
    copy = a.copy()
    copy.sparse = [5]
    assert a.sparse.tolist() == [0, 1, 2]


def test_noise_moves_bits():
    rng = np.random.default_rng(1)
    sdr = SDR(1000).randomize(0.1, rng)
    before = sdr.copy()
    sdr.addNoise(0.3, rng)
    assert sdr.getSum() == 100
    assert sdr.getOverlap(before) == 70


def test_volley():
    sdr = SDR(10)
    sdr.sparse = [7, 2]
    cells, times = sdr.to_spikes(5.0, gap=0.5)
    assert cells.tolist() == [2, 7]
    assert times.tolist() == [5.0, 5.5]


def test_what_stands_for_bits():
    sdr = SDR(5)
    sdr.sparse = [1, 3]
    for given in (sdr, [3, 1], np.array([False, True, False, True, False]), [0, 1, 0, 1, 0]):
        assert bits_of(given, 5, "x").tolist() == [1, 3]
    with pytest.raises(ValueError, match="x: an SDR of 5 bits; expected 6"):
        bits_of(sdr, 6, "x")
    with pytest.raises(ValueError, match=r"x: indices from 1 to 9; there are 0 to 4"):
        bits_of([1, 9], 5, "x")


def test_bad_calls():
    for wrong in (0, (), (2, 0)):
        with pytest.raises(ValueError, match="whole numbers >= 1"):
            SDR(wrong)
    with pytest.raises(ValueError, match="there are 0 to 3"):
        SDR(4).sparse = [4]
    with pytest.raises(ValueError, match="3 bits for dimensions"):
        SDR(4).dense = [1, 0, 1]
    with pytest.raises(ValueError, match="must be one"):
        SDR(4).getOverlap(SDR(5))
    with pytest.raises(ValueError, match="can't move"):
        SDR(4).union(SDR(4), SDR(4)).randomize(1.0, np.random.default_rng(0)).addNoise(0.5, np.random.default_rng(0))
