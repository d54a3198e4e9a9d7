"""Plastic projections: they sit where static ones would, and act like them as long as no rule changes them."""

import numpy as np
import pytest
from pynn_brainscales.emulator.profile import calibrated, ideal, quantised
from pynn_brainscales.emulator.run import run
from pynn_brainscales.mapping.compile import compile
from pynn_brainscales.mapping.errors import MappingError
from pynn_brainscales.mapping.plastic import initial_codes, places
from pynn_brainscales.mapping.stimuli import initial_state, stimulus
from pynn_brainscales.mapping.target import Target
from pynn_brainscales.mapping.verify import verify_mapped

PROFILES = [ideal, quantised, calibrated]


def network(make, model="IF_curr_exp", plastic=True, share=0.6, size=20, pre="S"):
    """An excitatory and an inhibitory projection, recurrent ones beside them; weights at a share of the largest."""
    rng = np.random.default_rng(4)
    population = make.population("A", size, model, v_thresh=-55.0)
    source = make.spike_array("S", 12, rng.uniform(0, 80, 400), rng.integers(0, 12, 400))
    unit = 1.0 if model == "IF_curr_exp" else 0.01
    projections = []
    for label, receptor, sign in (("up", "excitatory", 1.0), ("down", "inhibitory", -1.0 if unit == 1.0 else 1.0)):
        i, j = np.nonzero(rng.random((12 if pre == "S" else size, size)) < 0.7)
        largest = np.full(len(i), unit)
        p = make.projection(label, pre, "A", np.stack([i, j], axis=1), sign * share * largest, 1.0, receptor)
        if plastic:
            parameters = {"w_max": largest, "eta": np.full(len(i), 0.5), "tau": np.full(len(i), 5.0)}
            p = p.replace(model="PlasticSynapse", parameters=parameters)
        projections.append(p)
    i, j = np.nonzero(rng.random((size, size)) < 0.2)
    projections.append(make.projection("fixed", "A", "A", np.stack([i, j], axis=1), 0.3 * unit, 1.0))
    return make.Network((population,), (source,), tuple(projections))


def realised(mapped):
    grids = places(mapped.split, mapped.scaled, mapped.routing, mapped.rounded, mapped.config.circuits, mapped.master,
                   mapped.config.step_us)
    return {label: (p, initial_codes(mapped.split.plastic[label], p.unit)) for label, p in grids.items()}


@pytest.mark.parametrize("model", ["IF_curr_exp", "IF_cond_exp"])
@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.name)
def test_unchanged_it_acts_like_static_synapses(make, profile, model):
    """Weights within a code of what was asked; without limits the same spikes as a static projection's."""
    target = Target(profile=profile, chip_seed=3, seed=2)
    mapped = compile(network(make, model), target)
    verify_mapped(mapped)
    recording, end = run(mapped.config, stimulus(mapped), 100.0, initial_state(mapped))
    assert len(recording.spike_step) > 50
    found = realised(mapped)
    for label, (place, code) in found.items():
        projection = mapped.described.projections[["up", "down"].index(label)]
        assert np.all(place.row >= 0)
        np.testing.assert_allclose(code * place.unit, projection.weight, rtol=0.02)
        array = mapped.config.plastic[["up", "down"].index(label)]
        assert np.array_equal(array.weight[place.row, place.column], code)
        assert array.there.sum() == len(projection)
        assert np.all(array.input == (label == "down"))
    if profile is ideal:  # a static twin with the weights that the codes stand for
        fixed = network(make, model, plastic=False)
        projections = tuple(p.replace(weight=found[p.label][1] * found[p.label][0].unit) if p.label in found else p
                            for p in fixed.projections)
        twin = compile(fixed.replace(projections=projections), target)
        wanted, _ = run(twin.config, stimulus(twin), 100.0, initial_state(twin))
        assert np.array_equal(wanted.spike_step, recording.spike_step)
        assert np.array_equal(wanted.spike_circuit, recording.spike_circuit)
    spikes = np.bincount(recording.spike_circuit, minlength=len(mapped.config.circuits))
    assert np.array_equal(end.counters[0], np.minimum(spikes, 256))


def test_every_synapse_hears_its_own_source_only(make):
    """Each source alone: the columns that get its event are its targets; labels and rows are the chip's."""
    base = network(make, size=40, pre="A")
    mapped = compile(base, Target(profile=quantised))
    verify_mapped(mapped)
    for number, (place, _) in enumerate(realised(mapped).values()):
        array, projection = mapped.config.plastic[number], base.projections[number]
        for neuron in range(40):
            mine = mapped.master[neuron]
            hit = np.zeros(array.shape, bool)
            events = array.source == mine
            for row, label in zip(array.row[events], array.event_label[events], strict=True):
                hit[row] |= array.there[row] & (array.label[row] == label)
            wanted = np.zeros(array.shape, bool)
            of = projection.pre_index == neuron
            wanted[place.row[of], place.column[of]] = True
            assert np.array_equal(hit, wanted)
    # and the fixed synapses have none of their places
    weight = mapped.config.synapses.weight
    assert np.count_nonzero(weight) == len(base.projections[2])


def test_codes_are_finer_where_nothing_else_is_stronger(make):
    alone = compile(network(make), Target(profile=quantised))
    place = realised(alone)["up"][0]
    np.testing.assert_allclose(place.unit, 1.0 / 63, rtol=0.06)
    free = compile(network(make), Target(profile=ideal))
    np.testing.assert_array_equal(realised(free)["down"][0].unit, -1.0 / 63)


def test_sensors_have_the_spread_of_the_profile(make):
    for profile, spread in ((quantised, 0.0), (calibrated, 0.35)):
        sensors = compile(network(make, size=60), Target(profile=profile)).config.plastic[0].sensors
        assert np.std(np.log(sensors.eta_causal)) == pytest.approx(spread, abs=0.05)
        assert np.median(sensors.tau_causal_us) == pytest.approx(5.0, rel=0.1)


def test_refused(make):
    base = network(make)
    beside = make.population("A", 20, "IF_cond_alpha", v_thresh=-55.0)
    up = base.projections[0]
    with pytest.raises(MappingError, match="a PlasticSynapse onto cells beside the chip"):
        compile(base.replace(populations=(beside,), projections=(up,)), Target(profile=quantised))
    with pytest.raises(MappingError, match=r"weights from .* to .* beyond w_max"):
        compile(base.replace(projections=(up.replace(weight=up.weight * 3),)), Target(profile=quantised))
    bad = up.replace(parameters=dict(up.parameters) | {"tau": np.zeros(len(up))})
    with pytest.raises(MappingError, match="tau=0; available: tau > 0"):
        compile(base.replace(projections=(bad,)), Target(profile=quantised))
