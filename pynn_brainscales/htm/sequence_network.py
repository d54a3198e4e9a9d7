"""The network of a spiking temporal memory: somata with plateau dendrites, and an inhibitory neuron for each column.

A cell is two circuits that a conductance joins. The dendrite fires when enough mature synapses are active together, and
stays at a reset potential above its threshold for its long refractory time: a plateau, which depolarises the soma. The
input of a column excites all its somata. Those with a plateau reach their threshold first, and make the column's
inhibitory neuron silence the others; without any plateau all of them fire.

After Bouhadjar et al. 2022, PLOS Comput. Biol. 18:e1010233; with coupled circuits as Dietrich et al. 2024 have it on
the chip.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import pynn_brainscales as sim

from .compartments import peaks
from .sequence_rule import SequenceRule

REST = -65.0  # mV


@dataclass(frozen=True)
class SequenceParameters:
    """Times in ms, potentials in mV above rest.

    Attributes
    ----------
    plateau : float
        How long a dendrite is held at its reset potential; a chip has up to 32 us of hardware time.
    depolarisation : float
        Of a soma by a plateau, in the end.
    drive : float
        Peak of a soma's depolarisation by its column's input alone, over its threshold.
    inhibition : float
        Peak of a soma's hyperpolarisation by its column's inhibitory neuron, over its threshold.
    coincidence : float
        How many mature synapses bring a dendrite to its threshold when they are active together.
    dendrite_circuits : int
        Joined for one dendrite, where its fan-in needs more rows than a circuit has; ``cm`` is that of one circuit.
    inhibiting : float
        How many somata bring the inhibitory neuron to its threshold when they fire together.
    """

    plateau: float = 30.0
    depolarisation: float = 12.0
    drive: float = 1.4
    inhibition: float = 2.0
    coincidence: float = 1.8
    inhibiting: float = 1.4
    threshold: float = 20.0
    dendrite_threshold: float = 10.0
    dendrite_reset: float = 18.0
    tau_m: float = 10.0
    tau_input: float = 8.0
    tau_distal: float = 8.0
    tau_inhibition: float = 4.0
    refractory: float = 10.0
    inhibitory_threshold: float = 15.0
    inhibitory_tau_m: float = 10.0
    inhibitory_tau_syn: float = 0.6
    cm: float = 0.25  # nF
    dendrite_circuits: int = 1

    @property
    def coupling(self) -> float:
        """Conductance between soma and dendrite over the capacitance of the soma, 1/ms.

        A plateau at ``dendrite_reset`` leaves the soma at ``reset rate / (rate + 1 / tau_m)``.
        """
        return self.depolarisation / (self.dendrite_reset - self.depolarisation) / self.tau_m

    @property
    def weights(self) -> dict[str, float]:
        """In nA: input, distal (mature), to and from the inhibitory neuron."""
        both, rate = (self.tau_m, self.tau_m), (self.coupling, self.coupling / self.dendrite_circuits)
        soma = peaks(both, rate, self.tau_input)[0]
        dendrite = peaks(both, rate[::-1], self.tau_distal)[0] / self.dendrite_circuits
        silenced = peaks(both, rate, self.tau_inhibition)[0]
        inhibitory = peaks((self.inhibitory_tau_m, self.inhibitory_tau_m), (0.0, 0.0), self.inhibitory_tau_syn)[0]
        return {"input": self.cm * self.drive * self.threshold / soma,
                "distal": self.cm * self.dendrite_threshold / self.coincidence / dendrite,
                "inhibitory": self.cm * self.inhibitory_threshold / self.inhibiting / inhibitory,
                "inhibition": -self.cm * self.inhibition * self.threshold / silenced}


class SequenceNetwork:
    """Populations and projections of ``columns`` columns of ``cells`` cells, in the present simulation.

    Attributes
    ----------
    soma, dendrite : Population, columns * cells
        Cell ``c`` of column ``k`` is number ``k * cells + c``.
    inhibitory : Population, columns
    joint, distal, excitation, inhibition : Projection
        Dendrite and soma; soma to dendrite, plastic; soma to inhibitory neuron, which is plastic if ``dynamic``; back.
    """

    def __init__(self, columns: int, cells: int, rule: SequenceRule, parameters: SequenceParameters,
                 connected: np.ndarray, dynamic: bool, delay: float, label: str = "") -> None:
        p, w, prefix = parameters, parameters.weights, f"{label} " if label else ""
        shared = {"cm": p.cm, "tau_m": p.tau_m, "v_rest": REST, "v_reset": REST}
        self.columns, self.cells, self.parameters, self.delay = columns, cells, p, delay
        self.soma = sim.Population(columns * cells, sim.IF_curr_exp(**shared | {
            "v_thresh": REST + p.threshold, "tau_syn_E": p.tau_input, "tau_syn_I": p.tau_inhibition,
            "tau_refrac": p.refractory}), label=f"{prefix}soma")
        self.dendrite = sim.Population(columns * cells, sim.IF_curr_exp(**shared | {
            "cm": p.cm * p.dendrite_circuits,
            "v_thresh": REST + p.dendrite_threshold, "v_reset": REST + p.dendrite_reset, "tau_syn_E": p.tau_distal,
            "tau_syn_I": p.tau_distal, "tau_refrac": p.plateau}), label=f"{prefix}dendrite")
        self.inhibitory = sim.Population(columns, sim.IF_curr_exp(**shared | {
            "tau_m": p.inhibitory_tau_m, "v_thresh": REST + p.inhibitory_threshold, "tau_syn_E": p.inhibitory_tau_syn,
            "tau_syn_I": p.inhibitory_tau_syn, "tau_refrac": 2.0}), label=f"{prefix}inhibitory")
        self.joint = sim.Projection(self.dendrite, self.soma, sim.OneToOneConnector(),
                                    sim.ElectricalSynapse(weight=p.coupling * p.cm), label=f"{prefix}joint")
        self.distal = sim.Projection(self.soma, self.dendrite, sim.ArrayConnector(connected), sim.PlasticSynapse(
            rule, weight=0.0, w_max=w["distal"], delay=delay), label=f"{prefix}distal")
        own = np.kron(np.eye(columns, dtype=bool), np.ones((cells, 1), bool))
        to_inhibitory = (sim.PlasticSynapse(rule, weight=0.0, w_max=w["inhibitory"], delay=delay) if dynamic
                         else sim.StaticSynapse(weight=w["inhibitory"], delay=delay))
        self.excitation = sim.Projection(self.soma, self.inhibitory, sim.ArrayConnector(own), to_inhibitory,
                                         label=f"{prefix}soma to inhibitory")
        self.inhibition = sim.Projection(self.inhibitory, self.soma, sim.ArrayConnector(own.T), sim.StaticSynapse(
            weight=w["inhibition"], delay=delay), receptor_type="inhibitory", label=f"{prefix}inhibitory to soma")
        sim.attach_rule(rule, self.soma)
        rule.soma, rule.dendrite = self.soma, self.dendrite

    def drive(self, source, columns: np.ndarray | None = None):
        """Let the cells of ``source`` drive the columns of the same number, or (source, columns) where it is True."""
        wiring = np.eye(self.columns, dtype=bool) if columns is None else columns
        return sim.Projection(source, self.soma, sim.ArrayConnector(np.repeat(wiring, self.cells, axis=1)),
                              sim.StaticSynapse(weight=self.parameters.weights["input"], delay=self.delay),
                              label=f"{source.label} to {self.soma.label}")
