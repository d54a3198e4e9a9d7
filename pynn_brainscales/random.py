"""Random number generators: PyNN's, our own ``NativeRNG``, and the seeds of what the face draws."""

from __future__ import annotations

import numpy as np
from pyNN import random as pynn
from pyNN.random import (
    GSLRNG,
    AbstractRNG,
    NumpyRNG,
    RandomDistribution,
    WrappedRNG,
    available_distributions,
    get_mpi_config,
)

from . import simulator
from .random_sharing import DEFAULT_SEED, continues

__all__ = ["AbstractRNG", "GSLRNG", "NativeRNG", "NumpyRNG", "RandomDistribution", "WrappedRNG",
           "available_distributions", "get_mpi_config"]

NATIVE, CONNECTOR = 101, 103  # second word of our keys; the emulator's streams use small ones


def keyed(what: int, *key: int) -> np.random.SeedSequence:
    """Seed of a stream of the face: by the seed of ``setup`` and by what it is for."""
    return np.random.SeedSequence((simulator.state.target.seed, what, *key))


class NativeRNG(pynn.NativeRNG, NumpyRNG):
    """The simulator's own generator: here NumPy's PCG64.

    It is for every distribution and at every place where ``NumpyRNG`` is, and gives other numbers.

    Parameters
    ----------
    seed : int, optional
        Without it, the numbers follow from the seed of ``setup`` and from how many such generators were made since.
    """

    translations = NumpyRNG.translations | {
        "uniform_int": ("integers", {"low": "low", "high": "high"})}

    def __init__(self, seed: int | None = None) -> None:
        if seed is not None and (not isinstance(seed, (int, np.integer)) or seed < 0):
            raise ValueError(f"NativeRNG(seed={seed!r}): a seed is a whole number >= 0")
        AbstractRNG.__init__(self, None if seed is None else int(seed))
        self.parallel_safe, self.mpi_rank, self.num_processes = True, 0, 1
        if seed is None:
            made = simulator.state.generators = getattr(simulator.state, "generators", 0) + 1
            self.rng = np.random.default_rng(keyed(NATIVE, made))
        else:
            self.rng = np.random.default_rng(seed)

    def __getattr__(self, name: str):
        if name == "rng":  # asked for before it is there, while a copy is made
            raise AttributeError(name)
        return getattr(self.rng, name)

    def __deepcopy__(self, memo) -> NativeRNG:
        copy = NativeRNG(0)
        copy.seed = self.seed
        copy.rng.bit_generator.state = self.rng.bit_generator.state
        return copy


def own_generator(connector, number: int):
    """The generator of a connector; None where it has none.

    All connectors that are made without one start from the same seed, in PyNN. Where shared generators draw on
    (``setup(shared_rng="continue")``), each gets numbers of its own instead, by the number of its projection.
    """
    rng = getattr(connector, "rng", None)
    if continues() and isinstance(rng, NumpyRNG) and rng.seed == DEFAULT_SEED:
        return NumpyRNG(seed=int(keyed(CONNECTOR, number).generate_state(1)[0]))
    return rng
