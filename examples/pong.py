"""Pong: a chip learns to play from reward alone, by the noise of its own neurons.

The ball's row excites one of 32 inputs; of 32 motor neurons the one with the most spikes is where the paddle wants to
be. A rule on the plasticity processor changes the weights of the active row by reward minus expected reward, times the
causal correlation of each synapse (reward-modulated STDP). Game and reward live beside the rule. All agents of a batch
play on one and the same chip, each with its own noise and weights.

Two controls: without membrane noise nothing is explored; and learnt weights on the same chip with its neurons permuted
play worse, since they have learnt the chip's variation, too.

After Wunderlich et al. 2019, Front. Neurosci. 13:260: their network, game and constants, times in ms of biology.
"""

import warnings

import numpy as np
from figures import arguments, report
from pynn_brainscales.emulator.profile import calibrated, variation

import pynn_brainscales as sim
from pynn_brainscales.rules import ClosedLoop, Environment, Reply

CELLS = 32
AGENTS = 4
SPIKES, INTERVAL, PERIOD = 20, 10.0, 200.0  # of the active input, ms
V_REST, V_THRESH = -65.0, -50.0
MV = (V_THRESH - V_REST) / (1278.0 - 616.0)  # of biology, for a mV of the published chip
NEURON = {"cm": 1.0, "tau_m": 28.53, "tau_syn_E": 1.8, "tau_syn_I": 1.8, "tau_refrac": 3.98, "v_rest": V_REST,
          "v_thresh": V_THRESH, "v_reset": V_REST - (616.0 - 355.0) * MV}
CURRENT = MV / 2.36  # nA into 1 nF for a pA into the published 2.36 pF
W_START, W_MAX, W_SPREAD = (x / 63.0 * 400.0 * CURRENT for x in (46.0, 95.0, 2.0))  # of codes 14 and 63 there
NOISE = 0.2  # standard deviation of a free membrane, of the distance from rest to threshold
BASELINE = 0.5  # expected reward of a row before it has been played
REWARD = np.array([1.0, 0.7, 0.4, 0.1])  # by the distance of paddle and ball, in cells
ETA, TAU = 2.0, 30.0  # of a sensor: the largest that the chip offers


class Pong(Environment):
    """Ball and paddle in the unit square; one game for each agent.

    Attributes
    ----------
    row : int, (agents,)
        Of the ball, in cells: the active input.
    course : list of (ball (agents, 2), paddle (agents,))
    """

    speed, paddle_speed, paddle_length = 0.025, 0.05, 0.07

    def reset(self, rng, replicas):
        self.paddle = np.full(replicas, 0.5)
        self.ball, self.velocity = np.zeros((replicas, 2)), np.zeros((replicas, 2))
        self.course = []
        self._serve(rng, np.ones(replicas, bool))
        return self._show(np.zeros(replicas))

    def step(self, rng, counts):
        tie = rng.random(counts.shape[1])  # the most spikes win, ties at random
        target = np.argmax(counts + tie, axis=1)
        distance = np.abs(target - self.row)
        reward = np.where(distance < len(REWARD), REWARD[np.minimum(distance, len(REWARD) - 1)], 0.0)
        wanted = (target + 0.5) / CELLS
        self.paddle += np.clip(wanted - self.paddle, -self.paddle_speed, self.paddle_speed)
        self._move(rng)
        return self._show(reward)

    def _move(self, rng):
        self.ball += self.velocity
        for axis in (0, 1):  # walls reflect, on the right the paddle does
            outside = (self.ball[:, axis] < 0) | (self.ball[:, axis] > 1)
            if axis == 0:
                right = self.ball[:, 0] > 1
                missed = right & (np.abs(self.ball[:, 1] - self.paddle) > self.paddle_length / 2 + 0.02)
            self.velocity[outside, axis] *= -1.0
            self.ball[:, axis] = np.where(self.ball[:, axis] < 0, -self.ball[:, axis], np.where(
                self.ball[:, axis] > 1, 2.0 - self.ball[:, axis], self.ball[:, axis]))
        self._serve(rng, missed)

    def _serve(self, rng, which):
        height, angle = rng.random(), rng.uniform(0.1, 0.75) * rng.choice([-1.0, 1.0])  # a level ball would never miss
        direction = rng.choice([-1.0, 1.0])
        self.ball[which] = np.stack([np.full(len(height), 0.5), height], axis=1)[which]
        share = np.abs(angle)  # of the speed (in the sum of both components) that goes up or down
        velocity = self.speed * np.stack([(1.0 - share) * direction, angle], axis=1)
        self.velocity[which] = velocity[which]

    def _show(self, reward):
        self.row = np.minimum((self.ball[:, 1] * CELLS).astype(int), CELLS - 1)
        self.course.append((self.ball.copy(), self.paddle.copy()))
        agents = len(reward)
        return Reply(reward, np.repeat(np.arange(agents), SPIKES), np.repeat(self.row, SPIKES),
                     np.tile(np.arange(SPIKES) * INTERVAL, agents))


