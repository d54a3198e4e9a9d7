"""Structural plasticity: neurons with 16 slots for 48 receptors find the ones that tell iris flowers apart.

Four features of a flower are coded by 12 receptors each, with overlapping receptive fields. A rule on the plasticity
processor strengthens slots whose receptor helps to fire, and gives those that stay weak another receptor, by writing
their labels; a teacher says which neurons are to fire. The control has the same rule, but keeps its random wiring.
"""

import sys

import numpy as np
from figures import arguments, report
from pynn_brainscales.emulator.profile import variation

import pynn_brainscales as sim

FEATURES, PER_FEATURE, CLASSES, COPIES = 4, 12, 3, 2
RECEPTORS, NEURONS, SLOTS = FEATURES * PER_FEATURE, CLASSES * COPIES, 16
WIDTH, PEAK = 0.18, 100.0  # of a receptive field: half its base, in units of a feature's range, and Hz
TEACHER, FORBID = 267.0, -1.5  # Hz; nA on the neurons of other classes
SHOW, PAUSE, DELAY = 100.0, 25.0, 1.0  # ms
FLOWERS = 10  # between two executions of the rule
THRESHOLD, START, W_MAX = 28, 36, 0.9  # codes, nA
ETA, DECAY, SIGMA = 0.5, 0.008, 1.0
CELL = {"cm": 1.0, "tau_m": 20.0, "tau_syn_E": 5.0, "tau_syn_I": 5.0, "tau_refrac": 2.0, "v_rest": -65.0,
        "v_reset": -65.0, "v_thresh": -50.0}


def load(seed, test=50):
    """Features (each from 0 to 1 over the training set) and classes: of the training set, then of the test set."""
    try:
        from sklearn.datasets import load_iris
    except ImportError:
        sys.exit("this example needs the iris data of scikit-learn: pip install 'pynn-brainscales[examples]'")
    features, classes = load_iris(return_X_y=True)
    order = np.random.default_rng((seed, 1)).permutation(len(features))
    train, rest = order[test:], order[:test]
    low, high = features[train].min(axis=0), features[train].max(axis=0)
    return [((features[part] - low) / (high - low), classes[part]) for part in (train, rest)]


def receptor_rates(features):
    """Rates of all receptors (flowers, 48) in Hz: triangles around centres that divide the range of a feature."""
    distance = np.abs(features[:, :, None] - np.linspace(0.0, 1.0, PER_FEATURE))
    return PEAK * np.maximum(0.0, 1.0 - distance / WIDTH).reshape(len(features), RECEPTORS)


def poisson(rng, rates, begin):
    """Spike times of sources while flowers are shown one after the other, from rates (flowers, sources)."""
    trains = [[] for _ in range(rates.shape[1])]
    for k, now in enumerate(rates):
        for i, count in enumerate(rng.poisson(now * SHOW * 1e-3)):
            trains[i].append(begin + k * (SHOW + PAUSE) + SHOW * rng.random(count))
    return [np.sort(np.concatenate(t)) for t in trains]


class Learning(sim.rules.StructuralPlasticity):
    """The rule, which can be switched off: then it only forgets what sensors and counters have seen."""

    on = True

    def update(self, ppu, synapses, neurons, recording):
        if self.on:
            super().update(ppu, synapses, neurons, recording)
            return
        for view, cells in zip(synapses, neurons, strict=True):
            view.reset_correlation()
            cells.get_rate_counters(reset=True)


class Classifier:
    """The network: receptors in slots of two neurons for each class, and a teacher for each class."""

    def __init__(self, chip, seed, rewiring):
        sim.setup(timestep=0.25, chip=chip, seed=seed, chip_seed=seed)
        self.rng = np.random.default_rng((seed, 2))
        self.cells = sim.Population(NEURONS, sim.IF_curr_exp(**CELL), label="classes")
        self.receptors = sim.Population(RECEPTORS, sim.SpikeSourceArray(), label="receptors")
        self.teacher = sim.Population(CLASSES, sim.SpikeSourceArray(), label="teacher")
        period = FLOWERS * (SHOW + PAUSE)
        self.rule = Learning(
            sim.Timer(start=period, period=period), eta=ETA, decay=DECAY, sigma=SIGMA,
            selection=sim.rules.RandomSelection(), formation=sim.rules.FixedWeightFormation(START),
            elimination=sim.rules.WeightElimination(THRESHOLD if rewiring else 0))
        self.slots = sim.Projection(
            self.receptors, self.cells, sim.FixedNumberPreConnector(SLOTS, rng=sim.NumpyRNG(seed)),
            sim.PlasticSynapse(self.rule, slots=True, weight=START / 63 * W_MAX, w_max=W_MAX, eta=2.0, tau=10.0,
                               delay=DELAY), label="slots")
        own = [(k, k * COPIES + i) for k in range(CLASSES) for i in range(COPIES)]
        other = [(k, j) for k in range(CLASSES) for j in range(NEURONS) if (k, j) not in own]
        for pairs, weight, receptor in ((own, W_MAX, "excitatory"), (other, FORBID, "inhibitory")):
            sim.Projection(self.teacher, self.cells, sim.FromListConnector(
                [(i, j, weight, DELAY) for i, j in pairs]), sim.StaticSynapse(), receptor_type=receptor)
        self.cells.record("spikes")

    def show(self, features, classes, learn):
        """Show flowers one after the other; the spikes of each neuron at each of them, (flowers, neurons)."""
        begin, steps = sim.get_current_time(), len(features)
        rates = np.zeros((steps, CLASSES))
        if learn:
            rates[np.arange(steps), classes] = TEACHER
        self.rule.on = learn
        self.receptors.set(spike_times=poisson(self.rng, receptor_rates(features), begin))
        self.teacher.set(spike_times=poisson(self.rng, rates, begin))
        sim.run(steps * (SHOW + PAUSE))
        edges = begin + np.arange(steps + 1) * (SHOW + PAUSE)
        trains = self.cells.get_data(clear=True).segments[0].spiketrains
        return np.array([np.histogram(train.magnitude, edges)[0] for train in trains]).T

    def test(self, features, classes):
        """Share of flowers whose class has the most spikes (ties are broken at random), and of those without any."""
        spikes = self.show(features, classes, learn=False).reshape(len(features), CLASSES, COPIES).sum(axis=2)
        said = np.argmax(spikes + 0.5 * self.rng.random(spikes.shape), axis=1)
        return np.mean(said == classes), np.mean(spikes.sum(axis=1) == 0)

    def wiring(self):
        """Summed weights (nA) of the slots by receptor and neuron."""
        return np.nan_to_num(self.slots.get("weight", "array", multiple_synapses="sum"))


