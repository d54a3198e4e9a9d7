"""What a network is compiled for."""

from __future__ import annotations

from dataclasses import dataclass

from pynn_brainscales.emulator import limits
from pynn_brainscales.emulator.frozen import Frozen
from pynn_brainscales.emulator.profile import Profile, calibrated

from .errors import MappingError


@dataclass(frozen=True)
class Target(Frozen):
    """The virtual chips and how strictly a network is mapped to them.

    Attributes
    ----------
    profile : Profile
    chip_seed : int
        Names the virtual chips (their fixed pattern).
    seed : int
        Of the experiment: temporal noise, Poisson sources.
    speedup : float
        How much faster the chip runs than biology.
    on_loss : {"error", "warn"}
        What to do when synapses cannot be placed.
    max_chips : int or None
        None is as many as the network needs.
    circuits_per_neuron : int
        At least so many circuits are joined for each neuron: more fan-in, fewer neurons on a chip.
    off_chip : {"emulate", "error"}
        What to do with cell models that no circuit can hold: compute them beside the chip, or refuse them.
    stdp_period : float or None
        Time between the updates of an STDPMechanism on the chip, ms; None is what the processor needs for them.
    """

    profile: Profile = calibrated
    chip_seed: int = 0
    seed: int = 0
    speedup: float = limits.SPEEDUP
    on_loss: str = "error"
    max_chips: int | None = None
    circuits_per_neuron: int = 1
    off_chip: str = "emulate"
    stdp_period: float | None = None

    def __post_init__(self) -> None:
        if self.on_loss not in ("error", "warn"):
            raise MappingError(f"on_loss={self.on_loss!r}", "'error', 'warn'")
        if self.off_chip not in ("emulate", "error"):
            raise MappingError(f"off_chip={self.off_chip!r}", "'emulate', 'error'")
        if self.max_chips is not None and self.max_chips < 1:
            raise MappingError(f"max_chips={self.max_chips}", "at least 1, or None for as many as needed")
        if not 1 <= self.circuits_per_neuron <= limits.MAX_CIRCUITS_PER_NEURON:
            raise MappingError(f"circuits_per_neuron={self.circuits_per_neuron}",
                               f"1 to {limits.MAX_CIRCUITS_PER_NEURON}")
        if self.stdp_period is not None and not 0 < self.stdp_period < float("inf"):
            raise MappingError(f"stdp_period={self.stdp_period}", "a time in ms > 0, or None for a fitting one")
        if not self.speedup > 0:
            raise MappingError(f"speedup={self.speedup}", "a number > 0")
