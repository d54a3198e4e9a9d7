"""How near the chip's synapse drivers come to the Tsodyks-Markram synapses of a network."""

from __future__ import annotations

import warnings

import numpy as np

from .errors import MappingWarning
from .mapped import Mapped
from .network import Projection
from .shortterm import DriverFit, suits
from .split import inactivation, parameter_sets

_POOR = 0.1  # rms error of the strengths from which on a warning says so


def driver_fits(m: Mapped, p: Projection) -> list[DriverFit]:
    """The setting of every kind of synapse of a projection, and how well it does."""
    columns = np.vstack([parameter_sets(p, inactivation(p, m.described)), m.split.driver_modes[p.label]])
    fits = []
    for mode in np.unique(columns[5]):
        sets = np.unique(columns[:5, columns[5] == mode], axis=1)
        fits += suits(sets, m.split.drivers[int(mode) - 1], m.target.speedup)
    return fits


def tell_poor_fits(m: Mapped) -> None:
    """One warning for each projection whose short-term plasticity the drivers don't follow."""
    for p in m.described.projections:
        if p.label not in m.split.driver_modes:
            continue
        worst = max(driver_fits(m, p), key=lambda f: f.error)
        if worst.error > _POOR:
            kind = "facilitates" if worst.strength > 0 else "depresses"
            warnings.warn(
                f"projection {p.label!r}: short-term plasticity on the chip, where a driver either facilitates or "
                f"depresses, is off by {100 * worst.error:.0f} % (rms over a test train; it {kind}). What was asked "
                "for runs with chip='ideal'; a chip comes nearer with tau_facil=0, or with a tau_rec far below "
                "tau_facil", MappingWarning, stacklevel=4)
