"""Slots: every candidate reaches every row of them, with one label, and nothing else does."""

import json

import numpy as np
import pytest
from pynn_brainscales.emulator.coordinates import bus_of_driver, driver_of_row, index_of_driver
from pynn_brainscales.emulator.profile import calibrated, ideal, quantised
from pynn_brainscales.emulator.run import run
from pynn_brainscales.mapping.compile import compile, same_structure
from pynn_brainscales.mapping.document import from_dict
from pynn_brainscales.mapping.errors import MappingError, MappingWarning
from pynn_brainscales.mapping.mapped import Loss, Way
from pynn_brainscales.mapping.plastic import places
from pynn_brainscales.mapping.slots import _blocks, check_slots
from pynn_brainscales.mapping.stimuli import initial_state, stimulus
from pynn_brainscales.mapping.target import Target
from pynn_brainscales.mapping.verify import verify_mapped

PROFILES = [ideal, quantised, calibrated]


def slots(make, pre, size, neurons, count, seed=1, label="slots", candidates=None, weight=0.2, receptor="excitatory",
          w_max=1.0):
    """``count`` slots for each neuron, of random partners among the candidates."""
    rng = np.random.default_rng(seed)
    candidates = np.arange(size) if candidates is None else candidates
    pairs = [(c, j) for j in range(neurons) for c in rng.choice(candidates, count, count > len(candidates))]
    p = make.projection(label, pre, "A", pairs, weight, 1.0, receptor, "PlasticSynapse", w_max=w_max, eta=0.5, tau=5.0)
    return p.replace(candidates=candidates)


def network(make, neurons=6, candidates=48, count=16, pre="S", beside=True, **values):
    """Slots beside fixed synapses from the chip and from outside."""
    rng = np.random.default_rng(2)
    parts = [slots(make, pre, candidates, neurons, count, **values)]
    if beside:
        parts.append(make.projection("rec", "A", "A", rng.random((neurons, neurons)) < 0.3, 0.1, 0.2))
        parts.append(make.projection("ext", "S", "A", rng.random((candidates, neurons)) < 0.3, 0.1, 0.2))
    population = make.population("A", neurons, v_thresh=-55.0)
    return make.Network((population,), (make.poisson("S", candidates),), tuple(parts))


@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.name)
@pytest.mark.parametrize(("neurons", "count"), [(6, 16), (20, 5), (300, 13), (40, 1)])
def test_every_candidate_reaches_every_row_with_its_number(make, profile, neurons, count):
    mapped = compile(network(make, neurons, count=count), Target(profile=profile))
    verify_mapped(mapped)
    assert not mapped.rounded.lost.any()
    array, p = mapped.config.plastic[0], mapped.described.projections[0]
    arrays = 1 if profile is ideal or neurons <= 8 else 2
    assert array.shape == (arrays * count, neurons)
    first = len(mapped.config.circuits)
    for row in range(array.shape[0]):
        mine = array.row == row
        order = np.argsort(array.event_label[mine])
        assert np.array_equal(array.source[mine][order], first + np.arange(48))
        assert np.array_equal(array.event_label[mine][order], np.arange(48))
    place = places(mapped.split, mapped.scaled, mapped.routing, mapped.rounded, mapped.config.circuits, mapped.master,
                   mapped.config.step_us)["slots"]
    assert np.array_equal(array.label[place.row, place.column], p.pre_index)
    assert len(np.unique(place.row * neurons + place.column)) == len(p)  # each in a slot of its own


@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.name)
def test_a_label_means_a_partner(make, profile):
    """Whichever label all slots have, the neurons follow that candidate alone, as if they were wired to it."""
    times, index = 20.0 + 30.0 * np.arange(5), np.arange(5)
    base = network(make, 3, candidates=5, count=2, beside=False, w_max=5.0).replace(
        sources=(make.spike_array("S", 5, times, index),))
    mapped = compile(base, Target(profile=profile, chip_seed=2))
    start = initial_state(mapped)
    for label in range(5):
        synapses = start.plastic[0].synapses
        wired = synapses.replace(label=np.full_like(synapses.label, label),
                                 weight=np.where(mapped.config.plastic[0].there, 63, 0).astype(np.uint8)[None])
        recording, _ = run(mapped.config, stimulus(mapped), 200.0,
                           start.replace(plastic=(start.plastic[0].replace(synapses=wired),)))
        when = recording.spike_step * base.timestep
        assert len(when) >= 3
        assert np.all((when > times[label] + 1.0) & (when < times[label] + 16.0))


def test_unchanged_slots_act_like_plastic_synapses(make):
    """The same spikes with and without candidates, as long as no rule rewires them."""
    for profile in (ideal, quantised):
        spikes = []
        for candidates in (True, False):
            base = network(make, 12, candidates=20, count=10, weight=0.9)
            p = base.projections[0]
            base = base.replace(projections=(p if candidates else p.replace(candidates=None), *base.projections[1:]))
            mapped = compile(base, Target(profile=profile, seed=4))
            recording, _ = run(mapped.config, stimulus(mapped), 400.0, initial_state(mapped))
            spikes.append(np.stack([recording.spike_step, recording.spike_circuit]))
        assert spikes[0].shape[1] > 50
        assert np.array_equal(*spikes)


