"""What runs where: the standard models on the chip, beside it, or refused, found by mapping one of each.

``python -m pynn_brainscales models`` prints it.
"""

from __future__ import annotations

import numpy as np

from .emulator.profile import ideal, quantised
from .mapping.canonical import CIRCUITS
from .mapping.errors import MappingError
from .mapping.models import CELLS, DEPENDENCE, SOURCES, TIMING, cell_model, synapse_model
from .mapping.network import Network, Population, Projection, Source
from .mapping.split import split
from .mapping.target import Target
from .standardmodels import cells, electrodes, plasticity, synapses, unavailable

_TARGETS = (Target(profile=quantised), Target(profile=ideal))
_CURRENTS = (electrodes.DCSource, electrodes.ACSource, electrodes.StepCurrentSource, electrodes.NoisyCurrentSource)
_POINT_NEURONS = {
    "one receptor of each sign, exponential": {"exc": "CondExp", "inh": "CondExp"},
    "more exponential receptors": {"AMPA": "CondExp", "NMDA": "CondExp", "GABA": "CondExp"},
    "alpha or beta receptors": {"AMPA": "CondAlpha", "GABA": "CondBeta"}}


def support_tables() -> str:
    """Three tables, in Markdown."""
    lines = ["# What runs where", "",
             "Written by `python -m pynn_brainscales models`, from what the mapping does with one of each.", "",
             "## Neurons", "", "| model | chip profiles | `ideal` | recorded |", "|---|---|---|---|"]
    lines += [_row(label, *(_cell_place(p, t) for t in _TARGETS), ", ".join(p.cell.variables))
              for label, p in _populations()]
    lines += ["", "## Sources and current sources", "", "| model | chip profiles | `ideal` |", "|---|---|---|"]
    lines += [_row(name, "events through the link", "exact times") for name in SOURCES]
    lines += [_row(kind.__name__, "offset current; changes in a run are emulated as asked, with a warning", "exact")
              for kind in _CURRENTS]
    lines += ["", "## Synapses", "", "| model | chip profiles | `ideal` |", "|---|---|---|"]
    lines += [_row(label, *(_synapse_place(p, t) for t in _TARGETS)) for label, p in _projections()]
    lines += ["", "## Not supported", ""]
    lines += [f"- `{name}`: {why}" for name, why in unavailable.INSTEAD.items()]
    return "\n".join(lines) + "\n"


def _row(name: str, *columns: str) -> str:
    return f"| {name if ' ' in name else f'`{name}`'} | " + " | ".join(columns) + " |"


# --- neurons -----------------------------------------------------------------------------------------------


def _populations():
    standard = {kind.__name__: kind for kind in cells.CELL_TYPES}
    for name, model in CELLS.items():
        if not model.composed:
            yield name, _population(name, standard[name].default_parameters)
    for label, receptors in _POINT_NEURONS.items():
        defaults = {"tau_syn": 5.0, "tau_rise": 0.2, "tau_decay": 1.7}
        for neuron in ("LIF", "AdExp"):
            values = dict(getattr(cells, neuron).default_parameters)
            for name in cell_model(neuron, receptors).parameters:
                if "." in name:
                    receptor, _, kind = name.partition(".")
                    inhibitory = -80.0 if receptor in ("inh", "GABA") else 0.0
                    values[name] = inhibitory if kind == "e_syn" else defaults[kind]
            yield f"`PointNeuron({neuron})`, {label}", _population(neuron, values, receptors)


def _population(model: str, values: dict, receptors: dict | None = None) -> Population:
    cell = cell_model(model, receptors)

    def array(name: str) -> np.ndarray:
        value = getattr(values[name], "value", values[name])
        return np.array([value], float)

    return Population("cells", 1, model, {name: array(name) for name in cell.parameters},
                      {name: np.zeros(1) for name in cell.variables}, receptors or {})


def _cell_place(p: Population, target: Target) -> str:
    parts = split(Network((p,), (), ()), target)
    if not target.profile.limited:
        return "exact" if p.cell.kernel == "LIF" and not p.cell.conductance else "second order in the step"
    if parts.beside:
        return "beside the chip"
    found = parts.circuits[p.label]
    circuits = 1 + len(found.ports)
    what = "a circuit" if circuits == 1 else f"{circuits} joined circuits"
    if p.model == "IF_curr_delta":
        return f"{what}, with the shortest pulses of current"
    return what if p.model in CIRCUITS or p.cell.composed else f"{what}, as {found.population.model}"


# --- synapses ----------------------------------------------------------------------------------------------


def _projections():
    standard = {kind.__name__: kind for kind in synapses.SYNAPSE_TYPES}
    for name, kind in standard.items():
        if name == "ElectricalSynapse":
            yield name, None
        elif name != "STDPMechanism":
            yield name, _projection(name, (), kind.default_parameters)
    for timing in TIMING:
        for dependence in DEPENDENCE if timing == "SpikePairRule" else ("AdditiveWeightDependence",):
            values = {**getattr(plasticity, timing).default_parameters,
                      **getattr(plasticity, dependence).default_parameters, "dendritic_delay_fraction": 1.0}
            label = f"`STDPMechanism`, `{timing}`, `{dependence}`"
            yield label, _projection("STDPMechanism", (timing, dependence), values)


def _projection(model: str, rule: tuple[str, ...], values: dict) -> Projection:
    synapse = synapse_model(model, rule)
    zero = np.zeros(1, np.int64)
    return Projection("synapses", "source", "cells", "excitatory", zero, zero, np.full(1, 0.1), np.full(1, 0.1), model,
                      rule, {name: np.array([values[name]], float) for name in synapse.parameters},
                      {name: np.zeros(1) for name in synapse.initial})


def _synapse_place(p: Projection | None, target: Target) -> str:
    if p is None:
        return ("conductance between two neighbouring circuits" if target.profile.limited
                else "conductance between two cells")
    population = _population("IF_cond_exp", cells.IF_cond_exp.default_parameters)
    source = Source("source", 1, "SpikeSourcePoisson", {name: np.ones(1) for name in SOURCES["SpikeSourcePoisson"]})
    try:
        parts = split(Network((population,), (source,), (p,)), target)
    except MappingError as error:
        return f"refused: {error.available}; {error.hint}"
    if parts.sensors:
        return "6-bit weight, changed in periods by a rule on the correlation sensors: nearest pairs"
    if parts.plastic:
        return "6-bit weight with correlation sensors, changed by a rule of yours"
    if parts.learning:
        return "all pairs, exact"
    if parts.driver_modes:
        return "short-term plasticity of the synapse drivers, fitted to their codes"
    if parts.relays:
        stream = "connection" if p.model != "TsodyksMarkramSynapse" else "source and parameter set"
        return (f"released beside the chip: an event stream of its own for each {stream}" if target.profile.limited
                else "exact")
    return "6-bit weight" if target.profile.quantised else "exact"
