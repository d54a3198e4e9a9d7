"""Neurons that are put together from a membrane and any number of receptors."""

from __future__ import annotations

from pyNN import errors
from pyNN.parameters import ParameterSpace
from pyNN.standardmodels import build_translations, cells

from .base import AsGiven
from .receptors import RECEPTORS


class LIF(AsGiven, cells.LIF):
    pass


class AdExp(AsGiven, cells.AdExp):
    pass


NEURONS = (LIF, AdExp)


class PointNeuron(AsGiven, cells.PointNeuron):
    """A neuron with a membrane (``LIF`` or ``AdExp``) and receptors, each under a name of its own.

    Parameters and variables of a receptor are called by both names, "AMPA.tau_syn", "AMPA.gsyn"; a projection names
    the receptor by its ``receptor_type``. Example::

        PointNeuron(AdExp(tau_m=10.0), AMPA=AlphaPSR(tau_syn=1.0), GABAA=AlphaPSR(tau_syn=1.5, e_syn=-70.0))

    Arguments:
        `neuron`:
            ``LIF`` or ``AdExp``.
        `post_synaptic_receptors`:
            name = ``CurrExpPostSynapticResponse``, or the conductances ``CondExpPostSynapticResponse`` (``ExpPSR``),
            ``CondAlphaPostSynapticResponse`` (``AlphaPSR``) and ``CondBetaPostSynapticResponse`` (``BetaPSR``); all
            are currents, or all are conductances.
    """

    def __init__(self, neuron, **post_synaptic_receptors) -> None:
        _check_part("neuron", neuron, NEURONS)
        for name, receptor in post_synaptic_receptors.items():
            _check_part(name, receptor, RECEPTORS)
            if "." in name:
                raise ValueError(f"PointNeuron: the name of a receptor can't contain a dot: {name!r}")
            receptor.set_parent(self)
        kinds = {receptor.conductance_based for receptor in post_synaptic_receptors.values()}
        if len(kinds) > 1:
            raise errors.NoModelAvailableError(
                "PointNeuron: its receptors are all currents (CurrExp...) or all conductances (Cond...), got "
                + ", ".join(f"{n}={type(r).__name__}" for n, r in post_synaptic_receptors.items()))
        self.neuron = neuron
        self.post_synaptic_receptors = post_synaptic_receptors
        self.translations = build_translations(*((name, name) for name in self.get_parameter_names()))
        self.parameter_space = ParameterSpace(
            {prefix + name: part.parameter_space[name] for prefix, name, part in self._parts()},
            self.get_schema(), None, type(self))

    def _parts(self):
        """(prefix, name, model) of every parameter."""
        for name in self.neuron.get_parameter_names():
            yield "", name, self.neuron
        for receptor in self.receptor_types:
            model = self.post_synaptic_receptors[receptor]
            for name in model.get_parameter_names():
                if name != "locations":  # of a neuron that is a point
                    yield f"{receptor}.", name, model

    def get_parameter_names(self) -> list[str]:
        """Names of all parameters, those of receptors as "AMPA.tau_syn"."""
        return [prefix + name for prefix, name, _ in self._parts()]

    def has_parameter(self, name: str) -> bool:
        """Whether there is a parameter of this name."""
        return name in self.get_parameter_names()

    def get_schema(self) -> dict[str, type]:
        """Parameter names and the types that their values have."""
        return dict.fromkeys(self.get_parameter_names(), float)

    @property
    def conductance_based(self) -> bool:
        """Whether the receptors are conductances."""
        return any(receptor.conductance_based for receptor in self.post_synaptic_receptors.values())

    def simple_parameters(self) -> list[str]:
        """All: nothing is translated before the mapping."""
        return self.get_parameter_names()

    def scaled_parameters(self) -> list[str]:
        """None."""
        return []

    def computed_parameters(self) -> list[str]:
        """None."""
        return []

    def computed_parameters_include(self, parameter_names) -> bool:
        """Never."""
        return False


def _check_part(name: str, part, known) -> None:
    if not isinstance(part, known):
        raise TypeError(f"PointNeuron: {name}={part!r} must be one of {', '.join(k.__name__ for k in known)}, of "
                        "pynn_brainscales, with its parameters: for example LIF(tau_m=10.0)")
