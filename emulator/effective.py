"""What a virtual chip makes of its configuration: nominal parameters with the fixed pattern applied."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from . import limits
from .config import ChipConfig, Circuits
from .frozen import read_only
from .joints import Joints
from .streams import Stream, generator


def effective_circuits(config: ChipConfig) -> Circuits:
    """The circuits as they are on the virtual chip.

    Potentials are shifted, time constants and strengths multiplied; the membrane capacitance divides the synaptic
    gain and the offset current (its share in tau_m is part of tau_m's own spread).
    """
    c, p = config.circuits, config.pattern
    if p is None:
        return c
    distance = (c.v_thresh - c.v_leak) * p.threshold_distance
    return c.replace(
        v_leak=c.v_leak + p.v_leak, v_reset=c.v_reset + p.v_reset, v_thresh=c.v_leak + distance + p.v_thresh,
        v_exp=c.v_exp + p.v_exp, tau_m=c.tau_m * p.tau_m, tau_syn_exc=c.tau_syn_exc * p.tau_syn_exc,
        tau_syn_inh=c.tau_syn_inh * p.tau_syn_inh, gain_exc=c.gain_exc * p.gain_exc / p.capacitance,
        gain_inh=c.gain_inh * p.gain_inh / p.capacitance, i_offset=c.i_offset / p.capacitance,
        delta_t=c.delta_t * p.delta_t, tau_w=c.tau_w * p.tau_w, a=c.a * p.a, b=c.b * p.b)


def effective_joints(config: ChipConfig) -> Joints | None:
    """The joints as they are on the virtual chip: each conductance varies, and so do the capacitances."""
    joints, p = config.joints, config.pattern
    if joints is None or p is None:
        return joints
    factor = p.icc[joints.first]
    return joints.replace(rate_first=joints.rate_first * factor / p.capacitance[joints.first],
                          rate_second=joints.rate_second * factor / p.capacitance[joints.second])


def run_offsets(config: ChipConfig, trials: int, first_trial: int) -> np.ndarray:
    """Offset of the leak potential in each trial, CADC LSB, shape (trials, N)."""
    noise, c = config.noise, config.circuits
    if not noise.run_offset:
        return np.zeros((trials, len(c)))
    return noise.run_offset * _per_chip(noise.seed, config.chips, trials, first_trial)[:, c.chip, c.circuit]


@lru_cache(maxsize=4)
def _per_chip(seed: int, chips: int, trials: int, first_trial: int) -> np.ndarray:
    """Standard normals (trials, chips, circuits), read-only: configurations of one network ask for the same."""
    streams = [[generator(seed, Stream.RUN_OFFSET, first_trial + t, chip) for chip in range(chips)]
               for t in range(trials)]
    return read_only(np.array([[stream.standard_normal(limits.CIRCUITS) for stream in row] for row in streams]))
