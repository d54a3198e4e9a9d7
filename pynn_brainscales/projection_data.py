"""What comes back from a projection: what it has recorded itself, and what its plasticity rule has recorded."""

from __future__ import annotations

import numpy as np
from pyNN import errors

from . import to_neo
from .plasticity import PlasticityRule
from .synapse_recording import SynapseRecorder


def block(projection, variables, clear: bool):
    """A Neo Block; see ``Projection.get_data``."""
    rule = _rule(projection)
    if rule is None or not rule.observables:
        return _recorder(projection).get(variables, clear)
    asked = [variables] if isinstance(variables, str) else variables
    names = [name for name in rule.observables if asked is None or name in asked or variables == "all"]
    rest = None if asked is None or variables == "all" else [name for name in asked if name not in rule.observables]
    result = (to_neo.synapse_block(projection, [], None) if projection.recorder is None and not rest
              else _recorder(projection).get(rest, clear))
    to_neo.add_observables(result, projection, rule, names)
    if clear:
        rule.forget()
    return result


def array(projection, name: str, segment: int) -> tuple[np.ndarray, np.ndarray]:
    """Times and values; see ``Projection.get_array``."""
    rule = _rule(projection)
    by_projection = projection.recorder is not None and name in projection.recorder.wanted
    if rule is not None and name in rule.observables and not by_projection:
        return rule.get_observable_array(name, segment=segment)
    return _recorder(projection).array(name, segment)


def _rule(projection) -> PlasticityRule | None:
    """The user's plasticity rule of the synapses; None if they have none."""
    return getattr(projection.synapse_type, "plasticity_rule", None)


def _recorder(projection) -> SynapseRecorder:
    if projection.recorder is None:
        raise errors.NothingToWriteError(f"nothing was recorded of {projection.label!r}: call record('weight') before "
                                         "run()")
    return projection.recorder
