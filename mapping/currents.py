"""Current sources: what they inject, step by step. Parameters have PyNN's names and units (nA, ms, Hz, degrees)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from pynn_brainscales.emulator.streams import Stream, generator

Parameters = Mapping[str, Any]  # numbers, of a step current two arrays
Normals = Callable[[np.ndarray], np.ndarray]  # standard normals of intervals with ascending numbers

_DRAWN_AT_ONCE = 1024
_FOREVER_MS = 1e11  # PyNN's default ``stop`` is 1e12 ms


def values(model: str, p: Parameters, step: np.ndarray, timestep: float, normals: Normals) -> np.ndarray:
    """Current (nA) from each of some steps to the next.

    Parameters
    ----------
    model : str
        One of ``models.CURRENTS``.
    p : mapping
        Its parameters; times are rounded to steps.
    step : int, (n,)
    timestep : float
        ms.
    normals : callable
        Gives the standard normals of some intervals (ascending numbers, may repeat) of a noisy source, always the
        same; an interval lasts ``dt`` from its onset on, and number 0 is that at about t = 0.
    """
    return _MODELS[model](p, step, timestep, normals)


def drawn(seed: int, trial: int, number: int) -> Normals:
    """The normals of source ``number`` of an experiment in one trial."""
    def normals(interval: np.ndarray) -> np.ndarray:
        block = interval // _DRAWN_AT_ONCE
        parts = {b: generator(seed, Stream.CURRENT, trial, number, b).standard_normal(_DRAWN_AT_ONCE)
                 for b in np.unique(block).tolist()}
        return np.concatenate([parts[b][interval[block == b] % _DRAWN_AT_ONCE] for b in parts])

    return normals


def constant(model: str, p: Parameters, timestep: float) -> float | None:
    """The current (nA) of a source that is one constant from time 0 on, None of others."""
    if model == "StepCurrentSource":
        if len(p["times"]) == 0:
            return 0.0
        late = np.rint(p["times"][0] / timestep) > 0
        return None if late or np.any(np.diff(p["amplitudes"])) else float(p["amplitudes"][0])
    if np.rint(p["start"] / timestep) > 0 or p["stop"] < _FOREVER_MS:
        return None
    if model == "DCSource":
        return float(p["amplitude"])
    moving, level = ("amplitude", "offset") if model == "ACSource" else ("stdev", "mean")
    return float(p[level]) if p[moving] == 0 else None


def _between(p: Parameters, step: np.ndarray, timestep: float) -> np.ndarray:
    return (step >= np.rint(p["start"] / timestep)) & (step < np.rint(p["stop"] / timestep))


def _direct(p: Parameters, step: np.ndarray, timestep: float, normals: Normals) -> np.ndarray:
    return np.where(_between(p, step, timestep), p["amplitude"], 0.0)


def _alternating(p: Parameters, step: np.ndarray, timestep: float, normals: Normals) -> np.ndarray:
    since = (step - np.rint(p["start"] / timestep)) * timestep  # the phase counts from the onset
    wave = np.sin(2e-3 * np.pi * p["frequency"] * since + np.deg2rad(p["phase"]))
    return np.where(_between(p, step, timestep), p["offset"] + p["amplitude"] * wave, 0.0)


def _steps(p: Parameters, step: np.ndarray, timestep: float, normals: Normals) -> np.ndarray:
    if len(p["times"]) == 0:
        return np.zeros(len(step))
    last = np.searchsorted(np.rint(p["times"] / timestep), step, "right") - 1
    return np.where(last >= 0, p["amplitudes"][np.maximum(last, 0)], 0.0)


def _noisy(p: Parameters, step: np.ndarray, timestep: float, normals: Normals) -> np.ndarray:
    every, start = max(1, round(p["dt"] / timestep)), int(np.rint(p["start"] / timestep))
    number = (step - start) // every - (-start) // every
    on = _between(p, step, timestep)
    result = np.zeros(len(step))
    if on.any():
        result[on] = p["mean"] + p["stdev"] * normals(number[on])
    return result


_MODELS = {"DCSource": _direct, "ACSource": _alternating, "StepCurrentSource": _steps, "NoisyCurrentSource": _noisy}
