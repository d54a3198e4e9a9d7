"""The standard models that a network may be made of: names of parameters, state variables and receptors.

Names and units are PyNN's. What runs where is decided in ``split``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple


class Response(NamedTuple):
    """A postsynaptic response: its shape, whether it is a conductance, and the names of its parameters."""

    shape: str
    conductance: bool
    parameters: tuple[str, ...]


RESPONSES: Mapping[str, Response] = MappingProxyType({
    "CurrExp": Response("exp", False, ("tau_syn",)),
    "CurrAlpha": Response("alpha", False, ("tau_syn",)),
    "CondExp": Response("exp", True, ("e_syn", "tau_syn")),
    "CondAlpha": Response("alpha", True, ("e_syn", "tau_syn")),
    "CondBeta": Response("beta", True, ("e_syn", "tau_rise", "tau_decay")),
    "Delta": Response("delta", False, ()),
})


class Port(NamedTuple):
    """A receptor of a model: its response, and which of the model's parameters are those of the response."""

    response: str
    names: Mapping[str, str]


@dataclass(frozen=True)
class CellModel:
    """A cell model.

    Attributes
    ----------
    parameters, variables : tuple of str
        All per neuron; variables are the state variables with a start value that can be sampled.
    receptors : mapping of str to Port
        In order.
    kernel : str
        The model of ``emulator.beside`` that computes it beside the chip, "" where none does.
    several : tuple of str
        Parameters with several values a neuron, of shape (size, k).
    composed : bool
        Receptors are chosen for each population, as PyNN's PointNeuron does.
    """

    parameters: tuple[str, ...]
    variables: tuple[str, ...]
    receptors: Mapping[str, Port]
    kernel: str = ""
    several: tuple[str, ...] = ()
    composed: bool = False

    @property
    def conductance(self) -> bool:
        """Synapses are conductances."""
        return any(RESPONSES[p.response].conductance for p in self.receptors.values())


def _pair(response: str) -> Mapping[str, Port]:
    """An excitatory and an inhibitory receptor with PyNN's classical names of their parameters."""
    kinds = RESPONSES[response].parameters
    return MappingProxyType({
        name: Port(response, {k: v for k, v in (("tau_syn", f"tau_syn_{x}"), ("e_syn", f"e_rev_{x}")) if k in kinds})
        for name, x in (("excitatory", "E"), ("inhibitory", "I"))})


_SHARED = ("cm", "tau_m", "tau_refrac", "v_rest", "v_reset", "v_thresh", "i_offset")
_TAU_SYN = ("tau_syn_E", "tau_syn_I")
_REVERSAL = ("e_rev_E", "e_rev_I")
_LEAKY = _SHARED + _TAU_SYN
_LEAKY_COND = _LEAKY + _REVERSAL
_ADEX = ("v_spike", "delta_T", "a", "b", "tau_w")
_I, _G = ("isyn_exc", "isyn_inh"), ("gsyn_exc", "gsyn_inh")
_NO_RECEPTORS: Mapping[str, Port] = MappingProxyType({})

CELLS: Mapping[str, CellModel] = MappingProxyType({
    "IF_curr_exp": CellModel(_LEAKY, ("v", *_I), _pair("CurrExp"), "LIF"),
    "IF_curr_alpha": CellModel(_LEAKY, ("v", *_I), _pair("CurrAlpha"), "LIF"),
    "IF_curr_delta": CellModel(_SHARED, ("v",), _pair("Delta"), "LIF"),
    "IF_cond_exp": CellModel(_LEAKY_COND, ("v", *_G), _pair("CondExp"), "LIF"),
    "IF_cond_alpha": CellModel(_LEAKY_COND, ("v", *_G), _pair("CondAlpha"), "LIF"),
    "IF_facets_hardware1": CellModel(
        ("g_leak", *_TAU_SYN, "v_reset", "e_rev_I", "v_rest", "v_thresh"), ("v", *_G), _pair("CondExp")),
    "EIF_cond_exp_isfa_ista": CellModel(_LEAKY_COND + _ADEX, ("v", "w", *_G), _pair("CondExp"), "AdExp"),
    "EIF_cond_alpha_isfa_ista": CellModel(_LEAKY_COND + _ADEX, ("v", "w", *_G), _pair("CondAlpha"), "AdExp"),
    "IF_cond_exp_gsfa_grr": CellModel(
        (*_LEAKY_COND, "tau_sfa", "e_rev_sfa", "q_sfa", "tau_rr", "e_rev_rr", "q_rr"), ("v", "g_s", "g_r", *_G),
        _pair("CondExp"), "GsfaGrr"),
    "HH_cond_exp": CellModel(
        ("gbar_Na", "gbar_K", "g_leak", "cm", "v_offset", "e_rev_Na", "e_rev_K", "e_rev_leak", "i_offset",
         *_REVERSAL, *_TAU_SYN), ("v", "m", "h", "n", *_G), _pair("CondExp"), "HH"),
    "Izhikevich": CellModel(("a", "b", "c", "d", "i_offset"), ("v", "u"), _pair("Delta"), "Izhikevich"),
    "GIF_cond_exp": CellModel(
        ("v_rest", "cm", "tau_m", "tau_refrac", "v_reset", "i_offset", "delta_v", "v_t_star", "lambda0", "tau_eta",
         "tau_gamma", "a_eta", "a_gamma", *_TAU_SYN, *_REVERSAL), ("v", "i_eta", "v_t", *_G), _pair("CondExp"), "GIF",
        ("tau_eta", "tau_gamma", "a_eta", "a_gamma")),
    "LIF": CellModel(_SHARED, ("v",), _NO_RECEPTORS, "LIF", composed=True),
    "AdExp": CellModel(_SHARED + _ADEX, ("v", "w"), _NO_RECEPTORS, "AdExp", composed=True),
})

