"""Random generators that are shared: the numbers of PyNN's other backends and a warning, or a sequence that goes on."""

import warnings

import numpy as np
import pyNN.mock
import pytest

import pynn_brainscales as sim
from pynn_brainscales.random_sharing import drawn, note


def uniform(rng, of=sim):
    return of.RandomDistribution("uniform", low=10.0, high=20.0, rng=rng)


def draw_everything(of, rng):
    """Parameters and initial values that come from one generator, in every way."""
    celltype = of.IF_cond_exp(tau_m=uniform(rng, of), tau_syn_E=uniform(rng, of))
    one, two = of.Population(3, celltype), of.Population(4, celltype)
    values = [np.array(v) for v in (*one.get(["tau_m", "tau_syn_E"]), two.get("tau_m"))]
    one.initialize(v=uniform(rng, of))
    two.initialize(v=uniform(rng, of))
    values += [np.array([c.get_initial_value("v") for c in p]) for p in ((one, two) if of is sim else ())]
    one.set(tau_m=uniform(rng, of))
    two[1:3].set(tau_m=uniform(rng, of))
    return [*values[:3], one.get("tau_m"), two.get("tau_m")], values[3:]


def populations(*celltypes, **named):
    return [sim.Population(2, c) for c in celltypes] + [sim.Population(2, c, label=n) for n, c in named.items()]


def test_the_same_numbers_as_the_other_backends():
    sim.setup(chip="ideal")
    pyNN.mock.setup()
    with pytest.warns(UserWarning, match="is drawn from the same random numbers as"):
        ours, initial = draw_everything(sim, sim.NumpyRNG(seed=5))
    theirs, _ = draw_everything(pyNN.mock, pyNN.mock.NumpyRNG(seed=5))
    for a, b in zip(ours[:3], theirs[:3], strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.array_equal(ours[0], ours[1])  # two parameters of one population
    assert np.array_equal(ours[0], ours[2][:3])  # two populations
    generator = sim.NumpyRNG(seed=5)  # initial values draw on; parameters after them begin where they have come to
    for values in initial:
        np.testing.assert_array_equal(values, generator.next(len(values), "uniform", {"low": 10.0, "high": 20.0}))
    np.testing.assert_array_equal(ours[3], generator.next(3, "uniform", {"low": 10.0, "high": 20.0}))
    np.testing.assert_array_equal(ours[4][1:3], ours[3][:2])


def test_one_warning_that_names_both_and_the_switch():
    sim.setup(chip="ideal")
    rng = sim.NumpyRNG(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sim.Population(2, sim.IF_cond_exp(tau_m=uniform(rng)), label="first")
        sim.Population(2, sim.IF_cond_exp(tau_m=uniform(sim.NumpyRNG(1))))  # another generator with the same seed
    sentence = r"cm of second .* as tau_m of first: .*setup\(shared_rng='continue'\)"
    with pytest.warns(UserWarning, match=sentence) as said:
        populations(second=sim.IF_cond_exp(cm=uniform(rng)), third=sim.IF_cond_exp(cm=uniform(rng)))
    assert len(said) == 1
    assert said[0].filename == __file__
    sim.setup(chip="ideal")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sim.Population(2, sim.IF_cond_exp(cm=uniform(rng)))  # a new network


def test_no_warning_where_the_numbers_differ():
    sim.setup(chip="ideal")
    rng = sim.NumpyRNG(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cells = sim.Population(4, sim.IF_cond_exp(), initial_values={"v": uniform(rng)})
        cells.initialize(v=uniform(rng))  # the others have drawn, from rng itself
        sim.Projection(cells, cells, sim.FixedNumberPreConnector(2, rng=rng), sim.StaticSynapse())
        cells.set(tau_m=uniform(rng))
        sim.Population(2, sim.IF_cond_exp(tau_m=uniform(None)))
        sim.Population(2, sim.IF_cond_exp(tau_m=uniform(None)))


def test_warns_across_kinds():
    def project(cells, rng):
        sim.Projection(cells, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=uniform(rng)))

    for use in (project, lambda cells, rng: cells.initialize(v=uniform(rng)), lambda cells, rng: cells.set(
            tau_m=uniform(rng))):
        sim.setup(chip="ideal")
        rng = sim.NumpyRNG(1)
        cells = sim.Population(4, sim.IF_cond_exp(tau_m=uniform(rng)), label="cells")
        with pytest.warns(UserWarning, match="as tau_m of cells"):
            use(cells, rng)


def test_shared_generators_draw_on():
    sim.setup(chip="ideal", shared_rng="continue")
    rng, same = sim.NumpyRNG(1), sim.NumpyRNG(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        celltype = sim.IF_cond_exp(tau_m=uniform(rng), tau_syn_E=uniform(rng))
        one, two = sim.Population(3, celltype), sim.Population(2, celltype)
        values = [*one.get(["tau_m", "tau_syn_E"]), *two.get(["tau_m", "tau_syn_E"])]
        one.set(tau_m=uniform(rng))
        values.append(one.get("tau_m"))
        projection = sim.Projection(two, one, sim.AllToAllConnector(), sim.StaticSynapse(weight=uniform(rng)))
        again = sim.Projection(two, one, sim.AllToAllConnector(), sim.StaticSynapse(weight=uniform(rng)))
        values += [np.array(p.get("weight", "list", with_address=False)) for p in (projection, again)]
    np.testing.assert_array_equal(np.concatenate(values), same.next(25, "uniform", {"low": 10.0, "high": 20.0}))


def test_distributions_behind_expressions_and_other_generators():
    from pyNN.parameters import LazyArray

    sim.setup(chip="ideal")
    rng = sim.NumpyRNG(1)
    values = {"tau_m": LazyArray(1.0, shape=(3,)) + LazyArray(uniform(rng), shape=(3,))}
    before = rng.rng.get_state()[2]
    first = drawn(values, 3, "cells")["tau_m"]
    assert rng.rng.get_state()[2] == before  # drawn from a copy
    native = sim.NativeRNG(3)
    note({"v": LazyArray(uniform(native))}, "cells")
    with pytest.warns(UserWarning, match="as v of cells"):
        note({"w": LazyArray(uniform(native))}, "cells")
    note({"x": LazyArray(uniform(native))}, "cells")  # said only once
    np.testing.assert_array_equal(first, 1.0 + sim.NumpyRNG(1).next(3, "uniform", {"low": 10.0, "high": 20.0}))


def test_unknown_mode():
    with pytest.raises(ValueError, match="shared_rng='both'; there are 'repeat' and 'continue'"):
        sim.setup(shared_rng="both")
