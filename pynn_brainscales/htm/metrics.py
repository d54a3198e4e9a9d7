"""Figures by which spatial poolers and temporal memories are compared; the same for reference and spiking ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np


def overlap(a: np.ndarray, b: np.ndarray, of: Callable = min) -> float:
    """Share of common bits of two bool arrays: |a & b| / min(|a|, |b|); ``of=max`` divides by the larger one."""
    most = of(np.count_nonzero(a), np.count_nonzero(b))
    return float(np.count_nonzero(a & b) / most) if most else 0.0


def with_noise(pattern: np.ndarray, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """A pattern (bool) of w bits, of which ``round(fraction * w)`` have moved to random places that were off."""
    result = pattern.copy()
    on, off = np.flatnonzero(pattern), np.flatnonzero(~pattern)
    moved = round(fraction * len(on))
    result[rng.choice(on, moved, replace=False)] = False
    result[rng.choice(off, moved, replace=False)] = True
    return result


def area(noise: Sequence[float], overlaps: Sequence[float]) -> float:
    """Area under the overlap of outputs over the noise of inputs, as a share of the range of the noise."""
    noise, overlaps = np.asarray(noise, float), np.asarray(overlaps, float)
    steps = np.diff(noise)
    return float(np.sum(steps * (overlaps[1:] + overlaps[:-1]) / 2.0) / (noise[-1] - noise[0]))


def classified(outputs: np.ndarray, clean: np.ndarray) -> float:
    """Share of outputs (n, columns) that have more bits in common with their own clean output than with any other."""
    common = outputs.astype(float) @ clean.T.astype(float)
    return float(np.mean(np.argmax(common, axis=1) == np.arange(len(outputs))))


def entropy(outputs: np.ndarray) -> float:
    """Mean over columns of the binary entropy (bits) of being active, over outputs (n, columns)."""
    p = outputs.mean(axis=0)
    q = np.clip(p, 1e-300, 1.0), np.clip(1.0 - p, 1e-300, 1.0)
    return float(np.mean(-(p * np.log2(q[0]) + (1.0 - p) * np.log2(q[1]))))


def stability(before: np.ndarray, after: np.ndarray) -> float:
    """Share of the active bits of outputs (n, columns) that were active in an earlier epoch, too."""
    active = np.count_nonzero(after)
    return float(np.count_nonzero(before & after) / active) if active else 0.0


def winner_quality(active: np.ndarray, overlaps: np.ndarray) -> float:
    """Share of the n active columns that belong to the n of largest overlap, ties counted in favour.

    With b the n-th largest overlap: those above b, and of those at b as many as there are places left.
    """
    n = int(np.count_nonzero(active))
    if n == 0:
        return 0.0
    boundary = np.sort(overlaps)[-n]
    places = n - np.count_nonzero(overlaps > boundary)
    above = np.count_nonzero(active & (overlaps > boundary))
    return float((above + min(np.count_nonzero(active & (overlaps == boundary)), places)) / n)


def prediction_accuracy(predicted: np.ndarray, active: np.ndarray) -> float:
    """Share of the predicted columns that became active; 0 if none was predicted."""
    many = np.count_nonzero(predicted)
    return float(np.count_nonzero(predicted & active) / many) if many else 0.0


def jaccard(predicted: np.ndarray, active: np.ndarray) -> float:
    """|predicted & active| / |predicted or active|."""
    either = np.count_nonzero(predicted | active)
    return float(np.count_nonzero(predicted & active) / either) if either else 0.0


def raw_anomaly(active: np.ndarray, predicted: np.ndarray) -> float:
    """Share of the active columns that were not predicted."""
    many = np.count_nonzero(active)
    return float(1.0 - np.count_nonzero(active & predicted) / many) if many else 0.0


def anomaly_area(substituted: Sequence[float], normal: Sequence[float]) -> float:
    """Probability that a substituted element has a larger score than a normal one, ties counted half."""
    a, b = np.asarray(substituted, float)[:, None], np.asarray(normal, float)[None, :]
    return float(np.mean((a > b) + 0.5 * (a == b)))


def solved_at(errors: Sequence[float]) -> int | None:
    """The first episode (from 1) from which on the error is 0; None if the last one is not."""
    wrong = np.flatnonzero(np.asarray(errors, float) > 0)
    if len(wrong) == 0:
        return 1 if len(errors) else None
    return None if wrong[-1] == len(errors) - 1 else int(wrong[-1]) + 2
