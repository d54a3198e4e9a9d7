"""Reward-modulated STDP: the sign of a change, the mean reward, which rows change, and batches."""

import numpy as np
import pytest
from pynn_brainscales.emulator.plasticity.memory import Memory
from pynn_brainscales.emulator.plasticity.randomness import PpuRandom, initial_random_state

import pynn_brainscales as sim
from pynn_brainscales.rules import RewardModulatedSTDP

PERIOD, CAUSAL, W_MAX = 100.0, 2, 0.3  # ms, steps of the converter for a pair, nA
REWARDS = [0.25, 1.0, 0.0, 0.5]


class Rewards(RewardModulatedSTDP):
    """The same reward for all neurons, from a list."""

    def reward(self, ppu, counts):
        return REWARDS[ppu.period % len(REWARDS)]


def timer(periods=4):
    return sim.Timer(start=PERIOD, period=PERIOD, num_periods=periods)


def network(rule, chip="ideal", start=20, projections=1):
    """Three sources fire in each period 2 ms before two neurons are forced to."""
    sim.setup(timestep=0.1, chip=chip, seed=3, chip_seed=2)
    neurons = sim.Population(2, sim.IF_curr_exp(tau_refrac=20.0), label="neurons")
    at = PERIOD * np.arange(6) + 30.0
    teacher = sim.Population(1, sim.SpikeSourceArray(spike_times=at), label="teacher")
    sim.Projection(teacher, neurons, sim.AllToAllConnector(), sim.StaticSynapse(weight=15.0, delay=1.0))
    plastic = []
    for i in range(projections):
        source = sim.Population(3, sim.SpikeSourceArray(spike_times=at - 2.0), label=f"source{i}")
        # so weak that only the teacher makes the neurons fire
        plastic.append(sim.Projection(source, neurons, sim.AllToAllConnector(), sim.PlasticSynapse(
            rule, weight=start * W_MAX / 63, w_max=W_MAX, delay=1.0, eta=2.0, tau=30.0)))
    return neurons, plastic[0] if projections == 1 else plastic


def codes(projection):
    return np.rint(np.array(projection.get("weight", "array")) / W_MAX * 63).astype(int)


def recorded(rule, name="mean_reward"):
    return rule.get_observable_array(name)[1]


def test_a_change_has_the_sign_of_the_reward_above_its_mean():
    rule = Rewards(timer(3), learning_rate=2.0, mean_rate=0.5, rounding="nearest")
    _, projection = network(rule)
    expected, mean = 20, None
    for period, reward in enumerate(REWARDS[:3]):
        sim.run(PERIOD + (10.0 if period == 0 else 0.0))
        mean = reward if mean is None else mean
        expected += int(np.floor(2.0 * (reward - mean) * CAUSAL + 0.5))
        mean += 0.5 * (reward - mean)
        np.testing.assert_array_equal(codes(projection), np.full((3, 2), expected))
    assert expected == 20 + 0 + 3 - 2  # 0.25 - 0.25, 1 - 0.25, 0 - 0.625, times 4
    assert rule.executed == 3


@pytest.mark.parametrize(("initial", "start"), [(None, REWARDS[0]), (1.0, 1.0), (np.array([0.0, 2.0]), [0.0, 2.0])])
def test_the_mean_reward_is_exponential_from_its_initial_value(initial, start):
    rule = Rewards(timer(), mean_rate=0.25, initial_mean=initial)
    network(rule)
    sim.run(4.5 * PERIOD)
    mean, course = np.array(start) * np.ones(2), []
    for reward in REWARDS:
        mean = mean + 0.25 * (reward - mean)
        course.append(mean)
    np.testing.assert_allclose(recorded(rule), course, rtol=1e-6)
    np.testing.assert_array_equal(recorded(rule, "reward"), np.repeat(np.array(REWARDS)[:, None], 2, axis=1))


def test_a_reward_for_each_neuron_from_a_function():
    seen = []

    def reward(ppu, counts):
        seen.append(counts.tolist())
        return [1.0, 0.0]

    rule = RewardModulatedSTDP(timer(2), learning_rate=2.0, initial_mean=0.5, rounding="nearest", reward=reward)
    _, projection = network(rule)
    sim.run(1.5 * PERIOD)
    np.testing.assert_array_equal(codes(projection), [[22, 18]] * 3)
    np.testing.assert_allclose(recorded(rule), [[0.75, 0.25]])
    sim.run(PERIOD)
    assert seen == [[1, 1], [1, 1]]  # the counters start at 0 after each execution


