"""A world beside a rule: what goes in and out, and when; one world for each replica."""

import numpy as np
import pytest

import pynn_brainscales as sim
from pynn_brainscales.rules import ClosedLoop, Environment, Reply


class Echo(Environment):
    """Sends as many spikes to the second source as the motor neurons have spiked; the reward is that number."""

    def reset(self, rng, replicas):
        self.seen = []
        self.luck = rng.random()
        return Reply(np.zeros(replicas), np.arange(replicas), np.zeros(replicas, int), np.full(replicas, 3.0))

    def step(self, rng, counts):
        self.seen.append(counts.copy())
        total = counts.sum(axis=1)
        return Reply(total.astype(float), np.repeat(np.arange(len(total)), total), np.zeros(total.sum(), int),
                     np.full(total.sum(), 3.0))


class Note(ClosedLoop):
    def learn(self, ppu, synapses, counts, reward, recording):
        recording["reward"] = reward
        for view in synapses:
            view.set_weights(view.get_weights() + reward[:, None, None])


def run(replicas=1, plastic=False):
    sim.setup(timestep=0.1, chip="ideal", seed=3, replicas=replicas)
    source = sim.Population(1, sim.SpikeSourceArray(), label="source")
    cells = sim.Population(2, sim.IF_curr_exp(tau_refrac=20.0), label="cells")
    rule = Note(sim.Timer(start=10.0, period=40.0), Echo(), source)
    synapse = (sim.PlasticSynapse(rule, weight=8.0, w_max=12.6, delay=1.0) if plastic
               else sim.StaticSynapse(weight=8.0, delay=1.0))
    projection = sim.Projection(source, cells, sim.AllToAllConnector(), synapse)
    if not plastic:
        sim.attach_rule(rule, cells)
    source.record("spikes")
    sim.run(160.0)
    return source, projection, rule


@pytest.mark.parametrize("plastic", [False, True])
def test_world_and_neurons_answer_each_other(plastic):
    source, projection, rule = run(plastic=plastic)
    assert [s.tolist() for s in rule.environment.seen] == [[[1, 1]]] * 3
    assert rule.get_observable_array("reward")[1].tolist() == [[2.0]] * 3
    sent = source.get_data().segments[0].spiketrains[0].magnitude
    np.testing.assert_allclose(sent, [13.0, 53.0, 53.0, 93.0, 93.0, 133.0, 133.0])
    if plastic:  # 0.2 nA is a code, and there are two of reward in each of three steps
        np.testing.assert_allclose(projection.get("weight", "list", with_address=False), 8.0 + 0.2 * 6)


def test_replicas_and_reset():
    _, _, rule = run(replicas=3)
    first = rule.environment.luck
    assert first.shape == (3,)
    assert len(np.unique(first)) == 3
    sim.reset()
    sim.run(160.0)
    np.testing.assert_array_equal(rule.environment.luck, first)
    assert len(rule.environment.seen) == 3


def test_what_is_no_world():
    with pytest.raises(TypeError, match="must be an Environment"):
        ClosedLoop(sim.Timer(start=0.0, period=1.0), object(), None)
