"""Everything to the chip's grids: codes of potentials and currents, counters, gains, 6-bit weights.

This pass only rounds; what was to be reached has been decided before. A value outside its range is clipped, and
marked: the report counts the marks, and ``compile`` warns.
"""

from __future__ import annotations

import numpy as np
from pynn_brainscales.emulator import coordinates, limits

from .cells import population_of_neuron
from .errors import MappingError
from .joints import joined
from .mapped import Expanded, Loss, Placement, Quantised, Rounded, Routing, Scaled
from .network import Network
from .scale import us_per_ms
from .target import Target

_FLAGS = ("spiking", "conductance", "exponential", "adaptation")


def quantise(network: Network, scaled: Scaled, expanded: Expanded, placement: Placement, routing: Routing,
             target: Target, gains_of: Rounded | None = None) -> Rounded:
    """Round the network to what the chip can be set to.

    ``gains_of`` is an earlier result whose bias codes are kept if no weight exceeds them.
    """
    units = len(scaled.unit_neuron)
    placement = placement.replace(**{k: getattr(placement, k)[scaled.unit_neuron] for k in ("chip", "circuit")})
    if target.profile.quantised:
        cells = _cells(scaled, placement)
        scaled = scaled.replace(drive=scaled.drive * _distance_ratio(scaled, cells)[scaled.input, scaled.unit])
        gm, dac, gain = _gains(scaled, placement, routing, gains_of)
        weight, drive, lost = _weights(scaled, routing, gain.realised)
    else:
        cells = {name: exactly(value) for name, value in scaled.cells.items() if name not in _FLAGS}
        gm, dac = np.zeros((2, units), np.int64), np.zeros((placement.chips, limits.QUADRANTS), np.int64)
        gain = exactly(np.ones((2, units)))
        lost = routing.lost
        kept = np.where(lost == Loss.NONE, scaled.drive, 0.0)
        drive = Quantised(scaled.drive, kept, np.zeros(len(kept), bool))
        weight = np.zeros(len(routing.cell_synapse), np.int64)
        if target.profile.limited:
            raise MappingError("a profile with limited=True and quantised=False",
                               "synapse arrays with 6-bit weights, or a chip without limits",
                               hint="set quantised=True, or limited=False")
    return Rounded(cells, gain, gm, dac, drive, weight, lost, _icc_rates(network, expanded, target))


def exactly(value: np.ndarray) -> Quantised:
    """A value that needs no rounding."""
    return Quantised(value, value, np.zeros(np.shape(value), bool))


def on_grid(value: np.ndarray, step: float, low: float, high: float) -> Quantised:
    """Nearest multiple of ``step`` inside a range; values more than half a step outside are marked."""
    inside = np.clip(value, low, high)
    least, most = np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9)
    realised = np.clip(np.floor(inside / step + 0.5), least, most) * step
    return Quantised(value, realised, (value < low - 0.5 * step) | (value > high + 0.5 * step))


def on_codes(value: np.ndarray, at_one: np.ndarray | float, low: float, high: float) -> Quantised:
    """Nearest of ``at_one / code``, code 1..1022, inside a range."""
    inside = np.clip(value, low, high)
    code = np.clip(np.floor(at_one / inside + 0.5), 1, limits.CAPMEM_MAX)
    return Quantised(value, at_one / code, (value < low * (1 - 1e-9)) | (value > high * (1 + 1e-9)))


def _switched(value: np.ndarray, base: float, factors: tuple[float, ...], low: float, high: float) -> Quantised:
    """As ``on_codes``, with the range switch that gives the largest code, hence the finest steps."""
    inside = np.clip(value, low, high)
    at_one = np.full(np.shape(value), base * min(factors))
    for factor in sorted(factors):
        fits = base * factor / inside <= limits.CAPMEM_MAX + 0.5
        at_one = np.where(fits, base * factor, at_one)
    return on_codes(value, at_one, low, high)


def _icc_rates(network: Network, expanded: Expanded, target: Target) -> Quantised:
    """Conductances between membranes, over their capacitances; a chip sets the time constant with one circuit's."""
    pairs = joined(network)
    rate = np.stack([pairs.rate_first, pairs.rate_second]) / us_per_ms(target)
    if not target.profile.quantised:
        return exactly(rate)
    circuits = expanded.circuits[np.stack([pairs.first, pairs.second])]
    connected = rate[0] > 0
    tau = np.where(connected, 1.0 / np.where(connected, rate[0] * circuits[0], 1.0), limits.ICC_TAU_RANGE[1])
    switch = (1.0 / limits.ICC_SWITCH, 1.0, float(limits.ICC_SWITCH))
    value = _switched(tau, limits.ICC_TAU_CODE_US, switch, *limits.ICC_TAU_RANGE)
    clipped = np.broadcast_to(connected & value.clipped, rate.shape)
    return Quantised(rate, np.where(connected, 1.0 / value.realised / circuits, 0.0), clipped)


