"""The compiler as a whole: structures used again, bad networks refused."""

import numpy as np
import pytest
from pynn_brainscales.emulator.profile import ideal, quantised
from pynn_brainscales.emulator.run import run
from pynn_brainscales.mapping.compile import compile, same_structure
from pynn_brainscales.mapping.errors import MappingError, MappingWarning
from pynn_brainscales.mapping.mapped import Way
from pynn_brainscales.mapping.network import Network, Probe, Source
from pynn_brainscales.mapping.readback import signals, spikes
from pynn_brainscales.mapping.stimuli import initial_state, stimulus
from pynn_brainscales.mapping.target import Target
from pynn_brainscales.mapping.verify import verify_mapped

CHIP, IDEAL = Target(profile=quantised), Target(profile=ideal)


@pytest.mark.parametrize("target", [CHIP, IDEAL, Target()], ids=lambda t: t.profile.name)
@pytest.mark.parametrize("model", ["IF_curr_exp", "IF_cond_exp", "EIF_cond_exp_isfa_ista"])
def test_end_to_end(make, model, target):
    network = make.recurrent(60, 0.2, model=model, weight=0.2 if model == "IF_curr_exp" else 0.004, sources=10)
    network = network.replace(probes=(Probe("E", "v", np.arange(3), 0.5),))
    mapped = compile(network, target)
    verify_mapped(mapped)
    recording, _ = run(mapped.config, stimulus(mapped), 300.0, initial_state(mapped))
    fired = spikes(mapped, recording)
    assert set(fired) == {"E", "I", "S"}
    assert abs(len(fired["S"][0]) - 10 * 20 * 0.3) < 40
    v = signals(mapped, recording)[0]
    assert v.values.shape == (601, 3)
    assert np.all(np.abs(v.values[0] + 65.0) < 2.0)


def test_values_use_the_old_routes(make):
    network = make.recurrent(100, 0.1)
    first = compile(network, CHIP)
    weaker = network.replace(projections=tuple(p.replace(weight=p.weight * 0.5) for p in network.projections))
    second = compile(weaker, CHIP, first)
    assert second.routing is first.routing
    assert second.placement is first.placement
    verify_mapped(second)
    np.testing.assert_allclose(second.rounded.drive.requested / second.scaled.alpha[second.scaled.neuron],
                               0.5 * first.rounded.drive.requested / first.scaled.alpha[first.scaled.neuron])


def test_scale_and_gains_stand_still_in_a_run(make):
    network = make.recurrent(60, 0.2)
    first = compile(network, CHIP)
    p = network.projections[0]
    weaker = network.replace(projections=(p.replace(weight=p.weight * 0.5), *network.projections[1:]))
    second = compile(weaker, CHIP, first, running=True)
    verify_mapped(second)
    assert np.array_equal(second.rounded.gm, first.rounded.gm)
    assert np.array_equal(second.scaled.alpha, first.scaled.alpha)
    rest = slice(len(p), None)
    assert np.array_equal(second.rounded.drive.realised[rest], first.rounded.drive.realised[rest])
    # potentials that leave the ranges need another scale
    moved = network.replace(populations=tuple(
        q.replace(parameters=dict(q.parameters) | {"v_thresh": q.parameters["v_thresh"] + 30.0})
        for q in network.populations))
    third = compile(moved, CHIP, first, running=True)
    verify_mapped(third)
    assert np.all(third.scaled.alpha < first.scaled.alpha)
    assert not any(q.clipped.any() for q in third.rounded.cells.values())


def test_weights_that_outgrow_their_rows_are_mapped_anew(make):
    network = make.recurrent(20, 0.1)
    first = compile(network, CHIP)
    huge = network.replace(projections=tuple(p.replace(weight=p.weight * 1000.0) for p in network.projections))
    with pytest.warns(MappingWarning, match="mapped anew"):
        second = compile(huge, CHIP, first)
    assert second.routing is not first.routing
    verify_mapped(second)


