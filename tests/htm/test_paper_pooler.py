"""The network of Billaudelle and Ahmad 2015: its numbers of active columns."""

import numpy as np
import pytest

from pynn_brainscales.htm import metrics, paper_spatial_pooler


@pytest.fixture(scope="module")
def pooler():
    return paper_spatial_pooler(seed=6)


def draw(bits, n, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([rng.permutation(10_000) < bits for _ in range(n)])


def test_active_columns(pooler):
    few, some, many = (pooler.encode(draw(bits, 3)) for bits in (200, 400, 800))
    assert few.sum(axis=1).mean() <= 5
    assert 30 <= some.sum(axis=1).mean() <= 50
    assert some.sum() < many.sum() <= 1.8 * some.sum()
    overlaps = pooler.overlaps(draw(400, 3))
    assert 75 < overlaps.mean() < 85  # 20 per cent are connected
    assert np.mean([metrics.winner_quality(a, o) for a, o in zip(some, overlaps, strict=True)]) > 0.7


def test_reference_takes_the_largest_overlaps(pooler):
    records = draw(400, 2)
    active = pooler.reference(records, 40)
    assert active.sum(axis=1).tolist() == [40, 40]
    for a, o in zip(active, pooler.overlaps(records), strict=True):
        assert metrics.winner_quality(a, o) == 1.0


def test_report_says_what_a_chip_makes_of_it(pooler):
    assert "on calibrated" in pooler.report()
