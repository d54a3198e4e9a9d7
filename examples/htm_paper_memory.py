"""The first spiking temporal memory, of dendrite, soma and helper cells with head cells: when does it hold?

Many columns side by side are shown five elements, back to back; before each of the last four, up to three random cells
of a column are predicted. A column-step is correct if exactly the predicted cells fire, or all where none is predicted.
That is counted for cycles from 40 to 65 ms, for weights that spread by 2 and 5 %, and on virtual chips.

Then it gets what a reference temporal memory has learnt, three disjoint sequences in 128 columns of 8 cells with 2
segments, and follows a stream of these with random elements between them.

After Billaudelle and Ahmad 2015, arXiv 1505.02142: their cells, weights and demonstration.
"""

import warnings

import numpy as np
from figures import arguments, report

import pynn_brainscales as sim
from pynn_brainscales.htm import PaperTemporalMemory, TemporalMemory

CELLS, STEPS = 8, 5
CYCLES = (40, 50, 55, 57, 60, 65)
A_CHIP = 10  # columns of 8 cells with 2 segments that fit on one


def predictions(rng, columns):
    """After each element but the last, none to three cells of every column."""
    forced = np.zeros((STEPS, columns, CELLS), bool)
    for step in range(STEPS - 1):
        for column in range(columns):
            forced[step, column, rng.choice(CELLS, rng.integers(0, 4), replace=False)] = True
    return forced


def correct(columns, seed, **arguments):
    """Share of column-steps that are correct."""
    forced = predictions(np.random.default_rng(seed), columns)
    memory = PaperTemporalMemory(columns, CELLS, seed=seed, **arguments)
    outcome = memory.present([np.ones(columns, bool)] * STEPS, forced)
    wanted = np.concatenate([np.zeros_like(forced[:1]), forced[:-1]])
    return float(outcome.correct(wanted).mean())


def on_chips(chip, chips, seed):
    """The same on some chips full of columns, each with a fixed pattern of its own."""
    return float(np.mean([correct(A_CHIP, seed * 100 + k, chip=chip, chip_seed=seed * 100 + k) for k in range(chips)]))


def learnt(seed, columns=128, width=8, rounds=10):
    """A reference that knows three sequences, and a stream of them with random elements between."""
    rng = np.random.default_rng([seed, 7])
    symbols = rng.permutation(columns)[:9 * width].reshape(3, 3, width)
    memory = TemporalMemory(columns, CELLS, activationThreshold=7, minThreshold=6, initialPermanence=0.51,
                            maxNewSynapseCount=width, maxSegmentsPerCell=2, seed=seed)

    def passage():
        for sequence in rng.permutation(3):
            yield from (*symbols[sequence], rng.choice(columns, width, replace=False))

    for element in (e for _ in range(rounds) for e in passage()):
        memory.compute(np.isin(np.arange(columns), element))
    memory.reset()
    return memory, [np.isin(np.arange(columns), element) for element in passage()]


def follow(seed):
    """Share of cells that fire, and that are predicted, as in the reference; and how sure predictions are."""
    reference, stream = learnt(seed)
    memory = PaperTemporalMemory(128, CELLS, segments=reference.connectedSegments(), teacher=False, chip="ideal")
    outcome = memory.present(stream)
    same = []
    for i, element in enumerate(stream):
        reference.compute(element, learn=False)
        for cells, mine in ((reference.getActiveCells(), outcome.active), (reference.getPredictiveCells(),
                                                                           outcome.predictive)):
            wanted = cells.dense.astype(bool).reshape(mine[i].shape)
            either = np.count_nonzero(wanted | mine[i])
            same.append(np.count_nonzero(wanted & mine[i]) / either if either else 1.0)
    known = [i for i in range(len(stream)) if i % 4 in (1, 2)]  # second and third of each sequence
    return float(np.mean(same)), float(np.mean([outcome.active[i].sum() == 8 for i in known]))


