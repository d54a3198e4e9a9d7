"""What goes to the chips and what beside them; in a network with everything, events arrive where and as they should."""

import warnings

import numpy as np
import pytest
from pynn_brainscales.emulator import limits
from pynn_brainscales.emulator.profile import ideal, quantised
from pynn_brainscales.emulator.run import run
from pynn_brainscales.mapping.compile import compile
from pynn_brainscales.mapping.errors import MappingError, MappingWarning
from pynn_brainscales.mapping.models import decay_name, port_of, receptor_of_variable
from pynn_brainscales.mapping.network import Network
from pynn_brainscales.mapping.readback import signals
from pynn_brainscales.mapping.shortterm import suits
from pynn_brainscales.mapping.split import BESIDE, RELAY, same_parts, split
from pynn_brainscales.mapping.stimuli import initial_state, stimulus
from pynn_brainscales.mapping.target import Target
from pynn_brainscales.mapping.verify import verify_mapped

IDEAL, CHIP = Target(profile=ideal), Target(profile=quantised)
THREE = {"exc": "CurrExp", "inh": "CurrExp", "slow": "CurrExp"}
ADDITIVE = ("SpikePairRule", "AdditiveWeightDependence")

# --- a network with everything ---------------------------------------------------------------------------------


def everything(make, learning=True, seed=4):
    """Neurons on the chip and beside it and sources, with all kinds of synapses between all of them."""
    rng = np.random.default_rng(seed)

    def cells(label, size, *args, **values):
        return make.cells(label, size, *args, i_offset=rng.uniform(0.78, 1.0, size), **values)

    populations = (
        cells("beside", 4, "IF_cond_alpha", tau_syn_E=rng.uniform(2, 6, 4)), cells("C", 5, tau_syn_I=7.0),
        cells("three", 3, "LIF", THREE, **{"exc.tau_syn": 3.0, "inh.tau_syn": 6.0, "slow.tau_syn": 12.0}),
        cells("D", 4, "IF_cond_exp"))
    sources = (make.poisson("P", 3, 60.0), make.spike_array("A", 3, rng.uniform(0, 90, 20).round(1),
                                                            rng.integers(0, 3, 20)))
    sizes = {p.label: p.size for p in (*populations, *sources)}
    kinds = [("StaticSynapse", {}), ("TsodyksMarkramSynapse", {"tau_facil": 15.0}),
             ("SimpleStochasticSynapse", {"p": 1.0}), ("MultiQuantalSynapse", {"U": 1.0, "tau_rec": 0.0}),
             ("StochasticTsodyksMarkramSynapse", {"U": 1.0, "tau_rec": 0.0}), ("STDPMechanism", {"w_max": 0.6})]
    projections = []
    for i, (pre, n) in enumerate(sizes.items()):
        for j, post in enumerate(populations):
            model, values = kinds[(i + j) % 6]
            pairs = rng.integers(0, (n, post.size), (6, 2))  # some of them twice
            receptors = list(post.cell.receptors)
            receptor = receptors[i % len(receptors)]
            weight = rng.uniform(0.1, 0.4, 6) * (0.05 if post.cell.conductance else 1.0)
            if not post.cell.conductance and receptor.startswith("inh"):
                weight = -weight
            rule = ADDITIVE if model == "STDPMechanism" else ()
            if rule and not learning:
                model, rule = "StaticSynapse", ()
            projections.append(make.projection(f"{pre} to {post.label}", pre, post.label, pairs, weight,
                                               rng.uniform(0.1, 4.0, 6), receptor, model, rule, **values))
    probes = tuple(make.Probe(p.label, v, np.arange(p.size), 0.1) for p in populations for v in p.cell.variables
                   if receptor_of_variable(p.cell, v))
    return Network(populations, sources, tuple(projections), probes, 0.1, 0.1)


def expected(network, r, oracle, shared=lambda p: {}):
    """Currents and conductances of every receptor: (label, variable) -> (samples, cells)."""
    result = {}
    for post in network.populations:
        for variable in post.cell.variables:
            receptor = receptor_of_variable(post.cell, variable)
            if receptor is None:
                continue
            tau = post.parameters[decay_name(post.cell, receptor)]
            events = [np.zeros((3, 0))]
            for p in network.projections:
                if (p.post, p.receptor) == (post.label, receptor) and len(p):
                    c = r.mapped.connections(p.label)
                    delay = np.floor(c["delay"] / network.timestep + 0.5).astype(int)
                    events.append(oracle.arrivals(network, p, r.fired, c["weight"], delay, tau_inact=tau[p.post_index],
                                                  **shared(p)))
            alpha = post.cell.receptors[receptor].response.endswith("Alpha")
            result[post.label, variable] = oracle.course(np.concatenate(events, axis=1), post.size, r.steps, tau,
                                                         network.timestep, "alpha" if alpha else "exp")
    return result


