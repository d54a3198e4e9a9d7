"""What the emulator is told about cells beside the chip, relays and learning synapses; exact plasticity in a run."""

import warnings

import numpy as np
import pytest
from pynn_brainscales.emulator.profile import ideal, quantised
from pynn_brainscales.emulator.relays import Kind
from pynn_brainscales.mapping.aside import kernel_variable, learning_sign
from pynn_brainscales.mapping.compile import compile
from pynn_brainscales.mapping.errors import MappingError, MappingWarning
from pynn_brainscales.mapping.models import DEPENDENCE
from pynn_brainscales.mapping.target import Target
from pynn_brainscales.mapping.verify import verify_mapped

IDEAL, CHIP = Target(profile=ideal), Target(profile=quantised)
THREE = {"exc": "CurrExp", "inhibitory": "CurrExp", "slow": "CurrExp"}
RULES = [*(("SpikePairRule", d) for d in DEPENDENCE), ("Vogels2011Rule", "AdditiveWeightDependence")]
FRACTIONS = pytest.mark.parametrize("fraction", [0.0, 0.5, 1.0])


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MappingWarning)
        yield


# --- plasticity ------------------------------------------------------------------------------------------------

PAIR = {"tau_plus": 18.0, "tau_minus": 25.0, "A_plus": 0.02, "A_minus": 0.03, "w_min": 0.02, "w_max": 0.4,
        "mu_plus": 0.3, "mu_minus": 0.7, "tau": 18.0, "eta": 0.004, "rho": 8.0}
W = 0.1  # weight at the start


def written_out(rule, dt):
    """The weight after one pair, effective dt ms apart, presynaptic first if dt > 0: the formulas in numbers."""
    timing, dependence = rule
    if timing == "Vogels2011Rule":
        alone = W - 0.004 * 2.0 * 8e-3 * 18.0
        return alone + 0.004 * np.exp(-abs(dt) / 18.0)
    up, down = 0.02 * np.exp(-dt / 18.0), 0.03 * np.exp(dt / 25.0)
    if dt > 0:
        return W + {"AdditiveWeightDependence": up * 0.4, "MultiplicativeWeightDependence": up * (0.4 - W),
                    "AdditivePotentiationMultiplicativeDepression": up * 0.4,
                    "GutigWeightDependence": up * 0.38 * ((0.4 - W) / 0.38) ** 0.3}[dependence]
    return W - {"AdditiveWeightDependence": down * 0.4, "MultiplicativeWeightDependence": down * (W - 0.02),
                "AdditivePotentiationMultiplicativeDepression": down * (W - 0.02),
                "GutigWeightDependence": down * 0.38 * ((W - 0.02) / 0.38) ** 0.7}[dependence]


def post_cells(make, model, size=1, **values):
    cells = {"three": ("LIF", THREE)}.get(model, (model, None))
    return make.cells("post", size, *cells, **values)


def learning(make, post, pre_times, forced, receptor="excitatory", weight=W, delay=2.0, rule=RULES[0], pairs=None,
             **values):
    """Presynaptic spikes as given, postsynaptic ones forced; (ms, index) each."""
    strong = 3.0 if post.cell.conductance else 60.0
    exc = next(iter(post.cell.receptors))
    sources = (make.spike_array("S", 3, *pre_times), make.spike_array("F", post.size, *forced))
    pairs = [(0, 0)] if pairs is None else pairs
    return make.Network((post,), sources, (
        make.projection("p", "S", "post", pairs, weight, delay, receptor, "STDPMechanism", rule, **PAIR | values),
        make.projection("force", "F", "post", [(i, i) for i in range(post.size)], strong, 0.1, exc)),
        tuple(make.Probe("post", v, np.arange(post.size), 0.1) for v in post.cell.variables if "syn" in v),
        observed=(make.SynapseProbe("p", 0.1),))


ONTO = [("IF_curr_exp", "excitatory"), ("IF_curr_exp", "inhibitory"), ("IF_cond_exp", "excitatory"),
        ("IF_cond_exp", "inhibitory"), ("IF_cond_alpha", "excitatory"), ("IF_curr_alpha", "inhibitory"),
        ("three", "slow"), ("three", "inhibitory")]


