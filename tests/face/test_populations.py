"""Populations, views and assemblies: parameters as given, initial values, numbering, and what is wrong, in words."""

import numpy as np
import pytest
from pyNN.errors import InvalidDimensionsError, InvalidParameterValueError, NonExistentParameterError
from pyNN.parameters import LazyArray, Sequence

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
    cells.set(tau_m="3+d", tau_refrac=(x for x in (1.0, 2.0, 3.0)))
    assert cells.get("tau_m").tolist() == [3.0, 4.0, 5.0]
    assert cells.get("tau_refrac").tolist() == [1.0, 2.0, 3.0]
    assert sim.Population(1, sim.IF_cond_exp(tau_m=[5.0])).get("tau_m") == 5.0


def test_arrays_of_the_user_stay_the_user_s():
    mine = np.array([1.0, 2.0, 3.0])
    cells = sim.Population(3, sim.IF_cond_exp(tau_m=mine), initial_values={"v": mine})
    mine[0] = 99.0
    assert cells.get("tau_m").tolist() == [1.0, 2.0, 3.0]
    assert cells[0].get_initial_value("v") == 1.0
    cells.set(tau_m=mine)
    cells.get("tau_m")[0] = 7.0
    cells[1].tau_m = 8.0
    assert mine.tolist() == [99.0, 2.0, 3.0]
    assert cells.get("tau_m").tolist() == [99.0, 8.0, 3.0]


def test_old_form_of_cell_types():
    cells = sim.Population(2, sim.IF_cond_exp, {"tau_m": 3.0})
    assert cells.get("tau_m") == 3.0
    assert sim.Population(2, sim.SpikeSourcePoisson).get("rate") == 1.0
    with pytest.raises(NonExistentParameterError):
        sim.Population(2, sim.IF_cond_exp, {"tau_x": 3.0})
    with pytest.raises(TypeError, match="IF_cond_exp has its parameters already"):
        sim.Population(2, sim.IF_cond_exp(), {"tau_m": 3.0})


def test_setting_is_all_or_nothing():
    cells = sim.Population(3, sim.IF_cond_exp())
    kept = cells._parameters["tau_m"]
    for wrong in ({"tau_m": 3.0, "cm": -1.0}, {"tau_m": 3.0, "cm": "big"}, {"tau_m": 3.0, "foo": 1.0},
                  {"tau_m": 3.0, "cm": [1.0, 2.0]}):
        with pytest.raises((ValueError, KeyError)):
            cells.set(**wrong)
    assert cells.get("tau_m") == 20.0
    cells.set(tau_m=5.0)
    assert kept.tolist() == [20.0] * 3  # arrays that somebody may hold are not written to


# --- views -------------------------------------------------------------------------------------------------


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
    inner.initialize(v=lambda i: -60.0 - i)
    assert view.initial_values["v"].evaluate().tolist() == [-65.0, -60.0, -61.0]
    assert inner.grandparent is cells
    assert list(inner.all()) == [cells[3], cells[4]]
    np.testing.assert_array_equal(inner.positions, cells.positions[:, 3:5])


@pytest.mark.parametrize(("selector", "chosen"), [
    (slice(2, 4), [2, 3]), (slice(None, None, 2), [0, 2, 4]), (slice(-2, None), [3, 4]),
    (slice(None, None, -1), [4, 3, 2, 1, 0]), ([3, 1], [1, 3]), ((0, 4), [0, 4]), ([-1, 0], [0, 4]),
    (np.array([1, 1, 2]), [1, 2]), ([4, -1], [4]), ([True, False, False, True, False], [0, 3]),
    (np.array([False, True, False, False, False]), [1])])
def test_selecting_cells(selector, chosen):
    cells = sim.Population(5, sim.IF_cond_exp(tau_m=np.arange(1.0, 6.0)))
    view = cells[selector]
    assert view.all_cells.tolist() == [cells[i] for i in chosen]
    np.testing.assert_array_equal(np.broadcast_to(view.get("tau_m"), (view.size,)), np.array(chosen) + 1.0)
    view.set(tau_m=np.arange(11.0, 11.0 + view.size))
    for i, cell in enumerate(view):
        assert cell.tau_m == 11.0 + i
        assert view.id_to_index(cell) == i
    assert view.id_to_index(view.all_cells).tolist() == list(range(view.size))
    assert sim.PopulationView(cells, selector) == view


