"""How imperfect a virtual chip is: one frozen record, each effect a field that can be changed alone."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from .frozen import Frozen


@dataclass(frozen=True)
class Profile(Frozen):
    """Limits, static variation and temporal noise of a virtual chip.

    Potentials are standard deviations in CADC LSB; the others are relative: the standard deviation of the
    logarithm of a factor whose median is 1. Zero switches an effect off.

    Attributes
    ----------
    limited : bool
        The chip has its real number of circuits, rows, labels and buses, and networks are routed.
    quantised : bool
        Weights have 6 bits, analog parameters lie on the grid of their codes and inside their ranges.
    v_leak, v_reset, v_thresh, v_exp : float
        Static offsets of potentials (CADC LSB).
    tau_m, tau_syn, gain, gain_quadrant, synapse, driver, capacitance : float
        Static factors: time constants per circuit, synaptic gain per circuit and input, gain per quadrant,
        weight per synapse, amplitude per driver, membrane capacitance (acts on gain and offset current).
    threshold_distance : float
        Static factor of the distance from leak potential to threshold.
    delta_t, tau_w, a, b : float
        Static factors of the exponential and adaptation terms.
    icc : float
        Static factor of the conductance between two joined circuits.
    cadc_offset, cadc_gain : float
        Static offset (CADC LSB) and factor of each readout channel.
    capmem_rewrite : float
        Error of a potential that is new at each writing of the configuration (CADC LSB).
    run_offset : float
        Offset of the leak potential that is new in each trial (CADC LSB).
    membrane_noise, membrane_noise_tau : float
        Standard deviation (CADC LSB) and correlation time (us) of the slow noise of the free membrane.
    threshold_jitter : float
        Jitter of the threshold, new for each spike (CADC LSB).
    readout_noise, cadc_noise : float
        White noise of a recorded sample and of one conversion (CADC LSB).
    sensor_eta, sensor_tau : float
        Static factors of amplitude and time constant of each correlation sensor.
    sensor_baseline, sensor_noise : float
        Static offset of a sensor's baseline, and noise of one reading (CADC LSB).
    saturating_input, clipped_membrane, finite_reset, quantised_readout, event_losses, defects : bool
        Not emulated yet; True raises.
    """

    name: str
    limited: bool = True
    quantised: bool = True
    v_leak: float = 0.0
    v_reset: float = 0.0
    v_thresh: float = 0.0
    v_exp: float = 0.0
    tau_m: float = 0.0
    tau_syn: float = 0.0
    gain: float = 0.0
    gain_quadrant: float = 0.0
    synapse: float = 0.0
    driver: float = 0.0
    capacitance: float = 0.0
    threshold_distance: float = 0.0
    delta_t: float = 0.0
    tau_w: float = 0.0
    a: float = 0.0
    b: float = 0.0
    icc: float = 0.0
    cadc_offset: float = 0.0
    cadc_gain: float = 0.0
    capmem_rewrite: float = 0.0
    run_offset: float = 0.0
    membrane_noise: float = 0.0
    membrane_noise_tau: float = 20.0
    threshold_jitter: float = 0.0
    readout_noise: float = 0.0
    cadc_noise: float = 0.0
    sensor_eta: float = 0.0
    sensor_tau: float = 0.0
    sensor_baseline: float = 0.0
    sensor_noise: float = 0.0
    saturating_input: bool = False
    clipped_membrane: bool = False
    finite_reset: bool = False
    quantised_readout: bool = False
    event_losses: bool = False
    defects: bool = False

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name in _NOT_EMULATED and value:
                raise NotImplementedError(f"profile field {field.name!r}: this effect is not emulated yet; "
                                          "leave it False")
            if field.type == "float" and not value >= 0:
                raise ValueError(f"profile field {field.name!r} is a spread and must be >= 0, got {value!r}")
        if self.membrane_noise and not self.membrane_noise_tau > 0:
            raise ValueError("profile field 'membrane_noise_tau' must be > 0 us")
        if (self.synapse or self.driver) and not self.limited:
            raise ValueError("variation of synapses and drivers needs a chip with rows: set limited=True")

    def __str__(self) -> str:
        shown = [f"{f.name}={getattr(self, f.name):g}" for f in dataclasses.fields(self)
                 if f.type == "float" and getattr(self, f.name) and f.name != "membrane_noise_tau"]
        kind = ("routed" if self.limited else "unlimited") + (", quantised" if self.quantised else ", exact")
        return f"{self.name} ({kind}{'; ' if shown else ''}{', '.join(shown)})"


_NOT_EMULATED = ("saturating_input", "clipped_membrane", "finite_reset", "quantised_readout",
                 "event_losses", "defects")

_TEMPORAL: dict[str, Any] = {"run_offset": 1.2, "membrane_noise": 0.25, "threshold_jitter": 0.33, "readout_noise": 0.45,
             "cadc_noise": 0.7, "capmem_rewrite": 1 / 2.4, "sensor_noise": 1.2}

ideal = Profile("ideal", limited=False, quantised=False)
quantised = Profile("quantised")
calibrated = Profile(
    "calibrated", v_leak=2.0, v_reset=1.5, v_thresh=2.0, tau_m=0.05, tau_syn=0.045, gain=0.03, synapse=0.05,
    driver=0.07, delta_t=0.0375, v_exp=2.5, tau_w=0.0625, a=0.05, b=0.05, icc=0.05, cadc_offset=1.2, cadc_gain=0.01,
    sensor_eta=0.35, sensor_tau=0.3, sensor_baseline=7.0, **_TEMPORAL)
uncalibrated = Profile(
    "uncalibrated", v_leak=15.0, v_reset=14.0, v_thresh=7.0, tau_m=0.13, tau_syn=0.25, gain=0.06,
    gain_quadrant=0.232, synapse=0.05, driver=0.15, capacitance=0.015, delta_t=0.15, v_exp=10.0, tau_w=0.25,
    a=0.2, b=0.2, icc=0.13, cadc_offset=10.0, cadc_gain=0.02, sensor_eta=0.5, sensor_tau=0.5, sensor_baseline=10.0,
    **_TEMPORAL)

# variations that studies of the spatial pooler and the temporal memory on this chip have used
htm_sp = quantised.replace(name="htm_sp", gain=0.02, synapse=0.1, threshold_distance=0.01)
htm_sp_strong = quantised.replace(name="htm_sp_strong", gain=0.05, synapse=0.2, threshold_distance=0.02)
# of circuits that make plateaus and of those that don't alike: the former were to have 5 and 10 %, the latter 3 and 5
htm_tm = quantised.replace(name="htm_tm", threshold_distance=0.05, synapse=0.2)
htm_tm_strong = quantised.replace(name="htm_tm_strong", threshold_distance=0.1, synapse=0.3)


def variation(sigma: float) -> Profile:
    """A quantised chip with one relative spread of time constants, synaptic gain and distance to the threshold.

    No noise: only the fixed pattern.
    """
    return quantised.replace(name=f"variation({sigma:g})", tau_m=sigma, tau_syn=sigma, gain=sigma,
                             threshold_distance=sigma)


PROFILES = {p.name: p for p in (ideal, quantised, calibrated, uncalibrated, htm_sp, htm_sp_strong, htm_tm,
                                   htm_tm_strong)}


def profile(which: str | Profile) -> Profile:
    """The profile of a name, or the given profile itself.

    Raises
    ------
    ValueError
        If no profile has that name.
    """
    if isinstance(which, Profile):
        return which
    try:
        return PROFILES[which]
    except (KeyError, TypeError):
        raise ValueError(f"there is no chip profile {which!r}; there are {', '.join(map(repr, PROFILES))}, and "
                         "any of them changed by e.g. calibrated.replace(tau_m=0.1)") from None
