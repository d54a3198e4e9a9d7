"""Reward teaches 32 neurons to tell two stimulus patterns apart: even ones are to fire for A, odd ones for B.

Five of 16 inputs make a pattern. Presentations show A, B or neither in equal numbers, always with background spikes on
all inputs. The plasticity processor counts each neuron's spikes, compares its reward with the mean of its rewards so
far, and changes its weights by reward-modulated STDP. The control has the same rule, but its factor for the reward is
constant.

Accuracy is the fraction of pairs (neuron, presentation) in which the neuron was right: at least one spike for its own
pattern, none for the other one or neither; in the last fifth of the presentations, while it goes on learning. Silent
neurons have 2/3, and so have those that fire for A and for B. Those of the control come to less, because their weights
grow until the background alone makes them fire; with little background they would stay at 2/3.
"""

import numpy as np
from figures import arguments, report
from pynn_brainscales.emulator.profile import variation

import pynn_brainscales as sim

INPUTS, NEURONS, ACTIVE = 16, 32, 5
A, B, NEITHER = 0, 1, 2
PERIOD, FIRST, VOLLEYS, GAP, JITTER = 200.0, 10.0, 5, 6.0, 1.0  # ms
BACKGROUND, WINDOW = 0.4, (5.0, 35.0)  # spikes of an input in a presentation, and when, ms
READ = 45.0  # ms into the presentation, when all neurons have answered
W_MAX, START = 0.8, 0.3  # nA
SENSORS = {"eta": 2.0, "tau": 20.0}
LEARNING_RATE, MEAN_RATE, EXPLORATION = 1.5, 0.02, 0.1
# above what a beginner gets: a neuron that answers both patterns is then punished more than rewarded. From 2/3 on, some
# neurons stay with both when the patterns overlap
INITIAL_MEAN = 1.0
SILENCE = 2.0 / 3.0  # its accuracy
CELL = {"cm": 1.0, "tau_m": 20.0, "tau_syn_E": 5.0, "tau_syn_I": 5.0, "tau_refrac": 5.0, "v_rest": -65.0,
        "v_reset": -65.0, "v_thresh": -50.0}


class Discrimination(sim.rules.RewardModulatedSTDP):
    """Reward 1 for a neuron that was right, else 0; neurons that are silent and often wrong try larger weights."""

    def __init__(self, timer, shown, modulated):
        super().__init__(timer, learning_rate=LEARNING_RATE, mean_rate=MEAN_RATE, initial_mean=INITIAL_MEAN)
        self.to_fire = shown[:, None] == np.arange(NEURONS) % 2
        self.modulated = modulated

    def reward(self, ppu, counts):
        return ((counts > 0) == self.to_fire[ppu.period]).astype(float)

    def change(self, ppu, view, counts, modulation, correlation):
        if not self.modulated:
            modulation = np.full_like(modulation, 1.0 - SILENCE)
        exploration = EXPLORATION * (counts == 0) * (1.0 - self.mean_reward(ppu))
        return super().change(ppu, view, counts, modulation, correlation) + exploration[..., None, view.neuron]


