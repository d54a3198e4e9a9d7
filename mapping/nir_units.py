"""What the numbers of a NIR graph stand for in PyNN's units, and the package that reads and writes such graphs."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from pynn_brainscales.emulator.frozen import Frozen

from .errors import MappingError


def nir_package():
    """The package ``nir``; ImportError that names the extra if it isn't installed."""
    try:
        import nir
    except ImportError as error:
        raise ImportError('NIR graphs need the package nir: pip install "pynn-brainscales[nir]"') from error
    return nir


@dataclass(frozen=True, eq=False)
class Units(Frozen):
    """What NIR's numbers stand for.

    Attributes
    ----------
    time_unit : float
        ms; 1000 for graphs in seconds.
    mv_per_unit : float
        mV for a potential of 1.
    v_rest_mv : float
        Potential that NIR's 0 becomes, mV.
    spike_area : float
        Integral of one spike over time, in NIR's unit of time: 1 for NIR's definition, a Dirac impulse.
    """

    time_unit: float = 1000.0
    mv_per_unit: float = 15.0
    v_rest_mv: float = -65.0
    spike_area: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for field in fields(self):
            value = getattr(self, field.name)
            if not np.isfinite(value) or (field.name != "v_rest_mv" and value <= 0):
                raise MappingError(f"{field.name}={value:g}", f"{field.name} > 0" if field.name != "v_rest_mv"
                                   else "a finite potential in mV", "units of a NIR graph")

    def millivolt(self, v) -> np.ndarray:
        """A potential of NIR in mV."""
        return self.v_rest_mv + self.mv_per_unit * np.asarray(v, float).reshape(-1)

    def potential(self, mv: np.ndarray) -> np.ndarray:
        """A potential in mV in NIR's unit."""
        return (mv - self.v_rest_mv) / self.mv_per_unit
