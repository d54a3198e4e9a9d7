"""Standard cells. Parameters keep PyNN's names and units: they are translated to the chip in ``mapping``."""

from __future__ import annotations

from pyNN.standardmodels import build_translations, cells


def _same_names(base) -> dict:
    return build_translations(*((name, name) for name in base.default_parameters))


class IF_curr_exp(cells.IF_curr_exp):
    __doc__ = cells.IF_curr_exp.__doc__
    translations = _same_names(cells.IF_curr_exp)
    recordable = [*cells.IF_curr_exp.recordable, "isyn_exc", "isyn_inh"]  # noqa: RUF012


class IF_cond_exp(cells.IF_cond_exp):
    __doc__ = cells.IF_cond_exp.__doc__
    translations = _same_names(cells.IF_cond_exp)


class EIF_cond_exp_isfa_ista(cells.EIF_cond_exp_isfa_ista):
    __doc__ = cells.EIF_cond_exp_isfa_ista.__doc__
    translations = _same_names(cells.EIF_cond_exp_isfa_ista)


class SpikeSourceArray(cells.SpikeSourceArray):
    __doc__ = cells.SpikeSourceArray.__doc__
    translations = _same_names(cells.SpikeSourceArray)


class SpikeSourcePoisson(cells.SpikeSourcePoisson):
    __doc__ = cells.SpikeSourcePoisson.__doc__
    translations = _same_names(cells.SpikeSourcePoisson)


class SpikeSourcePoissonRefractory(cells.SpikeSourcePoissonRefractory):
    __doc__ = cells.SpikeSourcePoissonRefractory.__doc__
    translations = _same_names(cells.SpikeSourcePoissonRefractory)


class SpikeSourceGamma(cells.SpikeSourceGamma):
    __doc__ = cells.SpikeSourceGamma.__doc__
    translations = _same_names(cells.SpikeSourceGamma)


CELL_TYPES = (IF_curr_exp, IF_cond_exp, EIF_cond_exp_isfa_ista, SpikeSourceArray, SpikeSourcePoisson,
              SpikeSourcePoissonRefractory, SpikeSourceGamma)
