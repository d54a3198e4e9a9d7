"""What describes a group of cells that run beside the chip: model, parameters, receptors.

Biological units throughout: ms, mV, nA, nF, uS (nA = uS mV = nF mV / ms).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from ..frozen import Frozen, read_only

SHAPES: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "exp": ("tau_syn",), "alpha": ("tau_syn",), "beta": ("tau_rise", "tau_decay"), "delta": ()})


@dataclass(frozen=True, eq=False)
class Receptor(Frozen):
    """What an event does to the cells of a group; one set of parameters for each of n cells.

    Attributes
    ----------
    shape : {"exp", "alpha", "beta", "delta"}
        Course of current or conductance after an event at time 0. ``exp``: ``w exp(-t / tau_syn)``;
        ``alpha``: ``w e (t / tau_syn) exp(-t / tau_syn)``; ``beta``: difference of two exponentials with
        ``tau_rise`` and ``tau_decay``. The peak is the weight w. ``delta``: the membrane jumps by w.
    conductance : bool
        The weight is a conductance (uS) with reversal potential ``e_syn``, else a current (nA; for delta, mV).
    parameters : mapping of name to float (n,)
        Time constants in ms by ``SHAPES``, and ``e_syn`` in mV for a conductance.
    """

    shape: str
    conductance: bool
    parameters: Mapping[str, np.ndarray]

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", _frozen(self.parameters))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters that this kind of receptor has."""
        return SHAPES[self.shape] + (("e_syn",) if self.conductance else ())

    @property
    def rise(self) -> np.ndarray:
        """Time constant (n,) of the rise of an alpha or beta receptor, ms."""
        return self.parameters["tau_syn" if self.shape == "alpha" else "tau_rise"]

    @property
    def decay(self) -> np.ndarray:
        """Time constant (n,) of the decay, ms."""
        return self.parameters["tau_decay" if self.shape == "beta" else "tau_syn"]


@dataclass(frozen=True, eq=False)
class CellGroup(Frozen):
    """``size`` cells of one model with the same kinds of receptors.

    Attributes
    ----------
    model : str
        One of ``MODELS``.
    size : int
        Number of cells, n.
    parameters : mapping of name to float, (n,), or (n, k) for the k components of a GIF kernel
    receptors : tuple of Receptor
        Any number, also none.
    key : int
        Names the group's random stream.
    """

    model: str
    size: int
    parameters: Mapping[str, np.ndarray]
    receptors: tuple[Receptor, ...] = ()
    key: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", _frozen(self.parameters))
        object.__setattr__(self, "receptors", tuple(self.receptors))


class ModelWords(NamedTuple):
    """Names of the parameters and of the state variables (without receptors) of a model."""

    parameters: tuple[str, ...]
    variables: tuple[str, ...]


_LEAKY = ("cm", "tau_m", "tau_refrac", "v_rest", "v_reset", "i_offset")

MODELS: Mapping[str, ModelWords] = MappingProxyType({
    "LIF": ModelWords((*_LEAKY, "v_thresh"), ("v",)),
    "AdExp": ModelWords((*_LEAKY, "v_thresh", "v_spike", "delta_T", "a", "b", "tau_w"), ("v", "w")),
    "GsfaGrr": ModelWords((*_LEAKY, "v_thresh", "tau_sfa", "e_rev_sfa", "q_sfa", "tau_rr", "e_rev_rr", "q_rr"),
                          ("v", "g_s", "g_r")),
    "HH": ModelWords(("gbar_Na", "gbar_K", "g_leak", "cm", "v_offset", "e_rev_Na", "e_rev_K", "e_rev_leak",
                      "i_offset"), ("v", "m", "h", "n")),
    "Izhikevich": ModelWords(("a", "b", "c", "d", "i_offset"), ("v", "u")),
    "GIF": ModelWords((*_LEAKY, "delta_v", "v_t_star", "lambda0", "tau_eta", "a_eta", "tau_gamma", "a_gamma"),
                      ("v", "i_eta", "v_t")),
})
"""Models by name. Parameters have PyNN's names and units: ms, mV, nA, nF, uS, but ``a``, ``q_sfa``, ``q_rr`` of the
integrate-and-fire models in nS, ``lambda0`` in Hz, and a, b (1 / ms), c (mV), d (mV / ms) of Izhikevich's model as in
his paper. Variables: ``v`` membrane (mV); ``w`` adaptation current (nA); ``g_s``, ``g_r`` conductances of adaptation
and relative refractoriness (nS); ``m``, ``h``, ``n`` gates; ``u`` recovery (mV / ms); ``i_eta`` spike-triggered
current (nA); ``v_t`` moving threshold (mV). Receptor number r adds ``"r.g"`` (uS or nA), and alpha and beta ones
``"r.y"``, the state that rises at an event."""