class Learn(ClosedLoop):
    """Changes the weights of the row that was active; the expected reward of each row is a running mean.

    With ``weights`` (agents, 32, 32), in codes, it only plays: these stay, the expected reward is followed all the
    same. ``order`` (32,) says which neuron plays the part of each.
    """

    def __init__(self, timer, environment, source, weights=None, order=None):
        super().__init__(timer, environment, source, runtime_model=None)  # the processor's time is not the topic here
        self.weights, self.order = weights, np.arange(CELLS) if order is None else order

    def update(self, ppu, synapses, neurons, recording):
        (self.view,), (motors,) = synapses, neurons
        counts = motors.get_rate_counters(reset=True)[:, self.order]
        if "begun" in ppu.memory:
            active = self.environment.row
            reply = self.environment.step(ppu.rng, counts)
            self.reward_row(ppu, active, reply.reward, recording)
        else:
            ppu.memory["begun"] = np.ones(ppu.replicas, np.int8)
            ppu.memory["expected"] = np.full((ppu.replicas, CELLS), BASELINE)
            ppu.memory["success"] = np.zeros((ppu.replicas, CELLS))
            reply = self.environment.reset(ppu.rng, ppu.replicas)
            self.rows = np.stack([np.unique(self.view.row[self.view.pre_index == k]) for k in range(CELLS)])
            if self.weights is not None:
                part = np.argsort(self.order)[self.view.post_index]
                self.view.set_weights(self.view.physical(self.weights[:, self.view.pre_index, part]))
        self.view.reset_correlation()
        ppu.send_spikes(self.source, reply.index, reply.delay, reply.replica)

    def reward_row(self, ppu, active, reward, recording):
        agents, view = np.arange(ppu.replicas), self.view
        expected, success = ppu.memory["expected"], ppu.memory["success"]
        surprise = reward - expected[agents, active]
        expected[agents, active] += 0.5 * surprise
        success[agents, active] = np.ceil(reward)
        if self.weights is None:
            rows = self.rows[active]
            causal = np.clip(view.get_causal_correlation(rows) * (36.0 / ETA), 0.0, 128.0)  # as their sensors saturate
            view.set_weights(view.get_weights(rows) + 0.125 * surprise[:, None, None] * causal, rows)
        if ppu.period % 100 == 0:
            recording["expected"], recording["success"] = expected, success
            weights = np.zeros((ppu.replicas, CELLS, CELLS), np.int16)
            weights[:, view.pre_index, np.argsort(self.order)[view.post_index]] = view.logical(view.get_weights())
            recording["weights"] = weights


def network(chip, seed, weights=None, order=None):
    """The network on a chip, ready to play."""
    sim.setup(timestep=1.0, min_delay=1.0, chip=chip, seed=seed, chip_seed=seed, replicas=AGENTS)
    inputs = sim.Population(CELLS, sim.SpikeSourceArray(), label="ball")
    motors = sim.Population(CELLS, sim.IF_curr_exp(**NEURON), label="motors")
    rule = Learn(sim.Timer(start=PERIOD, period=PERIOD), Pong(), inputs, weights, order)
    start = np.random.default_rng([seed, 7]).normal(W_START, W_SPREAD, (CELLS, CELLS))
    sim.Projection(inputs, motors, sim.AllToAllConnector(), sim.PlasticSynapse(
        rule, weight=np.clip(start, 0.0, W_MAX), w_max=W_MAX, eta=ETA, tau=TAU, delay=1.0), label="plastic")
    return rule


def play(chip, seed, iterations, noise=NOISE, **frozen):
    """Play for some iterations; the rule afterwards, with its recordings and its world."""
    network(chip, seed)
    swing = (V_THRESH - V_REST) * sim.map_network().scaled.alpha[0]  # LSB
    rule = network(chip.replace(membrane_noise=noise * swing), seed, **frozen)
    sim.run((iterations + 1.5) * PERIOD)
    return rule