@FRACTIONS
@pytest.mark.parametrize("rule", RULES, ids=lambda r: r[0][0] + r[1])
@pytest.mark.parametrize(("model", "receptor"), ONTO)
def test_one_pair(make, oracle, model, receptor, rule, fraction):
    """On circuits and on cells beside the chip; weights of inhibitory currents are negative, and grow in magnitude."""
    post = post_cells(make, model, tau_refrac=100.0)  # one spike only
    sign = -1.0 if receptor == "inhibitory" and not post.cell.conductance else 1.0
    for apart in (7.0, -6.0):
        network = learning(make, post, ([20.0], [0]), ([20.0 + apart], [0]), receptor, sign * W, rule=rule,
                           dendritic_delay_fraction=fraction)
        r = oracle.execute(network, IDEAL, 60.0)
        (index, steps), = [r.fired["post"]]
        assert index.tolist() == [0]
        assert abs(steps[0] - 10 * (20.0 + apart)) < 30
        dt = 0.1 * (steps[0] + round(20 * fraction) - (200 + round(20 * (1 - fraction))))
        times, weights = r.weights["p"]
        wanted = written_out(rule, dt)
        assert weights[-1, 0] == pytest.approx(sign * wanted, abs=1e-12)
        assert r.state.pairs[0].weights[0, 0] == pytest.approx(wanted, abs=1e-12)
        assert weights[0, 0] == pytest.approx(sign * W)
        assert abs(wanted - W) > 1e-4
        np.testing.assert_allclose(times, 0.1 * np.arange(601))
        # the only event arrives after the whole delay, with the weight that its own arrival has left
        _, other = np.unique(weights[:, 0], return_index=True)
        assert len(other) <= 3
        first = 200 + round(20 * (1 - fraction))
        amount = weights[first if fraction < 1 else first + 1, 0]
        receptors = list(post.cell.receptors)
        variable = [v for v in post.cell.variables if "syn" in v][receptors.index(receptor)]
        current = r.signals["post", variable][:, 0]
        alpha = model.endswith("alpha")
        if receptors.index(receptor) > 0:  # else there is the forcing current, too
            assert np.all(current[:220] == 0.0)
            t = 0.1 * np.arange(381)
            course = t / 5.0 * np.exp(1 - t / 5.0) if alpha else np.exp(-t / 5.0)
            np.testing.assert_allclose(current[220:], amount * course, rtol=0, atol=1e-12)


@FRACTIONS
@pytest.mark.parametrize("rule", RULES, ids=lambda r: r[0][0] + r[1])
@pytest.mark.parametrize("model", ["IF_curr_exp", "three"])
def test_many_pairs(make, oracle, model, rule, fraction):
    """All pairs of irregular trains, synapses that all differ: every weight as summed pair by pair."""
    rng = np.random.default_rng(8)
    post = post_cells(make, model, 2)
    pairs = [(i, j) for i in range(3) for j in range(2)] + [(0, 0)]
    m = len(pairs)
    spans = {"A_plus": (0, 0.03), "A_minus": (0, 0.03), "eta": (0, 0.004), "w_max": (0.3, 0.6), "tau_plus": (10, 30),
             "tau_minus": (10, 30), "tau": (10, 30)}
    values = {name: rng.uniform(*span, m) for name, span in spans.items()}
    network = learning(
        make, post, (rng.uniform(0, 190, 30).round(1), rng.integers(0, 3, 30)),
        (rng.uniform(0, 190, 24).round(1), rng.integers(0, 2, 24)), "inhibitory", -rng.uniform(0.05, 0.3, m),
        rng.uniform(0.1, 5.0, m), rule, pairs, dendritic_delay_fraction=fraction, **values)
    r = oracle.execute(network, IDEAL, 260.0)  # at the end all spikes have become effective
    verify_mapped(r.mapped)
    assert len(r.fired["post"][0]) > 15
    p = network.projections[0]
    start = np.abs(p.weight)
    for s, (i, j) in enumerate(pairs):
        own = {name: float(values[s]) for name, values in p.parameters.items()}
        pre, fired = (np.sort(k[index == cell]) for (index, k), cell in ((r.fired["S"], i), (r.fired["post"], j)))
        delay = int(np.floor(p.delay[s] / 0.1 + 0.5))
        _, wanted = oracle.learned(pre, fired, 0.1, rule, own, delay, start[s])
        assert r.weights["p"][1][-1, s] == pytest.approx(-wanted, abs=1e-9)
    assert np.abs(r.weights["p"][1][-1] + start).max() > 0.01
    c = r.mapped.connections("p")
    assert np.array_equal(c["weight_requested"], p.weight)
    assert np.array_equal(c["delay"], p.delay)


