"""Single connections as the chip has them, in PyNN's units and the network's order."""

from __future__ import annotations

import numpy as np

from .aside import aside_delay
from .mapped import Loss, Mapped
from .readback import delay_ms


def synapse_slices(mapped: Mapped) -> dict[str, slice]:
    """Where each projection's synapses stand in the numbering of the whole network."""
    result, start = {}, 0
    for p in mapped.network.projections:
        result[p.label] = slice(start, start + len(p))
        start += len(p)
    return result


def connections(mapped: Mapped, projection: str) -> dict[str, np.ndarray]:
    """Requested and realised values of all connections of a projection, each (m,), in the order of creation.

    Parameters
    ----------
    mapped : Mapped
    projection : str
        Label.

    Returns
    -------
    dict
        ``weight_requested``, ``weight`` (nA or uS), ``delay_requested``, ``delay`` (ms), ``rows`` and ``lost`` (see
        ``mapped.Loss``); weight and delay are NaN where the connection is lost.

    Raises
    ------
    KeyError
        If there is no such projection.
    """
    known = {p.label: p for p in mapped.described.projections}
    if projection not in known:
        raise KeyError(f"there is no projection {projection!r}; there are {list(known)}")
    slices, asked = synapse_slices(mapped), known[projection]
    if projection not in slices:  # onto cells beside the chips, or learning on a chip without limits
        aside = next(p for p in (*mapped.split.aside, *mapped.split.learning) if p.label == projection)
        delay = aside_delay(aside, mapped.split, mapped.target)
        none = np.zeros(len(asked), np.int64)
        return {"weight_requested": asked.weight, "weight": asked.weight, "delay_requested": asked.delay,
                "delay": delay, "rows": none, "lost": none}
    s = slices[projection]
    drive, lost = mapped.rounded.drive, mapped.rounded.lost[s]
    wanted = drive.requested[s]
    share = np.where(wanted > 0, drive.realised[s] / np.where(wanted > 0, wanted, 1.0), 1.0)
    gone = lost != Loss.NONE
    return {"weight_requested": asked.weight, "weight": np.where(gone, np.nan, asked.weight * share),
            "delay_requested": asked.delay,
            "delay": np.where(gone, np.nan, delay_ms(mapped, mapped.routing.delay_us[s])),
            "rows": mapped.scaled.rows[s], "lost": lost}
