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