def test_weights_that_start_at_nothing(make, oracle):
    """Inhibitory synapses that grow from 0 are inhibitory, on circuits and beside the chip."""
    values = {"w_min": 0.0, "rho": 0.0, "eta": 0.1}
    for model in ("IF_curr_exp", "three", "IF_curr_alpha"):
        post = post_cells(make, model)
        trains = ([10.0, 50.0], [0, 0]), ([14.0], [0])
        network = learning(make, post, *trains, "inhibitory", 0.0, rule=RULES[-1], **values)
        r = oracle.execute(network, IDEAL, 80.0)
        variable = [v for v in post.cell.variables if "syn" in v][1]
        assert r.state.pairs[0].weights[0, 0] > 0.05
        assert r.signals["post", variable].min() < -0.04
        assert r.signals["post", variable].max() <= 0.0


def test_signs(make):
    """Of the negative and the positive weights of one projection, and of those that are 0."""
    cells = post_cells(make, "three").cell
    conductances = post_cells(make, "IF_cond_alpha").cell

    def sign(weights, receptor, cell=cells):
        p = make.projection("p", "S", "A", [(0, 0)] * len(weights), np.array(weights), receptor=receptor)
        return learning_sign(p, cell).tolist()

    assert sign([0.1, 0.0], "slow") == [1, 1]
    assert sign([-0.1, 0.0, 0.2], "slow") == [-1, -1, 1]
    assert sign([0.0, 0.0], "inhibitory") == [-1, -1]
    assert sign([0.0, 0.1], "inhibitory", conductances) == [1, 1]


@pytest.mark.parametrize(("change", "sentence"), [
    ({"w_max": 0.05}, r"projection 'p': a weight of 0.1 for a synapse that learns; .*from w_min=0.02 to w_max=0.05"),
    ({"w_min": 0.2}, r"a weight of 0.1 for a synapse that learns; .*from w_min=0.2 to w_max=0.4"),
    ({"w_min": 0.5}, "w_min above w_max"), ({"tau_plus": 0.0}, "tau_plus=0; available: tau_plus > 0"),
    ({"dendritic_delay_fraction": 1.5}, "dendritic_delay_fraction from 1.5 to 1.5"),
    ({"rule": ("Vogels2011Rule", "MultiplicativeWeightDependence")}, "available: Vogels2011Rule with Additive"),
    ({"rule": ("Vogels2011Rule", "AdditiveWeightDependence"), "rho": -1.0}, "rho=-1; available: rho >= 0"),
    ({"rule": ("SpikePairRule", "GutigWeightDependence"), "mu_plus": -1.0}, "mu_plus=-1; available: mu_plus >= 0")])
def test_rules_that_make_no_sense(make, change, sentence):
    network = learning(make, post_cells(make, "IF_curr_exp"), ([], []), ([], []), **change)
    with pytest.raises(MappingError, match=sentence):
        compile(network, IDEAL)


def test_what_a_chip_says(make):
    network = learning(make, post_cells(make, "IF_curr_exp"), ([], []), ([], []))
    on_chip = compile(network, CHIP)
    assert not on_chip.config.pairs
    assert [p.model for p in on_chip.split.plastic.values()] == ["PlasticSynapse"]
    assert len(on_chip.config.plastic) == 1
    assert "STDPMechanism by correlation sensors" in compile(network, IDEAL).report.to_dict()["dry_run"]
    beside = compile(learning(make, post_cells(make, "IF_curr_alpha"), ([], []), ([], [])), CHIP)
    assert beside.config.pairs[0].beside == 0


# --- relays ----------------------------------------------------------------------------------------------------