def test_sensors_are_empty_after_an_execution():
    """Without pairs in the second period nothing changes, however large the reward."""
    rule = RewardModulatedSTDP(sim.Timer(start=60.0, period=20.0, num_periods=3), learning_rate=2.0, initial_mean=0.0,
                               rounding="nearest", reward=lambda ppu, counts: 1.0)
    _, projection = network(rule)
    sim.run(70.0)
    first = codes(projection)
    np.testing.assert_array_equal(first, np.full((3, 2), 20 + 2 * CAUSAL))
    sim.run(55.0)
    assert rule.executed == 3
    np.testing.assert_array_equal(codes(projection), first)


class OneRow(Rewards):
    """As in Pong: the source that is shown learns, each with a mean reward of its own."""

    def active(self, ppu):
        return np.arange(3) == ppu.period % 2

    def update(self, ppu, synapses, neurons, recording):
        super().update(ppu, synapses, neurons, recording)
        recording["code"] = synapses[0].logical(synapses[0].get_weights())  # as they are until the time is over


@pytest.mark.parametrize("chip", ["ideal", "quantised"])
def test_only_active_cells_learn_and_have_their_own_mean(chip):
    rule = OneRow(timer(5), learning_rate=2.0, mean_rate=0.5, baseline="presynaptic", rounding="nearest")
    _, projection = network(rule, chip)
    sim.run(5.5 * PERIOD)
    code, pre = recorded(rule, "code"), projection.indices[0]
    start = code[0, 0]
    first = start + np.floor(2.0 * (0.0 - 0.25) * CAUSAL + 0.5)  # in periods 0 and 2
    second = start + np.floor(2.0 * (0.5 - 1.0) * CAUSAL + 0.5)  # in periods 1 and 3
    for source, course in enumerate(([start] * 3 + [first] * 2, [start] * 4 + [second], [start] * 5)):
        np.testing.assert_array_equal(code[:, pre == source], np.array(course)[:, None] * [1, 1])
    mean = recorded(rule)
    np.testing.assert_array_equal(mean[:4, :2], [[0.25, np.nan], [0.25, 1.0], [0.125, 1.0], [0.125, 0.75]])
    assert np.isnan(mean[:, 2]).all()


@pytest.mark.parametrize(("reward", "end"), [(1.0, 63), (-1.0, 0)])
def test_weights_saturate(reward, end):
    rule = RewardModulatedSTDP(timer(), learning_rate=5.0, mean_rate=1e-6, initial_mean=0.0,
                               reward=lambda ppu, counts: reward)
    _, projection = network(rule, start=30)
    sim.run(4.5 * PERIOD)
    np.testing.assert_array_equal(codes(projection), np.full((3, 2), end))


def test_stochastic_rounding_is_right_on_average_and_nearest_loses_small_steps():
    changes = {}
    for rounding in ("stochastic", "nearest"):
        rule = RewardModulatedSTDP(sim.Timer(start=45.0, period=100.0, num_periods=6), learning_rate=0.1,
                                   mean_rate=1e-6, initial_mean=0.0, rounding=rounding, reward=lambda ppu, counts: 1.0)
        _, projection = network(rule)
        sim.run(6 * PERIOD)
        changes[rounding] = codes(projection) - 20
    assert np.all(changes["nearest"] == 0)
    assert np.ptp(changes["stochastic"]) > 0
    expected = 6 * 0.1 * CAUSAL  # of a binomial: the mean over 6 synapses has a standard deviation of 0.4
    assert abs(changes["stochastic"].mean() - expected) < 1.0


def test_reset_starts_the_means_anew():
    rule = Rewards(timer(), learning_rate=1.0)
    _, projection = network(rule, "calibrated")
    before = codes(projection)
    results = []
    for _ in range(2):
        sim.run(4.5 * PERIOD)
        results.append((recorded(rule).copy(), codes(projection)))
        sim.reset()
        np.testing.assert_array_equal(codes(projection), before)
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])
    assert np.any(results[0][1] != before)


def test_several_projections_onto_one_population():
    rule = RewardModulatedSTDP(timer(1), learning_rate=2.0, initial_mean=0.0, rounding="nearest",
                               reward=lambda ppu, counts: 1.0)
    _, projections = network(rule, projections=2)
    sim.run(1.5 * PERIOD)
    for projection in projections:
        np.testing.assert_array_equal(codes(projection), np.full((3, 2), 20 + 2 * CAUSAL))