def test_everything_on_a_chip_without_limits(make, oracle):
    network = everything(make)
    r = oracle.execute(network, IDEAL, 100.0)
    verify_mapped(r.mapped)
    assert [p.label for p in r.mapped.split.beside] == ["beside", "three"]
    assert all(len(index) > 3 for index, _ in r.fired.values())
    for p in network.projections:
        c = r.mapped.connections(p.label)
        assert np.array_equal(c["weight"], p.weight)
    for key, wanted in expected(network, r, oracle).items():
        assert np.abs(wanted).max() > 1e-3, key
        np.testing.assert_allclose(r.signals[key], wanted, rtol=0, atol=1e-9 * np.abs(wanted).max(), err_msg=str(key))


def as_realised(network, m):
    """The network with the time constants of synapses that the chip has."""
    populations = []
    for p in network.populations:
        if p.label not in m.split.circuits:
            populations.append(p)
            continue
        c = m.split.circuits[p.label]
        values = dict(p.parameters)
        for receptor in p.cell.receptors:
            side, port = port_of(c.receptor[receptor])
            unit = np.flatnonzero((m.scaled.unit_port == port) & np.isin(
                m.scaled.unit_neuron, m.network.offsets()[p.label] + np.arange(p.size)))
            values[decay_name(p.cell, receptor)] = m.rounded.cells[f"tau_syn_{side[:3]}"].realised[unit]
        populations.append(p.replace(parameters=values))
    return network.replace(populations=tuple(populations))


def through_drivers(p, m):
    """The settings of the drivers of a projection, where it has some, and the factor on its weights."""
    if p.label not in m.split.driver_modes:
        return {}
    post = m.described.population(p.post)
    tau = post.parameters[decay_name(post.cell, p.receptor)][p.post_index]  # as it was asked for
    sets = np.stack([p.initial["u"], *(p.parameters[k] for k in ("U", "tau_rec", "tau_facil")), tau])
    return {"driver": [suits(sets[:, [s]], m.split.drivers[mode - 1], m.target.speedup)[0]
                       for s, mode in enumerate(m.split.driver_modes[p.label].tolist())]}


def test_everything_on_a_chip(make, oracle):
    """What the report's numbers say is what arrives: realised weights, delays and strengths of drivers."""
    network = everything(make, learning=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MappingWarning)
        r = oracle.execute(network, CHIP, 100.0)
    verify_mapped(r.mapped)
    m = r.mapped
    assert [p.label for p in m.split.beside] == ["beside"]
    assert all(len(index) > 3 for index, _ in r.fired.values())
    network = as_realised(network, m)
    for key, wanted in expected(network, r, oracle, lambda p: through_drivers(p, m)).items():
        assert np.abs(wanted).max() > 1e-3, key
        np.testing.assert_allclose(r.signals[key], wanted, rtol=0, atol=1e-9 * np.abs(wanted).max(), err_msg=str(key))