def test_structure_is_told_from_values(make):
    network = make.recurrent(20, 0.2)
    mapped = compile(network, CHIP)
    p = network.projections[0]
    assert same_structure(network, CHIP, mapped)
    assert not same_structure(network, IDEAL, mapped)
    for change in (p.replace(delay=p.delay + 1.0), p.replace(receptor="inhibitory"),
                   p.replace(pre_index=p.pre_index[::-1])):
        assert not same_structure(network.replace(projections=(change, *network.projections[1:])), CHIP, mapped)


def test_nothing_but_sources(make):
    network = Network((), (make.poisson("S", 3),), ())
    for target in (CHIP, IDEAL, Target()):
        mapped = compile(network, target)
        recording, _ = run(mapped.config, stimulus(mapped), 1000.0, initial_state(mapped))
        assert len(spikes(mapped, recording)["S"][0]) > 20
        assert str(mapped)


def base(make, **values):
    return make.Network((make.population("A", 2, **values),), (make.poisson("S", 2),),
                        (make.projection("p", "S", "A", [(0, 0), (1, 1)], 0.1, 1.0),))


BAD = [
    ({"tau_m": 0.0}, r"population 'A': tau_m=0; available: tau_m > 0"),
    ({"tau_refrac": -1.0}, r"tau_refrac=-1; available: tau_refrac >= 0"),
    ({"v_thresh": -80.0}, r"v_thresh=-80 mV for neuron 0, below its whole range.*raise the threshold"),
    ({"v_thresh": np.nan}, r"parameter 'v_thresh' has values that are not finite")]


@pytest.mark.parametrize(("values", "sentence"), BAD)
def test_bad_cells(make, values, sentence):
    for target in (CHIP, IDEAL):
        with pytest.raises(MappingError, match=sentence):
            compile(base(make, **values), target)


@pytest.mark.parametrize(("change", "sentence"), [
    ({"weight": np.array([-0.1, 0.1])}, "a weight of -0.1 for current-based excitatory synapses; available: weights"),
    ({"receptor": "inhibitory"}, "a weight of 0.1 for current-based inhibitory synapses; available: weights <= 0"),
    ({"delay": np.array([0.01, 1.0])}, r"a delay of 0.01 ms; available: delays of at least 0.1 ms.*raise the delay"),
    ({"receptor": "NMDA"}, "receptor 'NMDA'; available: excitatory, inhibitory"),
    ({"pre": "X"}, "presynaptic population 'X'; available: 'A', 'S'"), ({"post": "S"}, "spike sources receive no"),
    ({"pre_index": np.array([0, 7])}, "pre_index from 0 to 7; available: 0..1"),
    ({"weight": np.array([0.1])}, r"weight of shape \(1,\); available: four equal 1-D shapes")])
def test_bad_synapses(make, change, sentence):
    network = base(make)
    bad = network.replace(projections=(network.projections[0].replace(**change),))
    with pytest.raises(MappingError, match=sentence):
        compile(bad, CHIP)


def test_bad_networks(make):
    network = base(make)
    with pytest.raises(MappingError, match="cell model 'HH_cond'; available: IF_curr_exp, IF_curr_alpha"):
        compile(network.replace(populations=(network.populations[0].replace(model="HH_cond"),)), CHIP)
    with pytest.raises(MappingError, match="two parts are labelled 'A'"):
        compile(network.replace(populations=network.populations * 2), CHIP)
    with pytest.raises(MappingError, match=r"variable 'w'; available: v, isyn_exc"):
        compile(network.replace(probes=(Probe("A", "w", np.arange(2), 1.0),)), CHIP)
    with pytest.raises(MappingError, match=r"a sampling interval of 0.15 ms; available: multiples of the timestep"):
        compile(network.replace(probes=(Probe("A", "v", np.arange(2), 0.15),)), CHIP)
    with pytest.raises(MappingError, match="source model 'SpikeSourceNoise'"):
        compile(network.replace(sources=(Source("S", 2, "SpikeSourceNoise", {}),)), CHIP)
    dead = {"rate": np.full(2, 300.0), "tau_refrac": np.full(2, 5.0), "start": np.zeros(2), "duration": np.ones(2)}
    with pytest.raises(MappingError, match=r"rate=300 Hz with tau_refrac=5 ms; available: a mean rate below 200 Hz"):
        compile(network.replace(sources=(Source("S", 2, "SpikeSourcePoissonRefractory", dead),)), CHIP)
    with pytest.warns(MappingWarning, match=r"timestep of 1 ms is 1 us"):
        compile(make.Network((make.population("A", 1),), (), (), timestep=1.0, min_delay=1.0), CHIP)


