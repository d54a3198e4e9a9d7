"""The temporal memory against the algorithm with objects and loops; sequences that it must learn."""

import pickle

import numpy as np
import pytest

from pynn_brainscales.htm import SDR, TemporalMemory


class Plain:
    """The published algorithm: segments are lists of [cell, permanence], drawn from the same generator."""

    def __init__(self, columns, cells, threshold, least, new, start, connected, inc, dec, punish, seed):
        self.cells, self.threshold, self.least, self.new, self.start, self.connected = (
            cells, threshold, least, new, start, connected)
        self.inc, self.dec, self.punish = inc, dec, punish
        self.rng = np.random.default_rng(seed)
        self.segments = []  # [cell, {presynaptic cell: permanence}]
        self.active, self.winners = set(), set()

    def potential(self, segment):
        return sum(pre in self.active for pre in segment[1])

    def predicts(self, segment):
        on = sum(pre in self.active and np.float32(p) >= np.float32(self.connected) for pre, p in segment[1].items())
        return on >= self.threshold

    def adapt(self, segment, inc, dec):
        for pre, p in list(segment[1].items()):
            step = np.float32(inc) if pre in self.active else np.float32(-dec)
            p = float(np.clip(np.float32(p) + step, 0, 1))
            if p < 1e-6:
                del segment[1][pre]
            else:
                segment[1][pre] = p

    def grow(self, segment, n):
        if segment in self.segments:
            candidates = np.array([w for w in sorted(self.winners) if w not in segment[1]], int)
            for pre in self.rng.permutation(candidates)[:n].tolist():
                segment[1][pre] = self.start

    def compute(self, columns):
        potentials = [self.potential(s) for s in self.segments]
        predicting = [s for s in self.segments if self.predicts(s)]
        matching = [(s, p) for s, p in zip(self.segments, potentials, strict=True) if p >= self.least]
        predicted = {s[0] // self.cells for s in predicting}
        right = [s for s in predicting if s[0] // self.cells in columns]
        winners, fresh, best_ones = {s[0] for s in right}, [], []
        active = set(winners)
        for c in sorted(set(columns) - predicted):
            own = range(c * self.cells, (c + 1) * self.cells)
            active |= set(own)
            here = [(s, p) for s, p in matching if s[0] in own]
            if here:
                best = max(here, key=lambda m: m[1])[0]  # of equal ones the first, which is the oldest
                best_ones.append(best)
                winners.add(best[0])
            else:
                count = [sum(s[0] == cell for s in self.segments) for cell in own]
                least = [cell for cell, n in zip(own, count, strict=True) if n == min(count)]
                fresh.append(least[self.rng.integers(len(least))])
                winners.add(fresh[-1])
        if self.punish:
            for s, _ in matching:
                if s[0] // self.cells not in columns:
                    self.adapt(s, -self.punish, 0.0)
        learning = [s for s in self.segments if any(s is x for x in (*right, *best_ones))]
        potential = {id(s): p for s, p in zip(self.segments, potentials, strict=True)}
        for s in learning:
            self.adapt(s, self.inc, self.dec)
        self.segments = [s for s in self.segments if s[1]]
        if self.winners:
            for s in learning:
                if self.new > potential[id(s)]:
                    self.grow(s, self.new - potential[id(s)])
            for cell in fresh:
                self.segments.append([cell, {}])
                self.grow(self.segments[-1], min(self.new, len(self.winners)))
        self.active, self.winners = active, winners


@pytest.mark.parametrize("punish", [0.0, 0.03])
def test_against_objects_and_loops(punish):
    rng = np.random.default_rng(4)
    tm = TemporalMemory(12, 4, activationThreshold=2, initialPermanence=0.3, connectedPermanence=0.5, minThreshold=2,
                        maxNewSynapseCount=3, permanenceIncrement=0.15, permanenceDecrement=0.1,
                        predictedSegmentDecrement=punish, seed=9)
    plain = Plain(12, 4, 2, 2, 3, 0.3, 0.5, 0.15, 0.1, punish, 9)
    symbols = [rng.choice(12, 3, replace=False) for _ in range(5)]
    bursts = 0
    for step in range(150):
        columns = symbols[step % 4] if rng.random() < 0.8 else symbols[rng.integers(5)]
        tm.compute(columns)
        plain.compute(columns.tolist())
        assert tm.getActiveCells().sparse.tolist() == sorted(plain.active), step
        assert tm.getWinnerCells().sparse.tolist() == sorted(plain.winners), step
        wanted = sorted({s[0] for s in plain.segments if plain.predicts(s)})
        assert tm.getPredictiveCells().sparse.tolist() == wanted, step
        assert tm.numberOfSegments() == len(plain.segments)
        assert tm.numberOfSynapses() == sum(len(s[1]) for s in plain.segments)
        bursts += tm.anomaly == 1.0
    assert 5 < bursts < 100


def memory(**changes):
    return TemporalMemory(**{"columnDimensions": 60, "cellsPerColumn": 8, "activationThreshold": 4, "minThreshold": 3,
                             "initialPermanence": 0.51, "maxNewSynapseCount": 6, "predictedSegmentDecrement": 0.02,
                             "seed": 1} | changes)


def symbol(i):
    return 6 * i + np.arange(6)


def episode(tm, sequences, learn=True):
    """Mean raw anomaly of all elements but the first, and the columns predicted before the last of each sequence."""
    scores, last = [], []
    for sequence in sequences:
        tm.reset()
        for i, s in enumerate(sequence):
            if i == len(sequence) - 1:
                last.append(np.flatnonzero(tm.getPredictedColumns()))
            tm.compute(symbol(s), learn)
            if i:
                scores.append(tm.anomaly)
    return np.mean(scores), last


def test_sequences_that_share_their_middle():
    """A D B E and F D B C: what follows B depends on how the sequence has begun."""
    tm, sequences = memory(), [[0, 3, 1, 4], [5, 3, 1, 2]]
    first, _ = episode(tm, sequences)
    assert first > 0.5
    for _ in range(25):
        episode(tm, sequences)
    score, last = episode(tm, sequences, learn=False)
    assert score == 0.0
    assert last[0].tolist() == symbol(4).tolist()
    assert last[1].tolist() == symbol(2).tolist()


def test_without_punishment_contexts_may_merge():
    """One cell a column knows no context: it predicts both endings."""
    tm, sequences = memory(cellsPerColumn=1, predictedSegmentDecrement=0.0), [[0, 3, 1, 4], [5, 3, 1, 2]]
    for _ in range(25):
        episode(tm, sequences)
    _, last = episode(tm, sequences, learn=False)
    assert last[0].tolist() == last[1].tolist() == sorted([*symbol(4), *symbol(2)])


def test_nothing_changes_without_learning():
    tm = memory()
    for _ in range(10):
        episode(tm, [[0, 1, 2, 3]])
    before = pickle.dumps(tm._segments)
    episode(tm, [[0, 1, 2, 4, 5]], learn=False)
    assert pickle.dumps(tm._segments) == before


def test_limits_of_segments_and_synapses():
    """Segments of a cell, and synapses of a segment, stay within their limits; weak and old ones make room."""
    tm = memory(cellsPerColumn=2, maxSegmentsPerCell=3, maxSynapsesPerSegment=8, maxNewSynapseCount=8)
    rng = np.random.default_rng(3)
    for _ in range(400):
        tm.compute(rng.choice(60, 6, replace=False))
    assert tm._segments.count.max() == 3
    held = (tm._segments.pre < tm.numberOfCells).sum(axis=1)
    assert held.max() == 8
    assert np.array_equal(np.bincount(tm._segments.cell, minlength=121)[:120], tm._segments.count)


def test_bad_calls():
    with pytest.raises(NotImplementedError, match="externalPredictiveInputs are not supported"):
        memory(externalPredictiveInputs=3)
    with pytest.raises(NotImplementedError, match="there is 'raw'"):
        memory(anomalyMode="likelihood")
    with pytest.raises(ValueError, match="minThreshold=9"):
        memory(minThreshold=9)
    with pytest.raises(ValueError, match="there are 0 to 59"):
        memory().compute([60])
    tm = memory()
    tm.compute(SDR(60))
    assert tm.anomaly == 0.0
    assert tm.getActiveCells().getSum() == 0


def test_connected_segments_are_those_that_can_predict():
    memory = TemporalMemory(6, 2, activationThreshold=2, minThreshold=1, initialPermanence=0.51, maxNewSynapseCount=3,
                            seed=1)
    for _ in range(4):
        for element in ([0, 1, 2], [3, 4, 5]):
            memory.compute(np.isin(np.arange(6), element))
        memory.reset()
    segments = memory.connectedSegments()
    assert {cell // 2 for cell, _ in segments} == {3, 4, 5}
    assert all(len(pre) >= 2 and set(pre // 2) <= {0, 1, 2} for _, pre in segments)
    memory.compute(np.isin(np.arange(6), [0, 1, 2]), learn=False)
    active = memory.getActiveCells().sparse
    predicting = {cell for cell, pre in segments if np.isin(pre, active).sum() >= 2}
    assert predicting == set(memory.getPredictiveCells().sparse.tolist())
