"""Changes in the middle of a run leave the state of short-term plasticity where it is."""

import numpy as np
import pytest

import pynn_brainscales as sim

pytestmark = pytest.mark.filterwarnings("ignore::pynn_brainscales.mapping.errors.MappingWarning")


def tsodyks_markram(source, cells, weight=0.002):
    synapse = sim.TsodyksMarkramSynapse(U=0.5, tau_rec=800.0, tau_facil=0.0, weight=weight, delay=1.0)
    return sim.Projection(source, cells, sim.AllToAllConnector(), synapse)


CHANGES = {"nothing": lambda source, cells, p: None,
           "one U": lambda source, cells, p: setattr(p[1], "U", 0.55),
           "another projection": lambda source, cells, p: tsodyks_markram(source, cells[2:]),
           "another population": lambda source, cells, p: sim.Population(5, sim.IF_curr_exp())}


@pytest.fixture(params=["ideal", "quantised"])
def chip(request):
    return request.param


@pytest.mark.parametrize("model", ["IF_cond_exp", "IF_cond_alpha"], ids=["circuits", "beside"])
def test_depressed_synapses_stay_depressed(chip, model):
    """After ten spikes nothing is left but for synapses that are new."""
    last = {}
    for change, make in CHANGES.items():
        sim.setup(timestep=0.1, chip=chip, seed=1, chip_seed=1)
        source = sim.Population(1, sim.SpikeSourceArray(spike_times=np.arange(10.0, 200.0, 10.0)))
        cells = sim.Population(3, getattr(sim, model)())
        projection = tsodyks_markram(source, cells)
        cells.record("gsyn_exc")
        sim.run(100.0)
        make(source, cells, projection)
        sim.run(50.0)
        last[change] = cells.get_data().segments[0].analogsignals[0].magnitude[1000:].max(axis=0)
    whole = last["nothing"]
    assert np.all(whole < 5e-5)  # 0.001 at the first spike
    np.testing.assert_allclose(last["another population"], whole, rtol=1e-9)
    np.testing.assert_allclose(last["one U"][[0, 2]], whole[[0, 2]], rtol=1e-3)  # drivers are fitted anew
    assert whole[1] < last["one U"][1] < 1.2 * whole[1]
    np.testing.assert_allclose(last["another projection"][:2], whole[:2], rtol=1e-9)
    if (chip, model) == ("quantised", "IF_cond_exp"):  # a driver has one state for all synapses of a source and mode
        assert 1.5 * whole[2] < last["another projection"][2] < 2.0 * whole[2]
    else:
        assert last["another projection"][2] > 5e-4