def test_too_large_for_the_target(make):
    with pytest.raises(MappingError, match=r"600 neurons.*available: 512 circuits on 1 chip"):
        compile(make.Network((make.population("A", 600),), (), ()), CHIP.replace(max_chips=1))
    wide = make.Network((make.population("A", 1),), (make.poisson("S", 70_000),), (
        make.projection("p", "S", "A", [(i, 0) for i in range(70_000)], 0.01, 1.0),))
    with pytest.raises(MappingError, match=r"fan-in of 70000 rows.*available: 256 joined circuits of 256 rows"):
        compile(wide, CHIP)
    dense = make.Network((make.population("A", 2),), (make.poisson("S", 600),), (
        make.projection("p", "S", "A", np.ones((600, 2), bool), 0.01, 1.0),))
    assert compile(dense, CHIP).expanded.circuits.tolist() == [3, 3]


def test_what_is_connected_place_by_place_lies_on_one_chip(make):
    """Columns of a neuron of A and four of B: their spikes need not leave the chip."""
    columns = [(i // 4, i) for i in range(1200)]
    network = make.Network((make.population("A", 300), make.population("B", 1200)), (), (
        make.projection("down", "A", "B", columns, 0.1, 0.2),
        make.projection("up", "B", "A", [(j, i) for i, j in columns], 0.1, 0.2)))
    mapped = compile(network, CHIP)
    assert mapped.placement.chips == 3
    assert np.mean(mapped.routing.way == Way.DIRECT) > 0.99
    assert np.ptp(np.bincount(mapped.placement.chip)) <= 1


def test_random_networks_are_placed_in_order(make):
    mapped = compile(make.recurrent(1100, 0.02), CHIP)
    assert mapped.placement.chips == 3
    assert np.all(np.diff(mapped.placement.chip) >= 0)


def test_chips_that_all_hear_the_same_are_filled_in_order_where_that_loses_less(make):
    dense = make.Network((make.population("A", 510), make.population("B", 510)), (), (
        make.projection("p", "A", "B", np.ones((510, 510), bool), 0.01, 0.2),))
    mapped = compile(dense, CHIP.replace(on_loss="warn"))
    assert mapped.placement.chips == 3
    assert not mapped.rounded.lost.any()
    assert np.all(np.diff(mapped.placement.chip) >= 0)


@pytest.mark.parametrize("size", [400, 480, 496])
def test_one_neuron_counts_the_spikes_of_a_chip(make, size):
    """Spikes of one event output come to both of its circuits: to one of them they would need too many rows."""
    counter = make.Network((make.population("A", size), make.population("counter", 1)), (), (
        make.projection("count", "A", "counter", [(i, 0) for i in range(size)], 0.05, 0.2),))
    mapped = compile(counter, CHIP.replace(on_loss="warn"))
    assert mapped.expanded.circuits[-1] == 2
    assert not mapped.rounded.lost.any()


def test_targets_that_make_no_sense():
    for change, sentence in (({"on_loss": "ignore"}, "on_loss='ignore'; available: 'error', 'warn'"),
                             ({"max_chips": 0}, "max_chips=0"), ({"circuits_per_neuron": 0}, "1 to 256"),
                             ({"speedup": 0.0}, "speedup=0")):
        with pytest.raises(MappingError, match=sentence):
            CHIP.replace(**change)
