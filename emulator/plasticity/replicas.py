"""Random numbers for a batch: each replica has a generator of its own, so the batch draws what single runs draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np


class ReplicaGenerators:
    """Methods of ``numpy.random.Generator``, each called for every replica: results are stacked, (replicas, ...)."""

    def __init__(self, generators: Sequence[np.random.Generator]) -> None:
        self._generators = tuple(generators)

    def __len__(self) -> int:
        return len(self._generators)

    def __getitem__(self, replica: int) -> np.random.Generator:
        """The generator of one replica."""
        return self._generators[replica]

    def __getattr__(self, name: str) -> Callable[..., np.ndarray]:
        if name.startswith("_"):
            raise AttributeError(name)
        methods = [getattr(g, name) for g in self._generators]

        def draw(*args, **kwargs) -> np.ndarray:
            drawn = [method(*args, **kwargs) for method in methods]
            if any(values is None for values in drawn):
                raise TypeError(f"{name}() works on an array in place; use rng[replica].{name}()")
            return np.stack(drawn)

        return draw
