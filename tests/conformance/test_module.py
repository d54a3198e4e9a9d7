"""The module that a script sees: its names, and the functions of PyNN's procedural interface."""

import importlib
import sys

import numpy as np
import pyNN
import pytest
from pyNN.network import Network

import pynn_brainscales as sim

FUNCTIONS = [
    "setup", "end", "run", "run_until", "run_for", "reset", "initialize", "get_current_time", "get_time_step",
    "get_min_delay", "get_max_delay", "num_processes", "rank", "create", "connect", "set", "record", "record_v",
    "record_gsyn", "list_standard_models"]
MODULES = [
    "random", "space", "errors", "recording", "standardmodels", "connectors", "populations", "projections",
    "simulator", "control", "procedural_api"]
CLASSES = [
    "Population", "PopulationView", "Assembly", "Projection", "Network", "Space", "NumpyRNG", "GSLRNG", "NativeRNG",
    "RandomDistribution", "AllToAllConnector", "FixedProbabilityConnector", "DistanceDependentProbabilityConnector",
    "IndexBasedProbabilityConnector", "DisplacementDependentProbabilityConnector", "FromListConnector",
    "FromFileConnector", "FixedNumberPostConnector", "FixedNumberPreConnector", "OneToOneConnector",
    "SmallWorldConnector", "CSAConnector", "CloneConnector", "ArrayConnector", "FixedTotalNumberConnector",
    "DCSource", "ACSource", "StepCurrentSource", "NoisyCurrentSource", "StaticSynapse", "TsodyksMarkramSynapse",
    "SimpleStochasticSynapse", "StochasticTsodyksMarkramSynapse", "MultiQuantalSynapse", "STDPMechanism",
    "SpikePairRule", "Vogels2011Rule", "AdditiveWeightDependence", "MultiplicativeWeightDependence",
    "AdditivePotentiationMultiplicativeDepression", "GutigWeightDependence"]
CELLS = [
    "IF_curr_alpha", "IF_curr_exp", "IF_curr_delta", "IF_cond_alpha", "IF_cond_exp", "IF_cond_exp_gsfa_grr",
    "IF_facets_hardware1", "HH_cond_exp", "EIF_cond_alpha_isfa_ista", "EIF_cond_exp_isfa_ista", "Izhikevich",
    "GIF_cond_exp", "SpikeSourceArray", "SpikeSourcePoisson", "SpikeSourcePoissonRefractory", "SpikeSourceGamma",
    "SpikeSourceInhGamma"]


def test_names():
    for name in (*FUNCTIONS, *MODULES, *CLASSES, *CELLS):
        assert hasattr(sim, name), name
        assert name in sim.__all__, name
    for name in sim.__all__:
        assert getattr(sim, name) is not None
    assert set(CELLS) <= set(sim.list_standard_models())
    assert sim.space.Grid2D().describe()


def test_star_import():
    names = {}
    exec("from pynn_brainscales import *", names)
    assert names["setup"] is sim.setup
    assert names["set"] is sim.set


def test_other_ways_to_find_us():
    assert importlib.import_module("pyNN.brainscales") is sim
    assert pyNN.brainscales is sim
    assert sys.modules["pyNN.brainscales"] is sim


def test_network(ideal):
    cells = sim.Population(3, sim.IF_curr_exp(), label="cells")
    projection = sim.Projection(cells, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1), label="prj")
    network = Network(cells, projection)
    assert network.sim is sim
    assert (network.count_neurons(), network.count_connections()) == (3, 9)
    assert network.get_component("prj") is projection


def test_state_queries(chip):
    assert sim.setup(timestep=0.05, min_delay=0.2, max_delay=5.0, chip=chip) == 0
    assert (sim.get_time_step(), sim.get_min_delay(), sim.get_max_delay()) == (0.05, 0.2, 5.0)
    assert (sim.get_current_time(), sim.num_processes(), sim.rank()) == (0.0, 1, 0)
    sim.setup(chip=chip)
    assert (sim.get_time_step(), sim.get_min_delay(), sim.get_max_delay()) == (0.1, 0.1, "auto")


def test_smallest_delay_of_the_network(chip):
    cells = sim.Population(2, sim.IF_curr_exp())
    for delay in (2.5, 1.5):
        sim.Projection(cells, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1, delay=delay))
    sim.run(1.0)
    assert sim.get_min_delay() == 1.5


@pytest.mark.filterwarnings("ignore:.*is deprecated")
def test_procedural_interface(chip, tmp_path):
    cells = sim.create(sim.IF_cond_exp, {"tau_m": 10.0, "i_offset": 1.0}, n=3)
    source = sim.create(sim.SpikeSourceArray(spike_times=[1.0]), n=2)
    one = sim.connect(source, cells, weight=0.01, delay=0.5, receptor_type="excitatory", p=1)
    single = sim.connect(source[0], cells[2], weight=0.02)
    assert (len(one), len(single)) == (6, 1)
    assert single.get(["weight", "delay"], "list") == [(0, 0, 0.02, 0.1)]
    sim.set(cells, tau_m=12.0)
    sim.initialize(cells, v=-66.0)
    path = {name: str(tmp_path / f"{name}.pkl") for name in ("v", "gsyn", "spikes")}
    sim.record_v(cells[1], path["v"])
    sim.record_gsyn(cells, path["gsyn"])
    sim.record("spikes", cells, path["spikes"], annotations={"purpose": "test"})
    sim.run(20.0)
    sim.end()
    import neo

    read = {name: neo.io.PickleIO(p).read_block().segments[0] for name, p in path.items()}
    assert read["v"].analogsignals[0].shape == (201, 1)
    assert read["v"].analogsignals[0][0, 0].item() == pytest.approx(-66.0, abs=0.0 if chip == "ideal" else 3.0)
    assert {s.name for s in read["gsyn"].analogsignals} == {"gsyn_exc", "gsyn_inh"}
    assert len(read["spikes"].spiketrains) == 3
    assert np.all(cells.get("tau_m") == 12.0)
    with pytest.raises(AttributeError, match="individual cells"):
        sim.set(cells[0], tau_m=12.0)
