"""How large a spatial pooler or temporal memory fits on chips: what the mapper finds, nothing is run.

Spatial poolers: inputs -> columns -> a pool that counts the columns' spikes and stops all of them. The pool reads as
many spikes as there are columns. Those that stay on the chip need rows that no input may use, fewer with more circuits
that count; those that go around through the outside (a delay of 0.9 ms) share the rows of the inputs, and cost labels
only.

The paper's temporal memory: six circuits a cell, with random segments of eight synapses. Soma and dendrite: two
circuits a cell and an inhibitory neuron a column, every soma to every dendrite.

The published estimate of a minimal useful memory (1024 columns of 8 cells with 32 segments of 1000 synapses) is
arithmetic, and printed as such; what the mapper says to some of its segments stands beside it.
"""

import warnings

import numpy as np
from figures import arguments, report
from pynn_brainscales.emulator import limits

import pynn_brainscales as sim
from pynn_brainscales.htm import PaperTemporalMemory

CELL = {"cm": 1.0, "tau_m": 10.0, "tau_syn_E": 5.0, "tau_syn_I": 5.0, "tau_refrac": 5.0, "v_rest": -65.0,
        "v_reset": -65.0, "v_thresh": -50.0}
JUMP = 15.0 / 2.5  # nA of a spike that takes such a cell from rest to threshold
ON_CHIP, AROUND = 0.2, 0.9  # ms
WAFER = {"circuits": 384 * 512, "synapses a circuit": 226}  # of BrainScaleS-1, as the paper has them
MINIMAL = {"columns": 1024, "cells": 8, "segments": 32, "synapses": 1000}


def begin(**setup):
    sim.setup(timestep=0.1, chip="quantised", on_loss="warn", **setup)


def wire(pre, post, pairs, weight, label, receptor="excitatory", delay=ON_CHIP):
    """Connect pairs (i, j), two arrays."""
    i, j = np.broadcast_arrays(*pairs)
    table = np.column_stack([i.reshape(-1), j.reshape(-1), np.full(i.size, weight), np.full(i.size, delay)])
    sim.Projection(pre, post, sim.FromListConnector(table, column_names=["weight", "delay"]), receptor_type=receptor,
                   label=label)


def facts(mapped=None):
    """Numbers of a mapping."""
    r = (sim.map_network() if mapped is None else mapped).report.to_dict()
    arrays = [u[a] for u in r["usage"] for a in ("array_0", "array_1")]
    between = {p: v["ways"].get("between chips", {}).get("synapses", 0) / v["synapses"]
               for p, v in r["projections"].items() if v.get("ways")}
    return {"chips": r["chips"], "circuits": sum(u["circuits"] for u in r["usage"]), "synapses": r["synapses"],
            "rows": max(a["rows"] for a in arrays), "labels": max(a["labels"] for a in arrays),
            "lost": sum(r["lost"].values()), "between": between}


def pooler(inputs, columns, seed, share=None, groups=None, delay=AROUND, receptors=1):
    """A spatial pooler; a column has a random share of the inputs, or one of each group of neighbours, or all.

    With several receptors the pool has a circuit for each, and each counts a part of the columns.
    """
    begin()
    rng = np.random.default_rng(seed)
    bits = sim.Population(inputs, sim.SpikeSourceArray(), label="inputs")
    cells = sim.Population(columns, sim.IF_curr_exp(**CELL), label="columns")
    own = {k: v for k, v in CELL.items() if "syn" not in k}
    pool = sim.Population(1, sim.PointNeuron(sim.LIF(**own), **{
        f"count{i}": sim.CurrExpPostSynapticResponse(tau_syn=5.0) for i in range(receptors)}), label="pool")
    if share is not None:
        pairs = np.nonzero(rng.random((inputs, columns)) < share)
    elif groups is not None:
        first = np.arange(0, inputs, groups)[:, None]
        pairs = first + rng.integers(0, groups, (len(first), columns)), np.arange(columns)
    else:
        pairs = np.arange(inputs)[:, None], np.arange(columns)
    wire(bits, cells, pairs, JUMP / 14, "feed forward")
    for i, part in enumerate(np.array_split(np.arange(columns), receptors)):
        wire(cells, pool, (part, 0), JUMP / 10, f"count{i}", f"count{i}", delay)
    wire(pool, cells, (0, np.arange(columns)), -JUMP, "stop", "inhibitory")
    return facts()