def test_one_event_for_a_block_of_drivers(make):
    for count, drivers, events in ((16, 8, 1), (15, 8, 1), (11, 6, 2), (64, 32, 1), (70, 35, 3), (1, 1, 1)):
        mapped = compile(network(make, count=count), Target(profile=quantised))
        verify_mapped(mapped)
        found = mapped.report.to_dict()["projections"]["slots"]["slots"]
        assert found == {"a_neuron": [count, count], "candidates": 48, "drivers": drivers, "events_a_spike": events}
        r = mapped.routing
        mine = r.cell_synapse < 6 * count
        own = np.unique(driver_of_row(r.cell_row[mine]))
        others = np.unique(driver_of_row(r.cell_row[~mine]))
        assert len(own) == drivers
        assert not np.intersect1d(own, others).size
        streams = np.bincount(r.route_source, minlength=54)[6:]
        fixed = compile(network(make, count=count).replace(projections=mapped.described.projections[1:]),
                        Target(profile=quantised)).routing
        assert np.array_equal(streams - np.bincount(fixed.route_source, minlength=54)[6:], np.full(48, events))


@pytest.mark.filterwarnings("ignore:projection .* no route has a delay")
def test_candidates_on_the_chip_are_relayed(make):
    """Recurrent slots: labels are free only for events that come from outside."""
    base = network(make, 40, candidates=40, count=8, pre="A")
    mapped = compile(base, Target(profile=quantised, max_chips=None, circuits_per_neuron=16))  # on two chips
    assert mapped.placement.chips == 2
    verify_mapped(mapped)
    ways = mapped.routing.way[:320]
    assert set(ways.tolist()) == {Way.LOOP, Way.BETWEEN}
    verify_mapped(compile(base, Target(profile=quantised)))


def test_two_projections_of_slots_have_drivers_of_their_own(make):
    base = network(make, 40, count=12)
    more = slots(make, "S", 48, 40, 6, seed=8, label="down", candidates=np.arange(5, 30)[::-1], weight=-0.2,
                 receptor="inhibitory")
    mapped = compile(base.replace(projections=(*base.projections, more)), Target(profile=quantised))
    verify_mapped(mapped)
    up, down = mapped.config.plastic
    assert not np.any(up.input)
    assert np.all(down.input)
    first = len(mapped.config.circuits)
    for label in (0, 24):  # a label is the number among the candidates, in their order
        assert np.all(down.source[down.event_label == label] == first + 29 - label)


def test_blocks_are_aligned_free_and_enough():
    rng = np.random.default_rng(3)
    for share in (0.0, 0.3, 0.7, 1.0):
        for need in range(0, 129, 7):
            taken = np.repeat(rng.random(128) < share, 2)
            blocks = _blocks(need, taken)
            drivers = [(bus, first + i) for bus, first, size in blocks for i in range(size)]
            assert len(drivers) == len(set(drivers)) == min(need, int((~taken).sum()) // 2)
            assert all(first % size == 0 and size & (size - 1) == 0 for _, first, size in blocks)
            number = {(bus_of_driver(d), index_of_driver(d)): d for d in range(128)}
            assert not any(taken[2 * number[d]] for d in drivers)


def test_what_finds_no_place_is_lost(make):
    """An odd row can't be shared: 255 slots take all drivers, and nothing is left for one more projection."""
    base = network(make, 4, count=255, beside=False)
    one = slots(make, "S", 48, 4, 1, seed=5, label="one")
    base = base.replace(projections=(*base.projections, one))
    with pytest.raises(MappingError, match=r"'one': 4 of 4 \(no free row"):
        compile(base, Target(profile=quantised))
    with pytest.warns(MappingWarning, match=r"'one': 4 of 4 \(no free row"):
        mapped = compile(base, Target(profile=quantised, on_loss="warn"))
    verify_mapped(mapped)
    assert np.array_equal(np.flatnonzero(mapped.rounded.lost == Loss.ROWS), 1020 + np.arange(4))
    assert [a.there.sum() for a in mapped.config.plastic] == [1020, 0]


@pytest.mark.parametrize("profile", [ideal, quantised], ids=lambda p: p.name)
def test_refused(make, profile):
    target = Target(profile=profile)
    many = network(make, candidates=65)
    with pytest.raises(MappingError, match=r"65 candidates for each slot; available: 64 labels.*PopulationView of at"):
        compile(many, target)
    p = network(make, beside=False).projections[0]
    for changes, sentence in (
            ({"delay": np.where(np.arange(len(p)) == 3, 2.0, 1.0)}, "delays from 1 to 2 ms in slots; available: one"),
            ({"candidates": np.array([0, 1, 1])}, "candidates that are not different cells"),
            ({"candidates": np.array([0, 48])}, r"different indices 0\.\.47"),
            ({"candidates": np.array([0.0, 1.0])}, "candidates that are not different cells"),
            ({"candidates": np.arange(47)}, "connections from cells that are no candidates"),
            ({"model": "StaticSynapse"}, "candidates for synapses of model 'StaticSynapse'")):
        with pytest.raises(MappingError, match=sentence):
            check_slots(p.replace(**changes), 48)
    with pytest.raises(MappingError, match="no candidates"):
        compile(network(make, beside=False).replace(projections=(p.replace(candidates=np.arange(47)),)), target)


def test_documents_keep_candidates_and_structure_sees_them(make):
    base = network(make)
    back = from_dict(json.loads(json.dumps(base.to_dict())))
    assert np.array_equal(back.projections[0].candidates, np.arange(48))
    assert back.projections[1].candidates is None
    target = Target(profile=quantised)
    mapped = compile(base, target)
    assert same_structure(back, target, mapped)
    turned = base.projections[0].replace(candidates=np.arange(48)[::-1])
    assert not same_structure(base.replace(projections=(turned, *base.projections[1:])), target, mapped)
