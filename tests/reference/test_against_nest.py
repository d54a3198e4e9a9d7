"""A recurrent network, spike for spike, against NEST (skipped where NEST's wheel doesn't exist)."""

import numpy as np
import pytest

import pynn_brainscales as sim

nest = pytest.importorskip("nest", reason="NEST has no package for this platform")

N, DURATION = 100, 1000.0
CELL = {"cm": 0.25, "tau_m": 15.0, "tau_syn_E": 3.0, "tau_syn_I": 6.0, "tau_refrac": 2.0, "v_rest": -65.0,
        "v_reset": -68.0, "v_thresh": -50.0}


def description(seed=7):
    """Offset currents (nA), and synapses as (pre, post, weight in nA, delay in ms); a fifth is inhibitory."""
    rng = np.random.default_rng(seed)
    current = rng.uniform(0.2, 0.32, N)
    pre, post = np.nonzero(rng.random((N, N)) < 0.1)
    weight = rng.uniform(0.02, 0.12, len(pre)) * np.where(pre < 80, 1.0, -3.0)
    delay = rng.integers(1, 40, len(pre)) * 0.1
    return current, pre, post, weight, delay


def ours(current, pre, post, weight, delay):
    sim.setup(timestep=0.1, chip="ideal")
    cells = sim.Population(N, sim.IF_curr_exp(**CELL, i_offset=current))
    for sign, receptor in ((weight > 0, "excitatory"), (weight < 0, "inhibitory")):
        table = np.column_stack([pre, post, weight, delay])[sign]
        sim.Projection(cells, cells, sim.FromListConnector(table), sim.StaticSynapse(), receptor_type=receptor)
    cells.record("spikes")
    sim.run(DURATION)
    trains = cells.get_data().segments[0].spiketrains
    return [np.round(t.magnitude / 0.1).astype(int) for t in trains]


def theirs(current, pre, post, weight, delay):
    nest.ResetKernel()
    nest.set_verbosity("M_ERROR")
    nest.resolution = 0.1
    c = CELL
    cells = nest.Create("iaf_psc_exp", N, params={
        "C_m": 1e3 * c["cm"], "tau_m": c["tau_m"], "tau_syn_ex": c["tau_syn_E"], "tau_syn_in": c["tau_syn_I"],
        "t_ref": c["tau_refrac"], "E_L": c["v_rest"], "V_reset": c["v_reset"], "V_th": c["v_thresh"],
        "V_m": c["v_rest"]})
    cells.I_e = (1e3 * current).tolist()
    first = cells[0].global_id
    nest.Connect(first + pre, first + post, "one_to_one",
                 {"weight": 1e3 * weight, "delay": delay, "synapse_model": "static_synapse"})
    recorder = nest.Create("spike_recorder")
    nest.Connect(cells, recorder)
    nest.Simulate(DURATION)
    events = recorder.events
    step = np.round(events["times"] / 0.1).astype(int)
    return [np.sort(step[events["senders"] == first + i]) for i in range(N)]


def test_every_spike_within_one_step(capsys):
    network = description()
    mine, reference = ours(*network), theirs(*network)
    total = sum(len(t) for t in reference)
    assert total > 1000
    assert [len(t) for t in mine] == [len(t) for t in reference]
    off = np.concatenate([np.abs(a - b) for a, b in zip(mine, reference, strict=True)])
    with capsys.disabled():
        print(f"\n  {total} spikes, {np.mean(off == 0):.2%} on the same step, largest difference {off.max()} steps")
    assert off.max() <= 1
