"""The rule of the spiking spatial pooler: exact changes of permanences and weights where sensors have no noise."""

import numpy as np
import pytest
from pynn_brainscales.emulator.profile import calibrated
from pynn_brainscales.mapping.errors import MappingError

import pynn_brainscales as sim
from pynn_brainscales.htm import PoolerRule, SpikingSpatialPooler, Timing
from pynn_brainscales.htm.pooler_network import W0, build, volleys

INPUTS, COLUMNS, ACTIVE = 80, 96, 26


def pooler(chip="ideal", seed=3, **more):
    return SpikingSpatialPooler(INPUTS, COLUMNS, localAreaDensity=0, numActiveColumnsPerInhArea=4, seed=seed,
                                stimulusThreshold=14, chip=chip, **more)


def patterns(n, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([rng.permutation(INPUTS) < ACTIVE for _ in range(n)])


def codes(spiking):
    """Present weights (inputs, columns) in codes of 0..63, from the projection; NaN where there is no synapse."""
    weight = spiking.network.plastic.get("weight", format="array")
    return weight / spiking.network.plastic.synapse_type.parameter_space["w_max"].base_value * 63.0


def permanences(spiking):
    return np.array([spiking.getPermanence(c) for c in range(COLUMNS)])


@pytest.mark.parametrize("chip", ["ideal", "quantised"])
@pytest.mark.parametrize(("boost", "share"), [(0.0, 1.0), (30.0, 1.0), (0.0, 0.5)])
def test_winners_learn_and_losers_stay(chip, boost, share):
    spiking = pooler(chip, boostStrength=boost, potentialPct=share)
    potential = np.array([spiking.getPotential(c) for c in range(COLUMNS)])
    assert np.all(potential.sum(axis=1) == round(share * INPUTS))
    before, won = permanences(spiking), np.zeros(COLUMNS, int)
    for bits in patterns(6) | (patterns(6, seed=9) & (share < 1.0)):  # with half of the synapses, twice the inputs
        active = spiking.learn(bits[None])[0]
        assert active.any()
        expected = before.copy()
        expected[active] = np.clip(expected[active] + np.where(bits, 5, -1) / 63.0, 0.0, 1.0) * potential[active]
        after = permanences(spiking)
        np.testing.assert_allclose(after, expected, atol=1e-12)
        shrunk = active[:, None] & ~bits & potential & (before > 0)
        assert shrunk.any()
        assert np.all(after[shrunk] < before[shrunk])
        assert np.array_equal(after[~active], before[~active])
        won, before = won + active, after
    weights = codes(spiking).T
    assert np.array_equal(np.isnan(weights), ~potential)
    whole = np.rint(weights[potential])
    np.testing.assert_allclose(weights[potential], whole, atol=1e-6 if chip == "ideal" else 0.5)
    assert whole.min() == 0
    assert whole.max() <= 63
    factors = spiking.getBoostFactors()
    if boost:
        assert factors[won == won.max()].max() < factors[won == 0].min()
    else:
        assert np.all(factors == 1.0)
    connected = (after >= 32 / 63 - 1e-9) & potential
    expected = np.where(connected, W0 * factors[:, None], 0.0)
    np.testing.assert_allclose(weights[potential], expected[potential], atol=1e-6 if chip == "ideal" else 0.5)


def test_only_inputs_that_helped_are_credited():
    """An input that comes after the winners was active, but did not make them spike: the sensors are causal."""
    sim.setup(timestep=0.25, min_delay=0.25, chip="ideal")
    timing = Timing()
    start = np.full((INPUTS, COLUMNS), 40)
    rule = PoolerRule(sim.Timer(start=timing.cycle - 0.25, period=timing.cycle), start, 4)
    network = build(INPUTS, COLUMNS, 4, 14, rule.codes().T, rule.potential.T, rule, timing, 1)
    times = [[] for _ in range(INPUTS)]
    for source, time in zip(*volleys(patterns(1), timing)[1:], strict=True):
        times[source].append(time)
    late = int(np.flatnonzero(~patterns(1)[0])[0])
    times[late] = [30.0]
    network.inputs.set(spike_times=times)
    sim.run(timing.cycle)
    (winners,), (judged,) = rule.won, rule.judged
    assert len(winners)
    assert np.array_equal(judged, patterns(1)[0])
    assert np.all(rule.permanence[winners][:, late] == 39)


def test_rule_keeps_its_permanences_where_there_is_room():
    """No warning about memory: they lie outside the processor; two bytes for each synapse."""
    spiking = pooler("quantised")
    spiking.learn(patterns(1))
    assert spiking._rule.permanence.dtype == np.int16


def test_the_processor_takes_its_time():
    """Of the chip's own run time no record may be missed without a word; with a long cycle all are learnt."""
    with pytest.raises(MappingError, match="has missed"):
        pooler("quantised", runtime_model="chip").learn(patterns(3))
    patient = pooler("quantised", runtime_model="chip", timing=Timing(cycle=1500.0))
    assert patient.learn(patterns(2)).any(axis=1).all()
    assert patient._rule.records == 2


def test_a_record_without_winners_changes_nothing_but_duty_cycles():
    spiking = pooler()
    before, duty = permanences(spiking), spiking.getActiveDutyCycles()
    active = spiking.learn(np.zeros((1, INPUTS), bool))
    assert not active.any()
    assert np.array_equal(permanences(spiking), before)
    assert np.all(spiking.getActiveDutyCycles() < duty)


def test_sensors_of_a_real_chip_are_read_well_enough():
    """Noise, other amplitudes and baselines of the sensors: one to five per cent would be harmless."""
    spiking = pooler(calibrated)
    spiking.learn(patterns(20))
    assert 0.0 < spiking.misjudged() < 0.05