@pytest.mark.parametrize(("selector", "error", "sentence"), [
    (slice(3, 3), InvalidDimensionsError, r"cells: \[3:3\] selects none of its 5 cells"),
    ([], InvalidDimensionsError, r"\[\] selects none"),
    (np.zeros(5, bool), InvalidDimensionsError, "selects none"),
    ([True, False], InvalidDimensionsError, "one value for each of 5 cells, got 2"),
    ([0, 9], IndexError, "indices from 0 to 9 were given, its 5 cells have 0 to 4"),
    ([-6, 0], IndexError, "indices from -6 to 0"),
    ([0.5], IndexError, "whole numbers or truth values"),
    (np.ones((2, 2), int), IndexError, "whole numbers or truth values"),
    (7, IndexError, "cells has 5 cells, there is none with index 7"),
    (-6, IndexError, "there is none with index -6"),
    ("a", TypeError, "indices must be"), (None, TypeError, "indices must be"), (1.5, TypeError, "indices must be")])
def test_selecting_no_cells(selector, error, sentence):
    cells = sim.Population(5, sim.IF_cond_exp(), label="cells")
    with pytest.raises(error, match=sentence):
        cells[selector]
    with pytest.raises(error):
        cells[:][selector]


def test_views_refuse_what_is_not_theirs():
    cells = sim.Population(5, sim.IF_cond_exp(), label="cells")
    view = sim.PopulationView(cells, [1, 2], label="two")
    with pytest.raises(TypeError, match="a PopulationView is made of a Population"):
        sim.PopulationView("cells", [1])
    for strangers in (cells[0], [cells[1], cells[0]]):
        with pytest.raises(IndexError, match=f"two has no cell with ID {int(cells[0])}"):
            view.id_to_index(strangers)
    with pytest.raises(ValueError, match="id should be in the range"):
        cells.id_to_index(99)
    assert [cell.local for cell in view] == [True, True]
    assert view.label in view.describe()


# --- initial values ----------------------------------------------------------------------------------------


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
    cells[2].set_initial_value("v", -60.5)
    assert cells[2].get_initial_value("v") == -60.5
    assert cells[1].get_initial_value("v") == start[1]


def test_wrong_initial_values():
    cells = sim.Population(3, sim.IF_cond_exp(), label="cells")
    for wrong, error, sentence in (
            ({"u": 1.0}, NonExistentParameterError, "u .* of population 'cells' are: gsyn_exc, gsyn_inh, v"),
            ({"v": "low"}, InvalidParameterValueError, "v can't be 'low'"),
            ({"v": None}, InvalidParameterValueError, "v can't be None"),
            ({"v": np.nan}, InvalidParameterValueError, "cells: initial v must be finite numbers, got nan"),
            ({"v": [1.0, 2.0]}, InvalidDimensionsError, r"v can't be \[1.0, 2.0\]: .*\(3,\).*\(2,\)"),
            ({"v": lambda i: "x"}, InvalidParameterValueError, "cells: initial v")):
        with pytest.raises(error, match=sentence):
            cells.initialize(**wrong)
        with pytest.raises(error):
            sim.Population(3, sim.IF_cond_exp(), initial_values=wrong)
    for refused in (lambda: cells[0].get_initial_value("u"), lambda: cells[0].set_initial_value("u", 1.0)):
        with pytest.raises(NonExistentParameterError):
            refused()
    with pytest.raises(InvalidParameterValueError):
        cells[0].set_initial_value("v", "low")
    with pytest.raises(NonExistentParameterError):
        sim.Population(1, sim.SpikeSourceArray()).initialize(v=1.0)


# --- spike times -------------------------------------------------------------------------------------------


