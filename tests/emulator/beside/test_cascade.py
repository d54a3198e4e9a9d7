"""Two filters and a target in a row: against closed forms where these lose no digits, and against scipy."""

import numpy as np
import pytest
from pynn_brainscales.emulator.beside.cascade import cascade

linalg = pytest.importorskip("scipy.linalg")


@pytest.mark.parametrize("rates", [(1.0, 0.2, 0.05), (0.2, 0.2, 0.05), (0.2, 0.2, 0.2), (0.3, 0.1, 0.0),
                                   (7.0, 0.1, 0.1), (0.1, 0.1 + 1e-9, 0.1 - 1e-9)])
@pytest.mark.parametrize("h", [0.1, 1.0])
def test_matrix_exponential(rates, h):
    y, g, z = rates
    exact = linalg.expm(h * np.array([[-z, 1.0, 0.0], [0.0, -g, 0.7], [0.0, 0.0, -y]]))
    mine = cascade(h, y, 0.7, g, z)
    np.testing.assert_allclose([mine.filtered_from_input[0], mine.target_from_filtered[0], mine.target_from_input[0]],
                               [exact[1, 2], exact[0, 1], exact[0, 2]], rtol=3e-14)


@pytest.mark.parametrize("x", [1e-6, 1e-3, 0.1, 1.0, 30.0, 1e3])
def test_equal_rates(x):
    """h e^-x, h^2 e^-x / 2."""
    mine = cascade(2.0, x / 2.0, 1.0, x / 2.0, x / 2.0)
    expected = np.exp(-x)
    rtol = 1e-14 * max(1.0, 2 * x)
    np.testing.assert_allclose(mine.target_from_filtered, 2.0 * expected, rtol=rtol)
    np.testing.assert_allclose(mine.target_from_input, 2.0 * expected, rtol=rtol)


def test_integral_of_one_exponential():
    """With target rate 0: the exact mean over the step, for steps from far below to far above the time constant."""
    tau = np.logspace(-6, 6, 25)
    mine = cascade(1.0, 0.0, 0.0, 1.0 / tau, 0.0).target_from_filtered
    np.testing.assert_allclose(mine, -tau * np.expm1(-1.0 / tau), rtol=1e-9)
    near = (tau > 1e-2)
    np.testing.assert_allclose(mine[near], (-tau * np.expm1(-1.0 / tau))[near], rtol=1e-13)


def test_shapes_and_values_of_mixed_rates():
    """Each row is computed for itself."""
    y, g = np.array([3.0, 1.0, 3.0, 500.0]), np.array([1.0, 0.1, 1.0, 0.1])
    whole = cascade(0.5, y, 2.0, g, 0.05)
    for i in range(4):
        alone = cascade(0.5, y[i], 2.0, g[i], 0.05)
        assert [a[i] for a in whole] == [a[0] for a in alone]
    assert all(a.shape == (4,) for a in whole)
