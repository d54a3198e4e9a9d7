"""Relays: short-term plastic and stochastic synapses.

A relay stands between a source of events and an external channel: whenever its source fires, the channel fires with
a factor that multiplies the channel's row. Deterministic short-term plasticity depends on the spikes of the source
only, so one relay serves all synapses of a source with the same parameters; a stochastic synapse needs one of its
own. The recursions stand in ``kernels.relay``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np

from .frozen import Frozen


class Kind(IntEnum):
    """The model of a relay."""

    TSODYKS_MARKRAM = 0
    BERNOULLI = 1
    QUANTAL = 2
    DRIVER = 3


STOCHASTIC = (Kind.BERNOULLI, Kind.QUANTAL)


@dataclass(frozen=True, eq=False)
class Relays(Frozen):
    """Relays, struct of arrays, all of shape (R,).

    Attributes
    ----------
    source : int
        Whose firing is relayed: circuits count first (0..N-1), then external channels.
    channel : int
        External channel that fires.
    kind : int
        One of ``Kind``.
    use : float
        U in 0..1; of all kinds but BERNOULLI.
    tau_rec_us : float
        Time constant of recovery, us, of DRIVER that of its state; 0 is instantaneous.
    tau_facil_us : float
        Time constant of facilitation of TSODYKS_MARKRAM and QUANTAL, us; 0 is off.
    probability : float
        Of a BERNOULLI relay.
    sites : int
        Release sites of a QUANTAL relay.
    start_u : float
        u of TSODYKS_MARKRAM and QUANTAL, or the state of DRIVER, at step 0; it decays from there to the first spike.
    strength, offset : float
        Of a DRIVER: the factor is ``1 + strength (x - offset)``; strength > 0 facilitates, < 0 depresses.
    tau_inact_us : float, optional
        Time constant of inactivation of TSODYKS_MARKRAM, us: the decay of the synaptic current in the three-state
        model. None or 0: resources begin to recover at once.
    start_sites : int, optional
        Release sites of QUANTAL that are full at step 0, at most ``sites``. None: all of them.
    """

    source: np.ndarray
    channel: np.ndarray
    kind: np.ndarray
    use: np.ndarray
    tau_rec_us: np.ndarray
    tau_facil_us: np.ndarray
    probability: np.ndarray
    sites: np.ndarray
    start_u: np.ndarray
    strength: np.ndarray
    offset: np.ndarray
    tau_inact_us: np.ndarray | None = None
    start_sites: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True, eq=False)
class RelayProbe(Frozen):
    """Samples of the state of relays every ``interval_steps``.

    Relays of the configuration count first, then those of drivers as ``kernels.routing.through_drivers`` lists them;
    -1 has samples of NaN. A sample of step k is what a firing in step k finds.

    Attributes
    ----------
    variable : str
        "u", what is left of the utilisation, or "x", the resources that have recovered. A spike would release
        ``(u + U (1 - u)) x``. The factor of a DRIVER is "x" where it depresses, "u" where it facilitates; the other
        one is then 0 or 1.
    relays : int, (p,)
    interval_steps : int
    """

    variable: str
    relays: np.ndarray
    interval_steps: int


def verify_relays(relays: Relays, sources: int, channels: int) -> None:
    """Raise ValueError, naming the field and the index, if relays are not what the kernel can run.

    Parameters
    ----------
    relays : Relays
    sources : int
        Number of all sources: circuits and external channels.
    channels : int
        Number of external channels; they are the last of the sources.
    """
    r = relays
    for field in fields(r):
        array = getattr(r, field.name)
        if array is None and field.name in ("tau_inact_us", "start_sites"):
            continue
        if array.shape != (len(r),):
            raise ValueError(f"relays.{field.name} has shape {array.shape}, expected ({len(r)},)")
        if field.name in ("source", "channel", "kind", "sites", "start_sites"):
            if array.dtype.kind not in "iu":
                raise ValueError(f"relays.{field.name} must be integers, got {array.dtype}")
        else:
            _demand(np.isfinite(array), f"relays.{field.name} must be finite")
    _demand((r.source >= 0) & (r.source < sources), f"relays.source must lie in 0..{sources - 1}")
    _demand((r.channel >= 0) & (r.channel < channels), f"relays.channel must lie in 0..{channels - 1}")
    relayed = np.isin(r.source, sources - channels + r.channel)
    _demand(~relayed, "relays.source must not be the channel of a relay: relays don't form chains")
    _demand(np.isin(r.kind, list(Kind)), f"relays.kind must be one of {[int(kind) for kind in Kind]}")
    for name in ("use", "probability", "start_u"):
        value = getattr(r, name)
        _demand((value >= 0) & (value <= 1), f"relays.{name} must lie in 0..1")
    for name in ("tau_rec_us", "tau_facil_us", "tau_inact_us"):
        if getattr(r, name) is not None:
            _demand(getattr(r, name) >= 0, f"relays.{name} must be >= 0")
    if r.start_sites is not None:
        _demand((r.start_sites >= 0) & (r.start_sites <= r.sites), "relays.start_sites must lie in 0..sites")
    _demand((r.kind != Kind.QUANTAL) | (r.sites >= 1), "relays.sites must be >= 1 for a quantal relay")


def _demand(ok: np.ndarray, sentence: str) -> None:
    if not np.all(ok):
        raise ValueError(f"{sentence}; broken at index {int(np.flatnonzero(~ok)[0])}")