def train(chip, seed, epochs, rewiring=True):
    """Accuracy before and after each epoch, wiring before and after all, share of slots rewired and of silent flowers.

    At the end each flower of the test set is shown four times, with other spikes each time.
    """
    training, test = load(seed)
    network = Classifier(chip, seed, rewiring)
    before = network.wiring()
    course = [network.test(*test)[0]]
    for epoch in range(epochs):
        fade = np.clip(2.0 * (1.0 - (epoch + 1) / epochs), 0.0, 1.0)  # exploration ends in the second half
        network.rule.sigma = SIGMA * fade
        network.rule.elimination.threshold = THRESHOLD * fade if rewiring else 0
        order = network.rng.permutation(len(training[1]))
        network.show(training[0][order], training[1][order], learn=True)
        course.append(network.test(*test)[0])
    course[-1], silent = network.test(*(np.concatenate([part] * 4) for part in test))
    return np.array(course), before, network.wiring(), network.rule.get_observable_array("rewired")[1].mean(), silent


def picture(path, course, control, before, after):
    from matplotlib import pyplot as plt
    from matplotlib.colors import PowerNorm

    figure, axes = plt.subplots(1, 4, figsize=(15, 4.2), layout="constrained", width_ratios=(1.2, 1, 1, 1.4))
    axes[0].plot(course, "o-", label="with rewiring")
    axes[0].plot(control, "o-", color="0.6", label="fixed random wiring")
    axes[0].axhline(1 / CLASSES, color="k", lw=0.8, ls=":")
    axes[0].set(xlabel="epoch", ylabel="accuracy on the test set", ylim=(0, 1.02), title="learning")
    axes[0].legend(loc="lower right")
    for ax, weights, title in ((axes[1], before, "wiring before"), (axes[2], after, "wiring after")):
        image = ax.imshow(weights, aspect="auto", cmap="magma_r", norm=PowerNorm(0.5, 0.0, after.max()))
        ax.set(xlabel="neuron", ylabel="receptor", title=title)
        for k in range(1, FEATURES):
            ax.axhline(k * PER_FEATURE - 0.5, color="0.5", lw=0.8)
    figure.colorbar(image, ax=axes[2], label="weight of all slots (nA)")
    x = np.linspace(0.0, 1.0, 200)
    fields = receptor_rates(np.repeat(x[:, None], FEATURES, axis=1)).reshape(len(x), FEATURES, PER_FEATURE)
    of_class = after.reshape(FEATURES, PER_FEATURE, CLASSES, COPIES).sum(axis=3)
    drive = np.einsum("xfr,frk->fxk", fields, of_class)
    for f, name in enumerate(("sepal length", "sepal width", "petal length", "petal width")):
        for k in range(CLASSES):
            axes[3].plot(x, drive[f, :, k] / drive.max() - 1.2 * f, color=f"C{k}",
                         label=("setosa", "versicolor", "virginica")[k] if f == 0 else None)
        axes[3].text(0.99, 0.7 - 1.2 * f, name, ha="right")
    axes[3].set(xlabel="feature (share of its range)", yticks=[], ylim=(-3.8, 1.6),
                title="learnt receptive fields of the classes")
    axes[3].legend(loc="upper center", ncols=CLASSES, fontsize="small")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main():
    args = arguments("structural_plasticity", __doc__, seeds=(1, 2, 3, 4, 5), fast_seeds=(1,))
    epochs = 2 if args.fast else 10
    figures = {"accuracy": [], "control_accuracy": [], "advantage": [], "control_silent": []}
    for i, seed in enumerate(args.seeds):
        chip = variation(0.1)
        course, before, after, rewired, _ = train(chip, seed, epochs)
        control, *_, silent = train(chip, seed, epochs, rewiring=False)
        figures["accuracy"].append(course[-1])
        figures["control_accuracy"].append(control[-1])
        figures["advantage"].append(course[-1] - control[-1])
        figures["control_silent"].append(silent)
        print(f"seed {seed}: accuracy {course[0]:.2f} -> {course[-1]:.2f}, {100 * rewired:.1f} % of the slots rewired "
              f"at a time; with fixed wiring {control[-1]:.2f}, {100 * silent:.0f} % of the flowers without a spike",
              flush=True)
        if i == 0:
            picture(args.out / "structural_plasticity.png", course, control, before, after)
    report(args.out, figures, goals={"accuracy": (">=", 0.9), "advantage": (">=", 0.12)})


if __name__ == "__main__":
    main()