def test_delays_through_the_host(make):
    """Between the chip and what the host computes lies at least the way around the chip, and the report says so."""
    network = make.Network(
        (make.cells("C", 2), make.cells("beside", 2, "IF_curr_alpha"), make.cells("D", 2)), (make.poisson("P", 2),), (
            make.projection("in", "C", "beside", [(0, 1), (1, 0)], 0.1, [0.2, 3.0]),
            make.projection("within", "beside", "beside", [(0, 1)], 0.1, 0.2),
            make.projection("out", "beside", "D", [(0, 1), (1, 0)], 0.1, [0.2, 3.0]),
            make.projection("chance", "C", "D", [(0, 1)], 0.1, 0.2, model="SimpleStochasticSynapse"),
            make.projection("chance in", "C", "beside", [(0, 1)], 0.1, 0.2, model="SimpleStochasticSynapse"),
            make.projection("source in", "P", "beside", [(0, 1)], 0.1, 0.2, model="SimpleStochasticSynapse"),
            make.projection("learns", "C", "beside", [(0, 1)], 0.1, 0.2, model="STDPMechanism", rule=ADDITIVE),
            make.projection("source on", "P", "D", [(0, 1)], 0.1, 0.2, model="SimpleStochasticSynapse"),
            make.projection("direct", "C", "D", [(0, 1)], 0.1, 0.2)))
    with pytest.warns(MappingWarning) as warned:
        mapped = compile(network, CHIP)
    told = "\n".join(str(w.message) for w in warned)
    assert "'out': no route has a delay of 0.2 ms, the nearest is 0.904 ms" in told
    for label in ("in", "chance in", "learns"):
        assert f"'{label}': spikes of a chip reach cells beside it after 0.9 ms, not 0.2 ms" in told
    assert "'source" not in told
    assert "'within'" not in told
    verify_mapped(mapped)
    loop = limits.LATENCY_LOOP_US  # at a speed-up of 1000 a millisecond is a microsecond
    got = {p.label: mapped.connections(p.label)["delay"] for p in network.projections}
    wanted = {"in": [loop, 3.0], "within": [0.2], "out": [0.904, 3.0], "chance": [0.904], "chance in": [loop],
              "source in": [0.2], "source on": [0.2], "learns": [loop], "direct": [0.2]}
    for label, delays in wanted.items():
        np.testing.assert_allclose(got[label], delays, atol=1e-9, err_msg=label)
    assert mapped.config.beside.synapses[0].delay_steps.tolist() == [9, 30, 2, 9, 2]
    pairs = mapped.config.pairs[0].synapses
    assert (pairs.pre_delay_steps + pairs.post_delay_steps).tolist() == [9]
    report = mapped.report.to_dict()
    assert report["beside"]["projections"]["in"]["delay_got"] == pytest.approx([0.9, 3.0])
    assert report["beside"]["learning"]["learns"]["delay_asked"] == [0.2, 0.2]
    assert "in: 2 synapses, beside the chip\n  delay                  0.2 .. 3 -> 0.9 .. 3" in str(mapped.report)
    without = compile(network, IDEAL)
    assert all(np.array_equal(without.connections(p.label)["delay"], p.delay) for p in network.projections)


# --- what goes where -------------------------------------------------------------------------------------------

FOUR = {"a": "CondExp", "b": "CondExp", "c": "CondExp", "d": "CondExp"}
PLACES = [  # model, receptors, on a chip without limits, on a chip: the circuits' model, None beside
    ("IF_curr_exp", None, "IF_curr_exp", "IF_curr_exp"), ("IF_cond_exp", None, "IF_cond_exp", "IF_cond_exp"),
    ("EIF_cond_exp_isfa_ista", None, "EIF_cond_exp_isfa_ista", "EIF_cond_exp_isfa_ista"),
    ("IF_facets_hardware1", None, "IF_cond_exp", "IF_cond_exp"), ("IF_curr_delta", None, None, "IF_curr_exp"),
    ("IF_curr_alpha", None, None, None), ("IF_cond_alpha", None, None, None),
    ("EIF_cond_alpha_isfa_ista", None, None, None), ("IF_cond_exp_gsfa_grr", None, None, None),
    ("HH_cond_exp", None, None, None), ("Izhikevich", None, None, None), ("GIF_cond_exp", None, None, None),
    ("LIF", {}, "IF_curr_exp", "IF_curr_exp"), ("LIF", {"I": "CurrExp"}, "IF_curr_exp", "IF_curr_exp"),
    ("LIF", {"g": "CondExp"}, "IF_cond_exp", "IF_cond_exp"), ("LIF", FOUR, None, "IF_cond_exp"),
    ("LIF", {"g": "CondAlpha"}, None, None), ("LIF", {"I": "CurrExp", "slow": "CurrAlpha"}, None, None),
    ("LIF", {"g": "CondBeta"}, None, None), ("LIF", {"I": "Delta"}, None, None),
    ("AdExp", {"I": "CurrExp"}, "EIF_curr_exp", "EIF_curr_exp"),
    ("AdExp", {"g": "CondExp"}, "EIF_cond_exp_isfa_ista", "EIF_cond_exp_isfa_ista")]


