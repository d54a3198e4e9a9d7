"""Cells beside the chip under the same input as in NEST (skipped where NEST's wheel doesn't exist).

NEST integrates the nonlinear models with adaptive steps, and looks at thresholds at the end of each step as we do.
"""

import numpy as np
import pytest
from pynn_brainscales.emulator.beside.config import CellGroup, Receptor, verify_group
from pynn_brainscales.emulator.beside.group import GroupRun, initial_state

nest = pytest.importorskip("nest", reason="NEST has no package for this platform")

H, N, INPUTS, STEPS = 0.1, 40, 30, 5000
LEAKY = {"cm": 0.25, "tau_m": 15.0, "tau_refrac": 2.0, "v_rest": -65.0, "v_reset": -68.0, "i_offset": 0.0}
LIF = LEAKY | {"v_thresh": -50.0}
TO_NEST = {"C_m": 250.0, "t_ref": 2.0, "E_L": -65.0, "V_reset": -68.0}
G_LEAK = {"g_L": 250.0 / 15.0}


def drive(weights, seed=3):
    """Trains (steps of 0.1 ms) that every cell hears, their weights (trains, cells), and the receptor of each."""
    rng = np.random.default_rng(seed)
    trains = [np.unique(rng.integers(10, STEPS - 20, rng.poisson(25))) for _ in range(INPUTS)]
    receptor = (np.arange(INPUTS) >= 20).astype(int)
    strength = rng.uniform(0.2, 1.8, (INPUTS, N)) * np.where(receptor == 0, *weights)[:, None]
    return trains, strength, receptor


def ours(model, parameters, receptors, driven, i_offset, duration=STEPS * H, h=H, initial=None, seed=1):
    """Steps of the spikes of each cell, and the membranes (steps + 1, cells)."""
    def full(values):
        return {k: np.broadcast_to(np.asarray(x, float), (N, *np.shape(x))).copy() for k, x in values.items()}

    cells = CellGroup(model, N, full(parameters) | {"i_offset": i_offset},
                      tuple(Receptor(shape, "e_syn" in p, full(p)) for shape, p in receptors))
    verify_group(cells)
    run = GroupRun(cells, initial_state(cells, 1, initial), h, 0, seed, 0)
    due = {}
    for train, weight, receptor in zip(*driven, strict=True):
        for k in train.tolist():
            due.setdefault(round((k + 1) * H / h), []).append((receptor, weight))
    spikes, v = [[] for _ in range(N)], [run.read("v")[0].copy()]
    with np.errstate(invalid="raise", divide="raise", over="ignore", under="ignore"):
        for k in range(1, round(duration / h) + 1):
            run.integrate(k)
            for receptor, weight in due.get(k, ()):
                run.inputs[receptor, 0] += weight
            for i in run.fire(k).tolist():
                spikes[i].append(k)
            v.append(run.read("v")[0].copy())
    return [np.array(s, int) for s in spikes], np.array(v)


def theirs(model, parameters, driven, i_offset, weight_scale=1e3, ports=None, signed=False, duration=STEPS * H, h=H,
           seed=1):
    """The same of NEST; its first membrane is that of step 1.

    nA and uS are pA and nS there; the second receptor has negative weights, unless it is a port of its own or the
    weights are ``signed`` already.
    """
    nest.ResetKernel()
    nest.set_verbosity("M_ERROR")
    nest.resolution = h
    nest.rng_seed = seed
    cells = nest.Create(model, N, params=parameters)
    cells.I_e = (1e3 * i_offset).tolist()
    for train, weight, r in zip(*driven, strict=True):
        source = nest.Create("spike_generator", params={"spike_times": (train * H).round(9).tolist()})
        sign = -1.0 if r == 1 and ports is None and not signed else 1.0
        synapse = {"weight": (weight_scale * sign * weight)[:, None], "delay": H}
        if ports is not None:
            synapse["receptor_type"] = ports[r]
        nest.Connect(source, cells, "all_to_all", synapse)
    recorder = nest.Create("spike_recorder")
    meter = nest.Create("multimeter", params={"record_from": ["V_m"], "interval": h})
    nest.Connect(cells, recorder)
    nest.Connect(meter, cells)
    nest.Simulate(duration)
    events, first, samples = recorder.events, cells[0].global_id, meter.events
    step, sender = np.round(np.asarray(events["times"]) / h).astype(int), np.asarray(events["senders"])
    order = np.lexsort((samples["senders"], samples["times"]))
    return ([np.sort(step[sender == first + i]) for i in range(N)],
            np.asarray(samples["V_m"])[order].reshape(-1, N))


class Comparison:
    """Share of spikes on the ``same`` step, largest difference ``most`` (steps), ``equal`` counts, ``first`` spikes.

    Steps are compared in the cells with the same number of spikes.
    """

    def __init__(self, name, mine, reference, capsys, least=300):
        total = sum(len(t) for t in reference)
        pairs = [(a, b) for a, b in zip(mine, reference, strict=True) if len(a) == len(b)]
        self.off = np.concatenate([a - b for a, b in pairs])
        self.first = np.array([a[0] - b[0] for a, b in zip(mine, reference, strict=True) if len(a) and len(b)])
        self.same, self.most, self.equal = np.mean(self.off == 0), np.abs(self.off).max(), len(pairs)
        with capsys.disabled():
            print(f"\n  {name}: {sum(len(t) for t in mine)} spikes, NEST {total}; {self.same:.1%} on the same step, at "
                  f"most {self.most} steps apart; first spikes {self.first.min()} .. {self.first.max()}; equal count "
                  f"in {self.equal} of {N} cells")
        assert total > least


