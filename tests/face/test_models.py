"""Standard models: what there is, and that it keeps what it is given."""

import inspect

import numpy as np
import pytest
from pyNN import standardmodels as pynn
from pyNN.errors import InvalidParameterValueError, NoModelAvailableError, NonExistentParameterError
from pyNN.parameters import ArrayParameter, Sequence

import pynn_brainscales as sim
from pynn_brainscales.standardmodels.cells import CELL_TYPES
from pynn_brainscales.standardmodels.composed import NEURONS
from pynn_brainscales.standardmodels.plasticity import TIMING_RULES, WEIGHT_DEPENDENCES
from pynn_brainscales.standardmodels.ranges import problem
from pynn_brainscales.standardmodels.receptors import RECEPTORS
from pynn_brainscales.standardmodels.synapses import SYNAPSE_TYPES, checked_weights

SIMPLE_CELLS = [c for c in CELL_TYPES if c is not sim.PointNeuron]
STANDARD_SYNAPSES = [s for s in SYNAPSE_TYPES if s is not sim.PlasticSynapse]
SIMPLE_SYNAPSES = [s for s in STANDARD_SYNAPSES if s is not sim.STDPMechanism]
EVERYTHING = [*CELL_TYPES, *NEURONS, *RECEPTORS, *STANDARD_SYNAPSES, *TIMING_RULES, *WEIGHT_DEPENDENCES]


@pytest.fixture(autouse=True)
def _fresh():
    sim.setup(timestep=0.1, chip="ideal")


def two_receptors(**more):
    return sim.PointNeuron(sim.AdExp(**more), GABAA=sim.BetaPSR(tau_decay=3.0, e_syn=-70.0),
                           AMPA=sim.AlphaPSR(tau_syn=1.0))


def mechanism(timing=None, dependence=None, **parameters):
    return sim.STDPMechanism(timing or sim.SpikePairRule(), dependence or sim.AdditiveWeightDependence(), **parameters)


# --- what there is -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", EVERYTHING, ids=lambda m: m.__name__)
def test_exported_and_described(model):
    assert getattr(sim, model.__name__) is model
    assert model.__name__ in sim.__all__
    base = next(b for b in model.__mro__[1:] if b.__name__ == model.__name__)
    assert issubclass(model, base)
    assert base.__module__.startswith("pyNN.")
    assert model.default_parameters == base.default_parameters
    assert inspect.getdoc(model)
    ours = (sim.ElectricalSynapse, sim.MultiQuantalSynapse, sim.PointNeuron, sim.Vogels2011Rule)
    if base.__doc__ and model not in ours:
        assert model.__doc__ == base.__doc__


def test_every_standard_cell_of_pynn_is_there():
    def subclasses(kind):
        for sub in kind.__subclasses__():
            yield sub
            yield from subclasses(sub)

    every = {c.__name__ for c in subclasses(pynn.StandardCellType) if c.__module__ == "pyNN.standardmodels.cells"}
    assert set(sim.list_standard_models()) == every - {"MultiCompartmentNeuron"}
    assert sim.list_standard_models()[0] == "IF_curr_exp"
    every = {s.__name__ for s in subclasses(pynn.StandardSynapseType) if s.__module__ == "pyNN.standardmodels.synapses"}
    assert {s.__name__ for s in SYNAPSE_TYPES} == every | {"PlasticSynapse"}


def test_short_names_of_receptors():
    assert sim.ExpPSR is sim.CondExpPostSynapticResponse
    assert sim.AlphaPSR is sim.CondAlphaPostSynapticResponse
    assert sim.BetaPSR is sim.CondBetaPostSynapticResponse


@pytest.mark.parametrize("name", ["MultiCompartmentNeuron", "NaChannel", "PassiveLeak"])
def test_what_is_not_there_says_what_to_use_instead(name):
    assert getattr(sim, name, None) is None
    assert not hasattr(sim, name)
    for kind in (NotImplementedError, NoModelAvailableError, AttributeError):
        with pytest.raises(kind, match=f"{name} is not available on this simulator: .* HH_cond_exp"):
            getattr(sim, name)
    with pytest.raises(AttributeError, match="has no attribute 'IF_cond_expp'"):
        sim.IF_cond_expp()


