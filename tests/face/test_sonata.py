"""SONATA networks through PyNN: populations come back as assemblies, and run."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from pyNN.network import Network
from pyNN.serialization import export_to_sonata, import_from_sonata

import pynn_brainscales as sim

pytest.importorskip("h5py")


@pytest.mark.parametrize("chip", ["ideal", "quantised"])
def test_round_trip(tmp_path, chip):
    sim.setup(chip=chip)
    first = sim.Population(6, sim.IF_cond_exp(tau_m=lambda i: 10.0 + i, i_offset=1.2), label="first")
    second = sim.Population(4, sim.IF_cond_alpha(v_rest=-64.0), label="second")
    weight = sim.RandomDistribution("uniform", low=0.1, high=0.3, rng=sim.NumpyRNG(3))
    projection = sim.Projection(first, second, sim.FixedProbabilityConnector(0.5, rng=sim.NumpyRNG(2)),
                                sim.StaticSynapse(weight=weight, delay=1.0), receptor_type="excitatory", label="there")
    second.record("spikes")
    sim.run(100.0)
    spikes = [np.array(train) for train in second.get_data().segments[0].spiketrains]
    assert sum(map(len, spikes)) > 3
    wanted = projection.get(["weight", "delay"], "array")
    tau_m = first.get("tau_m")
    export_to_sonata(Network(first, second, projection), tmp_path / "out", overwrite=True)

    sim.setup(chip=chip)
    network = import_from_sonata(tmp_path / "out" / "circuit_config.json", sim)
    assert_allclose(network.get_component("first").get("tau_m"), tau_m)
    again = network.get_component("there-0")
    for name, values in zip(("weight", "delay"), wanted, strict=True):
        assert_allclose(again.get(name, "array"), values)
    network.get_component("second").record("spikes")
    sim.run(100.0)
    trains = network.get_component("second").get_data().segments[0].spiketrains
    for train, before in zip(trains, spikes, strict=True):
        assert_allclose(np.array(train), before)
