"""Whole rows of learning synapses, against synapse by synapse."""

import numpy as np
import pytest
from pynn_brainscales.emulator.config import LearningSynapses
from pynn_brainscales.emulator.kernels.pair_rule import Change
from pynn_brainscales.emulator.kernels.pairs import PairRun, initial_pair_state
from pynn_brainscales.emulator.pair_delivery import PairDelivery
from pynn_brainscales.emulator.pairs import PairSynapses, verify_pairs

P, N, TRIALS, STEPS, H = 4, 100, 2, 400, 0.1


class Program:
    """What a delivery asks of a program."""

    def __init__(self):
        self.trials, self.circuits, self.config = TRIALS, range(N), self
        self.jump = np.random.default_rng(5).uniform(-2.0, -1.0, (2, N))
        self.beside = None


def targets(form):
    """Targets (P, n) of all sources."""
    rng = np.random.default_rng(6)
    if form == "all":
        return np.tile(np.arange(N), (P, 1))
    if form == "some":
        return np.stack([np.sort(rng.choice(N, 97, replace=False)) for _ in range(P)])
    return rng.integers(0, N, (P, 120))  # some twice


def synapses(form, same_parameters=True):
    target = targets(form).reshape(-1)
    source, m, rng = N + np.repeat(np.arange(P), len(target) // P), len(target), np.random.default_rng(7)
    values = {"tau_plus_us": 20.0, "tau_minus_us": 15.0, "A_plus": 0.05, "A_minus": 0.06, "w_min": 0.1, "w_max": 1.0}
    parameters = {k: np.full(m, v) for k, v in values.items()}
    if not same_parameters:
        parameters["A_plus"] *= rng.uniform(0.5, 1.0, m)
    s = PairSynapses(source, target, target, np.ones(m, int), np.full(m, 2), rng.uniform(0.1, 1.0, m),
                     "SpikePairRule", "AdditiveWeightDependence", parameters)
    verify_pairs(s, N + P)
    return s


def firings():
    """Firings (step, trial, source) of all sources."""
    rng = np.random.default_rng(8)
    fired = np.argwhere(rng.random((STEPS, TRIALS, N + P)) < np.r_[np.full(N, 0.01), np.full(P, 0.1)])
    return fired[fired[:, 0] > 0]


@pytest.mark.parametrize("form", ["all", "some", "twice"])
def test_rows_are_delivered_as_single_synapses(form):
    s, p = synapses(form), Program()
    side = np.random.default_rng(9).integers(0, 2, P).repeat(len(s) // P)
    group = LearningSynapses(s, side, np.random.default_rng(10).uniform(0.5, 2.0, len(s)))
    one, other = (PairRun(s, initial_pair_state(s, TRIALS), H, 0) for _ in range(2))
    state, wanted = np.zeros((2, TRIALS, N)), np.zeros((2, TRIALS, N))
    delivery, fired = PairDelivery(group, p, one, state), firings()
    one.fire_train(*fired[fired[:, 0] < 200].T)
    for k in range(1, STEPS):
        if k == 200:  # go on from a state, which holds currents on their way
            one = PairRun(s, one.state(), H, k - 1)
            one.fire_train(*fired[fired[:, 0] >= k].T)
            delivery = PairDelivery(group, p, one, state)
        delivery.add(one.due(k))
        now = fired[fired[:, 0] == k]
        trial, synapse, weight = other.advance(k)
        np.add.at(wanted, (side[synapse], trial, s.target[synapse]),
                  weight * group.strength[synapse] * p.jump[side, s.target][synapse])
        other.fire(k, now[:, 1], now[:, 2])
    assert wanted.any(axis=2).all()
    assert np.array_equal(state, wanted)
    assert np.array_equal(one.weights, other.weights)


@pytest.mark.parametrize("form", ["all", "some"])
def test_uniform_changes_are_the_general_ones(form, monkeypatch):
    """With one amplitude for all synapses, prepared operands give the same as the general form, bit for bit."""
    s, fired = synapses(form), firings()

    def weights():
        run = PairRun(s, initial_pair_state(s, TRIALS), H, 0)
        run.fire_train(*fired.T)
        for k in range(1, STEPS):
            run.due(k)
        return run.weights

    fast = weights()
    monkeypatch.setattr(Change, "uniform", lambda self: None)
    assert np.array_equal(fast, weights())
    assert (fast == 0.1).any()
    assert (fast == 1.0).any()
    assert not np.array_equal(fast[0], fast[1])


def test_only_uniform_changes_have_the_short_form():
    from pynn_brainscales.emulator.kernels.pair_layout import layout_of

    same, different = layout_of(synapses("all")), layout_of(synapses("all", same_parameters=False))
    assert same.at_pre.uniform() is not None
    assert same.at_post.uniform() is not None
    assert different.at_pre.uniform() is not None
    assert different.at_post.uniform() is None
