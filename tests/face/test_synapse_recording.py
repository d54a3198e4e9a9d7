"""Recordings of projections: weights over time, as Neo signals and as bare arrays."""

import numpy as np
import pytest

import pynn_brainscales as sim

TABLE = [(0, 1, 0.1, 0.5), (3, 1, 0.2, 0.3), (2, 0, 0.3, 1.0)]  # made in the order (2, 0), (0, 1), (3, 1)


@pytest.fixture
def projection():
    sim.setup(timestep=0.1, chip="ideal")
    cells = sim.Population(4, sim.IF_curr_exp(), label="cells")
    return sim.Projection(cells, cells, sim.FromListConnector(TABLE), sim.StaticSynapse(), label="prj")


def test_weights_that_stand_still(projection):
    projection.record("weight", sampling_interval=0.5)
    sim.run(2.0)
    projection[2].weight = 0.7
    sim.run(1.2)
    times, values = projection.get_array("weight")
    assert times == pytest.approx(np.arange(7) * 0.5)
    expected = np.tile([0.3, 0.1, 0.2], (7, 1))
    expected[5:, 2] = 0.7  # set at 2 ms, after the sample at this time
    assert np.array_equal(values, expected)


def test_neo(projection):
    projection.record(["weight"])
    projection.annotate(purpose="test")
    sim.run(1.0)
    sim.reset(annotations={"trial": 7})
    projection.set(weight=0.5)
    sim.run(2.0)
    block = projection.get_data()
    assert (block.name, block.annotations["purpose"]) == ("prj", "test")
    assert [s.name for s in block.segments] == ["segment000", "segment001"]
    assert block.segments[0].annotations["trial"] == 7
    first, second = (s.analogsignals[0] for s in block.segments)
    assert (first.shape, second.shape) == ((11, 3), (21, 3))
    assert first.name == "weight"
    assert str(first.units.dimensionality) == "nA"
    assert first.sampling_period.rescale("ms").item() == pytest.approx(0.1)
    assert first.array_annotations["presynaptic_index"].tolist() == [2, 0, 3]
    assert first.array_annotations["postsynaptic_index"].tolist() == [0, 1, 1]
    assert first.annotations["source_projection"] == "prj"
    assert np.all(first.magnitude == [0.3, 0.1, 0.2])
    assert np.all(second.magnitude == 0.5)
    second[:] = 0.0 * second.units  # the recording is not touched by what is done to the signal
    assert np.all(projection.get_array("weight")[1] == 0.5)
    assert np.all(projection.get_array("weight", 0)[1] == [0.3, 0.1, 0.2])


def test_conductances(projection):
    cond = sim.Population(2, sim.IF_cond_exp())
    to_cond = sim.Projection(cond, cond, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.01))
    to_cond.record("all")
    delta = sim.Population(2, sim.IF_curr_delta())
    to_delta = sim.Projection(cond, sim.Assembly(delta), sim.AllToAllConnector(), sim.StaticSynapse(weight=2.0))
    assert (projection.weight_unit, to_cond.weight_unit, to_delta.weight_unit) == ("nA", "uS", "mV")
    sim.run(0.2)
    signal = to_cond.get_data("weight").segments[0].analogsignals[0]
    assert signal.shape == (3, 4)
    assert str(signal.units.dimensionality) == "uS"


def test_weights_that_change(projection):
    """What a run hands over: steps and values; one variable at a time, from several runs."""
    projection.record("weight", sampling_interval=0.2)
    recorder = projection.recorder
    assert recorder.wanted == {"weight": 2}
    recorder.collect(0, 5, {"weight": (np.array([0, 2, 4]), np.arange(9.0).reshape(3, 3))})
    recorder.collect(5, 8, {"weight": (np.array([6, 8]), np.full((2, 3), 9.0))})
    times, values = projection.get_array("weight")
    assert times == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8])
    assert values[:, 0].tolist() == [0.0, 3.0, 6.0, 9.0, 9.0]