@pytest.mark.parametrize(("model", "receptors", "free", "limited"), PLACES, ids=lambda x: str(x))
def test_what_goes_where(make, model, receptors, free, limited):
    network = make.Network((make.cells("first", 2), make.cells("A", 3, model, receptors)), (), ())
    for target, wanted in ((IDEAL, free), (CHIP, limited)):
        parts = split(network, target)
        assert ("A" in parts.circuits) == (wanted is not None)
        assert [p.label for p in parts.beside] == ([] if wanted else ["A"])
        assert [s.model for s in parts.network.sources] == ([] if wanted else [BESIDE])
        if wanted:
            assert parts.circuits["A"].population.model == wanted
            assert parts.network.population("A") is parts.circuits["A"].population
        assert parts.network.offsets()["A"] == 2
    refused = CHIP.replace(off_chip="error"), IDEAL.replace(off_chip="error")
    for target in refused:  # what a chip holds may be computed beside one without limits
        if limited:
            split(network, target)
        else:
            with pytest.raises(MappingError, match=rf"'A': cell model '{model}'; .*setup\(off_chip='emulate'\)"):
                split(network, target)


SYNAPSES = [  # model, onto: relays of 6 synapses from 2 sources with one set of parameters, without limits and with
    ("StaticSynapse", "C", 0, 0), ("StaticSynapse", "beside", 0, 0), ("TsodyksMarkramSynapse", "C", 2, 0),
    ("TsodyksMarkramSynapse", "beside", 2, 2), ("SimpleStochasticSynapse", "C", 6, 6),
    ("SimpleStochasticSynapse", "beside", 6, 6), ("StochasticTsodyksMarkramSynapse", "C", 6, 6),
    ("MultiQuantalSynapse", "C", 6, 6), ("MultiQuantalSynapse", "beside", 6, 6), ("STDPMechanism", "beside", 0, 0)]


@pytest.mark.parametrize(("model", "post", "free", "limited"), SYNAPSES)
def test_which_synapses_need_relays(make, model, post, free, limited):
    rule = ADDITIVE if model == "STDPMechanism" else ()
    pairs = [(i, j) for i in (1, 3) for j in range(3)]
    p = make.projection("p", "S", post, pairs, np.arange(1.0, 7.0) / 10, 1.0, model=model, rule=rule)
    cells = make.cells("C", 3), make.cells("beside", 3, "IF_curr_alpha")
    network = make.Network(cells, (make.poisson("S", 4),), (p,))
    for target, wanted in ((IDEAL, free), (CHIP, limited)):
        parts = split(network, target)
        assert sum(len(r.source) for r in parts.relays) == wanted
        assert [s.size for s in parts.network.sources if s.model == RELAY] == ([wanted] if wanted else [])
        assert bool(parts.learning) == bool(rule)
        assert len(parts.network.projections) == (post == "C" and not rule)
        assert len(parts.aside) == (post == "beside" and not rule)
        assert set(parts.driver_modes) == ({"p"} if model[0] == "T" and post == "C" and target is CHIP else set())
        for q in (*parts.network.projections, *parts.aside):
            assert q.model == "StaticSynapse"
            np.testing.assert_array_equal(q.post_index, p.post_index)
            if wanted:  # 3 neurons first, then the sources: through the relay an event comes from where it was asked to
                source = parts.relays[0].source[q.pre_index]
                np.testing.assert_array_equal(source, p.pre_index + 3)
                np.testing.assert_allclose(q.weight * (3.0 if model == "MultiQuantalSynapse" else 1.0), p.weight)
        verify_mapped(compile_quietly(network, target))


def compile_quietly(network, target):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MappingWarning)
        return compile(network, target)


def test_relays_are_shared_by_equal_parameters_only(make):
    """Views of heterogeneous parameters: one relay for each source and set of parameters, and of time constants."""
    rng = np.random.default_rng(2)
    pairs = rng.integers(0, (4, 6), (60, 2))
    use, tau_syn = rng.choice([0.2, 0.5], 60), np.array([3.0, 3.0, 3.0, 9.0, 9.0, 5.0])
    p = make.projection("p", "S", "A", pairs, rng.uniform(0.1, 1.0, 60), 1.0, model="TsodyksMarkramSynapse", U=use,
                        tau_rec=rng.choice([50.0, 80.0], 60))
    network = make.Network((make.cells("A", 6, tau_syn_E=tau_syn),), (make.poisson("S", 4),), (p,))
    relay = split(network, IDEAL).relays[0]
    index = split(network, IDEAL).network.projections[0].pre_index
    wanted = dict(p.parameters) | {
        "source": pairs[:, 0] + 6, "u": np.zeros(60), "tau_inact": tau_syn[pairs[:, 1]]}
    for name, values in wanted.items():
        got = relay.source if name == "source" else relay.parameters[name]
        np.testing.assert_array_equal(got[index], values, err_msg=name)
    assert len(relay.source) == len(np.unique(np.stack(list(wanted.values())), axis=1).T)


