"""Parameters of a population as arrays: numbers (n,), lists of numbers of one length (n, k), and sequences (n,)."""

from __future__ import annotations

import numpy as np
from pyNN.errors import InvalidParameterValueError
from pyNN.parameters import ArrayParameter, Sequence

from .standardmodels.base import shown
from .standardmodels.ranges import problem


def to_array(value, n: int, kind: type, name: str, where: str) -> np.ndarray:
    """Values of ``n`` cells, from what PyNN evaluates to.

    Parameters
    ----------
    value : number, sequence, or array (n,)
    n : int
    kind : type
        Of one cell's value, by the schema of the cell type: float gives an array (n,); ``Sequence`` (spike times) an
        object array (n,) of them, whatever their lengths; ``ArrayParameter`` an array (n, k).
    name, where : str
        For errors: the parameter, and of what.
    """
    if not issubclass(kind, ArrayParameter):
        return _numbers(value, n, name, where)
    cells = np.empty(n, object)
    cells[:] = list(value) if isinstance(value, np.ndarray) and value.shape == (n,) else [_item(value)] * n
    cells[:] = [kind(_list(cell, name, where)) for cell in cells]
    if issubclass(kind, Sequence):
        return cells
    lengths = {len(cell.value) for cell in cells}
    if len(lengths) > 1:
        raise InvalidParameterValueError(f"{where}: {name} must have as many values for every cell, got "
                                         f"{', '.join(map(str, sorted(lengths)))}")
    return np.array([cell.value for cell in cells], float)


def from_array(array: np.ndarray, kind: type) -> np.ndarray:
    """One value for each cell, as PyNN takes it: (n,)."""
    if array.ndim == 1:
        return array
    cells = np.empty(len(array), object)
    cells[:] = [kind(row.copy()) for row in array]
    return cells


def check_parameter(where: str, name: str, values: np.ndarray) -> None:
    """Raise InvalidParameterValueError for values that no cell can have."""
    numbers = values if values.dtype.kind != "O" else np.concatenate([v.value for v in values] or [np.zeros(0)])
    allowed = np.isfinite(numbers)
    if name == "duration":  # of a source that never ends
        allowed |= np.isposinf(numbers)
    if not np.all(allowed):
        raise InvalidParameterValueError(f"{where}: {name} must be finite numbers, got {numbers[~allowed].flat[0]}")
    wrong = problem(name, numbers)
    if wrong:
        raise InvalidParameterValueError(f"{where}: {wrong}")


def _numbers(value, n: int, name: str, where: str) -> np.ndarray:
    try:
        given = np.asarray(value)
        if given.dtype.kind not in "biufO":
            raise TypeError
        return np.array(np.broadcast_to(given, (n,)), float)
    except (TypeError, ValueError):
        raise InvalidParameterValueError(
            f"{where}: {name} must be a number, or one for each of {n} cells, got {shown(value)}") from None


def _item(value):
    """What is in an array of one element."""
    return value.reshape(-1)[0] if isinstance(value, np.ndarray) and value.size == 1 else value


def _list(cell, name: str, where: str) -> np.ndarray:
    values = cell.value if isinstance(cell, ArrayParameter) else cell
    if hasattr(values, "rescale"):  # with a unit, as Neo's spike trains are
        values = values.rescale("ms").magnitude
    try:
        values = np.array(values, float)
    except (TypeError, ValueError):
        values = np.zeros(())
    if values.ndim != 1:
        raise InvalidParameterValueError(f"{where}: {name} must be a list of numbers for each cell, got {shown(cell)}")
    return values
