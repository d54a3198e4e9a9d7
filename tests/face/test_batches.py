"""Replicas of a network side by side: each is what it is alone, also where a rule changes its weights."""

import numpy as np
import pytest
from pynn_brainscales.emulator.profile import calibrated

import pynn_brainscales as sim

NOISY = calibrated.replace(membrane_noise=3.0)


class Walk(sim.PlasticityRule):
    """Uses everything that differs between replicas: sensors, counters, membranes, memory, random numbers."""

    def update(self, ppu, synapses, neurons, recording):
        (view,), (cells,) = synapses, neurons
        known = ppu.memory["sum"] if "sum" in ppu.memory else np.zeros((ppu.replicas, cells.size))
        seen = cells.get_rate_counters(reset=True) + 0.01 * cells.get_analog_readouts()
        ppu.memory["sum"] = known + seen
        change = ppu.rng.integers(-3, 4, view.shape) + ppu.lanes.uint8(view.shape[1])[..., None, :] % 2
        step = change + 0.2 * view.get_causal_correlation()
        view.set_weights(view.get_weights() + (step if self.batched else step[0]))
        view.reset_correlation(0)
        cells.reset_neurons(ppu.rng.random(cells.size) < 0.3)
        recording["weights"] = view.get_weights()
        recording["sum"] = ppu.memory["sum"] if self.batched else ppu.memory["sum"][0]


class BatchedWalk(Walk):
    batched = True


def run(rule, chip=NOISY, duration=160.0, noise="repeat", **options):
    sim.setup(timestep=0.2, min_delay=0.2, chip=chip, seed=4, chip_seed=2, trial_noise=noise, **options)
    source = sim.Population(6, sim.SpikeSourcePoisson(rate=80.0), label="source")
    cells = sim.Population(5, sim.IF_curr_exp(), label="cells")
    plastic = sim.PlasticSynapse(rule, weight=0.5, w_max=1.5, eta=2.0, tau=20.0, delay=1.0)
    projection = sim.Projection(source, cells, sim.AllToAllConnector(), plastic, label="plastic")
    cells.record("spikes")
    cells.record("v", sampling_interval=2.0)
    projection.record("weight", sampling_interval=40.0)
    sim.run(duration)
    return cells, projection


def outcome(cells, projection, rule, replica, first=0):
    """What there is to see of one replica."""
    block, weights = cells.get_data(), projection.get_data()
    if len(block.segments) > 1:
        segment = next(s for s in block.segments if s.annotations["replica"] == first + replica)
        weights = next(s for s in weights.segments if s.annotations["replica"] == first + replica)
    else:
        segment, weights = block.segments[0], weights.segments[0]
    return [*(np.array(t) for t in segment.spiketrains), segment.analogsignals[0].magnitude,
            weights.analogsignals[0].magnitude, projection.get_replicas("weight")[replica],
            *(rule.get_observable_array(name, replica)[1] for name in ("weights", "sum"))]


@pytest.mark.parametrize("kind", [Walk, BatchedWalk])
def test_batch_is_a_loop(kind):
    timer = sim.Timer(start=20.0, period=25.0)
    rule = kind(timer)
    cells, projection = run(rule, replicas=3, first_replica=1)
    batch = [outcome(cells, projection, rule, r, 1) for r in range(3)]
    assert rule.executed == 6
    assert [s.name for s in cells.get_data().segments] == [f"segment000_replica00{r}" for r in (1, 2, 3)]
    for r in range(3):
        alone = Walk(timer)
        cells, projection = run(alone, first_replica=1 + r)
        single = outcome(cells, projection, alone, 0)
        for got, wanted in zip(batch[r], single, strict=True):
            if kind is BatchedWalk or got.ndim < 1:
                wanted = wanted.reshape(got.shape)
            np.testing.assert_array_equal(got, wanted)
    assert not np.array_equal(batch[0][-2], batch[1][-2])
    assert sum(len(t) for t in batch[0][:5]) > 20


