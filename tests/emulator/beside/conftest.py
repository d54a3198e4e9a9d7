"""Small groups of cells beside the chip, their course step by step, and a reference of high accuracy."""

import numpy as np
import pytest
from pynn_brainscales.emulator.beside.config import CellGroup, Receptor, verify_group
from pynn_brainscales.emulator.beside.group import GroupRun, initial_state

LEAKY = {"cm": 0.25, "tau_m": 15.0, "tau_refrac": 2.0, "v_rest": -65.0, "v_reset": -68.0, "i_offset": 0.0}
DEFAULTS = {
    "LIF": LEAKY | {"v_thresh": -50.0},
    "AdExp": LEAKY | {"v_thresh": -50.0, "v_spike": -40.0, "delta_T": 2.0, "a": 4.0, "b": 0.08, "tau_w": 144.0},
    "GsfaGrr": LEAKY | {"v_thresh": -50.0, "tau_sfa": 100.0, "e_rev_sfa": -75.0, "q_sfa": 15.0, "tau_rr": 2.0,
                        "e_rev_rr": -75.0, "q_rr": 300.0},
    "HH": {"gbar_Na": 20.0, "gbar_K": 6.0, "g_leak": 0.01, "cm": 0.2, "v_offset": -63.0, "e_rev_Na": 50.0,
           "e_rev_K": -90.0, "e_rev_leak": -65.0, "i_offset": 0.0},
    "Izhikevich": {"a": 0.02, "b": 0.2, "c": -65.0, "d": 8.0, "i_offset": 0.0},
    "GIF": LEAKY | {"delta_v": 0.5, "v_t_star": -48.0, "lambda0": 1.0, "tau_eta": [1.0, 10.0, 100.0],
                    "a_eta": [0.1, 0.05, 0.02], "tau_gamma": [5.0, 200.0], "a_gamma": [15.0, 3.0]},
}


def receptor(shape, n=1, e_syn=None, **tau):
    """``tau_syn``, or ``tau_rise`` and ``tau_decay``; a conductance where ``e_syn`` is given."""
    values = tau if e_syn is None else tau | {"e_syn": e_syn}
    return Receptor(shape, e_syn is not None,
                    {k: np.broadcast_to(np.asarray(x, float), (n,)).copy() for k, x in values.items()})


def group(model, n=1, receptors=(), key=0, **values):
    """n cells with the parameters of ``DEFAULTS`` where not said otherwise."""
    parameters = {}
    for name, value in (DEFAULTS[model] | values).items():
        value = np.asarray(value, float)
        kernel = name in ("tau_eta", "a_eta", "tau_gamma", "a_gamma")
        shape = (n, value.shape[-1]) if kernel else (n,)
        parameters[name] = np.broadcast_to(value, shape).copy()
    g = CellGroup(model, n, parameters, tuple(receptors), key)
    verify_group(g)
    return g


class Course:
    """Steps of a group: ``spikes`` as rows (step, trial, cell), ``values[variable]`` (steps + 1, trials, n), state."""

    def __init__(self, cells, h, steps, events=(), initial=None, trials=1, variables=("v",), current=None, state=None,
                 start=0, seed=1, first_trial=0):
        """``events`` are rows (step, receptor, trial, cell, weight); ``current`` is called with the step's number."""
        if state is None:
            state = initial_state(cells, trials, initial)
        run = GroupRun(cells, state, h, start, seed, first_trial)
        self.values = {v: [run.read(v).copy()] for v in variables}
        due, spikes = {}, [np.zeros((0, 3), int)]
        for step, *rest in events:
            due.setdefault(step, []).append(rest)
        # the loop runs like this; here, nothing may overflow either
        with np.errstate(invalid="raise", divide="raise", over="raise", under="ignore"):
            for k in range(start + 1, start + steps + 1):
                if current is not None:
                    run.current[...] = current(k)
                run.integrate(k)
                for r, trial, cell, weight in due.get(k, ()):
                    run.inputs[r, trial, cell] += weight
                trial, cell = np.divmod(run.fire(k), max(1, cells.size))
                spikes.append(np.stack([np.full(trial.shape, k), trial, cell], axis=1))
                for v in variables:
                    self.values[v].append(run.read(v).copy())
        self.spikes = np.concatenate(spikes)
        self.values = {v: np.array(rows) for v, rows in self.values.items()}
        self.state = run.state()

    def steps_of(self, cell=0, trial=0):
        """Steps at which a cell has fired."""
        return self.spikes[(self.spikes[:, 1] == trial) & (self.spikes[:, 2] == cell), 0].tolist()


def reference(rhs, y, grid, jumps=()):
    """Values (len(grid), len(y)) by scipy's DOP853; ``jumps`` are rows (time, index, amount), counted at their time."""
    integrate = pytest.importorskip("scipy.integrate")
    y, t, out = np.array(y, float), grid[0], {}
    for at, index, amount in [*sorted(jumps), (grid[-1], None, 0.0)]:
        inside = grid[(grid >= t) & (grid <= at)]
        if at > t:
            times = np.union1d(inside, at)
            solution = integrate.solve_ivp(rhs, (t, at), y, "DOP853", t_eval=times, rtol=3e-14, atol=1e-14,
                                           max_step=0.5)
            out |= dict(zip(times.tolist(), solution.y.T, strict=True))
            y, t = solution.y[:, -1].copy(), at
        if index is not None:
            y[index] += amount
            out[at] = y.copy()
    return np.array([out[t] for t in grid.tolist()])


def orders(steps, errors):
    """Measured orders of convergence from one step size to the next."""
    return np.diff(np.log(errors)) / np.diff(np.log(steps))


@pytest.fixture
def beside():
    """Namespace of the builders."""
    class Beside:
        pass

    for function in (receptor, group, reference, orders, Course):
        setattr(Beside, function.__name__, function if isinstance(function, type) else staticmethod(function))
    return Beside