def test_recordable_variables():
    for cell in SIMPLE_CELLS:
        cell = cell()
        assert all(variable in cell.units for variable in cell.recordable if variable != "spikes")
        assert {v for v in cell.recordable if v != "spikes"} == set(cell.default_initial_values)
        assert cell.can_record("spikes")
        assert not cell.can_record("foo")
        assert not cell.can_record("spikes", "soma")
    assert sim.HH_cond_exp().receptor_types == ("excitatory", "inhibitory")


# --- cells -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", SIMPLE_CELLS, ids=lambda c: c.__name__)
def test_cells_keep_their_parameters(cell):
    default = cell.default_parameters
    cells = sim.Population(3, cell(), label="cells")
    for name, value in default.items():
        assert cells.get(name) == value
        assert cells[1:].get(name) == value
    chosen = next(iter(n for n, v in default.items() if isinstance(v, float)), None)
    if chosen is not None:
        mixed = sim.Population(3, cell(**{chosen: [23.4, 0.1, 7.7]}))
        assert mixed.get(chosen).tolist() == [23.4, 0.1, 7.7]
        assert mixed[0].get_parameters()[chosen] == 23.4
    assert set(cells.initial_values) == set(cell.default_initial_values)
    for name, value in cell.default_initial_values.items():
        assert cells[0].get_initial_value(name) == value
    assert cell.__name__ in cells.describe()


def test_native_parameters_are_the_same_and_nothing_leaks():
    celltype = sim.IF_cond_exp(tau_m=[1.0, 2.0, 3.0])
    native = celltype.native_parameters
    native.shape = (3,)
    assert native["tau_m"].evaluate().tolist() == [1.0, 2.0, 3.0]
    assert celltype.parameter_space.shape is None
    two, three = sim.Population(2, sim.IF_cond_exp()), sim.Population(3, celltype)
    two.set(cm=0.5)
    assert three.get("cm") == 1.0
    assert sim.Population(3, celltype).get("tau_m").tolist() == [1.0, 2.0, 3.0]  # a cell type can be used again


def test_whole_numbers_of_a_default_don_t_cut_others():
    assert sim.Population(2, sim.SpikeSourceGamma(alpha=2.5)).get("alpha") == 2.5
    assert sim.Population(2, sim.SpikeSourceGamma(alpha=np.array([1.5, 2.5]))).get("alpha").tolist() == [1.5, 2.5]


def test_lists_of_the_generalised_integrate_and_fire_neuron():
    cells = sim.Population(3, sim.GIF_cond_exp(tau_eta=[2.0, 20.0], a_eta=[0.1, 0.2]), label="gif")
    assert cells._parameters["tau_eta"].tolist() == [[2.0, 20.0]] * 3
    assert cells.get("tau_eta") == ArrayParameter([2.0, 20.0])
    cells[1:2].set(a_eta=[0.3, 0.4])
    assert [v.value.tolist() for v in cells.get("a_eta")] == [[0.1, 0.2], [0.3, 0.4], [0.1, 0.2]]
    assert cells[1].a_eta.value.tolist() == [0.3, 0.4]
    cells.set(a_gamma=np.arange(9.0).reshape(3, 3))
    assert cells[2].a_gamma.value.tolist() == [6.0, 7.0, 8.0]
    cells.get("a_gamma")[0].value[0] = 99.0  # what is given out is not what is kept
    assert cells[0].a_gamma.value.tolist() == [0.0, 1.0, 2.0]
    cells.set(tau_eta=[1.0], a_eta=[0.5])
    assert cells._parameters["a_eta"].shape == (3, 1)
    with pytest.raises(InvalidParameterValueError, match="gif: tau_eta has 2 values, a_eta 1: they belong together"):
        cells.set(tau_eta=[1.0, 2.0])
    with pytest.raises(InvalidParameterValueError, match="set all cells at once"):
        cells[:1].set(tau_eta=[1.0, 2.0], a_eta=[1.0, 2.0])
    with pytest.raises(InvalidParameterValueError, match="as many values for every cell, got 1, 2"):
        cells.set(tau_eta=[[1.0], [1.0, 2.0], [3.0]])
    with pytest.raises(InvalidParameterValueError, match="must be a list of numbers"):
        cells.set(tau_eta=3.0)
    with pytest.raises(InvalidParameterValueError, match="tau_gamma must be > 0, got 0"):
        cells.set(tau_gamma=[1.0, 0.0, 2.0])