SOURCES: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "SpikeSourceArray": ("spike_times", "spike_index"),
    "SpikeSourcePoisson": ("rate", "start", "duration"),
    "SpikeSourcePoissonRefractory": ("rate", "tau_refrac", "start", "duration"),
    "SpikeSourceGamma": ("alpha", "beta", "start", "duration"),
    "SpikeSourceInhGamma": ("a", "b", "tbins", "bin_index", "start", "duration"),
})
RAGGED: Mapping[str, str] = MappingProxyType({
    "SpikeSourceArray": "spike_index", "SpikeSourceInhGamma": "bin_index"})
"""Sources with lists of any length: the parameter that says which cell each entry belongs to."""


CURRENTS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "DCSource": ("amplitude", "start", "stop"),
    "ACSource": ("amplitude", "offset", "frequency", "phase", "start", "stop"),
    "StepCurrentSource": ("times", "amplitudes"),
    "NoisyCurrentSource": ("mean", "stdev", "dt", "start", "stop")})


class SynapseModel(NamedTuple):
    """A synapse model: parameters and start values per connection, besides weight and delay.

    Start values: ``u`` utilisation, ``a`` release sites that are full (at most ``n``). ``state``: what can be sampled,
    ``x`` being the resources that have recovered.
    """

    parameters: tuple[str, ...]
    initial: tuple[str, ...] = ()
    state: tuple[str, ...] = ()


TIMING: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "SpikePairRule": ("tau_plus", "tau_minus", "A_plus", "A_minus"), "Vogels2011Rule": ("tau", "eta", "rho")})
DEPENDENCE: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "AdditiveWeightDependence": ("w_min", "w_max"), "MultiplicativeWeightDependence": ("w_min", "w_max"),
    "AdditivePotentiationMultiplicativeDepression": ("w_min", "w_max"),
    "GutigWeightDependence": ("w_min", "w_max", "mu_plus", "mu_minus")})

SYNAPSES: Mapping[str, SynapseModel] = MappingProxyType({
    "StaticSynapse": SynapseModel(()),
    "TsodyksMarkramSynapse": SynapseModel(("U", "tau_rec", "tau_facil"), ("u",), ("u", "x")),
    "SimpleStochasticSynapse": SynapseModel(("p",)),
    "StochasticTsodyksMarkramSynapse": SynapseModel(("U", "tau_rec", "tau_facil"), ("u",), ("u",)),
    "MultiQuantalSynapse": SynapseModel(("U", "n", "tau_rec", "tau_facil"), ("u", "a"), ("u",)),
    "STDPMechanism": SynapseModel(("dendritic_delay_fraction",)),
    "PlasticSynapse": SynapseModel(("w_max", "eta", "tau")),
})


def synapse_model(name: str, rule: tuple[str, ...] = ()) -> SynapseModel:
    """A synapse model; KeyError if there is none. ``rule`` is (timing, weight dependence) of an STDPMechanism."""
    model = SYNAPSES[name]
    if name != "STDPMechanism":
        return model
    timing, dependence = rule
    return model._replace(parameters=(*model.parameters, *TIMING[timing], *DEPENDENCE[dependence]))


@lru_cache(maxsize=64)
def _composed(name: str, receptors: tuple[tuple[str, str], ...]) -> CellModel:
    base = CELLS[name]
    ports = {r: Port(response, {p: f"{r}.{p}" for p in RESPONSES[response].parameters}) for r, response in receptors}
    variables = tuple(f"{r}.{'gsyn' if RESPONSES[response].conductance else 'isyn'}" for r, response in receptors)
    return replace(base, receptors=MappingProxyType(ports), variables=base.variables + variables,
                   parameters=base.parameters + tuple(n for port in ports.values() for n in port.names.values()))


def cell_model(name: str, receptors: Mapping[str, str] | None = None) -> CellModel:
    """A cell model with its receptors; KeyError if there is no such model or response."""
    return _composed(name, tuple((receptors or {}).items())) if CELLS[name].composed else CELLS[name]


def port_of(name: str) -> tuple[str, int]:
    """Name and port of a receptor or variable of a circuit: "gsyn_exc@1" is that of the second pair of receptors."""
    plain, _, port = name.partition("@")
    return plain, int(port or 0)


def decay_name(model: CellModel, receptor: str) -> str | None:
    """The parameter that is the decay of a receptor's response, None where it has none."""
    names = model.receptors[receptor].names
    return names.get("tau_decay", names.get("tau_syn"))


def receptor_of_variable(model: CellModel, variable: str) -> str | None:
    """The receptor whose current or conductance a variable is, None for other variables."""
    for i, receptor in enumerate(model.receptors):
        classical = {0: ("gsyn_exc", "isyn_exc"), 1: ("gsyn_inh", "isyn_inh")}.get(i, ()) if not model.composed else ()
        if variable in classical or variable in (f"{receptor}.gsyn", f"{receptor}.isyn"):
            return receptor
    return None
