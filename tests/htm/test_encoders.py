"""Near values share bits, far ones don't."""

import numpy as np
import pytest

from pynn_brainscales.htm import RDSE, CategoryEncoder, ScalarEncoder


def test_scalar_overlap_falls_with_distance():
    encoder = ScalarEncoder(0.0, 100.0, size=120, activeBits=20)
    reference = encoder.encode(50.0)
    assert reference.getSum() == 20
    overlaps = [reference.getOverlap(encoder.encode(50.0 + d)) for d in range(25)]
    assert overlaps[:21] == list(range(20, -1, -1))
    assert overlaps[21:] == [0] * 4
    assert encoder.encode(0.0).sparse.tolist() == list(range(20))
    assert encoder.encode(100.0).sparse.tolist() == list(range(100, 120))
    assert encoder.encode(np.nan).getSum() == 0


def test_scalar_ends():
    with pytest.raises(ValueError, match=r"101 is outside of 0 to 100; clipInput=True"):
        ScalarEncoder(0.0, 100.0, 50, 5).encode(101.0)
    clipping = ScalarEncoder(0.0, 100.0, 50, 5, clipInput=True)
    assert clipping.encode(1e9) == clipping.encode(100.0)
    around = ScalarEncoder(0.0, 24.0, 48, 6, periodic=True)
    assert around.encode(0.0) == around.encode(24.0)
    assert around.encode(23.5).getOverlap(around.encode(0.5)) == 4


def test_random_distributed():
    encoder = RDSE(size=2048, activeBits=40, resolution=0.5, seed=3)
    a = encoder.encode(7.0)
    assert 37 <= a.getSum() <= 40  # some may fall together
    assert a == encoder.encode(7.2)
    near = [a.getOverlap(encoder.encode(7.0 + 0.5 * i)) for i in range(60)]
    assert np.all(np.abs(np.array(near[:40]) - np.arange(40, 0, -1)) <= 4)
    assert max(near[45:]) <= 6  # chance
    assert RDSE(2048, 40, 0.5, seed=4).encode(7.0).getOverlap(a) <= 6
    assert encoder.encode(-1000.3).getSum() > 35
    assert encoder.encode(np.nan).getSum() == 0


def test_categories():
    encoder = CategoryEncoder(["a", "b", 3], activeBits=4)
    assert encoder.size == 12
    assert encoder.encode("b").sparse.tolist() == [4, 5, 6, 7]
    assert encoder.encode("a").getOverlap(encoder.encode(3)) == 0
    with pytest.raises(ValueError, match="'c' is none of 'a', 'b', 3"):
        encoder.encode("c")


def test_bad_sizes():
    for make, sentence in ((lambda: ScalarEncoder(1.0, 0.0, 10, 2), "must be above"),
                           (lambda: ScalarEncoder(0.0, 1.0, 10, 10), "activeBits=10 must lie in"),
                           (lambda: RDSE(10, 2, 0.0), "resolution=0 must be > 0"),
                           (lambda: RDSE(10, 11, 1.0), "activeBits=11"),
                           (lambda: CategoryEncoder(["a", "a"], 2), "different values"),
                           (lambda: CategoryEncoder(["a"], 0), "activeBits=0")):
        with pytest.raises(ValueError, match=sentence):
            make()
