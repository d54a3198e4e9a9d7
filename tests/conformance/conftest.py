"""A chip of every profile: what PyNN promises holds on all of them."""

import pytest

import pynn_brainscales as sim

PROFILES = ("ideal", "quantised", "calibrated")


@pytest.fixture(params=PROFILES)
def chip(request):
    """Name of a profile, with a fresh network on it."""
    sim.setup(timestep=0.1, chip=request.param, seed=1, chip_seed=1)
    return request.param


@pytest.fixture
def ideal():
    """A fresh network on the chip without limits."""
    sim.setup(timestep=0.1, chip="ideal")
