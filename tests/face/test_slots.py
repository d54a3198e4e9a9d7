"""Slots through PyNN: what a rule rewires is what the neurons hear and what the projection says."""

import numpy as np
import pytest
from pyNN.errors import ConnectionError as PyNNConnectionError
from pynn_brainscales.mapping.errors import MappingError

import pynn_brainscales as sim

PROFILES = ["ideal", "quantised", "calibrated"]


class Turn(sim.PlasticityRule):
    """Gives every slot the next candidate."""

    def update(self, ppu, synapses, neurons, recording):
        for i, view in enumerate(synapses):
            recording[f"partners{i}"] = view.logical(view.get_partners())
            labels = (view.get_labels() + 1) % len(view.candidates)
            labels[~view.there] = 0
            view.set_labels(labels)


class Write(sim.PlasticityRule):
    """Writes one label everywhere, or in some rows."""

    label, row = 0, None

    def update(self, ppu, synapses, neurons, recording):
        synapses[0].set_labels(self.label, row=self.row)


def network(rule, chip="ideal", cells=4, sources=6, count=2, weight=5.0, pre=None, slots=True):
    """Sources that fire one after the other, every 300 ms again; each spike makes those fire that hear it."""
    sim.setup(chip=chip, seed=3, chip_seed=2)
    neurons = sim.Population(cells, sim.IF_curr_exp(tau_refrac=20.0, v_thresh=-60.0), label="neurons")
    times = [10.0 + 50.0 * i + 300.0 * np.arange(6) for i in range(sources)]
    source = sim.Population(sources, sim.SpikeSourceArray(spike_times=times), label="source")
    projection = sim.Projection(source if pre is None else pre(source), neurons, sim.FixedNumberPreConnector(
        count, rng=sim.NumpyRNG(1)), sim.PlasticSynapse(rule, slots=slots, weight=weight, w_max=weight, delay=1.0),
        label="slots")
    neurons.record("spikes")
    return neurons, projection


