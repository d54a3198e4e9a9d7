"""The synapse of the chip: a plasticity rule of the user's changes its weight."""

from __future__ import annotations

from pyNN import errors
from pyNN.standardmodels import StandardSynapseType

from ..plasticity import PlasticityRule
from .base import AnySynapse


class PlasticSynapse(AnySynapse, StandardSynapseType):
    """A synapse with correlation sensors, whose weight a plasticity rule changes.

    Arguments:
        `plasticity_rule`:
            a PlasticityRule; one rule may serve several projections.
        `weight`, `delay`:
            as of any synapse; the weight is rounded to a code of 0..63.
        `w_max`:
            the largest weight that the rule can set: code 63, in the unit of the weight (a magnitude).
        `eta`:
            what a pair of spikes at no distance adds to a sensor, in units of its converter.
        `tau`:
            time constant of the sensors, ms.
        `slots`:
            whether the rule may also change the presynaptic partner, by writing labels. All cells of the presynaptic
            population or view (64 at most) are then candidates for each connection, and need one delay.
    """

    default_parameters = {"weight": 0.0, "delay": None, "w_max": 1.0, "eta": 0.5, "tau": 5.0}  # noqa: RUF012

    def __init__(self, plasticity_rule: PlasticityRule | None = None, slots: bool = False, **parameters) -> None:
        if not isinstance(plasticity_rule, PlasticityRule):
            raise TypeError(f"PlasticSynapse: plasticity_rule={plasticity_rule!r} must be a PlasticityRule: a subclass "
                            "of pynn_brainscales.PlasticityRule with an update() of its own")
        if not isinstance(slots, bool):
            raise TypeError(f"PlasticSynapse: slots={slots!r} must be True or False")
        super().__init__(**parameters)
        space = self.parameter_space
        for name in ("w_max", "eta", "tau"):
            value = space[name].base_value
            if isinstance(value, (int, float)) and not value > 0:
                raise errors.InvalidParameterValueError(f"PlasticSynapse: {name} must be > 0, got {value:g}")
        self.plasticity_rule, self.slots = plasticity_rule, slots
