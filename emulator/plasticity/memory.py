"""What a rule keeps from one execution to the next: named arrays in one of the processor's memories.

The chip has little room: 16 KiB beside the processor, for code and data, and more, but slower, outside. A budget is
counted for one trial, as the chip would hold it: so the type matters, and an int8 permanence takes an eighth of what
float64 takes.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

import numpy as np

from .. import limits
from ..frozen import Frozen, read_only
from .cost import CostMeter, Operation


class MemoryBudgetWarning(UserWarning):
    """A rule keeps more than the chip's memory holds."""


class MemoryBudgetError(ValueError):
    """A rule keeps more than the chip's memory holds, and was asked not to."""


class Space(Enum):
    """Where a memory lies, and what it holds."""

    SRAM = ("SRAM of the processor", limits.SRAM_BYTES, Operation.SRAM_LOAD, Operation.SRAM_STORE)
    EXTERNAL = ("external memory", limits.EXTERNAL_BYTES, Operation.EXTERNAL_LOAD, Operation.EXTERNAL_STORE)
    DRAM = ("external DRAM", limits.DRAM_BYTES, Operation.EXTERNAL_LOAD, Operation.EXTERNAL_STORE)

    def __init__(self, text: str, budget: int, load: Operation, store: Operation) -> None:
        self.text, self.budget, self.load, self.store = text, budget, load, store


@dataclass(frozen=True, eq=False)
class MemoryState(Frozen):
    """Copies of all arrays of a memory, read-only, each (trials, ...)."""

    values: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        copies = {name: read_only(np.array(value)) for name, value in self.values.items()}
        object.__setattr__(self, "values", MappingProxyType(copies))


class Memory(MutableMapping[str, np.ndarray]):
    """Arrays by name, each with the axis of trials first.

    ``memory["x"] = values`` stores a copy; ``memory["x"]`` gives the array itself, so ``memory["x"][:, 3] += 1``
    changes what is kept. A single number stands for one number per trial. With a meter, each reading by name is charged
    as a load of the whole array and each assignment as a store; changes in place aren't seen: assign the array if they
    count.

    Parameters
    ----------
    rule : str
        Whose memory it is: named in warnings.
    trials : int
    space : Space
    strict : bool
        Going over the budget is an error instead of a warning; the array is then not stored.
    state : MemoryState, optional
        What an earlier part of the run left.
    """

    def __init__(self, rule: str, trials: int, space: Space = Space.SRAM, strict: bool = False,
                 state: MemoryState | None = None) -> None:
        self.rule, self.trials, self.space, self.strict = rule, trials, space, strict
        self.meter: CostMeter | None = None
        self._values: dict[str, np.ndarray] = {}
        self._warned = 0
        for name, value in (state.values if state is not None else {}).items():
            self._values[name] = self._checked(name, value)
        self._warned = self.used_bytes  # what is carried over was warned about when it was stored

    def state(self) -> MemoryState:
        """Copies of everything, from which a later part of the run can go on."""
        return MemoryState(self._values)

    @property
    def used_bytes(self) -> int:
        """Bytes of one trial."""
        return sum(_bytes(value) for value in self._values.values())

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._values:
            known = ", ".join(map(repr, self._values)) or "nothing yet"
            raise KeyError(f"rule {self.rule!r} keeps no {name!r} in its {self.space.text}; there is {known}")
        value = self._values[name]
        self._charge(self.space.load, value)
        return value

    def __setitem__(self, name: str, value) -> None:
        array = self._checked(name, value)
        used = self.used_bytes - (_bytes(self._values[name]) if name in self._values else 0) + _bytes(array)
        if used > self.space.budget:
            self._over(name, array, used)
        self._values[name] = array
        self._charge(self.space.store, array)

    def __delitem__(self, name: str) -> None:
        del self._values[name]

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}: {value.dtype.name} {value.shape}" for name, value in self._values.items())
        return f"Memory of {self.rule!r}, {self.used_bytes} of {self.space.budget} bytes: {inside or 'empty'}"

    def _checked(self, name: str, value) -> np.ndarray:
        if not isinstance(name, str):
            raise TypeError(f"rule {self.rule!r}: what is kept has a name, not {name!r}")
        array = np.array(value)
        if array.dtype.kind not in "biuf":
            raise TypeError(f"rule {self.rule!r}: {name!r} is kept as numbers, not as {array.dtype.name}")
        if array.ndim == 0:
            return np.full(self.trials, array)
        if len(array) != self.trials:
            raise ValueError(f"rule {self.rule!r}: {name!r} has shape {array.shape}, but the first axis is that of the "
                             f"{self.trials} trial{'s' * (self.trials != 1)}: use shape ({self.trials}, ...)")
        return array

    def _over(self, name: str, array: np.ndarray, used: int) -> None:
        budget = self.space.budget
        text = (f"rule {self.rule!r} keeps {used} bytes in the {self.space.text}, which holds {budget}, with "
                f"{_bytes(array)} of them for {name!r} ({array.dtype.name} {array.shape[1:]}): use a smaller type")
        if self.space is Space.SRAM:
            text += " or the external memory"
        if self.strict:
            raise MemoryBudgetError(text)
        if used > self._warned:  # once for each time that it grows
            warnings.warn(text, MemoryBudgetWarning, stacklevel=3)
            self._warned = used

    def _charge(self, operation: Operation, value: np.ndarray) -> None:
        if self.meter is not None:
            self.meter.charge(operation, -(-_bytes(value) // limits.PROCESSOR_LANES))


def _bytes(value: np.ndarray) -> int:
    """Bytes of one trial of an array (trials, ...)."""
    return value.nbytes // max(1, len(value))
