"""Rules and the populations that they see beside those of their synapses."""

from __future__ import annotations

from pyNN import common

from . import simulator
from .mapping.models import CELLS
from .plasticity import PlasticityRule
from .simulator import Stale


def attach_rule(rule: PlasticityRule, *populations) -> None:
    """Let a rule see further populations: their spike counters and membranes come in ``neurons`` of its ``update``.

    A rule that has no synapses, and only counts spikes, moves an environment on or sends spikes, is executed if it is
    attached to at least one population.

    Parameters
    ----------
    rule : PlasticityRule
    *populations : Population
        Of neurons of the present network; whole ones, not views.

    Raises
    ------
    TypeError
        If these are no rule and populations of neurons.
    ValueError
        If a population is of another network, or none is named.
    """
    state = simulator.state
    if not isinstance(rule, PlasticityRule):
        raise TypeError(f"attach_rule({rule!r}): it must be a PlasticityRule")
    if not populations:
        raise ValueError("attach_rule: name at least one population; spike sources have no counters, neurons have")
    for population in populations:
        if not isinstance(population, common.Population):
            raise TypeError(f"attach_rule: {population!r} must be a Population, not a view or an assembly")
        if population not in state.populations:
            raise ValueError(f"attach_rule: {population.label!r} does not belong to the present network")
        if type(population.celltype).__name__ not in CELLS and not hasattr(population.celltype, "neuron"):
            raise TypeError(f"attach_rule: {population.label!r} has spike sources; only neurons have counters and "
                            "membranes")
    state.attached += [(rule, population) for population in populations]
    state.changed(Stale.VALUES)
