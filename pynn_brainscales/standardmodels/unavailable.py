"""Standard models that don't exist here: each name gets a sentence that says what to use instead."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pyNN.errors import NoModelAvailableError

_COMPARTMENTS = "neurons have one compartment here; HH_cond_exp is a single-compartment neuron with these channels"
INSTEAD: Mapping[str, str] = MappingProxyType({
    "MultiCompartmentNeuron": "neurons have one compartment here; use PointNeuron(LIF() or AdExp(), with as many "
                              "receptors as you like), or HH_cond_exp",
    "NaChannel": _COMPARTMENTS, "KdrChannel": _COMPARTMENTS, "PassiveLeak": _COMPARTMENTS,
    "PassiveLeakHH": _COMPARTMENTS,
    "NativeCellType": "there are no native cell types; list_standard_models() names those that there are",
})


class ModelNotHere(NoModelAvailableError, NotImplementedError, AttributeError):
    """A standard model that this simulator does not have.

    Scripts that ask first (``hasattr``, ``getattr`` with a default) get the answer no; others get the sentence.
    """


def missing(module: str, name: str) -> AttributeError:
    """The error for a name that a module does not have."""
    if name in INSTEAD:
        return ModelNotHere(f"{name} is not available on this simulator: {INSTEAD[name]}")
    return AttributeError(f"module {module!r} has no attribute {name!r}")
