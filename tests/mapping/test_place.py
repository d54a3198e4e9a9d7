"""Which neurons share a chip, and where joined ones lie."""

import numpy as np
import pytest
from pynn_brainscales.emulator.profile import quantised
from pynn_brainscales.mapping.compile import compile
from pynn_brainscales.mapping.place import _components
from pynn_brainscales.mapping.target import Target
from pynn_brainscales.mapping.verify import verify_mapped


@pytest.mark.parametrize("seed", range(30))
def test_components(seed):
    """Against a plain union of sets."""
    rng = np.random.default_rng(seed)
    n, m = rng.integers(1, 60, 2)
    a, b = rng.integers(0, n, (2, m))
    sets = [{i} for i in range(n)]
    for x, y in zip(a, b, strict=True):
        union = sets[x] | sets[y]
        for i in union:
            sets[i] = union
    assert _components(int(n), a, b).tolist() == [min(s) for s in sets]


def test_what_fixed_synapses_tie_together_shares_a_chip(make):
    """60 groups of ten cells and a helper each; the helpers are a population of their own, the last one."""
    group = np.repeat(np.arange(60), 10)
    network = make.Network((make.population("A", 600), make.population("H", 60)), (), (
        make.projection("AH", "A", "H", [(i, int(g)) for i, g in enumerate(group)], 0.1, 0.2),
        make.projection("HA", "H", "A", [(int(g), i) for i, g in enumerate(group)], 0.1, 0.2)))
    mapped = compile(network, Target(profile=quantised))
    verify_mapped(mapped)
    chip = mapped.placement.chip
    assert mapped.placement.chips == 2
    assert np.array_equal(chip[:600], chip[600:][group])


def test_too_much_for_one_chip_is_divided_in_order(make):
    pairs = [(0, i) for i in range(1, 700)]
    network = make.Network((make.population("A", 700),), (), (make.projection("AA", "A", "A", pairs, 0.1, 2.0),))
    mapped = compile(network, Target(profile=quantised))
    assert np.all(np.diff(mapped.placement.chip) >= 0)
    assert mapped.placement.chips == 2
