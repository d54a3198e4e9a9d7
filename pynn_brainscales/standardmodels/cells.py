"""Standard cells. Parameters keep PyNN's names and units: they are translated to the chip in ``mapping``."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pyNN.standardmodels import cells

from .. import simulator
from .base import AsGiven
from .composed import LIF, AdExp, PointNeuron

__all__ = [
    "CELL_TYPES", "AdExp", "EIF_cond_alpha_isfa_ista", "EIF_cond_exp_isfa_ista", "GIF_cond_exp", "HH_cond_exp",
    "IF_cond_alpha", "IF_cond_exp", "IF_cond_exp_gsfa_grr", "IF_curr_alpha", "IF_curr_delta", "IF_curr_exp",
    "IF_facets_hardware1", "Izhikevich", "LIF", "PointNeuron", "SpikeSourceArray", "SpikeSourceGamma",
    "SpikeSourceInhGamma", "SpikeSourcePoisson", "SpikeSourcePoissonRefractory"]

_MOST_SPIKES = 1000  # of a source in one timestep


class IF_curr_exp(AsGiven, cells.IF_curr_exp):
    recordable = [*cells.IF_curr_exp.recordable, "isyn_exc", "isyn_inh"]  # noqa: RUF012


class IF_curr_alpha(AsGiven, cells.IF_curr_alpha):
    recordable = [*cells.IF_curr_alpha.recordable, "isyn_exc", "isyn_inh"]  # noqa: RUF012


class IF_curr_delta(AsGiven, cells.IF_curr_delta):
    pass


class IF_cond_exp(AsGiven, cells.IF_cond_exp):
    pass


class IF_cond_alpha(AsGiven, cells.IF_cond_alpha):
    pass


class IF_cond_exp_gsfa_grr(AsGiven, cells.IF_cond_exp_gsfa_grr):
    pass


class IF_facets_hardware1(AsGiven, cells.IF_facets_hardware1):
    pass


class EIF_cond_exp_isfa_ista(AsGiven, cells.EIF_cond_exp_isfa_ista):
    pass


class EIF_cond_alpha_isfa_ista(AsGiven, cells.EIF_cond_alpha_isfa_ista):
    pass


class HH_cond_exp(AsGiven, cells.HH_cond_exp):
    recordable = [*cells.HH_cond_exp.recordable, "m", "h", "n"]  # noqa: RUF012
    receptor_types = ("excitatory", "inhibitory")  # PyNN's third one is for gap junctions


class Izhikevich(AsGiven, cells.Izhikevich):
    pass


class GIF_cond_exp(AsGiven, cells.GIF_cond_exp):

    def contradiction(self, values: Mapping[str, np.ndarray]) -> str | None:
        for kind in ("eta", "gamma"):
            constants, steps = values[f"tau_{kind}"].shape[-1], values[f"a_{kind}"].shape[-1]
            if constants != steps:
                return f"tau_{kind} has {constants} values, a_{kind} {steps}: they belong together, set both at once"
        return None


class SpikeSourceArray(AsGiven, cells.SpikeSourceArray):

    def contradiction(self, values: Mapping[str, np.ndarray]) -> str | None:
        for times in values["spike_times"]:
            if np.any(np.diff(times.value) < 0):
                return f"spike_times must be in ascending order; sort them, they are {times.value!r}"
            if np.any(times.value < 0):
                return f"spike_times count from 0 ms and can't be negative, got {times.value.min():g}; leave these out"
        return None


def _too_fast(rate: np.ndarray) -> str | None:
    """What is wrong with rates (Hz) whose spikes nobody could compute in reasonable time, or None."""
    most = _MOST_SPIKES * 1000.0 / simulator.state.dt
    if np.all(rate <= most):
        return None
    return (f"a rate of {np.max(rate):g} Hz is more than {_MOST_SPIKES} spikes in each timestep of "
            f"{simulator.state.dt:g} ms; use at most {most:g} Hz")


class SpikeSourcePoisson(AsGiven, cells.SpikeSourcePoisson):

    def contradiction(self, values: Mapping[str, np.ndarray]) -> str | None:
        return _too_fast(values["rate"])


class SpikeSourcePoissonRefractory(AsGiven, cells.SpikeSourcePoissonRefractory):

    def contradiction(self, values: Mapping[str, np.ndarray]) -> str | None:
        return _too_fast(values["rate"])


class SpikeSourceGamma(AsGiven, cells.SpikeSourceGamma):

    def contradiction(self, values: Mapping[str, np.ndarray]) -> str | None:
        return _too_fast(values["beta"] / values["alpha"])


class SpikeSourceInhGamma(AsGiven, cells.SpikeSourceInhGamma):

    def contradiction(self, values: Mapping[str, np.ndarray]) -> str | None:
        for a, b, tbins in zip(values["a"], values["b"], values["tbins"], strict=True):
            if not len(a.value) == len(b.value) == len(tbins.value) > 0:
                return (f"a, b and tbins need one value each for every bin, got {len(a.value)}, {len(b.value)} and "
                        f"{len(tbins.value)}; set them at once")
            if np.any(a.value <= 0) or np.any(b.value <= 0):
                return f"a and b must be > 0, got a={a.value!r}, b={b.value!r}"
            if np.any(np.diff(tbins.value) <= 0):
                return f"tbins, where the bins begin, must ascend, got {tbins.value!r}"
        return None


CELL_TYPES = (
    IF_curr_exp, IF_cond_exp, EIF_cond_exp_isfa_ista, IF_curr_alpha, IF_cond_alpha, EIF_cond_alpha_isfa_ista,
    IF_curr_delta, IF_cond_exp_gsfa_grr, IF_facets_hardware1, HH_cond_exp, Izhikevich, GIF_cond_exp, PointNeuron,
    SpikeSourceArray, SpikeSourcePoisson, SpikeSourcePoissonRefractory, SpikeSourceGamma, SpikeSourceInhGamma)
