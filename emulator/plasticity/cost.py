"""How long a rule keeps its processor: what it touched, times the cycles that each transfer takes.

The time of one execution is

    base + sum over operations of count x cycles / clock,

with the numbers of ``limits``. Transfers between the processor and the array dominate on the chip; arithmetic counts
only where a rule declares it. All trials of a batch touch the same rows, so they take the same time.

A rule's ``runtime_model`` decides which time counts:

- ``None``: none, the rule is instantaneous,
- a number: so many microseconds of hardware time (as many as milliseconds of biological time),
- a function of the ``CostMeter`` that returns microseconds: ``transfer_time`` (the sum above), ``reserved_time`` (what
  the vendor's demos set aside, a safe upper bound), or one's own.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from enum import Enum

import numpy as np

from .. import limits


class Operation(Enum):
    """What the processor can be charged for; the unit of a count is in brackets."""

    WEIGHT_READ = "weights read [vectors]"
    WEIGHT_WRITE = "weights written [vectors]"
    LABEL_READ = "labels read [vectors]"
    LABEL_WRITE = "labels written [vectors]"
    CADC_READ = "conversions [rows of one set]"
    CADC_SWITCH = "switches between sensors and membranes [times]"
    CORRELATION_RESET = "sensors reset [vectors]"
    NEURON_RESET = "neurons reset [vectors]"
    COUNTER_READ = "spike counters read [neurons]"
    REGISTER_WRITE = "registers written [registers]"
    SRAM_LOAD = "loaded from SRAM [vectors]"
    SRAM_STORE = "stored to SRAM [vectors]"
    EXTERNAL_LOAD = "loaded from external memory [vectors]"
    EXTERNAL_STORE = "stored to external memory [vectors]"
    RANDOM_READ = "random lanes read [vectors]"
    ARITHMETIC = "arithmetic [operations on a vector]"


CYCLES = {
    Operation.WEIGHT_READ: limits.WEIGHT_READ_CYCLES,
    Operation.WEIGHT_WRITE: limits.WEIGHT_WRITE_CYCLES,
    Operation.LABEL_READ: limits.LABEL_READ_CYCLES,
    Operation.LABEL_WRITE: limits.LABEL_WRITE_CYCLES,
    Operation.CADC_READ: limits.CADC_READ_CYCLES,
    Operation.CADC_SWITCH: limits.CADC_SWITCH_CYCLES,
    Operation.CORRELATION_RESET: limits.CORRELATION_RESET_CYCLES,
    Operation.NEURON_RESET: limits.NEURON_RESET_CYCLES,
    Operation.COUNTER_READ: limits.COUNTER_READ_CYCLES,
    Operation.REGISTER_WRITE: limits.REGISTER_WRITE_CYCLES,
    Operation.SRAM_LOAD: limits.SRAM_LOAD_CYCLES,
    Operation.SRAM_STORE: limits.SRAM_STORE_CYCLES,
    Operation.EXTERNAL_LOAD: limits.EXTERNAL_LOAD_CYCLES,
    Operation.EXTERNAL_STORE: limits.EXTERNAL_STORE_CYCLES,
    Operation.RANDOM_READ: limits.RANDOM_READ_CYCLES,
    Operation.ARITHMETIC: limits.VECTOR_CYCLES,
}
BY_ROW = frozenset({Operation.WEIGHT_READ, Operation.WEIGHT_WRITE, Operation.LABEL_READ, Operation.LABEL_WRITE,
                    Operation.CORRELATION_RESET})  # operations on rows of synapses, one vector at a time


class CostMeter:
    """Collects what one execution of a rule touches on one processor.

    The converter serves correlation sensors or membranes; going from one to the other within an execution costs a
    switch, and the first reading doesn't.
    """

    def __init__(self) -> None:
        self._counts: Counter[Operation] = Counter()
        self._rows: dict[int, set[int]] = {}  # by array
        self._converting: str | None = None

    # --- charging ----------------------------------------------------------------------------------------------

    def charge(self, operation: Operation, count: int = 1) -> None:
        """Add ``count`` of an operation, in its own unit."""
        if count < 0:
            raise ValueError(f"{operation.value}: a count of {count} can't be charged, it must be 0 or more")
        self._counts[operation] += int(count)

    def rows(self, operation: Operation, rows) -> None:
        """Add an operation on whole rows of synapses (see ``BY_ROW``).

        Parameters
        ----------
        operation : Operation
        rows : int or array of int
            Numbers of the rows in the processor's half.
        """
        if operation not in BY_ROW:
            raise ValueError(f"{operation.value} isn't counted by rows of synapses: use charge()")
        self.charge(operation, limits.VECTORS_PER_ROW * self._touch(rows))

    def read_correlation(self, rows, sets: int = 1) -> None:
        """Convert the sensors of ``rows``; ``sets`` is 1 for causal or acausal ones, 2 for both."""
        if sets not in (1, 2):
            raise ValueError(f"a synapse has 2 correlation sensors, causal and acausal; {sets} can't be read")
        self.convert("sensors")
        self.charge(Operation.CADC_READ, sets * self._touch(rows))

    def read_membranes(self) -> None:
        """Convert the neurons' readouts (or another of their voltages): one row."""
        self.convert("membranes")
        self.charge(Operation.CADC_READ)

    def convert(self, what: str) -> None:
        """The converter is to read "sensors" or "membranes"."""
        if self._converting not in (None, what):
            self.charge(Operation.CADC_SWITCH)
        self._converting = what

    def _touch(self, rows) -> int:
        numbers = np.atleast_1d(np.asarray(rows))
        if numbers.dtype.kind not in "iu" and numbers.size:
            raise TypeError(f"rows are given by their numbers, not as {numbers.dtype.name}")
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < limits.ROWS:
            raise ValueError(f"rows {numbers.min()} to {numbers.max()} were touched; a half has rows 0 to "
                             f"{limits.ROWS - 1}")
        self.touch(0, numbers)
        return numbers.size

    def touch(self, array: int, rows: np.ndarray) -> None:
        """Note rows of an array of synapses as read or written; the key tells arrays apart."""
        self._rows.setdefault(array, set()).update(rows.tolist())

    # --- result ------------------------------------------------------------------------------------------------

    def count(self, operation: Operation) -> int:
        """What has been charged of an operation."""
        return self._counts[operation]

    @property
    def row_count(self) -> int:
        """Different rows of synapses that were read or written."""
        return sum(map(len, self._rows.values()))

    @property
    def cycles(self) -> int:
        """Cycles of all that was charged, without the base."""
        return sum(CYCLES[operation] * n for operation, n in self._counts.items())

    def __str__(self) -> str:
        lines = [f"{op.value:<50}{n:>8} x {CYCLES[op]:>3} cycles" for op in Operation if (n := self._counts[op])]
        return "\n".join([*lines, f"{transfer_time(self):.2f} us with {limits.UPDATE_BASE_US:g} us to enter and leave"])