def stimulus(rng, presentations, overlap):
    """What is shown in each presentation, the channels of both patterns, and the spike times of all inputs (ms)."""
    channels = rng.permutation(INPUTS)
    patterns = channels[:ACTIVE], channels[ACTIVE - overlap:2 * ACTIVE - overlap]
    blocks = [rng.permutation(np.repeat((A, B, NEITHER), 10)) for _ in range(-(-presentations // 30))]
    shown = np.concatenate(blocks)[:presentations]
    trains = []
    for channel in range(INPUTS):
        on = np.flatnonzero(np.isin(shown, [which for which in (A, B) if channel in patterns[which]]))
        volleys = (on[:, None] * PERIOD + FIRST + GAP * np.arange(VOLLEYS)).ravel()
        noisy = rng.integers(0, presentations, rng.poisson(BACKGROUND * presentations))
        trains.append(np.sort(np.concatenate([volleys + rng.uniform(0.0, JITTER, len(volleys)),
                                              noisy * PERIOD + rng.uniform(*WINDOW, len(noisy))])))
    return shown, patterns, trains


def learn(chip, seed, presentations, overlap, modulated=True):
    """Whether each neuron was right (presentation, neuron); weights before and after, codes; channels of A and B."""
    rng = np.random.default_rng((seed, overlap))
    shown, patterns, trains = stimulus(rng, presentations, overlap)
    sim.setup(timestep=0.2, chip=chip, seed=seed, chip_seed=seed)
    inputs = sim.Population(INPUTS, sim.SpikeSourceArray(spike_times=trains), label="inputs")
    neurons = sim.Population(NEURONS, sim.IF_curr_exp(**CELL), label="neurons")
    rule = Discrimination(sim.Timer(start=READ, period=PERIOD, num_periods=presentations), shown, modulated)
    projection = sim.Projection(inputs, neurons, sim.AllToAllConnector(), sim.PlasticSynapse(
        rule, weight=START, w_max=W_MAX, delay=1.0, **SENSORS))
    projection.set(weight=START * rng.uniform(0.5, 1.5, (INPUTS, NEURONS)))
    before = projection.get("weight", "array")
    sim.run(presentations * PERIOD)
    if rule.missed:
        raise RuntimeError(f"the rule missed {rule.missed} presentations")
    right = rule.get_observable_array("reward")[1]
    return right, before * (63 / W_MAX), projection.get("weight", "array") * (63 / W_MAX), patterns


def accuracy(right):
    return right[-(len(right) // 5):].mean()


def picture(path, overlaps, control):
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 5, figsize=(15, 4.2), layout="constrained",
                                gridspec_kw={"width_ratios": [1, 1, 1, 1, 1.7]})
    for i, (overlap, (_, before, after, (a, b))) in enumerate(overlaps.items()):
        only_a, both, only_b = np.setdiff1d(a, b), np.intersect1d(a, b), np.setdiff1d(b, a)
        order = np.concatenate([only_a, both, only_b, np.setdiff1d(np.arange(INPUTS), np.union1d(a, b))])
        edges = np.cumsum([0, len(only_a), len(both), len(only_b), INPUTS - len(np.union1d(a, b))])
        for ax, weights, when in ((axes[2 * i], before, "before"), (axes[2 * i + 1], after, "after")):
            shown = ax.imshow(np.concatenate([weights[order, 0::2], weights[order, 1::2]], axis=1), vmin=0, vmax=63,
                              cmap="magma", aspect="auto", interpolation="nearest")
            ax.axvline(NEURONS / 2 - 0.5, color="w", lw=1.5)
            for edge in edges[1:-1]:
                ax.axhline(edge - 0.5, color="w", lw=1)
            names = [(name, (low + high - 1) / 2) for name, low, high in zip(
                ("A", "A, B", "B", "none"), edges[:-1], edges[1:], strict=True) if high > low]
            ax.set_yticks([y for _, y in names], [name for name, _ in names])
            ax.set_xticks([NEURONS / 4 - 0.5, 3 * NEURONS / 4 - 0.5], ["even", "odd"])
            ax.set_title(f"overlap {overlap}, {when}")
    axes[0].set_ylabel("inputs, by their pattern")
    figure.colorbar(shown, ax=axes[3], label="weight (code)")
    block = 30
    for name, right, color in [(f"overlap {o}", r[0], f"C{i}") for i, (o, r) in enumerate(overlaps.items())] + [
            ("reward factor constant", control, "0.4")]:
        course = right.mean(axis=1)[:len(right) // block * block].reshape(-1, block).mean(axis=1)
        axes[4].plot(block * (np.arange(len(course)) + 0.5), course, ".-", color=color, label=name)
    axes[4].axhline(SILENCE, color="k", lw=1, ls=":", label="silence")
    axes[4].set(xlabel="presentation", ylabel="accuracy", ylim=(0.4, 1.02), title="32 neurons, blocks of 30")
    axes[4].legend(loc="center", bbox_to_anchor=(0.6, 0.68))
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main():
    args = arguments("pattern_reward", __doc__, seeds=(1, 2, 3, 4, 5), fast_seeds=(1,))
    presentations = 150 if args.fast else 600
    figures = {name: [] for name in ("accuracy_overlap0", "accuracy_overlap2", "control_accuracy",
                                     "accuracy_overlap0_variation20", "accuracy_overlap2_variation20")}
    for i, seed in enumerate(args.seeds):
        overlaps = {overlap: learn("calibrated", seed, presentations, overlap) for overlap in (0, 2)}
        control = learn("calibrated", seed, presentations, 0, modulated=False)[0]
        for overlap, (right, *_) in overlaps.items():
            figures[f"accuracy_overlap{overlap}"].append(accuracy(right))
            figures[f"accuracy_overlap{overlap}_variation20"].append(
                accuracy(learn(variation(0.2), seed, presentations, overlap)[0]))
        figures["control_accuracy"].append(accuracy(control))
        print(f"seed {seed}: " + ", ".join(f"{name} {values[-1]:.3f}" for name, values in figures.items()), flush=True)
        if i == 0:
            picture(args.out / "pattern_reward.png", overlaps, control)
    report(args.out, figures, goals={"accuracy_overlap0": (">=", 0.92), "control_accuracy": ("<=", 0.65)})
    print(f"neurons that stay silent, or fire for both patterns, have an accuracy of {SILENCE:.3f}")


if __name__ == "__main__":
    main()