def test_bins_of_the_inhomogeneous_gamma_process():
    sources = sim.Population(2, sim.SpikeSourceInhGamma(a=[1.0, 2.0], b=[0.5, 0.25], tbins=[0.0, 100.0]), label="bins")
    assert sources.get("a") == Sequence([1.0, 2.0])
    sources[1:].set(a=[3.0], b=[0.1], tbins=[0.0])
    assert [v.value.tolist() for v in sources.get("tbins")] == [[0.0, 100.0], [0.0]]
    for wrong, sentence in (({"a": [1.0]}, "bins: a, b and tbins need one value each for every bin, got 1, 2 and 2"),
                            ({"b": [0.1, 0.0]}, "a and b must be > 0"),
                            ({"tbins": [5.0, 5.0]}, "must ascend")):
        with pytest.raises(InvalidParameterValueError, match=sentence):
            sources[:1].set(**wrong)
    with pytest.raises(InvalidParameterValueError, match="one value each"):
        sim.Population(1, sim.SpikeSourceInhGamma(a=[], b=[], tbins=[]))


@pytest.mark.parametrize(("name", "value"), [
    ("tau_n", 3.0), ("tau_m", "slow"), ("tau_m", None), ("tau_m", {}), ("tau_m", 1j), ("tau_m", ["a"]),
    ("tau_m", np.array(["a", "b"])), ("tau_m", [[1.0], [2.0, 3.0]])])
def test_cell_types_refuse_what_is_no_parameter(name, value):
    error = NonExistentParameterError if name == "tau_n" else ValueError
    with pytest.raises(error, match=f"{name} .*IF_cond_exp|IF_cond_exp: {name} can't be"):
        sim.IF_cond_exp(**{name: value})


# --- composed neurons --------------------------------------------------------------------------------------


def test_composed_neurons():
    cells = sim.Population(3, two_receptors(tau_m=[10.0, 11.0, 12.0]), label="composed")
    assert cells.receptor_types == ["AMPA", "GABAA"]
    assert cells.conductance_based
    assert cells.get("AMPA.tau_syn") == 1.0
    assert cells.get(["GABAA.e_syn", "tau_m"])[0] == -70.0
    assert "AMPA.locations" not in cells.celltype.get_parameter_names()
    assert [v for v in cells.celltype.recordable if "." in v] == ["AMPA.gsyn", "GABAA.gsyn"]
    assert cells.find_units(sim.recording.Variable("AMPA.gsyn", None, None)) == "uS"
    assert cells.celltype.units["GABAA.tau_rise"] == "ms"

    cells.set(**{"AMPA.e_syn": 5.5, "v_rest": -66.0})
    cells[1:].set(**{"AMPA.e_syn": [1.0, 2.0]})
    assert cells.get("AMPA.e_syn").tolist() == [5.5, 1.0, 2.0]
    assert cells[2].get_parameters()["AMPA.e_syn"] == 2.0
    cells[2].set_parameters(**{"GABAA.tau_rise": 0.4})
    cells[0].tau_m = 9.0
    assert cells.get("GABAA.tau_rise").tolist() == [0.2, 0.2, 0.4]
    assert cells.get("tau_m").tolist() == [9.0, 11.0, 12.0]

    cells.initialize(**{"AMPA.gsyn": [0.1, 0.2, 0.3], "w": 0.5})
    assert cells[1].get_initial_value("AMPA.gsyn") == 0.2
    assert set(cells.initial_values) == {"v", "w", "AMPA.gsyn", "GABAA.gsyn"}
    assert "PointNeuron" in cells.describe()
    assert cells.celltype.computed_parameters_include(["tau_m"]) is False

    others = sim.Population(2, sim.PointNeuron(sim.LIF(), AMPA=sim.CurrExpPostSynapticResponse(tau_syn=1.0)))
    both = cells + others
    assert both.get("AMPA.tau_syn") == 1.0
    both.set(**{"AMPA.tau_syn": 2.0})
    assert others.get("AMPA.tau_syn") == 2.0
    assert both.receptor_types == ["AMPA"]
    assert not others.conductance_based


