"""Samples of the state of relays: between two firings of its source it is a closed form of the time."""

from __future__ import annotations

import numpy as np

from ..recording import Samples
from ..relays import RelayProbe, Relays
from .relay import RelayRun, RelayState, Released


def verify_relay_probes(probes: tuple[RelayProbe, ...], relays: Relays | None) -> None:
    """Raise ValueError for probes that ask for what there is not."""
    size = 0 if relays is None else len(relays)
    for p in probes:
        if p.variable not in ("u", "x") or p.interval_steps < 1 or np.any(p.relays < -1) or np.any(p.relays >= size):
            raise ValueError(f"a probe of {p.variable!r} of relays {p.relays} every {p.interval_steps} steps; there "
                             f"are u and x of {size} relays, and intervals of at least one step")


def relay_samples(probe: RelayProbe, run: RelayRun | None, before: RelayState | None, trials: int, start: int,
                  stop: int, step_us: float) -> Samples:
    """What a probe has seen in a run.

    Parameters
    ----------
    probe : RelayProbe
    run : RelayRun or None
        With the ``log`` of the run; None if there are no relays.
    before : RelayState or None
        At its beginning.
    trials : int
    start, stop : int
        Of the run, in steps.
    step_us : float
    """
    q = probe.interval_steps
    steps = np.arange(0 if start == 0 < stop else (start // q + 1) * q, stop + 1, q)
    relay, place = np.unique(probe.relays, return_inverse=True)
    values = np.full((trials, len(steps), len(relay)), np.nan)
    known = np.flatnonzero(relay >= 0)
    if known.size and steps.size and run is not None and before is not None:
        log = _sorted(run.log or [])
        for trial in range(trials):
            dt, *state = _latest(before, log, trial, relay[known], steps, start)
            at = np.broadcast_to(relay[known], dt.shape)
            values[trial][:, known] = run.between(probe.variable, at, dt * step_us, *state)
    return Samples(probe.variable, probe.relays, steps, values[:, :, place.reshape(-1)])


def _sorted(log: list[Released]) -> Released:
    """By relay, then step; what one step has released twice stays in this order."""
    if not log:
        none = np.zeros(0, np.int64)
        return Released(none, none, np.zeros(0), np.zeros(0), np.zeros(0))
    joined = [np.concatenate(arrays) for arrays in zip(*log, strict=True)]
    order = np.lexsort((joined[0], joined[1]))
    return Released(*(a[order] for a in joined))


def _latest(before: RelayState, log: Released, trial: int, relay: np.ndarray, steps: np.ndarray, start: int
            ) -> tuple[np.ndarray, ...]:
    """Steps since the last release before each sample, and u, resources and active part after it: (steps, relays)."""
    span = int(steps[-1]) - start + 1  # the log begins with step ``start``
    code = trial * before.u.shape[1] + relay
    last = np.searchsorted(log.code * span + log.step - start, code * span + (steps - start)[:, None]) - 1
    hit = last >= 0
    hit[hit] = log.code[last[hit]] == np.broadcast_to(code, hit.shape)[hit]

    def latest(logged: np.ndarray, first: np.ndarray) -> np.ndarray:
        result = np.array(np.broadcast_to(first[trial, relay], hit.shape))
        result[hit] = logged[last[hit]]
        return result

    return (steps[:, None] - latest(log.step, np.maximum(before.last, 0)), latest(log.u, before.u),
            latest(log.resource, before.resource), latest(log.active, before.active))
