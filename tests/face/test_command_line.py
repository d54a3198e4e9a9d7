"""``python -m pynn_brainscales``: unchanged scripts, and documents."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pynn_brainscales.mapping import document
from pynn_brainscales.mapping.compile import compile

import pynn_brainscales as sim
from pynn_brainscales.__main__ import main

SCRIPT = '''
import sys
{imports}
sim.setup(timestep=0.1)
cells = sim.Population(10, sim.IF_curr_exp(i_offset=1.0), label="cells")
cells.record("spikes")
sim.run(100.0)
print("arguments", sys.argv[1:], "spikes", sum(len(t) for t in cells.get_data().segments[0].spiketrains))
sim.end()
'''
IMPORTS = {"nest": "import pyNN.nest as sim", "neuron": "from pyNN import neuron as sim",
           "named": "from pyNN.utility import get_simulator\nsim, options = get_simulator()",
           "ours": "import pynn_brainscales as sim"}


ROOT = Path(sim.__file__).resolve().parent.parent
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}


def command(*arguments, cwd):
    return subprocess.run([sys.executable, "-m", "pynn_brainscales", *map(str, arguments)], cwd=cwd, text=True,
                          capture_output=True, check=False, env=ENVIRONMENT)


@pytest.mark.parametrize("how", IMPORTS)
def test_unchanged_scripts(tmp_path, how):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(imports=IMPORTS[how]))
    result = command("run", "--chip", "ideal", script, "brainscales", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "arguments ['brainscales'] spikes 30" in result.stdout
    assert "mapped to 1 chip: ideal" in result.stdout


DEEP = '''
from pyNN.nest import *
import pyNN.neuron.standardmodels.synapses as synapses
from pyNN.brian2.standardmodels.cells import IF_curr_exp as Cell
from pyNN.nest import simulator
from pyNN.nest.simulator import state
import pynn_brainscales
assert Cell is IF_curr_exp is pynn_brainscales.IF_curr_exp
assert synapses.StaticSynapse is StaticSynapse
assert simulator.state is state is pynn_brainscales.simulator.state
setup()
cells = Population(3, Cell(i_offset=1.0))
cells.record("spikes")
run(50.0)
print("spikes", sum(cells.get_spike_counts().values()))
try:
    import pyNN.nest.nestml
except ImportError as error:
    print("not here:", error)
end()
'''


def test_modules_below_a_simulator(tmp_path):
    script = tmp_path / "deep.py"
    script.write_text(DEEP)
    result = command("run", "--chip", "ideal", script, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "spikes 3\n" in result.stdout
    assert "not here: No module named 'pyNN.nest.nestml'" in result.stdout
    assert "mapped to 1 chip: ideal" in result.stdout


def test_a_script_that_fails(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import pyNN.nest as sim\nsim.setup()\nraise SystemExit(3)\n")
    assert command("run", script, cwd=tmp_path).returncode == 3


def test_a_script_finds_what_lies_beside_it(tmp_path):
    (tmp_path / "beside.py").write_text("name = 'beside'\n")
    script = tmp_path / "script.py"
    script.write_text("import beside\nprint(beside.name, __name__, __file__)\n")
    result = command("run", script, cwd=tmp_path.parent)
    assert f"beside __main__ {script}" in result.stdout


def test_seeds_reach_the_script(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(imports=IMPORTS["ours"]) + "print(sim.last_mapping().target.seed, "
                      "sim.last_mapping().target.chip_seed)\n")
    result = command("run", "--seed", "5", "--chip-seed", "7", script, cwd=tmp_path)
    assert "\n5 7\n" in result.stdout


def test_documents(tmp_path):
    sim.setup(timestep=0.1, chip="ideal")
    cells = sim.Population(5, sim.IF_curr_exp(), label="cells")
    source = sim.Population(4, sim.SpikeSourcePoisson(rate=100.0), label="source")
    sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=1.0, delay=1.0))
    document.save(sim.map_network().network, tmp_path / "network.json")
    mapped = command("map", "network.json", cwd=tmp_path)
    assert mapped.returncode == 0, mapped.stderr
    assert "mapped to 1 chip: calibrated" in mapped.stdout
    assert "chip 0  A cells" in mapped.stdout
    ran = command("run", "--chip", "ideal", "--duration", "500", "network.json", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    line = next(x for x in ran.stdout.splitlines() if x.startswith("source: "))
    assert abs(int(line.split()[1]) - 200) < 60
    assert np.isclose(float(line.split()[3]), int(line.split()[1]) / 4 / 0.5, rtol=1e-3)


def test_bad_calls(tmp_path):
    assert "there is no script" in command("run", "none.py", cwd=tmp_path).stderr
    assert "invalid choice: 'perfect'" in command("run", "--chip", "perfect", "x.py", cwd=tmp_path).stderr
    (tmp_path / "bad.json").write_text("{}")
    assert "key 'format' is missing" in command("map", "bad.json", cwd=tmp_path).stderr
    for name in ("none.json", "none.nir"):
        for verb in ("run", "map"):
            result = command(verb, name, cwd=tmp_path)
            assert (result.returncode, result.stderr) == (1, f"there is no document {name}\n")
    (tmp_path / "x.py").write_text("")
    assert "map takes a network document" in command("map", "x.py", cwd=tmp_path).stderr


@pytest.mark.parametrize(("option", "value", "message"), [
    ("--duration", "-5", "argument --duration: '-5' must be a time in ms > 0"),
    ("--duration", "nan", "argument --duration: 'nan' must be a time in ms > 0"),
    ("--duration", "inf", "argument --duration: 'inf' must be a time in ms > 0"),
    ("--duration", "long", "argument --duration: 'long' must be a time in ms > 0"),
    ("--seed", "-1", "argument --seed: '-1' must be a whole number >= 0"),
    ("--chip-seed", "1.5", "argument --chip-seed: '1.5' must be a whole number >= 0"),
])
def test_bad_values(option, value, message, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["run", option, value, "network.json"])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_seeds_of_the_environment_reach_documents(tmp_path, monkeypatch):
    sim.setup(chip="ideal")
    sim.Population(1, sim.IF_curr_exp(), label="cells")
    path = tmp_path / "network.json"
    sim.save_network(path)
    targets = []

    def noted(network, target):
        targets.append(target)
        return compile(network, target)

    monkeypatch.setattr("pynn_brainscales.__main__.compile", noted)
    assert main(["map", str(path)]) == 0
    monkeypatch.setenv("PYNN_BRAINSCALES_SEED", "5")
    monkeypatch.setenv("PYNN_BRAINSCALES_CHIP_SEED", "7")
    assert main(["map", str(path)]) == 0
    assert main(["map", "--seed", "0", "--chip-seed", "3", str(path)]) == 0
    assert [(t.seed, t.chip_seed) for t in targets] == [(0, 0), (5, 7), (0, 3)]
    monkeypatch.setenv("PYNN_BRAINSCALES_SEED", "many")
    with pytest.raises(SystemExit, match="PYNN_BRAINSCALES_SEED='many' must be a whole number >= 0"):
        main(["map", str(path)])


def test_documents_of_everything(tmp_path, capsys):
    """A network with all kinds of parts, saved by a script, gives the same spikes when the document is run."""
    sim.setup(chip="ideal", seed=5)
    source = sim.Population(20, sim.SpikeSourcePoisson(rate=80.0), label="source")
    cells = sim.Population(5, sim.IF_cond_exp(), label="cells")
    beside = sim.Population(4, sim.PointNeuron(sim.AdExp(), fast=sim.AlphaPSR(), slow=sim.BetaPSR()), label="beside")
    gif = sim.Population(3, sim.GIF_cond_exp(), label="gif")
    sim.Projection(source, cells, sim.AllToAllConnector(), sim.TsodyksMarkramSynapse(weight=0.03, U=0.4))
    sim.Projection(source, beside, sim.AllToAllConnector(), sim.MultiQuantalSynapse(weight=0.02, n=3),
                   receptor_type="fast")
    rule = sim.STDPMechanism(timing_dependence=sim.SpikePairRule(),
                             weight_dependence=sim.AdditiveWeightDependence(w_max=0.1), weight=0.03, delay=1.0)
    sim.Projection(cells, gif, sim.AllToAllConnector(), rule)
    sim.NoisyCurrentSource(mean=0.3, stdev=0.2).inject_into(cells + gif)
    sim.StepCurrentSource(times=[20.0], amplitudes=[0.5]).inject_into(beside)
    for population in (cells, beside, gif):
        population.record("spikes")
    sim.save_network(tmp_path / "network.json")
    sim.run(200.0)
    counts = {p.label: sum(p.get_spike_counts().values()) for p in (cells, beside, gif)}
    assert all(counts.values())
    assert main(["run", "--chip", "ideal", "--seed", "5", "--duration", "200", str(tmp_path / "network.json")]) == 0
    text = capsys.readouterr().out
    for label, count in counts.items():
        assert f"{label}: {count} spikes" in text


def test_nir_graphs(tmp_path, capsys):
    nir = pytest.importorskip("nir")
    graph = nir.NIRGraph(
        {"input": nir.Input({"input": np.array([3])}), "weights": nir.Affine(np.ones((2, 3)), np.array([3.0, 0.0])),
         "cells": nir.CubaLIF(np.full(2, 0.005), np.full(2, 0.02), np.ones(2), np.zeros(2), np.ones(2), np.zeros(2)),
         "output": nir.Output({"output": np.array([2])})},
        [("input", "weights"), ("weights", "cells"), ("cells", "output")])
    path = tmp_path / "network.nir"
    nir.write(path, graph)
    assert main(["run", "--chip", "ideal", "--duration", "200", str(path)]) == 0
    assert "cells: " in capsys.readouterr().out
    assert main(["map", "--chip", "quantised", str(path)]) == 0
    assert "mapped to 1 chip" in capsys.readouterr().out