def test_wrong_composed_neurons():
    for wrong, sentence in (
            (lambda: sim.PointNeuron(sim.LIF), "neuron=.* must be one of LIF, AdExp"),
            (lambda: sim.PointNeuron(sim.IF_cond_exp()), "must be one of LIF, AdExp"),
            (lambda: sim.PointNeuron(sim.LIF(), AMPA=sim.AlphaPSR), "AMPA=.* must be one of CurrExpPost"),
            (lambda: sim.PointNeuron(sim.LIF(), AMPA=pynn.receptors.CurrExpPostSynapticResponse()), "of pynn_brainsc"),
            (lambda: sim.Population(2, sim.LIF()), r"a part of a neuron: give PointNeuron\(LIF\(\), ...\)")):
        with pytest.raises(TypeError, match=sentence):
            wrong()
    with pytest.raises(ValueError, match="can't contain a dot"):
        sim.PointNeuron(sim.LIF(), **{"A.B": sim.AlphaPSR()})
    with pytest.raises(NoModelAvailableError, match=r"all currents .* or all conductances"):
        sim.PointNeuron(sim.LIF(), A=sim.AlphaPSR(), B=sim.CurrExpPostSynapticResponse())
    with pytest.raises(NonExistentParameterError, match="valid parameters for CondAlphaPostSynapticResponse are: e_s"):
        sim.AlphaPSR(tau=3.0)
    cells = sim.Population(2, two_receptors(), label="composed")
    for name in ("AMPA", "AMPA.tau", "NMDA.tau_syn"):
        with pytest.raises(NonExistentParameterError, match=r"PointNeuron of population 'composed'.*AMPA\.tau_syn"):
            cells.get(name)
        with pytest.raises(NonExistentParameterError):
            cells.set(**{name: 1.0})
    with pytest.raises(InvalidParameterValueError, match=r"composed: AMPA.tau_syn must be > 0, got -1"):
        cells.set(**{"AMPA.tau_syn": -1.0})
    with pytest.raises(NonExistentParameterError):
        cells.initialize(gsyn=1.0)
    assert sim.Population(1, sim.PointNeuron(sim.LIF())).receptor_types == []


# --- synapses ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("synapse", SIMPLE_SYNAPSES, ids=lambda s: s.__name__)
def test_synapses_keep_their_parameters(synapse):
    pre, post = sim.Population(2, sim.SpikeSourceArray()), sim.Population(3, sim.IF_cond_exp())
    names = synapse.get_parameter_names()
    default = synapse.default_parameters | {"delay": 0.1}
    projection = sim.Projection(pre, post, sim.AllToAllConnector(), synapse())
    assert projection.get(names, "list", with_address=False) == [tuple(float(default[n]) for n in names)] * 6
    assert set(synapse.parameter_checks) >= {"weight", *(set(names) & {"U", "p", "n", "tau_rec", "tau_facil"})}
    assert synapse.parameter_checks["weight"] is checked_weights

    rng, rows = np.random.default_rng(1), {}
    for name in names:
        rows[name] = rng.integers(1, 9, (2, 3)).astype(float) if name == "n" else 0.1 + 0.9 * rng.random((2, 3))
    projection = sim.Projection(pre, post, sim.AllToAllConnector(), synapse(**rows))
    for name in names:
        np.testing.assert_array_equal(projection.get(name, "array"), rows[name])