@pytest.mark.parametrize("target", [IDEAL, CHIP], ids=lambda t: t.profile.name)
@pytest.mark.parametrize("post", ["IF_curr_exp", "IF_cond_alpha"])
@pytest.mark.parametrize("model", ["StaticSynapse", "TsodyksMarkramSynapse", "SimpleStochasticSynapse",
                                   "StochasticTsodyksMarkramSynapse", "MultiQuantalSynapse", "STDPMechanism"])
def test_projections_without_synapses(make, oracle, model, post, target):
    rule = ADDITIVE if model == "STDPMechanism" else ()
    network = make.Network((make.cells("A", 2, post),), (make.poisson("S", 2),), (
        make.projection("p", "S", "A", [], model=model, rule=rule),),
        observed=(make.SynapseProbe("p", 1.0),) if rule else ())
    mapped = compile_quietly(network, target)
    verify_mapped(mapped)
    assert "p: 0 synapses" in str(mapped.report)
    assert all(len(values) == 0 for values in mapped.connections("p").values())
    r = oracle.execute(network, target, 5.0)
    assert not rule or r.weights["p"][1].shape == (6, 0)


def test_labels_that_pseudo_sources_would_have(make, oracle):
    """A user may call a population as the relays of a projection are called."""
    name = f"p ({RELAY})"
    network = make.Network((make.cells("A", 3),), (make.spike_array("S", 2, [1.0, 5.0], [0, 1]),
                                                   make.spike_array(name, 3, [2.0, 3.0, 4.0], [0, 1, 2])), (
        make.projection("p", "S", "A", [(0, 0), (1, 1)], 0.1, 1.0, model="SimpleStochasticSynapse", p=1.0),
        make.projection("q", name, "A", [(0, 1), (2, 2)], 0.2, 1.0)), (make.Probe("A", "isyn_exc", np.arange(3), 0.1),))
    for target in (IDEAL, CHIP):
        r = oracle.execute(network, target, 10.0)
        labels = [s.label for s in r.mapped.network.sources]
        assert labels == ["S", name, f"{name} 2"]
        arrived = np.argmax(r.signals["A", "isyn_exc"] > 0, axis=0)
        assert arrived.tolist() == [20, 30, 50]


def test_probes_keep_their_order(make, oracle):
    """Of cells on the chip and beside it, in turn; every signal is that of its own cells."""
    names = ["C", "beside", "D", "other"]
    populations = [make.cells(n, 3, "IF_curr_alpha" if n in ("beside", "other") else "IF_curr_exp") for n in names]
    populations = tuple(p.replace(initial=dict(p.initial) | {"v": -60.0 + 3 * i + np.arange(3.0)})
                        for i, p in enumerate(populations))
    probes = tuple(make.Probe(n, "v", np.array(index), 0.5) for n, index in zip(
        (*names, "beside", "C"), ([2], [0, 1], [1, 2], [2, 0], [2], [0, 1]), strict=True))
    network = make.Network(populations, (), (), probes)
    mapped = compile_quietly(network, CHIP)
    assert mapped.split.probes == ((False, 0), (True, 0), (False, 1), (True, 1), (True, 2), (False, 2))
    recording, _ = run(mapped.config, stimulus(mapped), 1.0, initial_state(mapped))
    for probe, signal in zip(probes, signals(mapped, recording), strict=True):
        assert signal.population == probe.population
        start = network.population(probe.population).initial["v"][probe.index]
        np.testing.assert_allclose(signal.values[0], start, atol=1e-9)
        np.testing.assert_allclose(signal.times, [0.0, 0.5, 1.0])


