"""Homeostasis brings neurons to their target rate, from above and below, by either kind of synapse."""

import numpy as np
import pytest

import pynn_brainscales as sim


def rates(rule, inhibitory, duration=12000.0, **options):
    """Rates over the last quarter; drive differs from cell to cell."""
    sim.setup(timestep=0.2, min_delay=0.2, chip="quantised", seed=1, **options)
    cells = sim.Population(6, sim.IF_curr_exp(i_offset=np.linspace(0.3, 0.8, 6) + 0.6 * inhibitory), label="cells")
    source = sim.Population(1, sim.SpikeSourcePoisson(rate=400.0), label="source")
    synapse = sim.PlasticSynapse(rule, weight=-0.2 if inhibitory else 0.2, w_max=0.8, delay=1.0)
    sim.Projection(source, cells, sim.AllToAllConnector(), synapse,
                   receptor_type="inhibitory" if inhibitory else "excitatory")
    cells.record("spikes")
    sim.run(duration)
    late = [[np.sum(np.array(t) > 0.75 * duration) for t in s.spiketrains] for s in cells.get_data().segments]
    return np.array(late) / (0.25e-3 * duration)


@pytest.mark.parametrize("inhibitory", [False, True])
def test_rates_reach_the_target(inhibitory):
    timer = sim.Timer(start=250.0, period=250.0)
    learnt = rates(sim.rules.Homeostasis(timer, 20.0, inhibitory=inhibitory), inhibitory)[0]
    fixed = rates(sim.rules.Homeostasis(sim.Timer(start=250.0, period=250.0, num_periods=0), 20.0), inhibitory)[0]
    assert np.ptp(fixed) > 8.0
    np.testing.assert_allclose(learnt, 20.0, atol=4.0)


def test_replicas():
    """A batch: every replica finds weights of its own."""
    learnt = rates(sim.rules.Homeostasis(sim.Timer(start=250.0, period=250.0), 20.0), False, replicas=2)
    assert not np.array_equal(*learnt)
    np.testing.assert_allclose(learnt, 20.0, atol=4.0)


def test_bad_numbers():
    timer = sim.Timer(start=0.0, period=1000.0)
    with pytest.raises(ValueError, match=r"target=300 Hz.* below 255 Hz"):
        sim.rules.Homeostasis(timer, 300.0)
    with pytest.raises(ValueError, match="step=0 must be > 0"):
        sim.rules.Homeostasis(timer, 20.0, step=0.0)
