"""Encoder, pooler and memory as one object."""

import numpy as np
import pytest

from pynn_brainscales.htm import (
    SDR,
    Pipeline,
    SpatialPooler,
    SpikingSpatialPooler,
    SpikingTemporalMemory,
    TemporalMemory,
)

WORDS = [[0, 1, 2, 3], [4, 1, 2, 5]]


class Symbols:
    """A pattern of its own for each of six symbols."""

    def __init__(self):
        rng = np.random.default_rng(5)
        self.patterns = [SDR(120).randomize(0.2, rng) for _ in range(6)]

    def encode(self, value):
        return self.patterns[value]


def reference_parts():
    return (SpatialPooler(120, 20, potentialPct=1.0, localAreaDensity=0.0, numActiveColumnsPerInhArea=3,
                          boostStrength=20.0, seed=1),
            TemporalMemory(20, 6, activationThreshold=3, minThreshold=2, maxNewSynapseCount=3, initialPermanence=0.51,
                           predictedSegmentDecrement=0.02, seed=1))


def spiking_parts():
    return (SpikingSpatialPooler(120, 20, localAreaDensity=0.0, numActiveColumnsPerInhArea=2, stimulusThreshold=9,
                                 boostStrength=10.0, chip="ideal", seed=1),
            SpikingTemporalMemory(20, 8, activationThreshold=3, winners=2, chip="ideal", seed=1))


@pytest.mark.parametrize(("parts", "passes"), [(reference_parts, 25), (spiking_parts, 6)])
def test_learns_words_and_says_what_comes_next(parts, passes):
    pipeline = Pipeline(Symbols(), *parts())
    pipeline.train_pooler(range(6), 20)
    values = [*WORDS[0], None, *WORDS[1], None]
    first = pipeline.run(values)
    assert first.active.shape == first.predicted.shape == (8, 20)
    assert first.anomaly[0] == 1.0
    for _ in range(passes):
        last = pipeline.run(values)
    assert last.anomaly[[0, 4]].tolist() == [1.0, 1.0]  # nobody can know which word comes
    assert last.anomaly[[1, 2, 3, 5, 6, 7]].max() <= 0.5
    for word in WORDS:
        pipeline.reset()
        for k in range(3):
            assert (pipeline.compute(word[k], learn=False) < 0.6) == (k > 0)
        assert pipeline.predict() == word[3]  # which only the first symbol decides


def test_nothing_is_predicted_at_first():
    pipeline = Pipeline(Symbols(), *reference_parts())
    assert pipeline.predict() is None
    assert pipeline.run([]).anomaly.shape == (0,)


def test_sizes_must_fit():
    with pytest.raises(ValueError, match="the pooler has 20 columns, the memory 10"):
        Pipeline(Symbols(), reference_parts()[0], TemporalMemory(10, 4, activationThreshold=2, minThreshold=2))