def test_refused(make):
    learning = make.Network((make.cells("A", 1),), (make.poisson("S", 1),), (
        make.projection("p", "S", "A", [(0, 0)], 0.1, model="STDPMechanism", rule=ADDITIVE),))
    nothing = learning.replace(projections=(learning.projections[0].replace(
        weight=np.zeros(1), parameters=dict(learning.projections[0].parameters) | {"w_max": np.zeros(1)}),))
    with pytest.raises(MappingError, match=r"projection 'p': w_max=0; available: w_max > 0 on chips"):
        compile(nothing, CHIP)
    for name, available in (("probe of 'B'", "v of cells"), ("weights of 'p'", "weights")):
        cells = make.cells("B", 1, "IF_curr_alpha")
        network = make.Network((make.cells("A", 1), cells), (make.poisson("S", 1),), learning.projections,
                               (make.Probe("B", "v", np.array([0]), 0.15),) if available[0] == "v" else (),
                               observed=() if available[0] == "v" else (make.SynapseProbe("p", 0.15),))
        with pytest.raises(MappingError, match=f"{name}: a sampling interval of 0.15 ms; available: multiples of the"):
            compile_quietly(network, IDEAL)


# --- a mapping used again --------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [IDEAL, CHIP], ids=lambda t: t.profile.name)
def test_values_on_an_old_mapping(make, oracle, target):
    """A network with everything and other values, on the places of the first, is what it would be by itself."""
    first = everything(make, learning=target is IDEAL)
    weaker = 0.8 if target is CHIP else np.random.default_rng(1).uniform(0.5, 0.9, 6)  # with the same number of rows
    second = first.replace(
        populations=tuple(p.replace(parameters=dict(p.parameters) | {"v_thresh": p.parameters["v_thresh"] - 2.0})
                          for p in first.populations),
        projections=tuple(p.replace(weight=p.weight * weaker) for p in first.projections), probes=first.probes[:3])
    old = compile_quietly(first, target)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MappingWarning)
        mapped = compile(second, target, old)
    assert mapped.placement is old.placement
    assert same_parts(mapped.split, old.split)
    verify_mapped(mapped)
    anew = compile_quietly(second, target)
    assert oracle.differences(old.config, anew.config) != []
    assert oracle.differences(mapped.config, anew.config) == []


CURRENTS, CONDUCTANCES = {"a": "CurrExp", "b": "CurrExp"}, {"a": "CondExp", "b": "CondExp"}


def two_receptors(make, receptors, weights, **values):
    pairs = [(0, 0), (1, 1)]
    return make.Network((make.cells("L", 3, "LIF", receptors, **values),), (make.poisson("S", 2),), tuple(
        make.projection(f"to {r}", "S", "L", pairs, w, 1.0, r) for r, w in zip("ab", weights, strict=True)))


def depressing(make, post, tau_syn):
    return make.Network((make.cells("C", 3), make.cells("post", 3, post, tau_syn_E=tau_syn)), (make.poisson("S", 2),), (
        make.projection("p", "S", "post", [(0, 0), (1, 1), (0, 1)], 0.1, 1.0, model="TsodyksMarkramSynapse"),
        make.projection("q", "S", "C", [(0, 2)], 0.1, 1.0, model="SimpleStochasticSynapse")))


MOVED = {  # values that change what is a circuit, which input a receptor is, how many relays there are, or drivers
    "signs": lambda make: (two_receptors(make, CURRENTS, (0.1, -0.1)), two_receptors(make, CURRENTS, (-0.1, 0.1))),
    "one sign": lambda make: (two_receptors(make, CURRENTS, (0.1, -0.1)), two_receptors(make, CURRENTS, (0.1, 0.1))),
    "both signs": lambda make: (two_receptors(make, CURRENTS, (0.1, -0.1)),
                                two_receptors(make, CURRENTS, (np.array([0.1, -0.1]), -0.1))),
    "reversal": lambda make: tuple(
        two_receptors(make, CONDUCTANCES, (0.01, 0.02), **{"a.e_syn": a, "b.e_syn": -80.0 - a}) for a in (0.0, -80.0)),
    "relays": lambda make: tuple(depressing(make, "IF_curr_alpha", tau) for tau in (5.0, np.array([5.0, 9.0, 7.0]))),
    "drivers": lambda make: tuple(depressing(make, "IF_curr_exp", tau) for tau in (1.0, np.array([1.0, 30.0, 1.0])))}


@pytest.mark.parametrize("target", [IDEAL, CHIP], ids=lambda t: t.profile.name)
@pytest.mark.parametrize("case", MOVED)
def test_values_that_move_parts(make, oracle, case, target):
    first, second = MOVED[case](make)
    assert same_parts(split(first, target), split(first, target))
    assert not same_parts(split(first, target), split(second, target))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MappingWarning)
        mapped = compile(second, target, compile(first, target))
    verify_mapped(mapped)
    assert oracle.differences(mapped.config, compile_quietly(second, target).config) == []