def test_learnt_weights_are_recorded():
    """STDP: the samples of a run, and the weights that it ends with."""
    sim.setup(timestep=0.1, chip="ideal")
    pre = sim.Population(2, sim.SpikeSourceArray(spike_times=[[10.0], [40.0]]))
    post = sim.Population(1, sim.IF_curr_exp(tau_refrac=50.0))
    kick = sim.Population(1, sim.SpikeSourceArray(spike_times=[20.0]))
    sim.Projection(kick, post, sim.AllToAllConnector(), sim.StaticSynapse(weight=50.0, delay=0.1))
    rule = sim.STDPMechanism(sim.SpikePairRule(A_plus=0.1, A_minus=0.1), sim.AdditiveWeightDependence(w_max=0.1),
                             weight=0.05, delay=0.1, dendritic_delay_fraction=0.0)
    learning = sim.Projection(pre, post, sim.AllToAllConnector(), rule)
    learning.record("weight", sampling_interval=1.0)
    sim.run(60.0)
    times, values = learning.get_array("weight")
    assert times == pytest.approx(np.arange(61.0))
    assert np.all(values[:20] == 0.05)
    assert values[-1, 0] > 0.05 > values[-1, 1]
    assert learning.get("weight", "list", with_address=False) == values[-1].tolist()
    assert np.count_nonzero(np.diff(values[:, 0])) == np.count_nonzero(np.diff(values[:, 1])) == 1
    sim.reset()
    assert learning.get("weight", "list", with_address=False) == [0.05, 0.05]
    sim.run(60.0)
    assert np.array_equal(learning.get_array("weight")[1], values)


def test_beginning_pausing_and_clearing(projection):
    sim.run(1.0)
    projection.record("weight", sampling_interval=0.5)
    sim.run(1.0)
    projection.record(None)
    sim.run(1.0)
    projection.record("weight", sampling_interval=0.5)
    sim.run(1.0)
    times, values = projection.get_array("weight")
    assert times == pytest.approx(1.5 + 0.5 * np.arange(6))
    assert np.isnan(values[:, 0]).tolist() == [False, False, True, True, False, False]
    projection.get_data(clear=True)
    assert projection.get_array("weight")[0] == pytest.approx([4.0])
    sim.run(1.0)
    assert projection.get_array("weight")[0] == pytest.approx([4.0, 4.5, 5.0])
    sim.reset()
    sim.run(0.5)
    assert len(projection.get_data().segments) == 2


def test_bad_calls(projection):
    with pytest.raises(sim.errors.NothingToWriteError, match="nothing was recorded of 'prj': call record"):
        projection.get_data()
    with pytest.raises(sim.errors.RecordingError, match=r"Cannot record u of .*StaticSynapse: .* weight"):
        projection.record("u")
    with pytest.raises(ValueError, match=r"sampling_interval=0\.25 ms must be a multiple of the timestep"):
        projection.record("weight", sampling_interval=0.25)
    projection.record("weight", sampling_interval=0.5)
    projection.record("weight")  # goes on as it is
    with pytest.raises(ValueError, match=r"every 0\.5 ms already; call record\(None\) first"):
        projection.record("weight", sampling_interval=1.0)
    assert len(projection.get_data().segments) == 0
    with pytest.raises(sim.errors.NothingToWriteError, match="was not recorded in segment -1 of 0"):
        projection.get_array("weight")


def short_term_plastic(chip, rest, inside=False, **parameters):
    """Synapses from two sources onto two cells, the second source through a circuit; what they record."""
    sim.setup(timestep=0.1, chip=chip, seed=1, chip_seed=1)
    source = sim.Population(2, sim.SpikeSourceArray(spike_times=[[10.0, 20.0, 30.0, 40.5], [15.0, 15.5, 60.0]]))
    if inside:
        cells = sim.Population(2, sim.IF_curr_exp(tau_refrac=0.1))
        sim.Projection(source, cells, sim.OneToOneConnector(), sim.StaticSynapse(weight=40.0, delay=0.1))
        cells.record("spikes")
        source = cells
    post = sim.Population(2, rest)
    synapse = sim.TsodyksMarkramSynapse(weight=0.01, delay=1.0, **parameters)
    projection = sim.Projection(source, post, sim.AllToAllConnector(), synapse, label="stp")
    return source, post, projection


