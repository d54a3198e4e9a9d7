"""Conductance-based and AdEx neurons under the same input as in NEST, which integrates with adaptive steps."""

import numpy as np
import pytest

import pynn_brainscales as sim

nest = pytest.importorskip("nest", reason="NEST has no package for this platform")

N, INPUTS, DURATION = 50, 60, 1000.0
CELL = {"cm": 0.25, "tau_m": 15.0, "tau_syn_E": 3.0, "tau_syn_I": 6.0, "tau_refrac": 2.0, "v_rest": -65.0,
        "v_reset": -68.0, "v_thresh": -50.0, "e_rev_E": 0.0, "e_rev_I": -75.0}
ADEX = {"v_spike": -40.0, "delta_T": 2.0, "a": 4.0, "b": 0.08, "tau_w": 144.0}


def drive(seed=3):
    """Spike trains of the inputs (ms, on the grid), and weights (uS) to each neuron; the last 20 are inhibitory."""
    rng = np.random.default_rng(seed)
    trains = [np.unique(np.sort(rng.integers(1, 9900, rng.poisson(20)))) * 0.1 for _ in range(INPUTS)]
    weight = rng.uniform(0.0, 0.009, (INPUTS, N))
    weight[40:] *= 2.0
    return trains, weight


def ours(model, trains, weight):
    sim.setup(timestep=0.1, chip="ideal")
    extra = ADEX if model == "EIF_cond_exp_isfa_ista" else {}
    cells = sim.Population(N, getattr(sim, model)(**CELL | extra))
    source = sim.Population(INPUTS, sim.SpikeSourceArray(spike_times=trains))
    for part, rows, receptor in ((source[:40], weight[:40], "excitatory"), (source[40:], weight[40:], "inhibitory")):
        sim.Projection(part, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=rows, delay=0.1),
                       receptor_type=receptor)
    cells.record("spikes")
    sim.run(DURATION)
    return [np.round(t.magnitude / 0.1).astype(int) for t in cells.get_data().segments[0].spiketrains]


def theirs(model, trains, weight):
    nest.ResetKernel()
    nest.set_verbosity("M_ERROR")
    nest.resolution = 0.1
    c = CELL
    values = {"C_m": 1e3 * c["cm"], "g_L": 1e3 * c["cm"] / c["tau_m"], "E_L": c["v_rest"], "V_reset": c["v_reset"],
              "V_th": c["v_thresh"], "t_ref": c["tau_refrac"], "tau_syn_ex": c["tau_syn_E"],
              "tau_syn_in": c["tau_syn_I"], "E_ex": c["e_rev_E"], "E_in": c["e_rev_I"], "V_m": c["v_rest"]}
    name = "iaf_cond_exp"
    if model == "EIF_cond_exp_isfa_ista":
        name = "aeif_cond_exp"
        values |= {"V_peak": ADEX["v_spike"], "Delta_T": ADEX["delta_T"], "a": ADEX["a"], "b": 1e3 * ADEX["b"],
                   "tau_w": ADEX["tau_w"], "gsl_error_tol": 1e-9}
    cells = nest.Create(name, N, params=values)
    source = nest.Create("spike_generator", INPUTS, params=[{"spike_times": t.tolist()} for t in trains])
    sign = np.where(np.arange(INPUTS) < 40, 1.0, -1.0)[:, None]
    nest.Connect(source, cells, "all_to_all", {"weight": (1e3 * sign * weight).T, "delay": 0.1})
    recorder = nest.Create("spike_recorder")
    nest.Connect(cells, recorder)
    nest.Simulate(DURATION)
    events, first = recorder.events, cells[0].global_id
    step = np.round(events["times"] / 0.1).astype(int)
    return [np.sort(step[events["senders"] == first + i]) for i in range(N)]


# NEST finds the divergence of the AdEx neuron inside a step, we at its end: a small difference at each spike
CASES = [("IF_cond_exp", 1.0, 0.95, 3, 0.005), ("EIF_cond_exp_isfa_ista", 1.5, 0.6, 8, 0.015)]


@pytest.mark.parametrize(("model", "strength", "same_step", "within", "count"), CASES)
def test_spikes(model, strength, same_step, within, count, capsys):
    trains, weight = drive()
    weight = weight * strength
    mine, reference = ours(model, trains, weight), theirs(model, trains, weight)
    total = sum(len(t) for t in reference)
    equal = [(a, b) for a, b in zip(mine, reference, strict=True) if len(a) == len(b)]
    off = np.concatenate([np.abs(a - b) for a, b in equal])
    with capsys.disabled():
        print(f"\n  {model}: {sum(len(t) for t in mine)} spikes, NEST {total}; {np.mean(off == 0):.1%} on the same "
              f"step, 95 % within {np.percentile(off, 95):.0f} steps; equal count in {len(equal)} of {N} neurons")
    assert total > 300
    assert abs(sum(len(t) for t in mine) - total) <= count * total
    assert len(equal) >= 0.8 * N
    assert np.mean(off == 0) >= same_step
    assert np.percentile(off, 95) <= within