def offsets(low, high):
    return np.random.default_rng(9).uniform(low, high, N)


def test_current_based_alpha(capsys):
    driven, i = drive((0.15, -0.15)), offsets(0.15, 0.3)
    mine, _ = ours("LIF", LIF, [("alpha", {"tau_syn": 3.0}), ("alpha", {"tau_syn": 6.0})], driven, i)
    values = TO_NEST | {"V_th": -50.0, "tau_m": 15.0, "tau_syn_ex": 3.0, "tau_syn_in": 6.0, "V_m": -65.0}
    reference, _ = theirs("iaf_psc_alpha", values, driven, i, signed=True)
    c = Comparison("iaf_psc_alpha", mine, reference, capsys)
    assert c.same == 1.0
    assert c.equal == N


def test_delta(capsys):
    driven, i = drive((1.0, -1.0)), offsets(0.15, 0.3)
    mine, _ = ours("LIF", LIF, [("delta", {}), ("delta", {})], driven, i)
    values = TO_NEST | {"V_th": -50.0, "tau_m": 15.0, "V_m": -65.0}
    reference, _ = theirs("iaf_psc_delta", values, driven, i, weight_scale=1.0, signed=True)
    c = Comparison("iaf_psc_delta", mine, reference, capsys)
    assert c.same == 1.0
    assert c.equal == N


COND = {"E_ex": 0.0, "E_in": -75.0, "tau_syn_ex": 3.0, "tau_syn_in": 6.0, "V_m": -65.0} | TO_NEST | G_LEAK


def conductances(shape):
    return [(shape, {"tau_syn": 3.0, "e_syn": 0.0}), (shape, {"tau_syn": 6.0, "e_syn": -75.0})]


def test_conductance_based_alpha(capsys):
    driven, i = drive((0.004, 0.006)), offsets(0.15, 0.3)
    mine, _ = ours("LIF", LIF, conductances("alpha"), driven, i)
    reference, _ = theirs("iaf_cond_alpha", COND | {"V_th": -50.0}, driven, i)
    c = Comparison("iaf_cond_alpha", mine, reference, capsys)
    assert c.same > 0.98
    assert c.most <= 2
    assert c.equal == N


def test_adaptation_and_relative_refractoriness(capsys):
    driven, i = drive((0.008, 0.006)), offsets(0.2, 0.5)
    own = {"tau_sfa": 100.0, "q_sfa": 15.0, "tau_rr": 2.0, "q_rr": 300.0}
    mine, _ = ours("GsfaGrr", LIF | own | {"e_rev_sfa": -75.0, "e_rev_rr": -75.0}, conductances("exp"), driven, i)
    values = COND | own | {"V_th": -50.0, "E_sfa": -75.0, "E_rr": -75.0}
    reference, _ = theirs("iaf_cond_exp_sfa_rr", values, driven, i)
    c = Comparison("iaf_cond_exp_sfa_rr", mine, reference, capsys)
    assert c.same > 0.97
    assert c.most <= 2
    assert c.equal == N


ADEX = {"v_spike": -40.0, "delta_T": 2.0, "a": 4.0, "b": 0.08, "tau_w": 144.0}
NEST_ADEX = {"V_th": -50.0, "V_peak": -40.0, "Delta_T": 2.0, "a": 4.0, "b": 80.0, "tau_w": 144.0,
             "gsl_error_tol": 1e-9}
ADEX_CASES = {
    "aeif_cond_alpha": (conductances("alpha"), COND | NEST_ADEX, None),
    "aeif_cond_beta_multisynapse": (
        [("beta", {"tau_rise": 0.5, "tau_decay": 4.0, "e_syn": 0.0}),
         ("beta", {"tau_rise": 2.0, "tau_decay": 8.0, "e_syn": -75.0})],
        TO_NEST | G_LEAK | NEST_ADEX | {"V_m": -65.0, "E_rev": [0.0, -75.0], "tau_rise": [0.5, 2.0],
                                        "tau_decay": [4.0, 8.0]}, (1, 2))}


@pytest.mark.parametrize("model", ADEX_CASES)
def test_adaptive_exponential(model, capsys):
    """NEST resets inside the step, we at its end: the first spikes agree, later ones as the step becomes small."""
    receptors, values, ports = ADEX_CASES[model]
    driven, i = drive((0.006, 0.006)), offsets(0.3, 0.6)
    same = []
    for h in (0.1, 0.02):
        mine, _ = ours("AdExp", LIF | ADEX, receptors, driven, i, 200.0, h)
        reference, _ = theirs(model, values, driven, i, ports=ports, duration=200.0, h=h)
        c = Comparison(f"{model}, {h} ms", mine, reference, capsys)
        same.append(c.same)
        assert c.first.min() >= 0
        assert c.first.max() <= 1
        assert c.equal >= N - 2
    assert same[0] > 0.4
    assert same[1] > max(0.7, same[0])


