"""The rule of structural plasticity, and each of its parts."""

from types import SimpleNamespace

import numpy as np
import pytest

import pynn_brainscales as sim
from pynn_brainscales.rules import (
    DistanceDependentFormation,
    FixedWeightFormation,
    RandomByWeightElimination,
    RandomSelection,
    StructuralPlasticity,
    UnusedSelection,
    WeightElimination,
)

pytestmark = pytest.mark.filterwarnings("ignore:StepCurrentSource changes during the run")
TIMER = sim.Timer(start=100.0, period=100.0)


class View:
    """Slots as a rule sees them, with readings that are given: 5 rows, 4 columns, 2 places without a synapse."""

    def __init__(self, candidates=12, causal=0.0, weights=20, trials=()):
        self.there = np.ones((5, 4), bool)
        self.there[4, :2] = False
        self.shape, self.candidates, self.neuron = (5, 4), np.arange(candidates), np.array([2, 0, 1, 3])
        whole = (*trials, 5, 4)
        self.labels = np.broadcast_to(np.arange(20).reshape(5, 4) % candidates, whole).copy()
        self.weights = np.broadcast_to(weights, whole).copy()
        self.causal, self.resets = np.broadcast_to(causal, whole), 0

    def get_weights(self):
        return self.weights.copy()

    def set_weights(self, values):
        self.weights = np.where(self.there, values, 0)

    def get_labels(self):
        return self.labels.copy()

    def set_labels(self, values):
        self.labels = np.where(self.there, values, self.labels)

    def get_causal_correlation(self):
        return self.causal

    def reset_correlation(self):
        self.resets += 1


def ppu(seed=1, period=0):
    return SimpleNamespace(rng=np.random.default_rng(seed), period=period)


def cells(view, spikes):
    return SimpleNamespace(get_rate_counters=lambda reset: np.array(spikes), receives=lambda v: v is view)


# --- parts -------------------------------------------------------------------------------------------------


def test_random_selection_is_uniform():
    view = View(candidates=12)
    labels = np.concatenate([RandomSelection().select(ppu(seed), view, view.labels, view.there).ravel()
                             for seed in range(600)])
    counts = np.bincount(labels, minlength=12)
    assert len(counts) == 12
    assert np.sum((counts - 1000.0) ** 2 / 1000.0) < 35.0  # chi squared, 11 degrees of freedom


@pytest.mark.parametrize("trials", [(), (3,)])
def test_unused_selection_avoids_what_the_neuron_has(trials):
    view, seen = View(candidates=6, trials=trials), set()
    for seed in range(40):
        lost = np.random.default_rng(seed).random(view.labels.shape) < 0.5
        lost &= view.there
        new = UnusedSelection().select(ppu(seed), view, view.labels, lost)
        assert new.shape == view.labels.shape
        flat = [a.reshape(-1, *view.shape) for a in (view.labels, lost, new)]
        for label, gone, chosen in zip(*flat, strict=True):
            for j in range(4):
                kept = set(label[view.there[:, j] & ~gone[:, j], j])
                drawn = chosen[gone[:, j], j].tolist()
                assert len(set(drawn)) == len(drawn)  # at most 5 slots, 6 candidates
                assert not kept & set(drawn)
                seen |= set(drawn)
    assert seen == set(range(6))
    crowded = View(candidates=2)
    new = UnusedSelection().select(ppu(), crowded, crowded.labels, crowded.there)
    assert set(new[crowded.there]) == {0, 1}


def test_formation():
    view = View()
    assert np.all(FixedWeightFormation(7).form(ppu(), view, view.labels) == 7)
    distance = np.abs(np.arange(12.0)[:, None] - np.array([0.0, 3.0, 6.0, 9.0]))
    formation = DistanceDependentFormation(distance, scale=2.0, probability=0.8, weight=9)
    formed = np.mean([formation.form(ppu(seed), view, view.labels) / 9.0 for seed in range(2000)], axis=0)
    d = view.labels - np.array([6.0, 0.0, 3.0, 9.0])  # the cells of the columns are 2, 0, 1, 3
    np.testing.assert_allclose(formed, 0.8 * np.exp(-(d**2) / 8.0), atol=0.05)
    with pytest.raises(ValueError, match=r"distance has shape \(12, 3\); there are 12 candidates and at least 4"):
        DistanceDependentFormation(distance[:, :3], 1.0).form(ppu(), view, view.labels)


def test_elimination():
    view, weights = View(), np.arange(20).reshape(5, 4)
    np.testing.assert_array_equal(WeightElimination(12).eliminate(ppu(), view, weights), weights < 12)
    assert not WeightElimination(0).eliminate(ppu(), view, weights).any()
    rule = RandomByWeightElimination(10, below=0.6, above=0.1)
    share = np.mean([rule.eliminate(ppu(seed), view, weights) for seed in range(1000)], axis=0)
    np.testing.assert_allclose(share, np.where(weights < 10, 0.6, 0.1), atol=0.06)


# --- the rule on given readings ----------------------------------------------------------------------------


