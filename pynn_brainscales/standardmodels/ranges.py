"""Which numbers a parameter can have at all, whatever the model; by PyNN's names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

_POSITIVE = frozenset({
    "alpha", "beta", "cm", "delta_v", "tau", "tau_decay", "tau_eta", "tau_gamma", "tau_m", "tau_minus", "tau_plus",
    "tau_rise", "tau_rr", "tau_sfa", "tau_syn", "tau_syn_E", "tau_syn_I", "tau_w"})
_NOT_NEGATIVE = frozenset({
    "delta_T", "duration", "g_leak", "gbar_K", "gbar_Na", "lambda0", "mu_minus", "mu_plus", "q_rr", "q_sfa", "rate",
    "rho", "tau_facil", "tau_rec", "tau_refrac", "U"})
_FRACTION = frozenset({"dendritic_delay_fraction", "p"})
_COUNT = frozenset({"n"})  # release sites

_RULES: tuple[tuple[frozenset[str], str, Callable], ...] = (
    (_POSITIVE, "> 0", lambda v: v > 0),
    (_NOT_NEGATIVE, ">= 0", lambda v: v >= 0),
    (_FRACTION, "between 0 and 1", lambda v: (v >= 0) & (v <= 1)),
    (_COUNT, "a whole number >= 1", lambda v: (v >= 1) & (v == np.floor(v))),
)
_BY_NAME: Mapping[str, tuple[str, Callable]] = MappingProxyType(
    {name: (words, rule) for names, words, rule in _RULES for name in names})


def limited(name: str) -> bool:
    """Whether there is a rule for a parameter of this name; "AMPA.tau_syn" is a ``tau_syn``."""
    return name.rpartition(".")[2] in _BY_NAME


def late_problem(name: str, values) -> str | None:
    """What PyNN's backends take, and a run can't: a warning when it is given, an error when it is run."""
    if name == "U" and np.any(np.asarray(values, float) > 1):
        return f"U is a share of resources, between 0 and 1; a run will refuse {np.max(values):g}"
    return None


def problem(name: str, values) -> str | None:
    """What is wrong with the values (number or array) of a parameter, or None."""
    if not limited(name):
        return None
    words, rule = _BY_NAME[name.rpartition(".")[2]]
    values = np.asarray(values, float)
    wrong = ~rule(values)
    if not np.any(wrong):
        return None
    return f"{name} must be {words}, got {values[wrong].flat[0]:g}"
