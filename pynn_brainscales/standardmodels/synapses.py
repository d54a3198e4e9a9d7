"""Standard synapses: static, with short-term plasticity, stochastic; those with STDP are in ``plasticity``."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pyNN.standardmodels import synapses

from .base import AnySynapse, checked_weights
from .hybrid import PlasticSynapse
from .plasticity import STDPMechanism

__all__ = ["SYNAPSE_TYPES", "ElectricalSynapse", "MultiQuantalSynapse", "STDPMechanism", "SimpleStochasticSynapse",
           "StaticSynapse", "StochasticTsodyksMarkramSynapse", "TsodyksMarkramSynapse", "checked_weights"]


_FACILITATION = dict(synapses.TsodyksMarkramSynapse.default_initial_values)  # PyNN names none for the stochastic ones


class StaticSynapse(AnySynapse, synapses.StaticSynapse):
    pass


class TsodyksMarkramSynapse(AnySynapse, synapses.TsodyksMarkramSynapse):
    pass


class SimpleStochasticSynapse(AnySynapse, synapses.SimpleStochasticSynapse):
    pass


class StochasticTsodyksMarkramSynapse(AnySynapse, synapses.StochasticTsodyksMarkramSynapse):
    default_initial_values = _FACILITATION


class MultiQuantalSynapse(AnySynapse, synapses.MultiQuantalSynapse):
    """Stochastic synapse with several release sites.

    Each of ``n`` sites releases on its own with the probability that the model of Tsodyks and Markram gives (``U``,
    ``tau_facil``), if it holds a vesicle; an empty one is refilled with the time constant ``tau_rec``. One release
    has the n-th part of ``weight`` (cf. Fuhrmann et al. 2002, J. Neurophysiol. 87:140).

    Arguments:
        `U`:
            release probability of a site after a long rest.
        `n`:
            number of release sites.
        `tau_rec`:
            time constant of the refilling (ms).
        `tau_facil`:
            facilitation time constant (ms).

    State variables: `u`, and `a`, the number of sites that hold a vesicle.
    """

    default_initial_values = _FACILITATION | {"a": synapses.MultiQuantalSynapse.default_parameters["n"]}
    starts_from = {"a": "n"}  # noqa: RUF012  (all sites are full unless the user says otherwise)


class ElectricalSynapse(AnySynapse, synapses.ElectricalSynapse):
    """A conductance between the membranes of two cells, in both directions.

    On a chip the two cells are neighbouring circuits: each cell has one partner at most, takes one circuit, and both
    have the same ``cm``. So two cells are two compartments of a neuron.

    Arguments:
        `weight`:
            conductance (uS).
    """

    def contradiction(self, values: Mapping[str, np.ndarray]) -> str | None:
        weight = np.atleast_1d(values["weight"])
        if np.any(weight < 0):
            return f"a conductance of {weight.min():g} uS between membranes; it must be >= 0"
        return None


SYNAPSE_TYPES = (StaticSynapse, TsodyksMarkramSynapse, SimpleStochasticSynapse, StochasticTsodyksMarkramSynapse,
                 MultiQuantalSynapse, STDPMechanism, PlasticSynapse, ElectricalSynapse)
