"""Sequence tasks and how they are judged."""

import numpy as np
import pytest

from pynn_brainscales.htm.sequences import (
    SETS,
    elements,
    errors,
    high_order_set,
    numbered,
    positions,
    similarity,
)


def test_elements_and_positions_agree():
    sequences = numbered(SETS["I"])
    part = elements(sequences, 2)
    assert part == [[0], [3], [1], [4], [], [], [5], [3], [1], [2], [], []]
    assert all(part[number] == [sequences[i][j]] for number, i, j in positions(sequences, 2))
    assert len(positions(sequences, 2)) == 6


@pytest.mark.parametrize("seed", range(5))
def test_high_order_sets_need_their_first_letters(seed):
    sets = high_order_set(np.random.default_rng(seed))
    assert len(sets) == 6
    for a, b in zip(sets[::2], sets[1::2], strict=True):
        assert a[1:4] == b[1:4]
        assert a[0] != b[0]
        assert a[4] != b[4]
        assert len(set(a)) == len(set(b)) == 5
    assert high_order_set(np.random.default_rng(seed)) == sets
    with pytest.raises(ValueError, match="even count"):
        high_order_set(np.random.default_rng(seed), count=5)


def test_errors_by_hand():
    sequences = [[0, 1, 2], [3, 1, 4]]
    predicted = np.zeros((8, 5), bool)  # a gap of one element after each sequence
    predicted[0, 1] = predicted[4, 1] = True
    predicted[1, [2, 4]] = True  # one right, one wrong
    error, fp, fn = errors(predicted, sequences, 1)  # the second sequence's last letter is missed
    assert (error, fp, fn) == (1.0, 0.5, 0.5)
    assert errors(predicted, sequences, 1, 1) == (0.5, 0.25, 0.25)
    assert similarity(predicted, sequences, 1) == 0.25