def test_sources_check_their_times():
    with pytest.raises(InvalidParameterValueError, match="ascending"):
        sim.Population(2, sim.SpikeSourceArray(spike_times=[3.0, 1.0]))
    sources = sim.Population(2, sim.SpikeSourceArray(spike_times=[[1.0, 2.0], [0.5]]), label="sources")
    assert [s.value.tolist() for s in sources.get("spike_times")] == [[1.0, 2.0], [0.5]]
    sources.set(spike_times=[3.0])
    assert sources.get("spike_times").value.tolist() == [3.0]
    for times in ([[], [1.0]], [Sequence([]), Sequence([1.0])], lambda i: [Sequence([1.0] * k) for k in i]):
        sources.set(spike_times=times)
        assert [s.value.tolist() for s in sources.get("spike_times")] == [[], [1.0]]
    sources.set(spike_times=np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert sources[1].spike_times.value.tolist() == [3.0, 4.0]
    sources[0].spike_times = [9.0]
    assert sources[0].spike_times == Sequence([9.0])
    assert sim.Population(2, sim.SpikeSourceArray()).get("spike_times") == Sequence([])


def test_spike_times_with_a_unit():
    class Times(np.ndarray):
        """As a quantity in seconds."""

        def rescale(self, unit):
            assert unit == "ms"
            result = (np.asarray(self) * 1e3).view(Times)
            result.magnitude = np.asarray(result)
            return result

    sources = sim.Population(2, sim.SpikeSourceArray(spike_times=np.array([0.001, 0.002]).view(Times)))
    assert sources.get("spike_times").value.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("times", [5.0, "soon", None, [[1.0], 2.0], [[1.0], ["a"]], [np.nan], [1.0, np.inf],
                                   [[1.0]] * 3, [2.0, 1.0]])
def test_wrong_spike_times(times):
    sources = sim.Population(2, sim.SpikeSourceArray(), label="sources")
    with pytest.raises((InvalidParameterValueError, InvalidDimensionsError), match=r"sources.*spike_times|'sources'"):
        sources.set(spike_times=times)
    assert sources.get("spike_times") == Sequence([])


# --- wrong parameters --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "value", "error", "sentence"), [
    ("tau_n", 1.0, NonExistentParameterError, "tau_n .*IF_cond_exp of population 'cells' are: cm, e_rev_E"),
    ("tau_m", "slow", InvalidParameterValueError, "population 'cells': tau_m can't be 'slow'; it may be a number"),
    ("tau_m", {}, InvalidParameterValueError, "tau_m can't be {}"),
    ("tau_m", None, InvalidParameterValueError, "tau_m can't be None"),
    ("tau_m", 2j, InvalidParameterValueError, "tau_m can't be 2j"),
    ("tau_m", LazyArray(1.0, shape=(9,)), InvalidParameterValueError, "tau_m can't be <larray"),
    ("tau_m", [1.0, 2.0], InvalidDimensionsError, r"tau_m can't be \[1.0, 2.0\]"),
    ("tau_m", np.ones((2, 2)), InvalidDimensionsError, "tau_m can't be"),
    ("tau_m", [1.0] * 999, InvalidDimensionsError, r"can't be \[1.0, .*\.\.\.: "),
    ("tau_m", [1.0, None, 2.0, 3.0], InvalidParameterValueError, "cells: tau_m must be finite numbers, got nan"),
    ("v_rest", np.inf, InvalidParameterValueError, "cells: v_rest must be finite numbers, got inf"),
    ("tau_m", -1.0, InvalidParameterValueError, "cells: tau_m must be > 0, got -1"),
    ("cm", 0.0, InvalidParameterValueError, "cells: cm must be > 0, got 0"),
    ("tau_refrac", -0.1, InvalidParameterValueError, "cells: tau_refrac must be >= 0, got -0.1"),
    ("tau_m", lambda i: "x", InvalidParameterValueError, "cells: tau_m can't be set for 4 cells"),
    ("tau_m", lambda i: [1.0, 2.0], InvalidParameterValueError, "cells: tau_m must be a number, or one for each of 4"),
    ("tau_m", lambda: 1.0, InvalidParameterValueError, "cells: tau_m can't be set for 4 cells"),
    ("tau_m", iter([1.0, 2.0]), InvalidParameterValueError, "cells: tau_m can't be set for 4 cells")])
