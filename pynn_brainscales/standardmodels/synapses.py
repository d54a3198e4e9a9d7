"""Standard synapses."""

from __future__ import annotations

from pyNN.standardmodels import build_translations, synapses

from .. import simulator


class StaticSynapse(synapses.StaticSynapse):
    __doc__ = synapses.StaticSynapse.__doc__
    translations = build_translations(("weight", "weight"), ("delay", "delay"))

    def _get_minimum_delay(self) -> float:
        given = simulator.state.requested_min_delay
        return simulator.state.dt if given == "auto" else given


SYNAPSE_TYPES = (StaticSynapse,)