def test_all_replicas_of_a_rule_that_takes_one_at_a_time():
    rule = Walk(sim.Timer(start=20.0, period=25.0))
    _, projection = run(rule, replicas=2)
    times, values = rule.get_observable_array("weights")
    assert values.shape == (6, 2, 6, 5)
    assert times == pytest.approx(np.arange(20.0, 160.0, 25.0))
    np.testing.assert_array_equal(values[:, 1], rule.get_observable_array("weights", 1)[1])
    assert projection.get("weight", "list", with_address=False) == projection.get_replicas("weight")[0].tolist()


def test_reset_and_cuts():
    rule = BatchedWalk(sim.Timer(start=20.0, period=25.0))
    cells, projection = run(rule, replicas=2)
    before = outcome(cells, projection, rule, 1)
    sim.reset()
    for t in (19.8, 0.4, 100.0, 39.8):
        sim.run(t)
    block = cells.get_data()
    assert [s.name for s in block.segments] == [f"segment00{k}_replica00{r}" for k in (0, 1) for r in (0, 1)]
    again = block.segments[3]
    for a, b in zip(again.spiketrains, before[:5], strict=True):
        np.testing.assert_array_equal(a.magnitude, b)
    np.testing.assert_array_equal(projection.get_replicas("weight")[1], before[7])


def test_fresh_noise_of_a_batch():
    """With trial_noise="fresh" the next batch has the numbers after those of the first."""
    rule = BatchedWalk(sim.Timer(start=20.0, period=25.0))
    _, projection = run(rule, noise="fresh", replicas=2)
    sim.reset()
    sim.run(160.0)
    second = projection.get_replicas("weight")
    _, projection = run(BatchedWalk(sim.Timer(start=20.0, period=25.0)), replicas=4)
    np.testing.assert_array_equal(projection.get_replicas("weight")[2:], second)


def test_learning_synapses_of_replicas():
    """STDP on an ideal chip: weights of all replicas, and a change of one by the user."""
    sim.setup(chip="ideal", seed=1, replicas=2)
    source = sim.Population(4, sim.SpikeSourcePoisson(rate=50.0))
    cells = sim.Population(2, sim.IF_curr_exp())
    rule = sim.STDPMechanism(sim.SpikePairRule(A_plus=0.1, A_minus=0.1), sim.AdditiveWeightDependence(w_max=5.0),
                             weight=2.0, delay=1.0)
    projection = sim.Projection(source, cells, sim.AllToAllConnector(), rule)
    projection.record("weight", sampling_interval=50.0)
    sim.run(200.0)
    weights = projection.get_replicas("weight")
    assert weights.shape == (2, 8)
    assert not np.array_equal(*weights)
    for r, segment in enumerate(projection.get_data().segments):
        np.testing.assert_array_equal(segment.analogsignals[0].magnitude[-1], weights[r])
    projection[3].weight = 1.5
    sim.run(0.2)
    now = projection.get_replicas("weight")
    assert now[:, 3] == pytest.approx(1.5, abs=0.2)
    np.testing.assert_allclose(np.delete(now, 3, 1), np.delete(weights, 3, 1), atol=0.2)


def test_bad_calls():
    for wrong in ({"replicas": 0}, {"replicas": 1.5}, {"first_replica": -1}, {"replicas": "two"}):
        with pytest.raises(ValueError, match=r"must be a whole number >= [01]"):
            sim.setup(**wrong)
    sim.setup(chip="ideal", replicas=2)
    cells = sim.Population(2, sim.IF_curr_exp())
    sim.NoisyCurrentSource(mean=0.1, stdev=0.1, start=0.0, stop=10.0).inject_into(cells)
    with pytest.raises(ValueError, match="NoisyCurrentSource: one current goes into all replicas"):
        sim.run(1.0)