def test_wrong_parameters(name, value, error, sentence):
    cells = sim.Population(4, sim.IF_cond_exp(), label="cells")
    before = cells.get(["tau_m", "v_rest", "cm"])
    with pytest.raises(error, match=sentence):
        cells.set(**{name: value})
    assert cells.get(["tau_m", "v_rest", "cm"]) == before
    if name == "tau_n":
        for get in (cells, cells[1:], cells + cells[:1]):
            with pytest.raises(error, match=sentence):
                get.get(name)
            with pytest.raises(error, match=sentence):
                get.get(["tau_m", name])


@pytest.mark.parametrize(("parameters", "error", "sentence"), [
    ({"tau_m": [1.0, 2.0, 3.0]}, InvalidDimensionsError, "cells: tau_m can't be set for 4 cells"),
    ({"tau_m": -1.0}, InvalidParameterValueError, "cells: tau_m must be > 0, got -1"),
    ({"tau_m": np.nan}, InvalidParameterValueError, "cells: tau_m must be finite numbers, got nan"),
    ({"tau_m": lambda i: "x"}, InvalidParameterValueError, "cells: tau_m can't be set for 4 cells")])
def test_a_failed_population_leaves_no_trace(parameters, error, sentence):
    with pytest.raises(error, match=sentence):
        sim.Population(4, sim.IF_cond_exp(**parameters), label="cells")
    assert not sim.simulator.state.recorders
    assert not sim.simulator.state.populations
    cells = sim.Population(4, sim.IF_cond_exp())
    cells.record("v")
    sim.run(1.0)
    assert cells.get_data().segments[0].analogsignals[0].shape == (11, 4)


@pytest.mark.parametrize("size", [0, -2, 2.0, "2", [2, 3], None, True, (), (2, 0), (2, 2.5), (2, 2, 2, 2)])
def test_wrong_sizes(size):
    with pytest.raises(ValueError, match="the size of a population is a whole number > 0"):
        sim.Population(size, sim.IF_cond_exp())


def test_unknown_cells_are_refused():
    import pyNN.mock
    from pyNN.standardmodels import cells as abstract

    with pytest.raises(TypeError, match=r"pyNN.mock.*HH_cond_exp does not run on this chip; there are IF_curr_exp"):
        sim.Population(2, pyNN.mock.HH_cond_exp())
    with pytest.raises(TypeError, match="import cell types from pynn_brainscales"):
        sim.Population(2, abstract.IF_curr_exp)
    for wrong in ("IF_curr_exp", None, sim.StaticSynapse(), sim.LIF):
        with pytest.raises(TypeError, match=r"does not run on this chip|a part of a neuron"):
            sim.Population(2, wrong)


def test_a_source_that_never_ends():
    assert sim.Population(2, sim.SpikeSourcePoisson(duration=np.inf)).get("duration") == np.inf
    with pytest.raises(InvalidParameterValueError, match="start must be finite"):
        sim.Population(2, sim.SpikeSourcePoisson(start=np.inf))


def test_after_setup_old_populations_can_only_be_read():
    cells, inputs = sim.Population(2, sim.IF_cond_exp(), label="old"), sim.DCSource()
    view = cells[:1]
    sim.setup(chip="ideal")
    for what, call in (("set", lambda p: p.set(tau_m=3.0)), ("initialize", lambda p: p.initialize(v=-60.0)),
                       ("record", lambda p: p.record("v")), ("inject", lambda p: p.inject(inputs))):
        for part in (cells, view):
            with pytest.raises(RuntimeError, match=rf"old: {what}\(\) would have no effect: .* setup\(\) has ended"):
                call(part)
    assert view.get("tau_m") == cells.get("tau_m") == 20.0


# --- numbering, space, description -------------------------------------------------------------------------


def test_numbering_structure_and_description():
    a, b = sim.Population((2, 3), sim.IF_curr_exp(), label="grid"), sim.Population(2, sim.IF_curr_exp())
    assert a.size == 6
    assert int(a.last_id) - int(a.first_id) == 5
    assert int(b.first_id) == int(a.last_id) + 1
    assert a.positions.shape == (3, 6)
    assert "grid" in a.describe()
    assert (a + b).size == 8
    assert a[-1] == a.last_id
    assert isinstance(a.structure, sim.space.Grid2D)
    assert sim.Population(np.int64(3), sim.IF_curr_exp()).size == 3
    assert sim.Population((np.int64(2), 2, 2), sim.IF_curr_exp()).size == 8
    a.annotate(layer=4)
    a[:2].annotate(layer=5)
    assert a.annotations == {"layer": 4}
    assert a.describe(template=None)["layer"] == 4