@pytest.mark.parametrize("inside", [False, True], ids=["foreseen", "circuits"])
def test_short_term_plasticity_follows_the_recursion(inside):
    """u and x at every step are those of the published recursion, also where a run is cut."""
    use, tau_rec, tau_facil = 0.3, 80.0, 120.0
    source, _, projection = short_term_plastic("ideal", sim.IF_curr_delta(), inside, U=use, tau_rec=tau_rec,
                                               tau_facil=tau_facil)
    projection.record("u", sampling_interval=0.1)
    projection.record("x", sampling_interval=0.5)
    for duration in (15.1, 0.4, 50.0):
        sim.run(duration)
    trains = ([t.magnitude for t in source.get_data("spikes").segments[0].spiketrains] if inside
              else [[10.0, 20.0, 30.0, 40.5], [15.0, 15.5, 60.0]])
    for name, interval in (("u", 0.1), ("x", 0.5)):
        times, values = projection.get_array(name)
        assert times == pytest.approx(np.arange(0.0, 65.5 + 1e-6, interval))
        for train, columns in zip(trains, ([0, 2], [1, 3]), strict=True):
            expected = np.array([recursion(train, t, use, tau_rec, tau_facil)[name] for t in times])
            assert np.ptp(expected) > 0.3
            for column in columns:
                np.testing.assert_allclose(values[:, column], expected, atol=1e-12)
    assert projection.get("u", "list", with_address=False) == projection.get_array("u")[1][-1].tolist()
    sim.reset()
    assert projection.get(["u", "x"], "list", with_address=False) == [(0.0, 1.0)] * 4


def recursion(train, t, use, tau_rec, tau_facil):
    u, x, last = 0.0, 1.0, 0.0
    for spike in [s for s in train if s < t - 0.01]:
        u, x = u * np.exp((last - spike) / tau_facil), 1.0 - (1.0 - x) * np.exp((last - spike) / tau_rec)
        u += use * (1.0 - u)
        x, last = x * (1.0 - u), spike
    return {"u": u * np.exp((last - t) / tau_facil), "x": 1.0 - (1.0 - x) * np.exp((last - t) / tau_rec)}


@pytest.mark.parametrize("parameters", [
    {"U": 0.5, "tau_rec": 100.0, "tau_facil": 0.0}, {"U": 0.2, "tau_rec": 1.0, "tau_facil": 200.0}],
    ids=["depressing", "facilitating"])
@pytest.mark.parametrize("chip", ["ideal", "quantised"])
def test_what_a_spike_finds_is_what_it_releases(chip, parameters):
    """The conductance of a spike is its weight times (u + U (1 - u)) x, on drivers too."""
    _, post, projection = short_term_plastic(chip, sim.IF_cond_exp(tau_syn_E=0.5), **parameters)
    projection.record("all")
    post.record("gsyn_exc")
    sim.run(60.0)
    u, x = (projection.get_array(name)[1][:, 0] for name in "ux")
    share = (u + parameters["U"] * (1 - u)) * x
    arrive = np.array([100, 200, 300, 405])
    given = share[arrive]
    weight = mapped_weight(projection, parameters) if chip == "quantised" else 0.01
    got = post.get_data().segments[0].analogsignals[0].magnitude[:, 0]
    late = arrive + 10
    jump = got[late] - got[late - 1] * np.exp(-0.2)
    np.testing.assert_allclose(jump, weight * given, rtol=2e-2 if chip == "quantised" else 1e-9)
    assert given.max() > 1.5 * given.min()


def mapped_weight(projection, parameters):
    """What the chip has made of a weight of 0.01."""
    table = sim.simulator.state.mapped.connections(projection.label)
    return 0.01 * (table["weight"] / table["weight_requested"])[0]


def test_stochastic_synapses_have_u(projection):
    several = sim.Projection(projection.pre, projection.pre, sim.AllToAllConnector(), sim.MultiQuantalSynapse(n=3))
    several.record("all")
    assert several.recorder.wanted == {"weight": 1, "u": 1}
    sim.run(0.2)
    assert np.all(several.get_array("u")[1] == 0.0)
    with pytest.raises(sim.errors.RecordingError, match=r"Cannot record x of .*MultiQuantalSynapse: .* weight, u"):
        several.record("x")


def test_lost_synapses_have_no_state():
    """A weight that rounds to 0 stands nowhere on the chip."""
    sim.setup(timestep=0.1, chip="quantised", seed=1)
    source = sim.Population(2, sim.SpikeSourceArray(spike_times=[5.0]))
    cells = sim.Population(1, sim.IF_curr_exp())
    projection = sim.Projection(source, cells, sim.FromListConnector([(0, 0, 1.0, 1.0), (1, 0, 1e-6, 1.0)]),
                                sim.TsodyksMarkramSynapse(U=0.5, tau_rec=100.0, tau_facil=0.0))
    projection.record("x")
    with pytest.warns(sim.mapping.errors.MappingWarning, match="too small"):
        sim.run(10.0)
    values = projection.get_array("x")[1]
    assert np.isnan(values[:, 1]).all()
    assert values[-1, 0] < 0.7