KERNELS = ("tau_eta", "a_eta", "tau_gamma", "a_gamma")  # shape (n, k)
_POSITIVE = ("cm", "tau_m", "tau_w", "tau_sfa", "tau_rr", "tau_eta", "tau_gamma", "delta_v", "tau_syn", "tau_rise",
             "tau_decay")
_NOT_NEGATIVE = ("tau_refrac", "delta_T", "gbar_Na", "gbar_K", "g_leak", "lambda0")


def verify_group(group: CellGroup) -> None:
    """Raise ValueError, naming the field and the index, if a group is not well described."""
    if group.model not in MODELS:
        raise ValueError(f"there is no model {group.model!r} beside the chip; choose one of {', '.join(MODELS)}")
    if group.size < 0:
        raise ValueError(f"size must be >= 0, got {group.size}")
    if group.key < 0:
        raise ValueError(f"key names a random stream and must be >= 0, got {group.key}")
    _verify("parameters", group.parameters, MODELS[group.model].parameters, group.size)
    for pair in (("tau_eta", "a_eta"), ("tau_gamma", "a_gamma")):
        shapes = [group.parameters[name].shape for name in pair if name in group.parameters]
        if len(set(shapes)) > 1:
            raise ValueError(f"parameters.{pair[0]} has shape {shapes[0]} and parameters.{pair[1]} {shapes[1]}; give "
                             "each component a time constant and an amplitude")
    for r, receptor in enumerate(group.receptors):
        where = f"receptors[{r}]"
        if receptor.shape not in SHAPES:
            raise ValueError(f"{where}.shape is {receptor.shape!r}; choose one of {', '.join(SHAPES)}")
        if receptor.shape == "delta" and receptor.conductance:
            raise ValueError(f"{where}: a delta receptor moves the membrane itself; conductance must be False")
        _verify(f"{where}.parameters", receptor.parameters, receptor.names, group.size)


def _verify(where: str, given: Mapping[str, np.ndarray], names: tuple[str, ...], n: int) -> None:
    missing, unknown = [x for x in names if x not in given], [x for x in given if x not in names]
    if missing:
        raise ValueError(f"{where} lacks {', '.join(missing)}; there must be {', '.join(names)}")
    if unknown:
        raise ValueError(f"{where} has {', '.join(unknown)}, which the model does not know; it has "
                         f"{', '.join(names) or 'no parameters'}")
    for name, value in given.items():
        if name in KERNELS:
            if value.ndim != 2 or value.shape[0] != n or value.shape[1] < 1:
                raise ValueError(f"{where}.{name} has shape {value.shape}, expected ({n}, k) with k >= 1 components")
        elif value.shape != (n,):
            raise ValueError(f"{where}.{name} has shape {value.shape}, expected ({n},)")
        _demand(np.isfinite(value), f"{where}.{name} must be finite", value)
        if name in _POSITIVE:
            _demand(value > 0, f"{where}.{name} must be > 0", value)
        elif name in _NOT_NEGATIVE:
            _demand(value >= 0, f"{where}.{name} must be >= 0", value)


def _demand(ok: np.ndarray, sentence: str, value: np.ndarray) -> None:
    if not np.all(ok):
        where = tuple(int(i) for i in np.argwhere(~ok)[0])
        raise ValueError(f"{sentence}; at index {where[0] if len(where) == 1 else where} it is {value[where]}")


def _frozen(parameters: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    return MappingProxyType({name: read_only(np.asarray(value, float)) for name, value in parameters.items()})