def _cells(scaled: Scaled, placement: Placement) -> dict[str, Quantised]:
    c = scaled.cells
    volt, wide = limits.CADC_LSB_PER_CAPMEM_LSB, np.inf
    switch = (1.0 / limits.TAU_M_SWITCH, 1.0, float(limits.TAU_M_SWITCH))
    result = {
        "v_leak": on_grid(c["v_leak"], volt, *limits.V_LEAK_RANGE),
        "v_reset": on_grid(c["v_reset"], volt, *limits.V_LEAK_RANGE),
        "v_thresh": on_grid(c["v_thresh"], volt, *limits.V_THRESH_RANGE),
        "tau_m": _switched(c["tau_m"], limits.TAU_M_CODE_US, switch, *limits.TAU_M_RANGE),
        "refractory_us": _refractory(c["refractory_us"], placement),
        "i_offset": on_grid(c["i_offset"], limits.I_OFFSET_LSB_US_PER_CODE,
                            -limits.CAPMEM_MAX * limits.I_OFFSET_LSB_US_PER_CODE,
                            limits.CAPMEM_MAX * limits.I_OFFSET_LSB_US_PER_CODE)}
    for name in ("tau_syn_exc", "tau_syn_inh"):
        result[name] = _switched(c[name], limits.TAU_SYN_CODE_US, (1.0 / limits.TAU_SYN_SWITCH, 1.0),
                                 *limits.TAU_SYN_RANGE)
    for name in ("e_rev_exc", "e_rev_inh"):
        result[name] = _where(c["conductance"], on_grid(c[name], volt, -wide, wide), c[name])
    for name in ("e_ref_exc", "e_ref_inh"):
        result[name] = _where(c["conductance"], on_grid(c[name], volt, *limits.E_REF_RANGE), c[name])
    result |= _adaptive(c, volt)
    return result


def _adaptive(c, volt: float) -> dict[str, Quantised]:
    most = limits.ADAPTATION_CODE_MAX
    slope = limits.DELTA_T_LSB_PER_CODE
    low, high = (slope * code for code in limits.DELTA_T_CODE_RANGE)
    return {
        "delta_t": _where(c["exponential"], on_grid(c["delta_t"], slope, low, high), c["delta_t"]),
        "v_exp": _where(c["exponential"], on_grid(c["v_exp"], volt, *limits.V_THRESH_RANGE), c["v_exp"]),
        "a": on_grid(c["a"], limits.A_PER_CODE, -most * limits.A_PER_CODE, most * limits.A_PER_CODE),
        "b": on_grid(c["b"], limits.B_LSB_PER_CODE, -most * limits.B_LSB_PER_CODE, most * limits.B_LSB_PER_CODE),
        "tau_w": _where(c["adaptation"], on_codes(c["tau_w"], limits.TAU_W_CODE_US, *limits.TAU_W_RANGE), c["tau_w"])}


def _where(on: np.ndarray, value: Quantised, else_: np.ndarray) -> Quantised:
    """Quantised where a term is switched on; a term that is off has no setting."""
    return Quantised(else_, np.where(on, value.realised, else_), on & value.clipped)


def _refractory(value: np.ndarray, placement: Placement) -> Quantised:
    """Counts of one of the two clocks of each backend (the circuits of one side of a chip).

    The fast clock is the slowest that counts the shortest refractory time of the side with at least 30 ticks, the
    slow one the fastest that reaches the longest; each circuit takes the finer one that reaches its time.
    """
    clocks = np.array(limits.REFRACTORY_CLOCK_US)
    low, high = limits.REFRACTORY_RANGE
    inside = np.clip(value, low, high)
    group = placement.chip * 2 + coordinates.side_of(placement.circuit[:, 0])
    realised = np.empty(len(value))
    for g in np.unique(group):
        mine = group == g
        fast = clocks[max(0, int(np.searchsorted(clocks, inside[mine].min() / 30.0, "right")) - 1)]
        slow = clocks[min(len(clocks) - 1, int(np.searchsorted(clocks * limits.REFRACTORY_COUNT_MAX,
                                                               inside[mine].max())))]
        clock = np.where(inside[mine] <= fast * limits.REFRACTORY_COUNT_MAX, fast, max(fast, slow))
        count = np.clip(np.floor(inside[mine] / clock + 0.5), 1, limits.REFRACTORY_COUNT_MAX)
        realised[mine] = count * clock
    return Quantised(value, realised, (value < low * (1 - 1e-9)) | (value > high * (1 + 1e-9)))