def heard(neurons, begin):
    """Sources that made each neuron fire in the 300 ms from ``begin`` on."""
    trains = neurons.get_data().segments[-1].spiketrains
    return [sorted({int((t - begin - 10.0) // 50.0) for t in np.array(train) if begin <= t < begin + 300.0})
            for train in trains]


@pytest.mark.parametrize("chip", PROFILES)
def test_neurons_hear_the_partners_that_a_rule_has_given_them(chip):
    rule = Turn(sim.Timer(start=300.0, period=300.0, num_periods=2))
    neurons, projection = network(rule, chip)
    first = np.array(projection.get("weight", "list"))[:, 0].astype(int)
    post = projection.indices[1]
    sim.run(900.0)
    for turn in range(3):
        wanted = [sorted(set((first[post == j] + turn) % 6)) for j in range(4)]
        assert heard(neurons, 300.0 * turn) == wanted
    np.testing.assert_array_equal(rule.get_observable_array("partners0")[1], [first, (first + 1) % 6])
    connections = projection.get("weight", "list")
    assert [c[0] for c in connections] == ((first + 2) % 6).tolist()
    assert [c[1] for c in connections] == post.tolist()  # fan-in stays
    assert projection[0].presynaptic_index == (first[0] + 2) % 6
    there = ~np.isnan(projection.get("weight", "array"))
    assert {tuple(x) for x in np.argwhere(there)} == set(zip((first + 2) % 6, post, strict=True))


@pytest.mark.parametrize("chip", PROFILES)
def test_reset_brings_the_first_partners_back(chip):
    rule = Turn(sim.Timer(start=300.0, period=300.0, num_periods=1))
    neurons, projection = network(rule, chip)
    projection.record("all", sampling_interval=100.0)
    before = projection.get("weight", "list")
    results = []
    for _ in range(2):
        sim.run(600.0)
        results.append((projection.get("weight", "list"), heard(neurons, 0.0), heard(neurons, 300.0)))
        sim.reset()
        assert projection.get("weight", "list") == before
    assert results[0] == results[1]
    assert results[0][1] != results[0][2]
    block = projection.get_data()
    assert len(block.segments) == 2
    first = np.array([c[0] for c in before])
    for k, segment in enumerate(block.segments):
        signal = next(s for s in segment.analogsignals if s.name == "presynaptic_index")
        assert signal.units.dimensionality.string == "dimensionless"
        np.testing.assert_array_equal(signal.magnitude[:4], np.tile(first, (4, 1)))  # up to 300 ms
        np.testing.assert_array_equal(signal.magnitude[4:], np.tile((first + 1) % 6, (3, 1)))
        times, values = projection.get_array("presynaptic_index", k)
        np.testing.assert_array_equal(values, signal.magnitude)
        np.testing.assert_allclose(times, np.arange(0.0, 601.0, 100.0))


def test_runs_may_be_cut_and_weights_set():
    results = []
    for cuts in ([600.0], [250.0, 50.0, 0.1, 299.9]):
        neurons, projection = network(Turn(sim.Timer(start=300.0, period=300.0, num_periods=1)))
        for t in cuts:
            sim.run(t)
        results.append((projection.get("weight", "list"), heard(neurons, 300.0)))
    assert results[0] == results[1]
    present = projection.get("weight", "array")
    projection.set(weight=np.where(np.isnan(present), 0.0, np.arange(24.0).reshape(6, 4) / 10.0))
    for i, j, weight in projection.get("weight", "list"):
        assert weight == pytest.approx((4 * i + j) / 10.0)


@pytest.mark.parametrize("chip", PROFILES)
def test_changes_in_the_middle_of_a_run_keep_partners(chip):
    """New weights reach the synapses as they are wired now; so does a network that has grown."""
    neurons, projection = network(Turn(sim.Timer(start=300.0, period=300.0, num_periods=1)), chip)
    sim.run(600.0)
    wired, both = projection.get("weight", "list"), heard(neurons, 300.0)
    projection.set(weight=[5.0 if i < 3 else 0.0 for i, _, _ in sorted(wired)])
    sim.run(300.0)
    assert heard(neurons, 600.0) == [[i for i in sources if i < 3] for sources in both]
    assert [c[:2] for c in projection.get("weight", "list")] == [c[:2] for c in wired]
    sim.Population(1, sim.IF_curr_exp(), label="more")
    sim.run(300.0)
    assert heard(neurons, 900.0) == heard(neurons, 600.0)


def test_candidates_are_the_cells_of_a_view():
    """Labels count the cells of the view, partners those of the population, indices of the projection the view's."""
    rule = Turn(sim.Timer(start=300.0, period=300.0, num_periods=1))
    neurons, projection = network(rule, "quantised", pre=lambda source: source[[1, 3, 5]])
    first = np.array([c[0] for c in projection.get("weight", "list")])
    sim.run(600.0)
    cells, post = np.array([1, 3, 5]), projection.indices[1]
    np.testing.assert_array_equal(rule.get_observable_array("partners0")[1][0], cells[first])
    assert [c[0] for c in projection.get("weight", "list")] == ((first + 1) % 3).tolist()
    assert heard(neurons, 300.0) == [sorted(set(cells[(first[post == j] + 1) % 3])) for j in range(4)]


def test_two_projections_and_a_postsynaptic_assembly():
    rule = Turn(sim.Timer(start=300.0, period=300.0, num_periods=1))
    neurons, projection = network(rule)
    more = sim.Population(3, sim.IF_curr_exp(tau_refrac=20.0, v_thresh=-60.0), label="more")
    both = sim.Projection(projection.pre, neurons[:1] + more, sim.FixedNumberPreConnector(3, rng=sim.NumpyRNG(2)),
                          sim.PlasticSynapse(rule, slots=True, weight=5.0, w_max=5.0, delay=2.0))
    before = [[c[0] for c in p.get("weight", "list")] for p in (projection, both)]
    sim.run(600.0)
    for p, first in zip((projection, both), before, strict=True):
        assert [c[0] for c in p.get("weight", "list")] == [(i + 1) % 6 for i in first]


def test_labels_that_mean_nobody_are_refused():
    rule = Write(sim.Timer(start=20.0, period=20.0, num_periods=1))
    rule.label = 6
    network(rule)
    with pytest.raises(ValueError, match=r"label 6 in a slot; its 6 candidates have the labels 0\.\.5"):
        sim.run(50.0)
    rule.label, rule.row = 5, 1
    _, projection = network(rule)
    before = [c[0] for c in projection.get("weight", "list")]
    sim.run(50.0)
    after = [c[0] for c in projection.get("weight", "list")]
    assert after[1::2] == [5] * 4
    assert after[::2] == before[::2]


def test_bad_input():
    network(Turn(sim.Timer(start=1.0, period=1.0)), sources=70)
    with pytest.raises(MappingError, match=r"70 candidates for each slot; available: 64 labels"):
        sim.run(10.0)
    network(Turn(sim.Timer(start=1.0, period=1.0)), slots=False)
    with pytest.raises(ValueError, match=r"these synapses are no slots.*PlasticSynapse\(\.\.\., slots=True\)"):
        sim.run(10.0)
    rule = Turn(sim.Timer(start=1.0, period=1.0))
    neurons, projection = network(rule)
    other = sim.Population(2, sim.SpikeSourceArray(), label="other")
    with pytest.raises(PyNNConnectionError, match=r"slots choose their partners from one population.*'other'"):
        sim.Projection(projection.pre + other, neurons, sim.AllToAllConnector(), sim.PlasticSynapse(
            rule, slots=True, weight=0.1, delay=1.0))
    with pytest.raises(TypeError, match="slots='yes' must be True or False"):
        sim.PlasticSynapse(rule, slots="yes", weight=0.1)
