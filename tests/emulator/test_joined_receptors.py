"""Joined circuits with receptors of their own: time constants and reversal potentials of each are kept."""

import numpy as np
import pytest
from pynn_brainscales.emulator.config import EXC, INH, Probe
from pynn_brainscales.emulator.run import run
from pynn_brainscales.emulator.state import initial_state
from pynn_brainscales.emulator.stimulus import Stimulus

integrate = pytest.importorskip("scipy.integrate")

# (input, circuit, time constant, reversal potential) of the four receptors of one membrane
RECEPTORS = [(EXC, 0, 5.0, 300.0), (INH, 0, 8.0, 30.0), (EXC, 1, 20.0, 150.0), (INH, 1, 3.0, 60.0)]
EVENTS = [(0, 4.0), (2, 8.0), (1, 12.0), (3, 16.0), (2, 20.0), (0, 24.0)]
END = 40.0


def joined(make, step, conductance, adaptation):
    values = {"conductance": conductance, "v_thresh": 1e6, "i_offset": 0.4, "master": np.array([0, 0]),
              "port": np.array([0, 1])}
    for side, name in ((EXC, "exc"), (INH, "inh")):
        mine = [r for r in RECEPTORS if r[0] == side]
        values[f"tau_syn_{name}"] = np.array([r[2] for r in mine])
        values[f"e_rev_{name}"] = np.array([r[3] for r in mine])
        values[f"e_ref_{name}"] = values[f"e_rev_{name}"] + (-1.0 if side == EXC else 1.0)  # weight = conductance
    if adaptation:
        values |= {"adaptation": True, "a": 0.8, "b": 3.0, "tau_w": 25.0}
    weight = 0.05 if conductance else 4.0
    rows = [(2 + i, r[1], r[0], weight, round(0.8 / step)) for i, r in enumerate(RECEPTORS)]
    interval = round(0.8 / step)
    probes = [Probe("v", np.array([0]), interval), Probe("i_exc", np.array([0]), interval),
              Probe("i_inh", np.array([1]), interval)]
    return make.config(2, rows, 4, step, probes, **values), weight


def reference(conductance, adaptation, weight):
    def rhs(_, y):
        v, w, *g = y
        drive = sum(x * (e - v) for x, (_, _, _, e) in zip(g, RECEPTORS, strict=True)) if conductance else (
            sum(x * (1 if r[0] == EXC else -1) for x, r in zip(g, RECEPTORS, strict=True)))
        dv = (80.0 - v) / 10.0 + 0.4 - (w / 10.0 if adaptation else 0.0) + drive
        return [dv, (0.8 * (v - 80.0) - w) / 25.0 if adaptation else 0.0,
                *(-x / r[2] for x, r in zip(g, RECEPTORS, strict=True))]

    y, t, out = np.array([80.0, 0.0, 0.0, 0.0, 0.0, 0.0]), 0.0, {}
    for receptor, at in [*((r, time + 0.8) for r, time in EVENTS), (None, END)]:
        grid = np.arange(np.ceil(t / 0.8 - 1e-9), np.floor(at / 0.8 + 1e-9) + 1) * 0.8
        solution = integrate.solve_ivp(rhs, (t, at), y, "DOP853", t_eval=np.clip(grid, t, at), rtol=1e-12, atol=1e-12)
        out |= dict(zip(np.round(solution.t, 6), solution.y.T, strict=True))
        y, t = solution.y[:, -1].copy(), at
        if receptor is not None:
            y[2 + receptor] += weight
            out[round(at, 6)] = y.copy()
    return np.array([out[round(k * 0.8, 6)] for k in range(round(END / 0.8) + 1)])


@pytest.mark.parametrize("adaptation", [False, True])
@pytest.mark.parametrize("conductance", [False, True])
def test_four_receptors(make, conductance, adaptation):
    errors = []
    for step in (0.4, 0.2, 0.1):
        cfg, weight = joined(make, step, conductance, adaptation)
        channel, time = np.array(EVENTS).T
        recording, _ = run(cfg, Stimulus(channel.astype(int), time), END, initial_state(cfg))
        wanted = reference(conductance, adaptation, weight)
        v, exc, inh = (s.values[0, :, 0] for s in recording.samples)
        errors.append(np.abs(v - wanted[:, 0]).max())
        # of each port its own circuit's input
        np.testing.assert_allclose(exc, wanted[:, 2], atol=1e-9)
        np.testing.assert_allclose(inh, wanted[:, 5], atol=1e-9)
    if conductance or adaptation:
        order = np.log2(np.array(errors[:-1]) / errors[1:])
        assert np.all(np.abs(order - 2.0) < 0.15), (errors, order)
    else:
        assert max(errors) < 1e-9


def test_a_membrane_with_one_reversal_potential_lends_no_others(make):
    cfg, _ = joined(make, 0.1, True, False)
    same = cfg.circuits.replace(e_rev_exc=np.array([30.0, 150.0]), e_ref_exc=np.array([29.0, 149.0]))
    with pytest.raises(ValueError, match=r"circuits.e_rev_exc of a joined circuit is not its membrane's"):
        run(cfg.replace(circuits=same), None, 1.0)


def test_many_circuits_lend_to_one_membrane(make):
    """Seven events into seven circuits of a neuron are seven events into one; a plain neighbour is not touched."""
    n = 9
    master = np.array([0, 1, 1, 1, 1, 1, 1, 1, 8])
    port = np.array([0, 0, 1, 2, 3, 4, 5, 6, 0])
    times = np.linspace(1.0, 8.0, 7)
    probes = [Probe("v", np.array([0, 1, 8]), 1)]
    results = []
    for circuits in (np.arange(1, 8), np.full(7, 1)):
        rows = [(n + i, circuit, EXC if i % 2 else INH, 4.0, 2) for i, circuit in enumerate(circuits)]
        cfg = make.config(n, rows, 7, 0.1, probes, master=master, port=port, v_thresh=1e6)
        recording, _ = run(cfg, Stimulus(np.arange(7), times), 30.0)
        results.append(recording.samples[0].values[0])
    assert np.ptp(results[0][:, 1]) > 1.0
    np.testing.assert_allclose(results[0], results[1], atol=1e-9)
    assert np.ptp(results[0][:, [0, 2]]) == 0.0
