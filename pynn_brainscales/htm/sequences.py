"""Sequences of letters to learn, and how well they are predicted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .metrics import jaccard

# of Bouhadjar et al. 2022, and the small one of Dietrich et al. 2024
SETS = {"I": ("ADBE", "FDBC"), "II": ("ENDIJ", "LNDIK", "GJMCN", "FJMCI", "BCKHI", "ACKHF"),
        "III": ("ENDIJ", "LNDIK", "GJMEN", "FJMEI", "BCKBI", "ACKBF"), "small": ("ACB", "DCB")}


def numbered(sequences: Sequence[str]) -> list[list[int]]:
    """Letters as numbers of columns, "A" being 0."""
    return [[ord(letter) - ord("A") for letter in word] for word in sequences]


def high_order_set(rng: np.random.Generator, letters: int = 14, count: int = 6, length: int = 5, shared: int = 3
                   ) -> list[list[int]]:
    """Sequences in pairs that share all but their first and last elements; these differ.

    Within a sequence no letter comes twice; first letters and last letters of a pair are different ones.
    """
    if length < 3 or not 0 < shared <= length - 2 or count % 2 or letters < length + 2:
        raise ValueError(f"high_order_set: {count} sequences of {length} with {shared} shared of {letters} letters; "
                         "needs an even count, 0 < shared <= length - 2, and letters >= length + 2")
    result: list[list[int]] = []
    while len(result) < count:
        order = rng.permutation(letters).tolist()
        middle, rest = order[:shared], order[shared:]
        head = length - shared - 1
        pair = [[*rest[:head], *middle, rest[head]], [*rest[head + 1:2 * head + 1], *middle, rest[2 * head + 1]]]
        if {tuple(s) for s in pair}.isdisjoint(tuple(s) for s in result):
            result += pair
    return result


def elements(sequences: Sequence[Sequence[int]], gap: int) -> list[list[int]]:
    """One pass over a set, element by element: columns of each; ``gap`` elements of silence after each sequence."""
    return [part for s in sequences for part in ([*([k] for k in s)] + [[]] * gap)]


def positions(sequences: Sequence[Sequence[int]], gap: int) -> list[tuple[int, int, int]]:
    """Where each element that can be predicted stands: (number of the element, sequence, position in it)."""
    result, start = [], 0
    for i, s in enumerate(sequences):
        result += [(start + j, i, j) for j in range(1, len(s))]
        start += len(s) + gap
    return result


def errors(predicted: np.ndarray, sequences: Sequence[Sequence[int]], gap: int, first: int | None = None
           ) -> tuple[float, float, float]:
    """Error, false positives and false negatives of one pass, means over sequences.

    ``predicted`` bool (elements, columns): predicted columns after each element. The last elements are judged, or all
    from position ``first`` on. With target ``v`` and prediction ``o`` the error is ``||o - v||_2``.
    """
    parts = []
    for number, i, j in positions(sequences, gap):
        if j == len(sequences[i]) - 1 if first is None else j >= first:
            target = np.zeros(predicted.shape[1], bool)
            target[sequences[i][j]] = True
            o = predicted[number - 1]
            parts.append((np.sqrt(np.count_nonzero(o != target)), np.count_nonzero(o & ~target),
                          np.count_nonzero(~o & target)))
    error, fp, fn = np.mean(parts, axis=0)
    return float(error), float(fp), float(fn)


def similarity(predicted: np.ndarray, sequences: Sequence[Sequence[int]], gap: int, first: int = 2) -> float:
    """Mean Jaccard index of predicted columns (elements, columns) and elements, from position ``first`` on."""
    values = []
    for number, i, j in positions(sequences, gap):
        if j >= first:
            came = np.zeros(predicted.shape[1], bool)
            came[sequences[i][j]] = True
            values.append(jaccard(predicted[number - 1], came))
    return float(np.mean(values))