def test_weights_change_by_the_equation():
    rng = np.random.default_rng(5)
    causal, weights = rng.integers(0, 60, (5, 4)), rng.integers(15, 60, (5, 4))
    view, spikes = View(causal=causal, weights=weights), [10, 20, 30, 40]
    rule = StructuralPlasticity(TIMER, eta=0.5, decay=0.01, sigma=0.0, elimination=WeightElimination(0))
    rule.update(ppu(), [view], [cells(view, spikes)], {})
    n = np.array(spikes)[view.neuron]
    wanted = np.clip(np.floor(weights + 0.5 * causal - 0.01 * n * weights + 0.5), 0, 63)
    np.testing.assert_array_equal(view.weights, np.where(view.there, wanted, 0))
    assert view.resets == 1
    noise = []
    for seed in range(300):
        view = View(weights=30)
        StructuralPlasticity(TIMER, decay=0.0, sigma=2.0, elimination=WeightElimination(0)).update(
            ppu(seed), [view], [cells(view, spikes)], {})
        noise.append(view.weights[view.there] - 30.0)
    assert abs(np.mean(noise)) < 0.1
    assert np.std(noise) == pytest.approx(np.hypot(2.0, 12**-0.5), rel=0.04)  # rounding is noise, too


@pytest.mark.parametrize("trials", [(), (2,)])
def test_slots_below_threshold_get_other_partners_and_keep_their_number(trials):
    weights = np.array([[5, 40, 40, 11], [40, 11, 13, 40], [40, 40, 12, 40], [0, 40, 40, 40], [9, 9, 40, 3]])
    view = View(weights=weights, trials=trials)
    before, recording = view.labels.copy(), {}
    rule = StructuralPlasticity(TIMER, eta=0.0, decay=0.0, sigma=0.0, selection=UnusedSelection(),
                                formation=FixedWeightFormation(25), elimination=WeightElimination(12))
    rule.update(ppu(), [view], [cells(view, np.zeros((*trials, 4), int))], recording)
    lost = (weights < 12) & view.there
    assert np.all((view.labels != before) == lost)
    assert np.all(view.weights == np.where(lost, 25, np.where(view.there, weights, 0)))
    np.testing.assert_allclose(recording["rewired"], 5 / 18)
    assert recording["rewired"].shape == (1, *trials)


def test_partners_change_only_now_and_then():
    view, recording = View(weights=5), {}
    rule = StructuralPlasticity(TIMER, sigma=0.0, rewire_every=3)
    for period in (1, 2):
        rule.update(ppu(period=period), [view], [cells(view, [0] * 4)], recording)
    assert np.all(view.weights[view.there] == 5)
    assert recording == {}
    rule.update(ppu(period=3), [view], [cells(view, [0] * 4)], recording)
    assert np.all(view.weights[view.there] == 20)
    assert recording["rewired"] == [1.0]


def test_bad_settings():
    with pytest.raises(ValueError, match=r"weight=0 must be a code 1\.\.63"):
        FixedWeightFormation(0)
    with pytest.raises(ValueError, match=r"below=1\.5 and above=0\.0 must be probabilities"):
        RandomByWeightElimination(10, 1.5)
    with pytest.raises(ValueError, match="scale=0 must be > 0"):
        DistanceDependentFormation(np.ones((2, 2)), 0)
    with pytest.raises(ValueError, match=r"sigma=-1 must be >= 0 and rewire_every=1"):
        StructuralPlasticity(TIMER, sigma=-1)


# --- the rule on the chip ----------------------------------------------------------------------------------


def network(rule, chip, slots=True):
    """Two neurons that are forced to fire after the first half of 16 sources; the other half fires at random."""
    sim.setup(timestep=0.2, chip=chip, seed=4, chip_seed=4)
    rng = np.random.default_rng(7)
    forced = np.arange(10.0, 4000.0, 25.0)
    trains = [np.sort(forced - 2.0 + rng.normal(0.0, 0.5, len(forced))) for _ in range(8)]
    trains += [np.sort(rng.uniform(0.0, 4000.0, len(forced))) for _ in range(8)]
    source = sim.Population(16, sim.SpikeSourceArray(spike_times=trains), label="source")
    neurons = sim.Population(2, sim.IF_curr_exp(tau_refrac=5.0), label="neurons")
    pulses = np.stack([forced, forced + 1.0], axis=1).ravel()
    neurons.inject(sim.StepCurrentSource(times=pulses, amplitudes=np.tile([20.0, 0.0], len(forced))))
    return sim.Projection(source, neurons, sim.FixedNumberPreConnector(6, rng=sim.NumpyRNG(3)), sim.PlasticSynapse(
        rule, slots=slots, weight=0.02, w_max=0.06, eta=1.0, tau=5.0, delay=1.0))


@pytest.mark.parametrize("chip", ["ideal", "quantised", "calibrated"])
def test_slots_find_the_sources_that_precede_the_spikes(chip):
    """Fan-in stays, and partners come to be those that correlate; without rewiring they stay where they were."""
    share = {}
    for threshold in (28, 0):
        rule = StructuralPlasticity(sim.Timer(start=200.0, period=200.0), eta=3.0, decay=0.03,
                                    formation=FixedWeightFormation(35), elimination=WeightElimination(threshold))
        projection = network(rule, chip)
        first = projection.get("weight", "list")
        sim.run(4000.0)
        pre, post, _ = np.array(projection.get("weight", "list")).T
        np.testing.assert_array_equal(np.bincount(post.astype(int)), [6, 6])
        np.testing.assert_array_equal(post, [c[1] for c in first])
        assert rule.missed == 0
        share[threshold] = np.mean(pre < 8)
        rewired = rule.get_observable_array("rewired")[1]
        if threshold == 0:
            np.testing.assert_array_equal(pre, [c[0] for c in first])
            assert not rewired.any()
        else:
            assert rewired.any()
    assert share[28] >= 0.9
    assert share[0] <= 0.7


def test_without_slots_it_says_what_is_missing():
    network(StructuralPlasticity(sim.Timer(start=100.0, period=100.0)), "ideal", slots=False)
    with pytest.raises(ValueError, match=r"structural plasticity needs slots.*PlasticSynapse\(rule, slots=True\)"):
        sim.run(200.0)
