"""The simulator's own random generator."""

from copy import deepcopy

import numpy as np
import pytest
from pyNN.random import available_distributions

import pynn_brainscales as sim

PARAMETERS = {"binomial": (10, 0.3), "gamma": (2.0, 3.0), "exponential": (4.0,), "lognormal": (0.5, 0.2),
              "normal": (5.0, 2.0), "normal_clipped": (5.0, 2.0, 4.0, 6.0),
              "normal_clipped_to_boundary": (5.0, 2.0, 4.0, 6.0), "poisson": (6.0,), "uniform": (2.0, 5.0),
              "uniform_int": (2, 5), "vonmises": (0.5, 4.0)}


@pytest.mark.parametrize("name", available_distributions)
def test_all_distributions(name):
    """The same distributions as those of PyNN's NumpyRNG."""
    stats = pytest.importorskip("scipy.stats")
    ours, theirs = (sim.RandomDistribution(name, PARAMETERS[name], rng=rng).next(20_000) for rng in (
        sim.NativeRNG(1), sim.NumpyRNG(2)))
    assert ours.shape == (20_000,)
    assert stats.ks_2samp(ours, theirs).pvalue > 1e-3


def test_seeds():
    assert np.array_equal(sim.NativeRNG(3).next(5), sim.NativeRNG(3).next(5))
    assert not np.array_equal(sim.NativeRNG(3).next(5), sim.NativeRNG(4).next(5))
    found = []
    for seed in (1, 1, 2):
        sim.setup(seed=seed)
        found.append([sim.NativeRNG().next(5).tolist() for _ in range(2)])
    assert found[0] == found[1] != found[2]
    assert found[0][0] != found[0][1]
    for wrong in (-1, 0.5, "seed"):
        with pytest.raises(ValueError, match="a seed is a whole number"):
            sim.NativeRNG(wrong)


def test_copies_go_on_from_where_they_are():
    rng = sim.NativeRNG(3)
    rng.next(7)
    copied = deepcopy(rng)
    assert np.array_equal(rng.next(5), copied.next(5))
    assert copied.seed == 3


def test_forms_of_a_draw():
    rng = sim.NativeRNG(3)
    assert 0.0 <= rng.next() < 1.0
    assert rng.next(0).shape == (0,)
    assert rng.next(4, mask=np.array([True, False, True, False])).shape == (2,)
    with pytest.raises(ValueError, match="positive"):
        rng.next(-1)
    assert sorted(rng.permutation(np.arange(5))) == [0, 1, 2, 3, 4]


def test_in_a_network():
    sim.setup(chip="ideal")
    tau, v = (sim.RandomDistribution("uniform", (10.0, 20.0), rng=sim.NativeRNG(seed)) for seed in (1, 5))
    cells = sim.Population(20, sim.IF_curr_exp(tau_m=tau, v_thresh=30.0), initial_values={"v": v})
    assert len(set(cells.get("tau_m"))) == 20
    for seed, connector in enumerate((sim.FixedProbabilityConnector(0.5, rng=sim.NativeRNG(4)),
                                      sim.FixedNumberPreConnector(5, rng=sim.NativeRNG(4)), sim.AllToAllConnector())):
        weight = sim.RandomDistribution("normal_clipped", (0.1, 0.05, 0.0, 0.2), rng=sim.NativeRNG(seed))
        projection = sim.Projection(cells, cells, connector, sim.StaticSynapse(weight=weight))
        values = projection.get("weight", "list", with_address=False)
        assert 0.0 <= min(values) < max(values) <= 0.2