@pytest.mark.parametrize("timing", TIMING_RULES, ids=lambda c: c.__name__)
@pytest.mark.parametrize("dependence", WEIGHT_DEPENDENCES, ids=lambda c: c.__name__)
def test_mechanisms_of_every_combination(timing, dependence):
    if timing is sim.Vogels2011Rule and dependence is not sim.AdditiveWeightDependence:
        with pytest.raises(NoModelAvailableError, match=r"Vogels2011Rule goes with AdditiveWeightDependence only"):
            mechanism(timing(), dependence())
        return
    synapse = mechanism(timing(), dependence(w_max=2.0), weight=0.5, delay=1.5, dendritic_delay_fraction=0.25)
    assert synapse.possible_models
    assert synapse.model in synapse.possible_models
    pre, post = sim.Population(2, sim.SpikeSourceArray()), sim.Population(3, sim.IF_cond_exp())
    projection = sim.Projection(pre, post, sim.AllToAllConnector(), synapse)
    wanted = {"weight": 0.5, "delay": 1.5, "dendritic_delay_fraction": 0.25} | timing.default_parameters | (
        dependence.default_parameters | {"w_max": 2.0})
    assert list(wanted) == synapse.get_parameter_names()
    assert projection.get(list(wanted), "list", with_address=False)[0] == tuple(wanted.values())
    for name, value in wanted.items():
        np.testing.assert_array_equal(projection.get(name, "array"), np.full((2, 3), value))
    assert synapse.describe() == f"STDPMechanism with {timing.__name__} and {dependence.__name__}"
    assert synapse.describe(None)["dendritic_delay_fraction"] == 0.25


def test_parts_of_mechanisms_don_t_leak():
    gutig = mechanism(dependence=sim.GutigWeightDependence())
    vogels = mechanism(sim.Vogels2011Rule())
    assert set(gutig.translations) == set(gutig.get_parameter_names())
    assert set(vogels.translations) == set(vogels.get_parameter_names())
    assert not sim.STDPMechanism.translations
    assert "mu_plus" in gutig.parameter_checks
    assert "mu_plus" not in vogels.parameter_checks


def test_mechanism_with_arrays_and_distributions():
    pre, post = sim.Population(2, sim.SpikeSourceArray()), sim.Population(3, sim.IF_cond_exp())
    delays = np.arange(1.0, 7.0).reshape(2, 3)
    drawn, weights = (sim.RandomDistribution("uniform", low=0.1, high=0.2, rng=sim.NumpyRNG(s)) for s in (1, 2))
    projection = sim.Projection(pre, post, sim.AllToAllConnector(), mechanism(
        sim.SpikePairRule(A_plus=drawn, tau_plus=lambda d: 10.0 + d), weight=weights, delay=delays))
    np.testing.assert_array_equal(projection.get("delay", "array"), delays)
    assert len(np.unique(projection.get("A_plus", "array"))) == 6
    np.testing.assert_allclose(projection.get("tau_plus", "array"), [[10.0, 11.0, 12.0], [11.0, 10.0, 11.0]])
    assert mechanism(delay=0).delay == 0.1  # as in PyNN: not given


def test_initial_values_of_synapses():
    assert sim.TsodyksMarkramSynapse.default_initial_values == {"u": 0.0}
    assert sim.StaticSynapse.default_initial_values == {}
    pre, post = sim.Population(2, sim.SpikeSourceArray()), sim.Population(3, sim.IF_cond_exp())
    projection = sim.Projection(pre, post, sim.AllToAllConnector(), sim.MultiQuantalSynapse(n=3))
    projection.initialize(u=0.25)
    assert projection.initial()["u"].tolist() == [0.25] * 6


