"""Which state variable is where: the rows of a group's state, and the decaying rows that belong to a model itself."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .config import CellGroup

NANO = 1e-3  # nS to uS
_OWN_ROWS = {"AdExp": ("w",), "HH": ("m", "n", "h"), "Izhikevich": ("u",)}


class Layout(NamedTuple):
    """Rows of a group's state: membrane, what the model has of its own, receptors' inputs, filters.

    ``rows`` are those of named variables; ``filters`` the numbers of the alpha and beta receptors in the order of
    their rows; from ``first_trace`` on, rows decay by themselves.
    """

    rows: dict[str, slice]
    first_trace: int
    first_input: int
    first_filter: int
    filters: tuple[int, ...]
    total: int


class OwnTrace(NamedTuple):
    """A decaying row that belongs to the model, and grows at its spikes.

    ``gain`` brings it to uS or nA; ``e_rev`` (n,) is None for a current.
    """

    variable: str
    tau: np.ndarray
    gain: float
    e_rev: np.ndarray | None


def own_traces(group: CellGroup) -> list[OwnTrace]:
    """The decaying rows of a model, in order."""
    p = group.parameters
    if group.model == "GsfaGrr":
        return [OwnTrace("g_s", p["tau_sfa"], NANO, p["e_rev_sfa"]), OwnTrace("g_r", p["tau_rr"], NANO, p["e_rev_rr"])]
    if group.model == "GIF":
        return ([OwnTrace("i_eta", tau, -1.0, None) for tau in p["tau_eta"].T]
                + [OwnTrace("v_t", tau, 0.0, None) for tau in p["tau_gamma"].T])
    return []


def layout(group: CellGroup) -> Layout:
    """The rows of a group's state."""
    names = ("v", *_OWN_ROWS.get(group.model, ()))
    rows = {name: slice(i, i + 1) for i, name in enumerate(names)}
    first_trace = count = len(names)
    for own in own_traces(group):
        start = rows[own.variable].start if own.variable in rows else count
        count += 1
        rows[own.variable] = slice(start, count)
    first_input, first_filter = count, count + len(group.receptors)
    filters = tuple(r for r, receptor in enumerate(group.receptors) if receptor.shape in ("alpha", "beta"))
    for r, receptor in enumerate(group.receptors):
        row = slice(first_input + r, first_input + r + 1)
        if r in filters:
            g = first_filter + filters.index(r)
            rows[f"{r}.y"], rows[f"{r}.g"] = row, slice(g, g + 1)
        elif receptor.shape == "exp":
            rows[f"{r}.g"] = row
    return Layout(rows, first_trace, first_input, first_filter, filters, first_filter + len(filters))


def growth(group: CellGroup) -> list[tuple[int, np.ndarray]]:
    """By how much rows grow at a spike: (row, amount (n,))."""
    p, rows = group.parameters, layout(group).rows
    if group.model == "AdExp":
        return [(rows["w"].start, p["b"])]
    if group.model == "Izhikevich":
        return [(rows["u"].start, p["d"])]
    if group.model == "GsfaGrr":
        return [(rows["g_s"].start, p["q_sfa"]), (rows["g_r"].start, p["q_rr"])]
    if group.model == "GIF":
        amounts = [*p["a_eta"].T, *p["a_gamma"].T]
        return list(enumerate(amounts, start=rows["i_eta"].start))
    return []


def conducts(group: CellGroup) -> bool:
    """Whether any trace is a conductance: else a leaky membrane is linear."""
    return any(r.conductance for r in group.receptors) or any(own.e_rev is not None for own in own_traces(group))