def triple(columns, seed, cells=8, segments=2):
    """The paper's temporal memory, with segments of eight synapses from random cells."""
    rng = np.random.default_rng(seed)
    size = columns * cells
    loaded = [(cell, rng.choice(size, 8, replace=False)) for cell in np.repeat(np.arange(size), segments)]
    PaperTemporalMemory(columns, cells, segments, loaded, teacher=False, chip="quantised", on_loss="warn")
    found = facts()
    own = [found["between"][name] for name in ("head_soma", "inhibitory_soma", "dendrite_soma")]
    return found | {"own_between": float(np.mean(own))}


def two_compartments(columns, cells):
    """Somata, dendrites and an inhibitory neuron for each column; every soma to every dendrite."""
    begin()
    size = columns * cells
    cell, column = np.arange(size), np.arange(size) // cells
    outside = sim.Population(columns, sim.SpikeSourceArray(), label="columns")
    soma, dendrite = (sim.Population(size, sim.IF_curr_exp(**CELL), label=x) for x in ("soma", "dendrite"))
    stop = sim.Population(columns, sim.IF_curr_exp(**CELL), label="inhibitory")
    wire(outside, soma, (column, cell), 1.1 * JUMP, "column")
    wire(soma, dendrite, (cell[:, None], cell), JUMP / 5, "distal")
    wire(dendrite, soma, (cell, cell), JUMP / 4, "action")
    wire(soma, stop, (cell, column), JUMP / 3, "excite")
    wire(stop, soma, (column, cell), -JUMP, "inhibit", "inhibitory")
    return facts()


