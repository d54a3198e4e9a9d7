"""create, connect, record."""

from __future__ import annotations

from pyNN import common

from . import simulator
from .connectors import FixedProbabilityConnector
from .populations import Population
from .projections import Projection
from .standardmodels.synapses import StaticSynapse

create = common.build_create(Population)
connect = common.build_connect(Projection, FixedProbabilityConnector, StaticSynapse)
record = common.build_record(simulator)
set = common.set


def record_v(source, filename):
    """Record the membrane potential of ``source`` to a file."""
    return record(["v"], source, filename)


def record_gsyn(source, filename):
    """Record the synaptic conductances of ``source`` to a file."""
    return record(["gsyn_exc", "gsyn_inh"], source, filename)
