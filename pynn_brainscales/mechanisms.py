"""PyNN's STDPMechanism on chips with limits: the ready rule that stands for each, as the mapping has decided."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .emulator import limits
from .emulator.plasticity.cost import CostMeter
from .emulator.plasticity.memory import Memory, Space
from .emulator.plasticity.timer import Timer
from .mapping.mapped import Mapped
from .mapping.report_sensors import processors
from .plasticity import PlasticityRule
from .rules.stdp import SensorSTDP, SensorVogels2011


def rule_for(mapped: Mapped, label: str) -> SensorSTDP | SensorVogels2011:
    """A new rule for a projection, by the label of its description."""
    period = mapped.split.sensors[label].period
    timer, model = Timer(start=period, period=period), side_by_side(processors(mapped, label))
    timing, dependence = next(p for p in mapped.described.projections if p.label == label).rule
    rule = (SensorSTDP(timer, dependence, runtime_model=model) if timing == "SpikePairRule" else
            SensorVogels2011(timer, runtime_model=model))
    give_parameters(rule, mapped, label)
    return rule


def side_by_side(number: int) -> Callable[[CostMeter], float]:
    """Run time of a rule that so many processors share evenly, each with the rows of its half of a chip."""
    def time(meter: CostMeter) -> float:
        return limits.UPDATE_BASE_US + meter.cycles / (number * limits.PROCESSOR_CLOCK_MHZ)

    return time


def give_parameters(rule: SensorSTDP | SensorVogels2011, mapped: Mapped, label: str) -> None:
    """The present parameters of a mechanism to its rule."""
    setting = mapped.split.sensors[label]
    p = next(p for p in mapped.described.projections if p.label == label).parameters
    rule.w_min, rule.w_max = p["w_min"], p["w_max"]
    if isinstance(rule, SensorVogels2011):
        rule.eta, rule.rho, rule.tau, rule.window = p["eta"], p["rho"], p["tau"], setting.plus
        return
    rule.A_plus, rule.A_minus = p["A_plus"] * setting.plus, p["A_minus"] * setting.minus
    if "mu_plus" in p:
        rule.mu_plus, rule.mu_minus = p["mu_plus"], p["mu_minus"]


def memory_for(rule: PlasticityRule, synapses: int, replicas: int = 1) -> Memory:
    """The memory of a rule: for a ready rule the fastest that holds what it keeps of so many places of synapses."""
    kept = getattr(rule, "bytes_kept", 0) * synapses
    rooms = [Space.SRAM, Space.EXTERNAL, Space.DRAM]
    space = next((s for s in rooms if kept <= s.budget // (2 if s is Space.SRAM else 1)), Space.DRAM)
    return Memory(type(rule).__name__, replicas, space)


def codes_of(weight: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Codes (m,) next to weights in PyNN's unit, 0 where there is no synapse."""
    there = (unit != 0) & np.isfinite(weight)
    code = np.divide(weight, unit, out=np.zeros(len(unit)), where=there)
    return np.clip(np.floor(code + 0.5), 0, limits.WEIGHT_MAX).astype(np.uint8)