def test_hodgkin_huxley(capsys):
    """NEST reports the peak of a spike, so crossings of -20 mV are looked for in its membranes."""
    driven, i = drive((0.01, 0.02)), offsets(0.0, 0.3)
    cell = {"gbar_Na": 20.0, "gbar_K": 6.0, "g_leak": 0.01, "cm": 0.2, "v_offset": -63.0, "e_rev_Na": 50.0,
            "e_rev_K": -90.0, "e_rev_leak": -65.0}
    mine, v = ours("HH", cell, conductances("exp"), driven, i, initial={"m": 0.0, "h": 1.0, "n": 0.0})
    values = {"g_Na": 20000.0, "g_K": 6000.0, "g_L": 10.0, "C_m": 200.0, "V_T": -63.0, "E_Na": 50.0, "E_K": -90.0,
              "E_L": -65.0, "E_ex": 0.0, "E_in": -75.0, "tau_syn_ex": 3.0, "tau_syn_in": 6.0, "V_m": -65.0,
              "Act_m": 0.0, "Inact_h": 1.0, "Act_n": 0.0}
    _, w = theirs("hh_cond_exp_traub", values, driven, i)
    rises = [np.flatnonzero((u[1:] >= -20.0) & (u[:-1] < -20.0)) + 2 for u in w.T]
    c = Comparison("hh_cond_exp_traub", mine, rises, capsys)
    assert c.same > 0.8
    assert np.percentile(np.abs(c.off), 95) <= 1
    assert np.all(c.first == 0)
    assert c.equal >= N - 2
    assert np.median(np.abs(v[1:len(w) + 1] - w)) < 0.1  # mV; one step's difference on a flank is many mV


def test_izhikevich(capsys):
    """NEST takes Euler steps, so its spikes come late, and come to ours as the step becomes small."""
    driven, i = drive((2.0, -1.5)), offsets(0.006, 0.012)
    late = []
    for h in (0.02, 0.01):
        mine, _ = ours("Izhikevich", {"a": 0.02, "b": 0.2, "c": -65.0, "d": 8.0}, [("delta", {}), ("delta", {})],
                       driven, i, 300.0, h)
        values = {"a": 0.02, "b": 0.2, "c": -65.0, "d": 8.0, "V_m": -70.0, "U_m": -14.0}
        reference, _ = theirs("izhikevich", values, driven, i, 1.0, signed=True, duration=300.0, h=h)
        c = Comparison(f"izhikevich, {h} ms", mine, reference, capsys)
        assert c.equal == N
        assert c.first.min() >= -2
        assert c.first.max() <= 0
        late.append(h * np.median(np.abs(c.off)))
    assert late[0] < 0.2
    assert late[1] < 0.6 * late[0]


GIF = {"delta_v": 1.5, "v_t_star": -48.0, "tau_eta": [1.0, 10.0, 100.0], "a_eta": [0.1, 0.05, 0.02],
       "tau_gamma": [5.0, 200.0], "a_gamma": [5.0, 2.0]}
NEST_GIF = {"Delta_V": 1.5, "V_T_star": -48.0, "tau_stc": [1.0, 10.0, 100.0], "q_stc": [100.0, 50.0, 20.0],
            "tau_sfa": [5.0, 200.0], "q_sfa": [5.0, 2.0]}


def test_generalised_integrate_and_fire(capsys):
    """Membranes without spikes; then the number of spikes, over seeds."""
    driven, i = drive((0.006, 0.006)), offsets(0.3, 0.6)
    _, v = ours("GIF", LEAKY | GIF | {"lambda0": 0.0}, conductances("exp"), driven, i)
    _, w = theirs("gif_cond_exp", COND | NEST_GIF | {"lambda_0": 0.0}, driven, i)
    d = np.abs(v[1:len(w) + 1] - w).max()
    seeds = range(1, 7)
    mine = [[len(s) for s in ours("GIF", LEAKY | GIF | {"lambda0": 10.0}, conductances("exp"), driven, i, seed=k)[0]]
            for k in seeds]
    reference = [[len(s) for s in theirs("gif_cond_exp", COND | NEST_GIF | {"lambda_0": 10.0}, driven, i, seed=k)[0]]
                 for k in seeds]
    a, b = np.sum(mine, axis=1), np.sum(reference, axis=1)
    z = (a.mean() - b.mean()) / np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a))
    by_cell = np.abs(np.mean(mine, axis=0) - np.mean(reference, axis=0)).max()
    with capsys.disabled():
        print(f"\n  gif_cond_exp: membranes at most {d:.2g} mV apart; {a.mean():.1f} spikes, NEST {b.mean():.1f}, z = "
              f"{z:.2f}; mean counts of a cell at most {by_cell:.2f} apart")
    assert d < 0.01
    assert by_cell < 2.0
    assert b.mean() > 300
    assert abs(z) < 3.5
