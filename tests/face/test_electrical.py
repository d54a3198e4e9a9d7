"""Electrical synapses: two cells as compartments of a neuron."""

import numpy as np
import pytest
from pyNN import errors
from pynn_brainscales.emulator import coordinates
from pynn_brainscales.mapping.document import from_dict, to_dict
from pynn_brainscales.mapping.errors import MappingError, MappingWarning
from pynn_brainscales.mapping.verify import verify_mapped

import pynn_brainscales as sim

DENDRITE = {"cm": 0.25, "tau_m": 10.0, "tau_syn_E": 5.0, "tau_syn_I": 5.0, "v_rest": -65.0, "v_reset": -45.0,
            "v_thresh": -50.0, "tau_refrac": 30.0}
SOMA = DENDRITE | {"v_reset": -65.0, "v_thresh": -40.0, "tau_refrac": 5.0}


def plateau(chip, n=4, weight=0.02, soma=SOMA, **setup):
    """Dendrites that an input drives over their threshold, joined to somata."""
    sim.setup(timestep=0.1, min_delay=0.1, chip=chip, **setup)
    inputs = sim.Population(1, sim.SpikeSourceArray(spike_times=[5.0]))
    dendrites = sim.Population(n, sim.IF_curr_exp(**DENDRITE), label="dendrite")
    somata = sim.Population(n, sim.IF_curr_exp(**soma), label="soma")
    sim.Projection(inputs, dendrites, sim.AllToAllConnector(), sim.StaticSynapse(weight=3.0, delay=1.0))
    joint = sim.Projection(dendrites, somata, sim.OneToOneConnector(), sim.ElectricalSynapse(weight=weight),
                           label="joint")
    somata.record("v")
    dendrites.record("spikes")
    return joint, dendrites, somata


@pytest.mark.parametrize(("chip", "tolerance"), [("ideal", 0.1), ("quantised", 0.1), ("calibrated", 2.0)])
def test_a_plateau_depolarises_the_soma(chip, tolerance):
    _, dendrites, somata = plateau(chip)
    sim.run(60.0)
    v = somata.get_data().segments[0].analogsignals[0].magnitude
    rate = 0.02 / 0.25  # 1/ms
    far = (0.1 * -65.0 + rate * -45.0) / (0.1 + rate)
    np.testing.assert_allclose(v[340], far, atol=tolerance)  # after most of the plateau
    np.testing.assert_allclose(v[-1], -65.0, atol=4.0)
    assert all(len(train) == 1 for train in dendrites.get_data().segments[0].spiketrains)


def test_joined_circuits_lie_one_above_the_other_and_share_a_scale():
    plateau("calibrated", n=200)
    m = sim.map_network()
    verify_mapped(m)
    circuit = m.placement.circuit[:, 0]
    first, second = circuit[:200], circuit[200:400]
    assert np.array_equal(coordinates.column_of(first), coordinates.column_of(second))
    assert np.all(coordinates.half_of(first) == 0)
    assert np.all(coordinates.half_of(second) == 1)
    assert len(np.unique(np.column_stack([m.scaled.alpha, m.scaled.v_offset])[:400], axis=0)) == 1
    outputs = np.bincount(coordinates.output_of(first), minlength=8)
    assert np.array_equal(outputs, np.full(8, 25))  # spread over all buses
    assert "joint: 200 pairs of circuits joined" in str(m.report)


def test_over_several_chips_a_pair_stays_together():
    plateau("quantised", n=700)
    m = sim.map_network()
    verify_mapped(m)
    assert m.placement.chips == 3
    assert np.array_equal(m.placement.chip[:700], m.placement.chip[700:])


def test_a_dendrite_of_two_circuits():
    """A fan-in beyond 256 rows: the dendrite has twice the capacitance of the soma, and so it is asked for."""
    sim.setup(timestep=0.1, min_delay=0.1, chip="quantised")
    inputs = sim.Population(300, sim.SpikeSourceArray())
    dendrites = sim.Population(3, sim.IF_curr_exp(**DENDRITE | {"cm": 0.5}))
    somata = sim.Population(3, sim.IF_curr_exp(**SOMA))
    sim.Projection(inputs, dendrites, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1, delay=1.0))
    sim.Projection(dendrites, somata, sim.OneToOneConnector(), sim.ElectricalSynapse(weight=0.02))
    m = sim.map_network()
    verify_mapped(m)
    assert m.expanded.circuits.tolist() == [2, 2, 2, 1, 1, 1]
    np.testing.assert_allclose(m.config.joints.rate_first, 0.04, rtol=0.01)
    np.testing.assert_allclose(m.config.joints.rate_second, 0.08, rtol=0.01)


def test_weights_can_be_read_set_and_saved(tmp_path):
    joint, _, somata = plateau("ideal")
    assert joint.get("weight", "list", with_address=False) == [0.02] * 4
    sim.run(30.0)
    before = somata.get_data(clear=True).segments[0].analogsignals[0].magnitude[-1]
    sim.reset()
    joint.set(weight=0.04)
    sim.run(30.0)
    after = somata.get_data().segments[-1].analogsignals[0].magnitude[-1]
    assert np.all(after > before + 1.0)
    network = sim.map_network().described
    again = from_dict(to_dict(network))
    assert to_dict(again) == to_dict(network)
    np.testing.assert_array_equal(again.joints[0].weight, 0.04)


def test_what_the_chip_hasnt():
    _, dendrites, somata = plateau("ideal")
    sim.Projection(dendrites, somata, sim.AllToAllConnector(), sim.ElectricalSynapse(weight=0.01))
    with pytest.raises(MappingError, match="one partner for each cell"):
        sim.run(1.0)
    plateau("quantised", soma=SOMA | {"cm": 0.5})
    with pytest.raises(MappingError, match="equal capacitances"):
        sim.run(1.0)
    plateau("quantised", weight=10.0)
    with pytest.warns(MappingWarning, match="outside the chip's range: conductance / capacitance"):
        sim.run(1.0)
    with pytest.raises(errors.InvalidParameterValueError, match="a conductance of -1 uS"):
        sim.Projection(sim.Population(1, sim.IF_curr_exp()), sim.Population(1, sim.IF_curr_exp()),
                       sim.OneToOneConnector(), sim.ElectricalSynapse(weight=-1.0))
    sim.setup(chip="ideal")
    source = sim.Population(1, sim.SpikeSourceArray())
    sim.Projection(source, sim.Population(1, sim.IF_curr_exp()), sim.OneToOneConnector(),
                   sim.ElectricalSynapse(weight=1.0))
    with pytest.raises(MappingError, match="spike sources have no membranes"):
        sim.run(1.0)
    sim.setup(chip="ideal")
    cells = sim.Population(2, sim.HH_cond_exp())
    sim.Projection(cells, sim.Population(2, sim.IF_curr_exp()), sim.OneToOneConnector(),
                   sim.ElectricalSynapse(weight=1.0))
    with pytest.raises(MappingError, match="beside the chip"):
        sim.run(1.0)