def test_positions_and_structure(tmp_path):
    cells = sim.Population(4, sim.IF_cond_exp(), structure=sim.space.Line(dx=2.0), label="cells")
    assert cells.positions[0].tolist() == [0.0, 2.0, 4.0, 6.0]
    assert cells.nearest((3.9, 0.0, 0.0)) == cells[2]
    assert cells[1:].nearest((0.0, 0.0, 0.0)) == cells[1]
    cells.save_positions(str(tmp_path / "positions.txt"))
    np.testing.assert_array_equal(np.loadtxt(tmp_path / "positions.txt")[:, :2], [[0, 0], [1, 2], [2, 4], [3, 6]])
    cells.structure = sim.space.Grid2D()
    assert cells.positions.max() == 1.0
    given = np.arange(12.0).reshape(3, 4)
    cells.positions = given
    given[0, 0] = 99.0
    assert cells.positions[0, 0] == 0.0
    assert cells.structure is None
    cells[1].position = (7.0, 8.0, 9.0)
    assert cells[1:2].positions[:, 0].tolist() == [7.0, 8.0, 9.0]
    for wrong in (3, "left", np.ones((2, 2)), np.ones((4, 3))):
        with pytest.raises(InvalidDimensionsError, match=r"cells: positions are numbers of shape \(3, 4\)"):
            cells.positions = wrong
    for wrong in ((1.0, 2.0), "left", 1.0):
        with pytest.raises(InvalidDimensionsError, match=r"cells: positions are numbers of shape \(3,\)"):
            cells.nearest(wrong)
    with pytest.raises(TypeError, match=r"structure='line' must be one of pyNN.space"):
        cells.structure = "line"
    with pytest.raises(TypeError, match=r"structure='line' must be one of pyNN.space"):
        sim.Population(2, sim.IF_cond_exp(), structure="line")
    with pytest.raises(ValueError, match="may not specify structure"):
        sim.Population((2, 2), sim.IF_cond_exp(), structure=sim.space.Line())


def test_samples():
    cells, more = sim.Population(9, sim.IF_cond_exp(), label="cells"), sim.Population(2, sim.IF_cond_exp())
    view = cells.sample(np.int64(4), rng=sim.NumpyRNG(3))
    assert view.size == 4
    assert view == cells.sample(4, rng=sim.NumpyRNG(3))
    assert cells[3:].sample(2).size == 2
    assert (cells + more).sample(11).size == 11
    for group in (cells, cells[:5], cells + more):
        for wrong in (0, -1, 99):
            with pytest.raises(ValueError, match=f"a sample of {wrong} cells was asked for"):
                group.sample(wrong)
        for wrong in (2.5, "2", True):
            with pytest.raises(TypeError, match="the size of a sample is a whole number"):
                group.sample(wrong)


# --- assemblies --------------------------------------------------------------------------------------------


@pytest.fixture
def assembly():
    a = sim.Population(3, sim.IF_cond_exp(), label="a")
    b = sim.Population(6, sim.IF_curr_exp(), label="b")
    return sim.Assembly(a, b[2:4], label="both")


def test_assemblies(assembly):
    a, view = assembly.populations
    assert assembly.size == len(assembly) == assembly.local_size == 5
    assert [int(c) for c in assembly] == [int(c) for c in (*a, *view)]
    assert assembly[4] == assembly[-1] == view[1]
    assert assembly[np.int64(0)] == a[0]
    assert assembly[[4, 0]].all_cells.tolist() == [a[0], view[1]]
    assert assembly[[-1, 1]].all_cells.tolist() == [a[1], view[1]]
    assert assembly[[True, False, False, True, False]].all_cells.tolist() == [a[0], view[0]]
    assert assembly[1:4].all_cells.tolist() == [a[1], a[2], view[0]]
    assert assembly.id_to_index(view[0]) == 3
    assert assembly.id_to_index([a[1], view[1]]).tolist() == [1, 4]
    assert sim.Assembly(view, a).id_to_index(a[0]) == 2
    assert assembly.get_population("a") is a
    assert assembly.positions.shape == (3, 5)
    assert not assembly.conductance_based
    assert assembly.receptor_types == ("excitatory", "inhibitory") or assembly.receptor_types == [
        "excitatory", "inhibitory"]
    assembly.annotate(area="V1")
    assert assembly.annotations == {"area": "V1"}
    assert "both" in assembly.describe()
    c = sim.Population(2, sim.IF_cond_exp())
    assert (c + assembly).size == (assembly + c).size == 7
    assembly += c
    assert assembly.size == 7