def test_relays_in_hardware_time(make):
    """Numbers of sources and channels, kinds, time constants in us."""
    pairs = [(0, 0), (1, 1)]
    network = make.Network((make.cells("A", 2, tau_syn_E=4.0), make.cells("B", 3, "IF_curr_alpha")), (
        make.poisson("S", 2),), (
            make.projection("tm", "A", "B", pairs, 0.1, 1.0, model="TsodyksMarkramSynapse", U=[0.2, 0.3], u=[0.1, 0.0]),
            make.projection("p", "S", "A", pairs, 0.1, 1.0, model="SimpleStochasticSynapse", p=[0.2, 0.7]),
            make.projection("tm1", "B", "A", pairs, 0.1, 1.0, model="StochasticTsodyksMarkramSynapse", tau_facil=40.0),
            make.projection("n", "S", "B", pairs, 0.1, 1.0, model="MultiQuantalSynapse", n=[2.0, 5.0], a=[1.0, 9.0])))
    for speedup in (1000.0, 500.0):
        config = compile(network, IDEAL.replace(speedup=speedup)).config
        r, u = config.relays, 1000.0 / speedup
        # circuits 0, 1; channels: S 0, 1, B 2..4, relays 5..12
        assert (len(config.circuits), config.external, config.beside.first_channel) == (2, 13, 2)
        assert r.channel.tolist() == list(range(5, 13))
        assert r.source.tolist() == [0, 1, 2, 3, 4, 5, 2, 3]
        k = Kind
        assert r.kind.tolist() == [k.TSODYKS_MARKRAM] * 2 + [k.BERNOULLI] * 2 + [k.QUANTAL] * 4
        assert r.use[[0, 1, 4, 5]].tolist() == [0.2, 0.3, 0.4, 0.4]
        assert r.probability[2:4].tolist() == [0.2, 0.7]
        assert r.start_u.tolist() == [0.1] + [0.0] * 7
        assert r.sites[4:].tolist() == [1, 1, 2, 5]
        assert r.start_sites[4:].tolist() == [1, 1, 1, 5]
        np.testing.assert_allclose(r.tau_rec_us[[0, 4, 6]], 60.0 * u)
        np.testing.assert_allclose(r.tau_facil_us[[0, 4, 6]], [0.0, 40.0 * u, 0.0])
        np.testing.assert_allclose(r.tau_inact_us[:2], 5.0 * u)


@pytest.mark.parametrize("target", [IDEAL, CHIP], ids=lambda t: t.profile.name)
@pytest.mark.parametrize("post", ["IF_curr_exp", "IF_curr_alpha"])
def test_chance(make, oracle, target, post):
    """Releases in the run: their number and sizes are those of the model, each synapse has draws of its own."""
    n, spikes = 40, 60
    times = 2.0 + 5.0 * np.arange(spikes)
    cells = make.cells("A", n, post, tau_syn_E=0.3, tau_syn_I=0.3)
    network = make.Network((cells,), (make.spike_array("S", 1, times, np.zeros(spikes)),), (
        make.projection("p", "S", "A", [(0, j) for j in range(n)], 0.05, 1.0, model="SimpleStochasticSynapse", p=0.3),
        make.projection("q", "S", "A", [(0, j) for j in range(n)], -0.06, 1.0, "inhibitory", "MultiQuantalSynapse",
                        U=0.5, n=4.0, tau_rec=0.0)),
        tuple(make.Probe("A", v, np.arange(n), 0.1) for v in ("isyn_exc", "isyn_inh")))
    r = oracle.execute(network, target, 310.0)
    shape = "alpha" if post.endswith("alpha") else "exp"
    peak = 10 * times.astype(int) + 10 + (3 if shape == "alpha" else 0)
    for variable, label, chance, sites in (("isyn_exc", "p", 0.3, 1), ("isyn_inh", "q", 0.5, 4)):
        weight = r.mapped.connections(label)["weight"]
        released = r.signals["A", variable][peak] / weight * sites
        np.testing.assert_allclose(released, np.round(released), atol=1e-4)  # what is left of the spike before
        released = np.round(released)
        assert 0 <= released.min() < released.max() <= sites
        draws = n * spikes * sites
        assert abs(released.sum() - chance * draws) < 4.0 * np.sqrt(draws * chance * (1 - chance))
        variance = np.var(released)
        assert variance == pytest.approx(sites * chance * (1 - chance), rel=0.1)
        together = np.corrcoef(released.T)[np.triu_indices(n, 1)]
        assert abs(together.mean()) < 0.02