@pytest.mark.parametrize(("make", "sentence"), [
    (lambda: sim.StaticSynapse(weigth=1.0), "weigth .valid parameters for StaticSynapse are: delay, weight"),
    (lambda: sim.StaticSynapse(weight="heavy"), "StaticSynapse: weight can't be 'heavy'"),
    (lambda: sim.SimpleStochasticSynapse(p=1.5), "SimpleStochasticSynapse: p must be between 0 and 1, got 1.5"),
    (lambda: sim.SimpleStochasticSynapse(p=[[0.0, np.nan]]), "p must be between 0 and 1, got nan"),
    (lambda: sim.TsodyksMarkramSynapse(U=-0.1), "U must be >= 0"),
    (lambda: sim.StochasticTsodyksMarkramSynapse(tau_rec=-1.0), "tau_rec must be >= 0"),
    (lambda: sim.MultiQuantalSynapse(n=0), "n must be a whole number >= 1, got 0"),
    (lambda: sim.MultiQuantalSynapse(n=2.5), "n must be a whole number >= 1, got 2.5"),
    (lambda: sim.SpikePairRule(tau_plus=0.0), "SpikePairRule: tau_plus must be > 0"),
    (lambda: sim.SpikePairRule(20.0, -20.0), "SpikePairRule: tau_minus must be > 0"),
    (lambda: sim.SpikePairRule(foo=1.0), "foo .valid parameters for SpikePairRule are: A_minus"),
    (lambda: sim.Vogels2011Rule(rho=-1.0), "rho must be >= 0"),
    (lambda: sim.GutigWeightDependence(mu_plus=-1.0), "mu_plus must be >= 0"),
    (lambda: sim.AdditiveWeightDependence(w_min=2.0, w_max=1.0), "w_min must not be greater than w_max, got w_min=2 "),
    (lambda: sim.STDPMechanism(), "timing_dependence=None; there are SpikePairRule, Vogels2011Rule"),
    (lambda: sim.STDPMechanism(sim.SpikePairRule()), "weight_dependence=None; there are Additive"),
    (lambda: sim.STDPMechanism(sim.SpikePairRule, sim.AdditiveWeightDependence()), "timing_dependence=<class"),
    (lambda: mechanism(voltage_dependence=3), "there is no voltage_dependence"),
    (lambda: mechanism(dendritic_delay_fraction=1.5), "one number between 0 and 1, got 1.5"),
    (lambda: mechanism(dendritic_delay_fraction="half"), "one number between 0 and 1, got 'half'"),
    (lambda: mechanism(weight="heavy"), "STDPMechanism: weight can't be 'heavy'")])
def test_synapse_types_refuse_wrong_values(make, sentence):
    with pytest.raises((ValueError, TypeError, KeyError, NotImplementedError), match=sentence):
        make()


def test_synapse_types_check_values_that_are_drawn():
    pre, post = sim.Population(2, sim.SpikeSourceArray(), label="a"), sim.Population(3, sim.IF_cond_exp(), label="b")

    def wide():
        return sim.RandomDistribution("uniform", low=2.0, high=3.0, rng=sim.NumpyRNG(1))

    for synapse, sentence in (
            (sim.SimpleStochasticSynapse(p=wide()), "a→b: p must be between 0 and 1"),
            (sim.TsodyksMarkramSynapse(U=lambda d: -1.0 - d), "a→b: U must be >= 0"),
            (sim.MultiQuantalSynapse(n=wide()), "n must be a whole number"),
            (mechanism(dependence=sim.AdditiveWeightDependence(w_min=wide())), "a→b: w_min must not be greater")):
        with pytest.raises(InvalidParameterValueError, match=sentence):
            sim.Projection(pre, post, sim.AllToAllConnector(), synapse)
    with pytest.raises(sim.errors.ConnectionError, match="a→b: weights from -1 to -1 for receptor type 'excitatory'"):
        sim.Projection(pre, post, sim.AllToAllConnector(), mechanism(weight=-1.0), receptor_type="excitatory")


def test_ranges():
    assert problem("foo", -1.0) is None
    assert problem("AMPA.tau_syn", [1.0, 2.0]) is None
    assert problem("AMPA.tau_syn", [1.0, 0.0]) == "AMPA.tau_syn must be > 0, got 0"
    assert problem("tau_refrac", 0.0) is None
    assert problem("p", 1.0) is None
    assert problem("n", 3.0) is None
