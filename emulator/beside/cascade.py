"""Propagators of two exponential filters and a leaky target in a row, exact for any time constants, equal ones too."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_TERMS = 20  # of the Taylor series of exp(x), x <= 1: the rest is below 1e-18


class Cascade(NamedTuple):
    """By the end of a step, per unit at its start, each (n,); see ``cascade``."""

    filtered_from_input: np.ndarray
    target_from_filtered: np.ndarray
    target_from_input: np.ndarray


def cascade(h: float, input_rate, coupling, filtered_rate, target_rate) -> Cascade:
    """What an input y gives to a filter g and to a target z in a step of ``h``.

    ``dy/dt = -input_rate y``, ``dg/dt = coupling y - filtered_rate g``, ``dz/dt = g - target_rate z``; rates and
    coupling >= 0, arrays (n,). With target_rate 0, z is the integral of g over the step.

    The propagator is the exponential of the matrix of this system by scaling and squaring (Moler & Van Loan 2003,
    SIAM Rev. 45:3). A multiple of the unit matrix makes the matrix nonnegative and is given back as a factor; sums
    and products of nonnegative numbers lose no digits, whatever the differences between the rates.
    """
    columns = np.stack(np.broadcast_arrays(*np.atleast_1d(input_rate, coupling, filtered_rate, target_rate)), axis=1)
    distinct, which = np.unique(columns, axis=0, return_inverse=True)
    matrix = np.zeros((len(distinct), 3, 3))  # order: target, filter, input
    y, coupled, g, z = distinct.T
    largest = np.maximum(np.maximum(y, g), z)
    for i, rate in enumerate((z, g, y)):
        matrix[:, i, i] = largest - rate
    matrix[:, 0, 1] = 1.0
    matrix[:, 1, 2] = coupled
    power = _exponential(h * matrix, h * largest)
    return Cascade(*(power[which.reshape(-1), i, j] for i, j in ((1, 2), (0, 1), (0, 2))))


def _exponential(matrix: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """exp(matrix - shift) of nonnegative matrices (n, 3, 3); shift (n,) >= 0 times the unit matrix.

    Each matrix is scaled by what it needs itself, so that its result does not depend on the others.
    """
    size = np.maximum(matrix.sum(axis=2).max(axis=1, initial=1.0), shift)
    squarings = np.ceil(np.log2(size)).astype(int)
    scaled = matrix / np.exp2(squarings)[:, None, None]
    term = np.broadcast_to(np.eye(3), matrix.shape)
    result = term.copy()
    for k in range(1, _TERMS):
        term = term @ scaled / k
        result += term
    result *= np.exp(-shift / np.exp2(squarings))[:, None, None]
    for done in range(squarings.max(initial=0)):
        left = squarings > done
        result[left] = result[left] @ result[left]
    return result
