"""The network of ``plasticity_speed``, and what its work costs on bare NumPy arrays."""

from __future__ import annotations

import time

import numpy as np

N, INPUTS, RATE, DT, DELAY = 512, 256, 20.0, 0.1, 0.1
CELL = {"cm": 1.0, "tau_m": 20.0, "tau_syn_E": 5.0, "tau_syn_I": 5.0, "tau_refrac": 2.0, "v_rest": -65.0,
        "v_reset": -65.0, "v_thresh": -50.0, "e_rev_E": 0.0, "e_rev_I": -70.0}
W_MEAN, W_MAX = 0.00055, 0.0022  # uS: the cells fire at about 10 Hz
TAU, A_PLUS, A_MINUS = 20.0, 0.002, 0.0022


def weights() -> np.ndarray:
    """Weights at the start, (INPUTS, N), uS."""
    return W_MEAN * np.random.default_rng(3).uniform(0.0, 2.0, (INPUTS, N))


class Sums:
    """Spikes and biological seconds of an engine over all its rounds."""

    def __init__(self):
        self.spikes, self.seconds = 0, 0.0

    @property
    def rate(self):
        return self.spikes / N / self.seconds


class BareNumPy(Sums):
    """W3 as a loop over steps, on potentials in units of E_exc - E_inh above E_inh.

    Conductances are their means over a step, times -dt / cm, which leaves a linear equation for the membrane. Traces
    are kept as at the beginning of a block. Rows are some columns longer than needed: a column would share few cache
    lines if their length were a power of two.
    """

    block = 1000  # steps

    def __init__(self):
        super().__init__()
        self.w = np.zeros((INPUTS, N + 8))[:, :N]
        self.w[:] = weights()
        self.rows, self.columns = list(self.w), list(self.w.T)
        self.g, self.v = np.zeros((2, N)), np.full(N, self.unit("v_rest"))
        self.threshold = np.full(N, self.unit("v_thresh"))
        self.x, self.y = np.zeros(INPUTS), np.zeros(N)
        self.rng = np.random.default_rng(1)
        self.released: dict[int, np.ndarray] = {}
        self.step = 0

    @staticmethod
    def unit(name):
        return (CELL[name] - CELL["e_rev_I"]) / (CELL["e_rev_E"] - CELL["e_rev_I"])

    def run(self, seconds):
        """CPU seconds per biological second."""
        start = time.process_time()
        for _ in range(round(1000.0 * seconds / DT) // self.block):
            self.advance()
        spent = time.process_time() - start
        self.seconds += seconds
        return spent / seconds

    def inputs(self):
        """Sources that fire in a block, in the order of time, and where each step begins."""
        count = self.rng.poisson(RATE * DT / 1000.0 * self.block, INPUTS)
        source = np.repeat(np.arange(INPUTS), count)
        step = self.rng.integers(0, self.block, len(source))
        order = np.argsort(step, kind="stable")
        return source[order].tolist(), np.searchsorted(step[order], np.arange(self.block + 1)).tolist()

    def advance(self):
        """One block of steps."""
        add, multiply, subtract, divide, exp = np.add, np.multiply, np.subtract, np.divide, np.exp
        v, (exc, inh), g, x, y, threshold = self.v, self.g, self.g, self.x, self.y, self.threshold
        rate, rest, change, above = np.empty(N), np.empty(N), np.empty(N), np.empty(N, bool)
        change_of_column, low, high = np.empty(INPUTS), np.zeros(N), np.full(INPUTS, W_MAX)
        decay = np.full((2, N), np.exp(-DT / CELL["tau_syn_E"]))
        leak = np.full(N, -DT / CELL["tau_m"])
        drive, per_weight = leak * self.unit("v_rest"), np.full(N, CELL["tau_syn_E"] / CELL["cm"] * (decay[0, 0] - 1.0))
        x *= np.exp(-self.block * DT / TAU)
        y *= np.exp(-self.block * DT / TAU)
        rise = np.exp(DT / TAU * np.arange(self.block)).tolist()
        source, edge = self.inputs()
        refractory, reset, fires = round(CELL["tau_refrac"] / DT), self.unit("v_reset"), self.unit("v_thresh")
        for k in range(self.block):
            add(exc, inh, rate)
            add(rate, leak, rate)
            add(exc, drive, rest)
            divide(rest, rate, rest)
            subtract(v, rest, v)
            exp(rate, rate)
            multiply(v, rate, v)
            add(v, rest, v)
            multiply(g, decay, g)
            np.greater_equal(v, threshold, above)
            fired = above.nonzero()[0]
            if self.step + k in self.released:
                ready = self.released.pop(self.step + k)
                v[ready], threshold[ready] = reset, fires
            arrived = source[edge[k]:edge[k + 1]]
            for i in arrived:
                row = self.rows[i]
                multiply(y, -A_MINUS * W_MAX / rise[k], change)
                add(row, change, row)
                np.maximum(row, low, out=row)
                multiply(row, per_weight, change)
                add(exc, change, exc)
            if fired.size:
                self.spikes += fired.size
                threshold[fired] = np.inf
                self.released[self.step + k + refractory] = fired
                for j in fired.tolist():
                    column = self.columns[j]
                    multiply(x, A_PLUS * W_MAX / rise[k], change_of_column)
                    add(column, change_of_column, change_of_column)
                    np.minimum(change_of_column, high, out=column)
                y[fired] += rise[k]
            for i in arrived:
                x[i] += rise[k]
        self.step += self.block


class BareRule:
    """The arithmetic of ``Thresholded`` on bare arrays: analogue correlation to codes, weights of 8 bits."""

    def __init__(self):
        rng = np.random.default_rng(1)
        self.stored, self.baseline = rng.uniform(0.0, 5.0, (INPUTS, N)), rng.uniform(150.0, 200.0, (INPUTS, N))
        self.weight = rng.integers(0, 64, (INPUTS, N)).astype(np.uint8)

    def run(self):
        """CPU seconds per call."""
        start = time.process_time()
        code = np.clip(np.floor(self.baseline - self.stored + 0.5), 0, 255).astype(np.int16)
        correlation = np.floor(self.baseline + 0.5).astype(np.int16) - code
        weight = self.weight.astype(np.int16) + np.where(correlation > 2, 1, -1)
        self.weight = np.clip(weight, 0, 63).astype(np.uint8)
        return time.process_time() - start