def most_cells(columns):
    """Cells a column that circuits and rows allow by arithmetic, and that the mapper places without loss."""
    n = (limits.CIRCUITS // columns - 1) // 2
    while columns * n + columns + -(-columns // 2) > limits.ROWS:  # somata, inputs and inhibitory neurons
        n -= 1
    found = n
    while (f := two_compartments(columns, found))["lost"] or f["chips"] > 1:
        found -= 1
    return n, found


def segments(count, circuits, seed):
    """Segments of the minimal memory on as many circuits each, with their sources outside."""
    begin(circuits_per_neuron=circuits)
    rng = np.random.default_rng(seed)
    size = MINIMAL["columns"] * MINIMAL["cells"]
    sources = sim.Population(size, sim.SpikeSourceArray(), label="cells")
    dendrite = sim.Population(count, sim.IF_curr_exp(**CELL), label="segments")
    pre = np.stack([rng.choice(size, MINIMAL["synapses"], replace=False) for _ in range(count)], axis=1)
    wire(sources, dendrite, (pre, np.arange(count)), JUMP / 100, "distal")
    return facts()


def line(what, columns, cells, f):
    per_chip = f"{columns / f['chips']:>8.1f}{cells / f['chips']:>8.1f}" if columns else f"{'':>16}"
    print(f"{what:<34}{f['chips']:>6}{per_chip}{f['circuits'] / f['chips']:>9.0f}{f['rows']:>6}{f['labels']:>8}"
          f"{f['synapses']:>10}{f['lost']:>7}", flush=True)


def arithmetic():
    """The published estimate, and the same for chips of BrainScaleS-2."""
    count = MINIMAL["columns"] * MINIMAL["cells"] * MINIMAL["segments"]
    synapses = count * MINIMAL["synapses"]
    wafers = synapses / (WAFER["circuits"] * WAFER["synapses a circuit"])
    chips = count * -(-MINIMAL["synapses"] // limits.ROWS) / limits.CIRCUITS
    print(f"\narithmetic, not mapped: {count} segments of {MINIMAL['synapses']} synapses are {synapses / 1e6:.0f} "
          f"million; a wafer of {WAFER['circuits']} circuits with {WAFER['synapses a circuit']} synapses each holds "
          f"{WAFER['circuits'] * WAFER['synapses a circuit'] / 1e6:.1f} million: {wafers:.1f} wafers.\n"
          f"On BrainScaleS-2, four circuits of {limits.ROWS} rows a segment: {chips:.0f} chips for the segments alone.")


def picture(path, poolers, triples, cells):
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained")
    for found, label in ((poolers, "spatial pooler"), (triples, "paper's memory, 8 cells")):
        columns, chips, rows = (np.array(x) for x in zip(*sorted(found), strict=True))
        axes[0].loglog(columns, chips, "o-", base=2, label=label)
        axes[1].semilogx(columns, rows, "o-", base=2, label=label)
    axes[0].set(xlabel="columns", ylabel="chips", title="chips needed")
    axes[1].axhline(limits.ROWS, color="0.7", lw=0.8)
    axes[1].set(xlabel="columns", ylabel="rows of 256", title="the fullest array")
    axes[0].legend(frameon=False)
    columns, arithmetic, mapped = (np.array(x) for x in zip(*sorted(cells), strict=True))
    axes[2].plot(columns, columns * arithmetic, "o-", label="arithmetic")
    axes[2].plot(columns, columns * mapped, "s--", label="mapped without loss")
    axes[2].set(xlabel="columns", ylabel="cells", title="soma and dendrite on one chip", ylim=(150, 260))
    axes[2].legend(frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def cases(fast):
    """Name in the figures, function of the seed, columns and cells."""
    poolers = [("248x496", 496, {"inputs": 248}), ("248x496_random", 496, {"inputs": 248, "share": 0.5}),
               ("248x496_on_chip", 496, {"inputs": 248, "delay": ON_CHIP}),
               ("224x480_on_chip", 480, {"inputs": 224, "delay": ON_CHIP, "receptors": 32}),
               ("992x496", 496, {"inputs": 992, "groups": 4}), ("992x1984", 1984, {"inputs": 992, "groups": 4})]
    large = [("1488x2976", 2976, {"inputs": 1488, "groups": 6}), ("1984x3968", 3968, {"inputs": 1984, "groups": 8}),
             ("1024x2048_random", 2048, {"inputs": 1024, "share": 0.5})]
    for name, columns, given in poolers[:5 if fast else 6] + ([] if fast else large):
        yield f"pooler_{name}", lambda seed, c=columns, g=given: pooler(columns=c, seed=seed, **g), columns, columns
    for columns in (8, 10, 16, 32) if fast else (8, 10, 16, 32, 64, 128):
        yield f"triple_{columns}", lambda seed, c=columns: triple(c, seed), columns, 8 * columns
    for columns, cells in ((14, 16), (14, 24)) if fast else ((14, 16), (14, 24), (14, 32), (26, 16), (26, 24)):
        yield (f"memory_{columns}x{cells}", lambda seed, c=columns, n=cells: two_compartments(c, n), columns,
               columns * cells)
    for circuits, count in ((4, 128), (6, 80), (8, 64)):
        yield f"segments_{circuits}x{count}", lambda seed, c=circuits, n=count: segments(n, c, seed), 0, 0


def main():
    args = arguments("htm_place_and_route", __doc__, seeds=(1, 2, 3, 4, 5), fast_seeds=(1,))
    warnings.simplefilter("ignore")  # of losses, which the table has
    figures, poolers, triples, cells = {}, set(), set(), set()
    print(f"{'network':<34}{'chips':>6}{'columns':>8}{'cells':>8}{'circuits':>9}{'rows':>6}{'labels':>8}{'synapses':>10}"
          f"{'lost':>7}\n{'':<40}{'a chip':>8}{'a chip':>8}{'a chip':>9}{'most':>6}{'most':>8}")
    for seed in args.seeds:
        for name, build, columns, size in cases(args.fast):
            found = build(seed)
            for what in ("chips", "lost", "own_between"):
                if what in found:
                    figures.setdefault(f"{name}_{what}", []).append(found[what])
            if name.startswith("pooler") and name[-1].isdigit():
                poolers.add((columns, found["chips"], found["rows"]))
            elif name.startswith("triple"):
                triples.add((columns, found["chips"], found["rows"]))
            line(f"{name}, seed {seed}", columns, size, found)
    for columns in (6, 14, 26) if args.fast else (4, 6, 8, 14, 16, 26):
        by_arithmetic, found = most_cells(columns)  # nothing in it is random
        cells.add((columns, by_arithmetic, found))
        figures[f"memory_{columns}_cells"] = [found] * len(args.seeds)
        print(f"soma and dendrite, {columns} columns on one chip: {by_arithmetic} cells each by arithmetic, {found} "
              "mapped without loss")
    arithmetic()
    picture(args.out / "sizes.png", poolers, triples, cells)
    lossless = ("pooler_248x496", "pooler_224x480_on_chip", "pooler_992x496", "pooler_992x1984", "triple_32",
                "triple_128", "memory_14x16", "memory_14x24")
    report(args.out, figures, goals={f"{x}_lost": ("<=", 0) for x in lossless if f"{x}_lost" in figures} | {
        "memory_14_cells": (">=", 16), "memory_26_cells": (">=", 8)})


if __name__ == "__main__":
    main()