class Views:
    """Synapses and neurons of some replicas, as a batch gives them to a rule; with ``replicas=None`` of one alone."""

    def __init__(self, replicas, weight, causal, counts):
        self.replicas, self.there = replicas, np.ones(weight.shape[-2:], bool)
        self.pre_index = np.repeat(np.arange(3), 2)
        self.neuron, self._weight, self._causal, self._counts = np.arange(2), weight.copy(), causal, counts

    def physical(self, values):
        return np.reshape(values, (3, 2)).astype(float)

    def get_weights(self, row):
        return self._weight[..., row, :]

    def get_causal_correlation(self, row):
        return self._causal[..., row, :]

    def set_weights(self, values, row):
        self._weight[..., row, :] = np.floor(values + 0.5)

    def get_rate_counters(self, reset):
        assert reset
        return self._counts

    def reset_correlation(self):
        pass


@pytest.mark.parametrize("baseline", ["neuron", "presynaptic"])
@pytest.mark.parametrize("rounding", ["nearest", "stochastic"])
def test_a_batch_is_its_replicas_one_by_one(baseline, rounding):
    rng = np.random.default_rng(5)
    replicas, periods = 4, 3
    shown = rng.integers(0, 3, (periods, replicas))
    weight = rng.integers(10, 50, (replicas, 3, 2))
    causal, counts = rng.integers(0, 20, (periods, replicas, 3, 2)), rng.integers(0, 4, (periods, replicas, 2))

    class Rule(RewardModulatedSTDP):
        def active(self, ppu):
            return np.arange(3) == np.asarray(self.shown[ppu.period])[..., None]

        def reward(self, ppu, counts):
            return counts[..., 0] / 3.0

    def run(which, trials, first):
        rule = Rule(timer(), learning_rate=0.3, baseline=baseline, rounding=rounding)
        rule.shown, memory = shown[:, which], Memory("rule", trials)
        lanes, weights, means = PpuRandom(initial_random_state(1, 0, trials, first)), weight[which], []
        for k in range(periods):
            view = Views(replicas, weights, causal[k][which], counts[k][which])
            store = {}
            rule.update(sim.plasticity.Ppu(0.0, k, rng, lanes, memory), [view], [view], sim.plasticity.Recording(
                store, 0.0))
            weights = view._weight
            means.append(store["mean_reward"][0][1])
        return weights, np.stack(means)

    together, mean = run(slice(None), replicas, 0)
    for i in range(replicas):
        alone, its_mean = run(i, 1, i)
        np.testing.assert_array_equal(together[i], alone)
        np.testing.assert_array_equal(mean[:, i], its_mean)
    assert np.any(together != weight)


def test_bad_input():
    for arguments, text in (({"mean_rate": 0.0}, "mean_rate=0.0 must be above 0"),
                            ({"mean_rate": 1.5}, "mean_rate=1.5"), ({"learning_rate": np.nan}, "learning_rate=nan"),
                            ({"initial_mean": np.inf}, "initial_mean=inf must be finite"),
                            ({"baseline": "row"}, "baseline='row' must be 'neuron' or 'presynaptic'"),
                            ({"rounding": "up"}, "rounding='up' must be 'stochastic' or 'nearest'")):
        with pytest.raises(ValueError, match=text):
            RewardModulatedSTDP(timer(), **arguments)
    with pytest.raises(TypeError, match=r"reward=1\.0 must be a function"):
        RewardModulatedSTDP(timer(), reward=1.0)

    class TooFew(Rewards):
        def active(self, ppu):
            return np.ones(2, bool)

    def constant(value):
        return lambda ppu, counts: value

    for rule, error, text in (
            (RewardModulatedSTDP(timer()), NotImplementedError, r"has no reward\(self, ppu, counts\)"),
            (RewardModulatedSTDP(timer(), reward=constant(np.ones(3))), ValueError, r"reward has shape \(3,\)"),
            (RewardModulatedSTDP(timer(), reward=constant(np.nan)), ValueError, "a reward isn't finite"),
            (Rewards(timer(), initial_mean=np.ones(3)), ValueError, r"initial_mean has shape \(3,\), expected \(2,\)"),
            (TooFew(timer()), ValueError, r"active\(\) gave bool \(2,\), expected bool \(..., 3\)")):
        network(rule)
        with pytest.raises(error, match=text):
            sim.run(1.5 * PERIOD)
    rule = Rewards(timer(), baseline="presynaptic")
    network(rule, projections=2)
    with pytest.raises(ValueError, match="numbered in one projection, and this rule has 2"):
        sim.run(1.5 * PERIOD)
    rule = Rewards(timer())
    neurons, _ = network(rule)
    other = sim.Population(3, sim.IF_curr_exp(), label="other")
    sim.Projection(neurons, other, sim.AllToAllConnector(), sim.PlasticSynapse(rule, weight=0.2, delay=1.0))
    with pytest.raises(ValueError, match="one population, not of 2"):
        sim.run(1.5 * PERIOD)
