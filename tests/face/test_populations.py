"""Populations and views: parameters as given, initial values, numbering."""

import numpy as np
import pytest

import pynn_brainscales as sim


@pytest.fixture(autouse=True)
def _fresh():
    sim.setup(timestep=0.1, chip="ideal")


def test_parameters_come_back_exactly():
    tau = [10.1, 23.4, 30.7]
    cells = sim.Population(3, sim.IF_cond_exp(tau_m=tau, cm=0.123))
    assert cells.get("tau_m").tolist() == tau
    assert cells.get("cm") == 0.123
    assert cells.get(["cm", "tau_m"])[0] == 0.123
    cells[1:].set(tau_m=5.5)
    assert cells.get("tau_m").tolist() == [10.1, 5.5, 5.5]
    cells[0].tau_m = 7.0
    assert cells[0].tau_m == 7.0
    cells.set(tau_m=sim.RandomDistribution("uniform", low=1.0, high=2.0, rng=sim.NumpyRNG(1)))
    drawn = cells.get("tau_m")
    assert np.array_equal(drawn, cells.get("tau_m"))
    assert len(np.unique(drawn)) == 3
    cells.set(i_offset=lambda i: 0.1 * i)
    assert cells.get("i_offset").tolist() == pytest.approx([0.0, 0.1, 0.2])
    with pytest.raises(sim.errors.NonExistentParameterError):
        cells.set(tau_n=1.0)
    with pytest.raises(sim.errors.NonExistentParameterError):
        cells.get("tau_n")
    with pytest.raises(sim.errors.InvalidParameterValueError):
        cells.set(tau_m="slow")


def test_views_of_views():
    cells = sim.Population(10, sim.IF_curr_exp(), label="cells")
    mask = np.array([4, 1, 3])
    view = cells[mask]
    assert mask.tolist() == [4, 1, 3]  # the caller's array is not sorted in place
    inner = view[np.array([False, True, True])]
    assert [cells.id_to_index(i) for i in inner] == [3, 4]
    inner.set(tau_m=3.0)
    assert cells.get("tau_m").tolist() == [20.0] * 3 + [3.0, 3.0] + [20.0] * 5
    inner.initialize(v=-61.0)
    assert [float(cells[i].get_initial_value("v")) for i in (2, 3, 4)] == [-65.0, -61.0, -61.0]
    assert inner.initial_values["v"].evaluate().tolist() == [-61.0, -61.0]


def test_initial_values_are_drawn_once():
    cells = sim.Population(5, sim.IF_curr_exp(), initial_values={"v": sim.RandomDistribution(
        "uniform", low=-70.0, high=-55.0, rng=sim.NumpyRNG(2))})
    start = [float(c.get_initial_value("v")) for c in cells]
    cells.record("v")
    sim.run(1.0)
    sim.reset()
    sim.run(1.0)
    for segment in cells.get_data().segments:
        np.testing.assert_allclose(segment.analogsignals[0].magnitude[0], start, rtol=1e-12)
    assert [float(c.get_initial_value("v")) for c in cells] == start
    with pytest.raises(sim.errors.NonExistentParameterError):
        cells.initialize(u=1.0)


def test_sources_check_their_times():
    with pytest.raises(sim.errors.InvalidParameterValueError, match="ascending"):
        sim.Population(2, sim.SpikeSourceArray(spike_times=[3.0, 1.0]))
    sources = sim.Population(2, sim.SpikeSourceArray(spike_times=[[1.0, 2.0], [0.5]]))
    assert [s.value.tolist() for s in sources.get("spike_times")] == [[1.0, 2.0], [0.5]]
    sources.set(spike_times=[3.0])
    assert sources.get("spike_times").value.tolist() == [3.0]


def test_unknown_cells_are_refused():
    import pyNN.mock
    from pyNN.standardmodels import cells as abstract

    with pytest.raises(TypeError, match="HH_cond_exp does not run on this chip; there are IF_curr_exp"):
        sim.Population(2, pyNN.mock.HH_cond_exp())
    with pytest.raises(TypeError, match="import cell types from pynn_brainscales"):
        sim.Population(2, abstract.IF_curr_exp)
    with pytest.raises(TypeError):
        sim.Population(2, "IF_curr_exp")


def test_numbering_structure_and_description():
    a, b = sim.Population((2, 3), sim.IF_curr_exp(), label="grid"), sim.Population(2, sim.IF_curr_exp())
    assert a.size == 6
    assert int(a.last_id) - int(a.first_id) == 5
    assert int(b.first_id) == int(a.last_id) + 1
    assert a.positions.shape == (3, 6)
    assert "grid" in a.describe()
    assert (a + b).size == 8
    assert sim.list_standard_models()[:3] == ["IF_curr_exp", "IF_cond_exp", "EIF_cond_exp_isfa_ista"]