@pytest.mark.parametrize(("change", "sentence"), [
    ({"model": "SimpleStochasticSynapse", "p": 1.5}, "p from 1.5 to 1.5; available: p from 0 to 1"),
    ({"model": "MultiQuantalSynapse", "n": 0.0}, "n from 0 to 0 release sites; available: whole numbers >= 1"),
    ({"model": "MultiQuantalSynapse", "n": 3.0, "a": -1.0}, "a from -1 to -1 full release sites"),
    ({"model": "TsodyksMarkramSynapse", "tau_rec": -5.0}, "tau_rec=-5; available: tau_rec >= 0"),
    ({"model": "TsodyksMarkramSynapse", "u": 1.2}, "u from 1.2 to 1.2")])
def test_synapses_that_make_no_sense(make, change, sentence):
    network = make.Network((make.cells("A", 1),), (make.poisson("S", 1),), (
        make.projection("p", "S", "A", [(0, 0)], **change),))
    with pytest.raises(MappingError, match=f"projection 'p': {sentence}"):
        compile(network, IDEAL)


# --- cells -----------------------------------------------------------------------------------------------------


def test_cells_beside_as_the_emulator_has_them(make):
    """Parameters without those of the receptors, which come in order; keys are the places in the network."""
    rng = np.random.default_rng(1)
    gif = make.cells("gif", 2, "GIF_cond_exp", tau_eta=rng.uniform(1, 50, (2, 3)))
    three = make.cells("three", 4, "AdExp", {"A": "CondAlpha", "B": "CondBeta", "C": "CondExp"},
                       **{"B.tau_rise": 0.5, "B.tau_decay": np.arange(3.0, 7.0), "C.e_syn": -80.0})
    beside = compile(make.Network((make.cells("chip", 3), gif, three), (make.poisson("S", 5),), ()), CHIP).config.beside
    assert (beside.first_channel, beside.step_ms) == (5, 0.1)
    assert [(g.model, g.size, g.key) for g in beside.groups] == [("GIF", 2, 1), ("AdExp", 4, 2)]
    assert np.array_equal(beside.groups[0].parameters["tau_eta"], gif.parameters["tau_eta"])
    assert not {"tau_syn_E", "e_rev_I"} & set(beside.groups[0].parameters)
    shapes = [(r.shape, r.conductance) for r in beside.groups[1].receptors]
    assert shapes == [("alpha", True), ("beta", True), ("exp", True)]
    assert beside.groups[1].receptors[1].parameters["tau_decay"].tolist() == [3.0, 4.0, 5.0, 6.0]
    assert beside.groups[1].receptors[2].parameters["e_syn"].tolist() == [-80.0] * 4
    assert "B.tau_rise" not in beside.groups[1].parameters
    assert [kernel_variable(three.cell, v) for v in three.cell.variables] == ["v", "w", "0.g", "1.g", "2.g"]


@pytest.mark.parametrize("model", ["IF_cond_exp_gsfa_grr", "HH_cond_exp", "Izhikevich", "GIF_cond_exp",
                                   "EIF_cond_alpha_isfa_ista", "IF_curr_delta"])
def test_start_values_and_probes_of_all_variables(make, oracle, model):
    """Every state variable starts where it was asked to, and is sampled, on all profiles."""
    cells = make.cells("A", 3, model)
    rng = np.random.default_rng(2)
    initial = {name: value + 0.05 * rng.random(3) for name, value in cells.initial.items()}
    cells = cells.replace(initial=initial)
    network = make.Network((make.cells("first", 2), cells), (), (), tuple(
        make.Probe("A", v, np.array([2, 0]), 0.2) for v in cells.cell.variables))
    for target in (IDEAL, CHIP):
        r = oracle.execute(network, target, 2.0)
        for name, value in initial.items():
            assert r.signals["A", name].shape == (11, 2)
            np.testing.assert_allclose(r.signals["A", name][0], value[[2, 0]], rtol=1e-9, atol=1e-12, err_msg=name)