def test_parameters_of_assemblies(assembly):
    a, view = assembly.populations
    assembly.set(tau_m=5.0)
    assert assembly.get("tau_m") == 5.0
    assert view.grandparent.get("tau_m").tolist() == [20.0, 20.0, 5.0, 5.0, 20.0, 20.0]
    assembly.set(tau_m=[1.0, 2.0, 3.0, 4.0, 5.0], cm=lambda i: 1.0 + i)
    assert a.get("tau_m").tolist() == [1.0, 2.0, 3.0]
    assert assembly.get("tau_m").tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert assembly.get(["cm"])[0].tolist() == [1.0, 2.0, 3.0, 1.0, 2.0]
    assembly.set(tau_m=assembly.get("tau_m") + 1.0)
    assert assembly[3].tau_m == 5.0
    assembly.initialize(v=np.arange(5.0))
    assert [c.get_initial_value("v") for c in assembly] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assembly.initialize(v=-60.0)
    assert view.grandparent[1].get_initial_value("v") == -65.0
    assert view[0].get_initial_value("v") == -60.0
    sources = sim.Population(3, sim.SpikeSourceArray()) + sim.Population(2, sim.SpikeSourceArray())
    sources.set(spike_times=[1.0, 2.0, 3.0, 4.0, 5.0])  # one train for all
    assert sources.get("spike_times") == Sequence([1.0, 2.0, 3.0, 4.0, 5.0])
    sources.set(spike_times=[[float(i)] for i in range(5)])
    assert [s.value.tolist() for s in sources.get("spike_times")] == [[0.0], [1.0], [2.0], [3.0], [4.0]]


def test_assemblies_record_and_inject(assembly):
    source = sim.DCSource(amplitude=0.5)
    assembly.inject(source)
    assembly.record("v")
    sim.run(5.0)
    signals = assembly.get_data().segments[0].analogsignals
    assert sum(s.shape[1] for s in signals) == 5
    for signal in signals:
        assert np.all(signal.magnitude[-1] > -65.0)
    assert np.all(np.asarray(assembly.populations[1].grandparent.get_data().segments[0].analogsignals[0]) > -65.001)


def test_wrong_assemblies(assembly):
    with pytest.raises(TypeError, match="not a Population"):
        sim.Assembly("a")
    with pytest.raises(TypeError, match="lable"):
        sim.Assembly(assembly.populations[0], lable="x")
    with pytest.raises(TypeError, match="the label of an assembly is a string, not 5"):
        sim.Assembly(assembly.populations[0], label=5)
    with pytest.raises(TypeError, match="only a Population, PopulationView or Assembly can be added, not 3"):
        assembly.populations[0] + 3
    for index in (5, -6):
        with pytest.raises(IndexError, match=f"both has 5 cells, there is none with index {index}"):
            assembly[index]
    for index, error in (([], InvalidDimensionsError), ([9], IndexError), ("a", TypeError), ([True], ValueError)):
        with pytest.raises(error, match="both"):
            assembly[index]
    with pytest.raises(IndexError, match="both has no cell with ID 99"):
        assembly.id_to_index(99)
    with pytest.raises(NonExistentParameterError, match=r"e_rev_E .*IF_curr_exp of population 'b'"):
        assembly.set(tau_m=3.0, e_rev_E=0.0)
    assert assembly.get("tau_m") == 20.0
    with pytest.raises(NonExistentParameterError):
        assembly.get("e_rev_E")
    with pytest.raises(InvalidDimensionsError):
        assembly.set(tau_m=[1.0, 2.0, 3.0, 4.0])
    with pytest.raises(sim.errors.RecordingError):
        assembly.record("gsyn_exc")