RuntimeModel = Callable[[CostMeter], float] | float | None


def transfer_time(meter: CostMeter) -> float:
    """Base and cycles of what was touched, in us of hardware time."""
    return limits.UPDATE_BASE_US + meter.cycles / limits.PROCESSOR_CLOCK_MHZ


def reserved_time(meter: CostMeter) -> float:
    """Base and a fixed time for each row touched, as the vendor's demos reserve it, in us of hardware time."""
    return limits.UPDATE_BASE_US + limits.UPDATE_ROW_US * meter.row_count


def run_time_us(model: RuntimeModel, meter: CostMeter) -> float:
    """Run time of an execution under a rule's ``runtime_model``, in us of hardware time."""
    if model is None:
        return 0.0
    if isinstance(model, str) or not (callable(model) or np.isscalar(model)):
        raise TypeError(f"runtime_model={model!r}: give None (instantaneous), microseconds, or a function of the "
                        "CostMeter such as cost.transfer_time")
    value = model(meter) if callable(model) else model
    try:
        time = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise TypeError(f"runtime_model gave {value!r}; a run time is a number of microseconds") from None
    if not (math.isfinite(time) and time >= 0.0):
        raise ValueError(f"runtime_model gave {time:g} us; a run time is finite and not negative")
    return time


def run_time_steps(time_us: float, step_us: float) -> int:
    """Whole steps that a run time takes: a rule that has begun a step has it."""
    return math.ceil(time_us / step_us * (1.0 - 1e-12))