def _distance_ratio(scaled: Scaled, cells: dict[str, Quantised]) -> np.ndarray:
    """What rounding has done to the distance of reversal and reference potential, (2, n).

    The weight of a conductance is its drive at the reference: it must follow, so that the conductance stays.
    """
    ratio = []
    for side in ("exc", "inh"):
        reversal, reference = cells[f"e_rev_{side}"], cells[f"e_ref_{side}"]
        asked, got = (np.abs(getattr(reversal, k) - getattr(reference, k)) for k in ("requested", "realised"))
        on = scaled.cells["conductance"] & (asked > 0)
        ratio.append(np.where(on, got / np.where(on, asked, 1.0), 1.0))
    return np.stack(ratio)


def _gains(scaled: Scaled, placement: Placement, routing: Routing, kept: Rounded | None
           ) -> tuple[np.ndarray, np.ndarray, Quantised]:
    """Bias codes such that the largest weight of each unit and input uses 63 in each of its rows."""
    need = np.zeros((2, len(scaled.unit_neuron)))
    alive = np.flatnonzero(routing.lost == Loss.NONE)
    per_row = scaled.drive[alive] / scaled.rows[alive] / limits.WEIGHT_MAX
    np.maximum.at(need, (scaled.input[alive], scaled.unit[alive]), per_row)
    if kept is not None and np.all(need <= kept.gain.realised * (1 + 1e-9)):
        return kept.gm, kept.dac, Quantised(need, kept.gain.realised, np.zeros(need.shape, bool))
    low, high = limits.SYNIN_GM_RANGE
    quadrant = placement.chip * limits.QUADRANTS + coordinates.quadrant_of(placement.circuit[:, 0])
    # joined circuits may reach into the other half: the DAC of all quadrants of a side is set for the strongest
    side = placement.chip * 2 + coordinates.side_of(placement.circuit[:, 0])
    joined = np.any(placement.circuit[:, 1:] >= 0)
    strongest = np.zeros(placement.chips * limits.QUADRANTS)
    if joined:
        both = np.zeros(placement.chips * 2)
        np.maximum.at(both, side, need.max(axis=0))
        strongest[:] = np.repeat(both.reshape(-1, 2)[:, None, :], 2, axis=1).reshape(-1)
    else:
        np.maximum.at(strongest, quadrant, need.max(axis=0))
    unit = limits.synaptic_gain(1.0, 1.0)
    dac = np.clip(np.ceil(strongest / (unit * high) - 1e-9), *limits.SYNAPSE_DAC_RANGE).astype(np.int64)
    gm = np.clip(np.ceil(need / (unit * dac[quadrant]) - 1e-9), low, high).astype(np.int64)
    gain = limits.synaptic_gain(gm, dac[quadrant])
    return gm, dac.reshape(placement.chips, limits.QUADRANTS), Quantised(need, gain, need > gain * (1 + 1e-9))


def _weights(scaled: Scaled, routing: Routing, gain: np.ndarray) -> tuple[np.ndarray, Quantised, np.ndarray]:
    """Weights of all places; a synapse of several rows spreads its integer total evenly over them."""
    unit = gain[scaled.input, scaled.unit]
    wanted = scaled.drive / unit
    most = scaled.rows * limits.WEIGHT_MAX
    total = np.minimum(np.floor(wanted + 0.5), most).astype(np.int64)
    placed = routing.lost == Loss.NONE
    lost = np.where(placed & (total == 0) & (scaled.drive > 0), Loss.WEIGHT, routing.lost)
    realised = np.where(placed, total, 0)
    base, extra = np.divmod(realised, scaled.rows)
    synapse = routing.cell_synapse
    order = np.argsort(synapse, kind="stable")
    ordered = synapse[order]
    nth = np.empty(len(synapse), np.int64)
    start = np.searchsorted(ordered, ordered)
    nth[order] = np.arange(len(synapse)) - start
    weight = base[synapse] + (nth < extra[synapse])
    return weight, Quantised(scaled.drive, realised * unit, placed & (wanted > most + 0.5)), lost


def clipped_parameters(network: Network, rounded: Rounded) -> list[tuple[str, str, int]]:
    """What was clipped: (population, name of the chip's parameter, first neuron)."""
    population = population_of_neuron(network)
    found = []
    for name, value in rounded.cells.items():
        for i, p in enumerate(network.populations):
            bad = np.flatnonzero(value.clipped[:len(population)] & (population == i))
            if len(bad):
                found.append((p.label, name, int(bad[0])))
    return found
