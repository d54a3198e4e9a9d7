"""Receptors of composed neurons (``PointNeuron``)."""

from __future__ import annotations

from pyNN.standardmodels import receptors

from .base import AsGiven

_UNITS = {"tau_syn": "ms", "tau_rise": "ms", "tau_decay": "ms", "e_syn": "mV"}


class Receptor(AsGiven):
    """What all receptors share: the state variable can be recorded; ``locations`` means nothing at a point."""

    def __init_subclass__(cls, **kwargs) -> None:
        super().__init_subclass__(**kwargs)
        cls.recordable = list(cls.default_initial_values)
        cls.units = cls.units | {name: unit for name, unit in _UNITS.items() if cls.has_parameter(name)}


class CurrExpPostSynapticResponse(Receptor, receptors.CurrExpPostSynapticResponse):
    pass


class CondExpPostSynapticResponse(Receptor, receptors.CondExpPostSynapticResponse):
    pass


class CondAlphaPostSynapticResponse(Receptor, receptors.CondAlphaPostSynapticResponse):
    pass


class CondBetaPostSynapticResponse(Receptor, receptors.CondBetaPostSynapticResponse):
    pass


# the short names that PyNN's backends have
ExpPSR = CondExpPostSynapticResponse
AlphaPSR = CondAlphaPostSynapticResponse
BetaPSR = CondBetaPostSynapticResponse

RECEPTORS = (CurrExpPostSynapticResponse, CondExpPostSynapticResponse, CondAlphaPostSynapticResponse,
             CondBetaPostSynapticResponse)
