"""Pair-based plasticity in a chip without limits: synapses and their rule.

Every pair of a presynaptic and a postsynaptic spike counts, each at the time at which it is effective at the synapse.
What happens then stands in ``kernels.pairs``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .frozen import Frozen, read_only

SPIKE_PAIR, VOGELS = "SpikePairRule", "Vogels2011Rule"
ADDITIVE, MULTIPLICATIVE = "AdditiveWeightDependence", "MultiplicativeWeightDependence"
MIXED, GUTIG = "AdditivePotentiationMultiplicativeDepression", "GutigWeightDependence"

TIMING = {SPIKE_PAIR: ("tau_plus_us", "tau_minus_us", "A_plus", "A_minus"), VOGELS: ("tau_us", "eta", "rho_per_us")}
DEPENDENCE = {ADDITIVE: ("w_min", "w_max"), MULTIPLICATIVE: ("w_min", "w_max"), MIXED: ("w_min", "w_max"),
              GUTIG: ("w_min", "w_max", "mu_plus", "mu_minus")}


@dataclass(frozen=True, eq=False)
class PairSynapses(Frozen):
    """Plastic synapses of one rule; arrays of shape (M,).

    Attributes
    ----------
    source : int
        Presynaptic source: circuits count first (0..N-1), then external channels.
    target : int
        Where the current goes; the kernel does not look at it.
    post_source : int
        The source whose firing is the postsynaptic spike.
    pre_delay_steps, post_delay_steps : int
        From the presynaptic spike to its effect on the weight, and from the postsynaptic spike to its effect:
        (1 - f) d and f d, where d is the delay and f the dendritic fraction of it. Each >= 0, their sum >= 1.
    weight : float
        At the start, between w_min and w_max; its unit is the caller's.
    timing : str
        "SpikePairRule" or "Vogels2011Rule"; the latter goes with "AdditiveWeightDependence" only.
    dependence : str
        "AdditiveWeightDependence", "MultiplicativeWeightDependence",
        "AdditivePotentiationMultiplicativeDepression" or "GutigWeightDependence".
    parameters : mapping of str to float arrays (M,)
        Of SpikePairRule: tau_plus_us, tau_minus_us, A_plus, A_minus. Of Vogels2011Rule: tau_us, eta (a weight),
        rho_per_us (events per us). Of all dependences: w_min, w_max; of GutigWeightDependence also mu_plus, mu_minus.
    """

    source: np.ndarray
    target: np.ndarray
    post_source: np.ndarray
    pre_delay_steps: np.ndarray
    post_delay_steps: np.ndarray
    weight: np.ndarray
    timing: str
    dependence: str
    parameters: Mapping[str, np.ndarray]

    def __post_init__(self) -> None:
        super().__post_init__()
        frozen = {name: read_only(value) for name, value in self.parameters.items()}
        object.__setattr__(self, "parameters", frozen)

    def __len__(self) -> int:
        return len(self.source)


def verify_pairs(synapses: PairSynapses, sources: int) -> None:
    """Raise ValueError, naming the field and the index, if plastic synapses are not what the kernel can run.

    Parameters
    ----------
    synapses : PairSynapses
    sources : int
        Number of all sources: circuits and external channels.
    """
    s = synapses
    if s.timing not in TIMING:
        raise ValueError(f"timing must be one of {', '.join(TIMING)}, not {s.timing!r}")
    if s.dependence not in DEPENDENCE:
        raise ValueError(f"dependence must be one of {', '.join(DEPENDENCE)}, not {s.dependence!r}")
    if s.timing == VOGELS and s.dependence != ADDITIVE:
        raise ValueError(f"{VOGELS} has an amplitude of its own and goes with {ADDITIVE} only, not {s.dependence}")
    needed = {*TIMING[s.timing], *DEPENDENCE[s.dependence]}
    if set(s.parameters) != needed:
        raise ValueError(f"{s.timing} with {s.dependence} takes the parameters {', '.join(sorted(needed))}; got "
                         f"{', '.join(sorted(s.parameters)) or 'none'}")
    _verify_arrays(s, sources)
    p = s.parameters
    for name in p:
        if name.startswith("tau"):
            _demand(p[name] > 0, f"{name} must be > 0")
        elif name.startswith(("mu", "rho")):
            _demand(p[name] >= 0, f"{name} must be >= 0")
    _demand(p["w_min"] >= 0, "w_min must be >= 0: weights are magnitudes")
    _demand(p["w_max"] >= p["w_min"], "w_max must not be below w_min")
    _demand((s.weight >= p["w_min"]) & (s.weight <= p["w_max"]), "weight must lie between w_min and w_max")


def _verify_arrays(s: PairSynapses, sources: int) -> None:
    whole = ("source", "target", "post_source", "pre_delay_steps", "post_delay_steps")
    for name, array in {**{name: getattr(s, name) for name in (*whole, "weight")}, **s.parameters}.items():
        if array.shape != (len(s),):
            raise ValueError(f"{name} has shape {array.shape}, expected ({len(s)},)")
        if name in whole:
            if array.dtype.kind not in "iu":
                raise ValueError(f"{name} must be integers, got {array.dtype}")
        else:
            _demand(np.isfinite(array), f"{name} must be finite")
    for name in ("source", "post_source"):
        array = getattr(s, name)
        _demand((array >= 0) & (array < sources), f"{name} must lie in 0..{sources - 1}")
    for name in ("pre_delay_steps", "post_delay_steps"):
        _demand(getattr(s, name) >= 0, f"{name} must be >= 0")
    _demand(s.pre_delay_steps + s.post_delay_steps >= 1,
            "the delay, pre_delay_steps + post_delay_steps, must be >= 1")


def _demand(ok: np.ndarray, sentence: str) -> None:
    if not np.all(ok):
        raise ValueError(f"{sentence}; broken at index {int(np.flatnonzero(~ok)[0])}")