def outcome(rule, last=1):
    """Mean expected reward and performance, over rows and agents, mean of the last recordings."""
    return tuple(float(rule.get_observable_array(name)[1][-last:].mean()) for name in ("expected", "success"))


def pictures(out, learnt, control):
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 4, figsize=(15, 3.6), layout="constrained")
    for rule, label in ((learnt, "noise"), (control, "no noise")):
        times, expected = rule.get_observable_array("expected")
        axes[0].plot(times / PERIOD, expected.mean(axis=2), color="C0" if rule is learnt else "C3", lw=0.8,
                     label=[label, *[None] * (AGENTS - 1)])
        axes[1].plot(times / PERIOD, rule.get_observable_array("success")[1].mean(axis=2), lw=0.8,
                     color="C0" if rule is learnt else "C3")
    axes[0].set(xlabel="iteration", ylabel="mean expected reward", title="every agent", ylim=(0, 1))
    axes[0].legend(frameon=False)
    axes[1].set(xlabel="iteration", ylabel="performance", ylim=(0, 1))
    weights = learnt.get_observable_array("weights")[1]
    for axis, w, title in ((axes[2], weights[0, 0], "weights at first"), (axes[3], weights[-1, 0], "weights learnt")):
        image = axis.imshow(w, vmin=0, vmax=63, origin="lower")
        axis.set(xlabel="motor neuron", ylabel="row of the ball", title=f"{title}, agent 0")
    figure.colorbar(image, ax=axes[3], label="code")
    figure.savefig(out / "pong.png", dpi=110)
    plt.close(figure)
    frames(out / "pong_game.png", learnt.environment.course)


def frames(path, course):
    """The last moments of the game, every eighth iteration, all agents in one field."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 10, figsize=(15, 1.8), layout="constrained")
    for axis, (ball, paddle) in zip(axes, course[-80::8], strict=True):
        for agent in range(AGENTS):
            axis.plot(*ball[agent], "o", color=f"C{agent}", ms=5)
            axis.plot([1.03, 1.03], paddle[agent] + np.array([-0.5, 0.5]) * Pong.paddle_length, color=f"C{agent}", lw=3)
        axis.set(xlim=(0, 1.08), ylim=(0, 1), xticks=[], yticks=[], aspect="equal")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main():
    args = arguments("pong", __doc__, seeds=(1, 2, 3, 4, 5), fast_seeds=(1,))
    warnings.filterwarnings("ignore", message=".*step.*")  # the chip's noise and time constants are slower than 1 ms
    iterations, games = (300, 100) if args.fast else (8000, 1000)
    order = np.random.default_rng(1).permutation(CELLS)
    figures = {name: [] for name in ("reward", "performance", "control_reward", "control_performance",
                                     "permuted_drop", "reward_10", "performance_10")}
    sensors = {"sensor_eta": 0.2, "sensor_tau": 0.2}
    for i, seed in enumerate(args.seeds):
        chip, worse = variation(0.05).replace(**sensors), variation(0.1).replace(**sensors)
        learnt = play(chip, seed, iterations)
        control = play(chip, seed, iterations // 2, noise=0.0)
        on_worse = play(worse, seed, iterations)
        weights = on_worse.get_observable_array("weights")[1][-1]
        same, permuted = (outcome(play(worse, seed, games, weights=weights, order=o), 3) for o in (None, order))
        for names, values in ((("reward", "performance"), outcome(learnt)),
                              (("control_reward", "control_performance"), outcome(control)),
                              (("reward_10", "performance_10"), outcome(on_worse))):
            for name, value in zip(names, values, strict=True):
                figures[name].append(value)
        figures["permuted_drop"].append(same[1] - permuted[1])
        last = {name: values[-1] for name, values in figures.items() if values}
        print(f"seed {seed}: reward {last['reward']:.2f}, performance {last['performance']:.2f}; without noise "
              f"{last['control_reward']:.2f}, {last['control_performance']:.2f}; at 10 % variation {same[1]:.2f} with "
              f"frozen weights, {permuted[1]:.2f} with neurons permuted", flush=True)
        if i == 0:
            pictures(args.out, learnt, control)
    if not args.fast:
        default = play(calibrated, args.seeds[0], iterations)
        print(f"default profile, seed {args.seeds[0]}: {outcome(default)}")
    report(args.out, figures, goals={
        "reward": (">=", 0.65), "performance": (">=", 0.85), "control_reward": ("<=", 0.2),
        "control_performance": ("<=", 0.3), "permuted_drop": (">=", 0.1)})


if __name__ == "__main__":
    main()
