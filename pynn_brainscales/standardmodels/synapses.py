"""Standard synapses."""

from __future__ import annotations

import numpy as np
from pyNN import errors
from pyNN.standardmodels import build_translations, synapses
from pyNN.standardmodels.base import check_weights

from .. import simulator


def checked_weights(weights, projection) -> None:
    """PyNN's check of the signs of weights, with an error that says what was given."""
    try:
        check_weights(weights, projection)
    except errors.ConnectionError as error:
        given = np.asarray(weights, float)
        raise errors.ConnectionError(
            f"{projection.label}: weights from {given.min():g} to {given.max():g} for receptor type "
            f"{projection.receptor_type!r}. {error}: >= 0 for conductance-based and excitatory synapses, <= 0 for "
            "current-based inhibitory ones; change their sign or the receptor_type") from None


class StaticSynapse(synapses.StaticSynapse):
    __doc__ = synapses.StaticSynapse.__doc__
    translations = build_translations(("weight", "weight"), ("delay", "delay"))
    parameter_checks = {"weight": checked_weights}  # noqa: RUF012

    def _get_minimum_delay(self) -> float:
        given = simulator.state.requested_min_delay
        return simulator.state.dt if given == "auto" else given


SYNAPSE_TYPES = (StaticSynapse,)
