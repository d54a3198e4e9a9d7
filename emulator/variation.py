"""The fixed pattern and the noise of virtual chips, from a profile and a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from . import coordinates, limits
from .frozen import Frozen
from .profile import Profile
from .streams import Stream, generator


@dataclass(frozen=True)
class Noise(Frozen):
    """Temporal noise, with the seed that its streams are keyed by; see :class:`Profile` for the fields."""

    seed: int = 0
    run_offset: float = 0.0
    membrane_noise: float = 0.0
    membrane_noise_tau: float = 20.0
    threshold_jitter: float = 0.0
    readout_noise: float = 0.0
    cadc_noise: float = 0.0


def noise_of(profile: Profile, seed: int) -> Noise:
    """The temporal part of a profile."""
    return Noise(seed, profile.run_offset, profile.membrane_noise, profile.membrane_noise_tau,
                 profile.threshold_jitter, profile.readout_noise, profile.cadc_noise)


@dataclass(frozen=True, eq=False)
class FixedPattern(Frozen):
    """Static errors of the used circuits, (N,), and of the synapses and drivers of C chips.

    Potentials are offsets in CADC LSB, all others factors. ``synapse`` is (C, 2, 256, 256), ``driver``
    (C, 2, 128); both are None on a chip without rows.
    """

    v_leak: np.ndarray
    v_reset: np.ndarray
    v_thresh: np.ndarray
    v_exp: np.ndarray
    tau_m: np.ndarray
    tau_syn_exc: np.ndarray
    tau_syn_inh: np.ndarray
    gain_exc: np.ndarray
    gain_inh: np.ndarray
    capacitance: np.ndarray
    threshold_distance: np.ndarray
    delta_t: np.ndarray
    tau_w: np.ndarray
    a: np.ndarray
    b: np.ndarray
    cadc_offset: np.ndarray
    cadc_gain: np.ndarray
    icc: np.ndarray
    synapse: np.ndarray | None
    driver: np.ndarray | None


_OFFSETS = ("v_leak", "v_reset", "v_thresh", "v_exp", "cadc_offset")
_FACTORS = {"tau_m": "tau_m", "tau_syn_exc": "tau_syn", "tau_syn_inh": "tau_syn", "gain_exc": "gain",
            "gain_inh": "gain", "capacitance": "capacitance", "delta_t": "delta_t", "tau_w": "tau_w", "a": "a",
            "b": "b", "cadc_gain": "cadc_gain"}
# position = key of the stream: new ones go to the end, or the chips of all seeds change
_QUANTITIES = (*_OFFSETS, *_FACTORS, "gain_quadrant", "synapse", "driver", "threshold_distance", "icc")


def draw_pattern(profile: Profile, chip_seed: int, seed: int, chips: int, chip: np.ndarray,
                 circuit: np.ndarray) -> FixedPattern | None:
    """The fixed pattern of virtual chips, for the circuits that are used.

    Every number is keyed by chip seed, chip and coordinate: a circuit is the same whatever else is used, and a
    larger sigma scales the same pattern.

    Parameters
    ----------
    profile : Profile
    chip_seed : int
        Names the virtual chips.
    seed : int
        Of the experiment; decides the error of this one writing of the configuration.
    chips : int
    chip, circuit : int arrays, (N,)

    Returns
    -------
    FixedPattern or None
        None where the profile has no static variation at all.
    """
    fields = _FACTORS | {name: name for name in ("threshold_distance", "icc")}
    sigmas = {name: getattr(profile, name) for name in _OFFSETS} | {
        name: getattr(profile, field) for name, field in fields.items()}
    if not any((*sigmas.values(), profile.gain_quadrant, profile.synapse, profile.driver,
                profile.capmem_rewrite)):
        return None
    chip, circuit = np.asarray(chip, np.intp), np.asarray(circuit, np.intp)

    def draw(name: str, *shape: int) -> np.ndarray:
        key = _QUANTITIES.index(name)
        return np.stack([generator(chip_seed, Stream.PATTERN, c, key).standard_normal(shape)
                         for c in range(chips)])

    values: dict[str, Any] = {}
    for name, sigma in sigmas.items():
        if sigma:
            z = sigma * draw(name, limits.CIRCUITS)[chip, circuit]
        else:
            z = np.zeros(len(chip))
        values[name] = z if name in _OFFSETS else np.exp(z)
    if profile.gain_quadrant:
        quadrant = np.exp(profile.gain_quadrant * draw("gain_quadrant", limits.QUADRANTS))
        factor = quadrant[chip, coordinates.quadrant_of(circuit)]
        values["gain_exc"] = values["gain_exc"] * factor
        values["gain_inh"] = values["gain_inh"] * factor
    if profile.capmem_rewrite:
        for key, name in enumerate(("v_leak", "v_reset", "v_thresh")):
            z = np.stack([generator(seed, Stream.REWRITE, c, key).standard_normal(limits.CIRCUITS)
                          for c in range(chips)])
            values[name] = values[name] + profile.capmem_rewrite * z[chip, circuit]
    shape = (limits.HALVES, limits.ROWS, limits.COLUMNS)
    values["synapse"] = np.exp(profile.synapse * draw("synapse", *shape)) if profile.synapse else None
    values["driver"] = (np.exp(profile.driver * draw("driver", limits.HALVES, limits.DRIVERS))
                        if profile.driver else None)
    return FixedPattern(**values)
