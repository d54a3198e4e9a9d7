"""Projections and their connections, on every profile: what was asked for is what is read back."""

import numpy as np
import pytest

import pynn_brainscales as sim


@pytest.fixture
def ends(chip):
    return (sim.Population(4, sim.SpikeSourcePoisson(rate=50.0), label="pre"),
            sim.Population(3, sim.IF_cond_exp(), label="post"))


def test_values_are_kept_as_given(ends):
    """Rounding to the step and to the chip's weights is the mapping's business."""
    projection = sim.Projection(*ends, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.0123, delay=0.123))
    sim.run(1.0)
    assert set(projection.get(["weight", "delay"], "list", with_address=False)) == {(0.0123, 0.123)}


def test_order_and_forms(ends):
    projection = sim.Projection(*ends, sim.AllToAllConnector(), sim.StaticSynapse(weight="0.01*(1 + d)", delay=0.5))
    pairs = [(i, j) for j in range(3) for i in range(4)]  # by target, then by source
    listed = projection.get(["weight"], "list")
    assert [k[:2] for k in listed] == pairs
    assert [k[2] for k in listed] == pytest.approx([0.01 * (1 + abs(i - j)) for i, j in pairs])
    array = projection.get("weight", "array")
    assert all(array[i, j] == w for i, j, w in listed)
    assert [tuple(k.as_tuple("presynaptic_index", "postsynaptic_index", "weight")) for k in projection] == listed
    assert len(projection) == projection.size(gather=False) == 12
    assert projection.shape == (4, 3)


def test_multiple_synapses_of_a_pair(ends):
    table = [(0, 0, 0.01, 1.0), (0, 0, 0.03, 2.0), (3, 2, 0.02, 1.0)]
    projection = sim.Projection(*ends, sim.FromListConnector(table), sim.StaticSynapse())
    for how, expected in (("sum", 0.04), ("min", 0.01), ("max", 0.03), ("first", 0.01), ("last", 0.03)):
        assert projection.get("weight", "array", multiple_synapses=how)[0, 0] == pytest.approx(expected)
    assert np.isnan(projection.get("weight", "array")).sum() == 10
    sim.run(1.0)
    assert sim.last_mapping().network.projections[0].weight.tolist() == [0.01, 0.03, 0.02]


def test_views_and_assemblies_count_their_own_cells(ends):
    pre, post = ends
    other = sim.Population(2, sim.IF_cond_exp(), label="other")
    projection = sim.Projection(pre[[1, 3]], post[2:] + other, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.01))
    assert projection.shape == (2, 3)
    assert {k[:2] for k in projection.get("weight", "list")} == {(i, j) for i in range(2) for j in range(3)}
    sim.run(1.0)
    described = {(p.pre, p.post): (p.pre_index.tolist(), p.post_index.tolist())
                 for p in sim.last_mapping().network.projections}
    assert described == {("pre", "post"): ([1, 3], [2, 2]), ("pre", "other"): ([1, 3, 1, 3], [0, 0, 1, 1])}


def test_the_receptor_follows_from_the_sign(chip):
    pre, post = sim.Population(1, sim.SpikeSourceArray()), sim.Population(1, sim.IF_curr_exp())
    for weight, receptor in ((0.1, "excitatory"), (-0.1, "inhibitory"), (0.0, "excitatory")):
        projection = sim.Projection(pre, post, sim.AllToAllConnector(), sim.StaticSynapse(weight=weight))
        assert projection.receptor_type == receptor
    assert sim.Projection(pre, post, sim.AllToAllConnector()).get("weight", "list") == [(0, 0, 0.0)]


@pytest.mark.parametrize("weight", [1, 1.0, np.float64(1), np.int64(1), np.float32(1)])
def test_any_kind_of_number(ideal, weight):
    pre, post = sim.Population(2, sim.SpikeSourceArray()), sim.Population(2, sim.IF_curr_exp())
    projection = sim.Projection(pre, post, sim.OneToOneConnector(), sim.StaticSynapse(weight=weight, delay=2))
    projection.set(weight=weight, delay=np.int64(3))
    projection[0].weight = weight
    assert projection.get(["weight", "delay"], "list") == [(0, 0, 1.0, 3.0), (1, 1, 1.0, 3.0)]


def test_setting_acts_from_now(chip):
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[5.0, 165.0]))
    cells = sim.Population(1, sim.IF_curr_exp(tau_m=10.0))
    projection = sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.4, delay=1.0))
    cells.record("v")
    sim.run(160.0)
    projection.set(weight=0.8)
    sim.run(60.0)
    v = cells.get_data().segments[0].analogsignals[0].magnitude[:, 0]
    v = v - v[1000:1600].mean()
    assert v[1600:].max() / v[:1600].max() == pytest.approx(2.0, rel=1e-3 if chip == "ideal" else 0.25)


def test_a_deprecated_interface(ends):
    projection = sim.Projection(*ends, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.01, delay=1.0))
    with pytest.warns(DeprecationWarning, match="deprecated"):
        projection.setWeights(0.02)
    with pytest.warns(DeprecationWarning, match="deprecated"):
        projection.setDelays(2.0)
    with pytest.warns(DeprecationWarning, match="deprecated"):
        assert projection.getWeights() == [0.02] * 12
    with pytest.warns(DeprecationWarning, match="deprecated"):
        projection.randomizeWeights(sim.RandomDistribution("uniform", (0.01, 0.02)))
    with pytest.warns(DeprecationWarning, match="deprecated"):
        counts, edges = projection.weightHistogram(nbins=4)
    assert (counts.sum(), len(edges)) == (12, 5)


def test_files_of_other_tools(ideal, tmp_path):
    """SONATA: a network goes out and comes in again."""
    pytest.importorskip("h5py")
    from pyNN.serialization import export_to_sonata, import_from_sonata

    source = sim.Population(4, sim.SpikeSourcePoisson(rate=50.0), label="source")
    tau = sim.RandomDistribution("uniform", (10.0, 20.0), rng=sim.NumpyRNG(1))
    cells = sim.Population(5, sim.IF_cond_exp(tau_m=tau), label="cells")
    weight = sim.RandomDistribution("uniform", (0.01, 0.02), rng=sim.NumpyRNG(2))
    projection = sim.Projection(source, cells, sim.FixedProbabilityConnector(0.5),
                                sim.StaticSynapse(weight=weight, delay=1.0), label="prj")
    rule = sim.STDPMechanism(sim.SpikePairRule(), sim.AdditiveWeightDependence(), weight=0.01, delay=1.0)
    learning = sim.Projection(source, cells, sim.OneToOneConnector(), rule, label="learning")
    wanted = sorted(projection.get(["weight", "delay"], "list"))
    taus = cells.get("tau_m").tolist()
    export_to_sonata(sim.Network(cells, source, projection, learning), str(tmp_path / "all"))  # others fail with STDP
    export_to_sonata(sim.Network(cells, source, projection), str(tmp_path / "static"))
    sim.setup(chip="ideal")
    read = import_from_sonata(str(tmp_path / "static" / "circuit_config.json"), sim)
    again, = read.projections
    np.testing.assert_allclose(sorted(again.get(["weight", "delay"], "list")), wanted, rtol=1e-12)
    assert next(p for p in sim.simulator.state.populations if p.size == 5).get("tau_m").tolist() == pytest.approx(taus)