def traces(path, seed):
    """One column of three cells over some elements: membranes of segment, helper and soma of each."""
    from matplotlib import pyplot as plt

    steps, rng = 6, np.random.default_rng(seed)
    forced = np.zeros((steps, 1, 3), bool)
    for step in range(steps - 1):
        forced[step, 0, rng.choice(3, (1, 0, 2, 3, 1)[step], replace=False)] = True
    memory = PaperTemporalMemory(1, 3, 1, chip="ideal")
    populations = (memory.network.dendrite, memory.network.inhibitory, memory.network.soma)
    for population in populations:
        population.record("v")
    outcome = memory.present([np.ones(1, bool)] * steps, forced)
    figure, axes = plt.subplots(3, 3, figsize=(13, 6.5), sharex=True, sharey=True, layout="constrained")
    for row, population, name in zip(axes, populations, ("segment", "helper", "soma"), strict=True):
        v = population.get_data("v").segments[0].analogsignals[0].magnitude
        for cell, axis in enumerate(row):
            axis.plot(np.arange(len(v)) * sim.get_time_step(), v[:, cell], lw=0.8, color="C0")
            marked = outcome.predictive if name == "segment" else outcome.active
            for step in np.flatnonzero(marked[:, 0, cell]) if name != "helper" else ():
                axis.axvspan(step * memory.cycle, (step + 1) * memory.cycle, alpha=0.15, lw=0,
                             color="C1" if name == "segment" else "C2")
            axis.set(title=f"cell {cell}" if name == "segment" else "", ylabel=f"{name} (mV)" if cell == 0 else "",
                     xlabel="time (ms)" if name == "soma" else "")
    figure.suptitle("orange: predicts its cell for the next element; green: the cell is active")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def picture(path, figures):
    from matplotlib import pyplot as plt

    figure, axis = plt.subplots(figsize=(6.5, 4), layout="constrained")
    values = np.array([figures[f"correct_{cycle}"] for cycle in CYCLES])
    axis.errorbar(CYCLES, values.mean(axis=1), values.std(axis=1), marker="o", capsize=3, label="exact weights")
    for name, color in (("spread_2", "C1"), ("spread_5", "C3"), ("quantised", "C2"), ("calibrated", "C4")):
        axis.plot(57, np.mean(figures[f"correct_{name}"]), "s", color=color, label=name.replace("_", " ") + (
            " %" if "spread" in name else " chips"))
    axis.axhline(0.98, color="0.7", lw=0.8)
    axis.set(xlabel="cycle (ms)", ylabel="column-steps that are correct", ylim=(0, 1.03), title="columns of 8 cells")
    axis.legend(frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main():
    args = arguments("htm_paper_memory", __doc__, seeds=(1, 2, 3, 4, 5), fast_seeds=(1,))
    warnings.filterwarnings("ignore", message=".*cycle=.*", category=UserWarning)  # two of them are too short or long
    columns, chips = (30, 1) if args.fast else (200, 20)
    figures = {f"correct_{cycle}": [] for cycle in CYCLES} | {f"correct_{name}": [] for name in (
        "spread_2", "spread_5", "quantised", "calibrated")} | {"same_as_reference": [], "known_exact": []}
    for i, seed in enumerate(args.seeds):
        for cycle in CYCLES:
            figures[f"correct_{cycle}"].append(correct(columns, seed, chip="ideal", cycle=cycle))
        for percent in (2, 5):
            figures[f"correct_spread_{percent}"].append(correct(columns, seed, chip="ideal",
                                                                weight_spread=percent / 100))
        for chip in ("quantised", "calibrated"):
            figures[f"correct_{chip}"].append(on_chips(chip, chips, seed))
        for name, value in zip(("same_as_reference", "known_exact"), follow(seed), strict=True):
            figures[name].append(value)
        print(f"seed {seed}: " + ", ".join(f"{name} {values[-1]:.3f}" for name, values in figures.items()), flush=True)
        if i == 0:
            traces(args.out / "traces.png", seed)
    picture(args.out / "cycles.png", figures)
    report(args.out, figures, goals={"correct_57": (">=", 0.98), "same_as_reference": (">=", 0.98)})


if __name__ == "__main__":
    main()
