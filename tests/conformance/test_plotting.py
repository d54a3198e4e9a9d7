"""PyNN's own figures take our data."""

import pytest

import pynn_brainscales as sim

pytest.importorskip("matplotlib")


def test_figures(chip, tmp_path, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    import matplotlib.pyplot

    matplotlib.use("Agg")
    matplotlib.pyplot.close("all")
    from pyNN.utility.plotting import DataTable, Figure, Histogram, Panel

    source = sim.Population(5, sim.SpikeSourcePoisson(rate=100.0), label="source")
    cells = sim.Population(4, sim.IF_cond_exp(i_offset=0.5), label="cells")
    weight = sim.RandomDistribution("uniform", (0.005, 0.01), rng=sim.NumpyRNG(1))
    projection = sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=weight, delay=1.0))
    source.record("spikes")
    cells.record(["v", "gsyn_exc", "spikes"])
    projection.record("weight", sampling_interval=10.0)
    sim.run(100.0)
    data = cells.get_data().segments[0]
    weights = projection.get("weight", "array")
    times, values = projection.get_array("weight")
    figure = Figure(
        Panel(source.get_data().segments[0].spiketrains, markersize=0.5, xlabel="Time (ms)"),
        Panel(data.filter(name="v")[0], ylabel="Membrane potential (mV)", data_labels=["cells"]),
        Panel(data.filter(name="gsyn_exc")[0]), Panel(data.spiketrains),
        Panel(projection.get_data().segments[0].analogsignals[0]), Panel(weights), Panel(Histogram(weights.ravel())),
        Panel(DataTable(times, values[:, 0])), title="all kinds of data", annotations="none")
    figure.save(str(tmp_path / "figure.png"))
    assert (tmp_path / "figure.png").stat().st_size > 10_000
