"""The spatial pooler in spikes: who wins, what training does to it, its interface, and other networks beside it."""

import warnings

import numpy as np
import pytest
from pynn_brainscales.emulator.profile import calibrated, htm_sp
from pynn_brainscales.mapping.errors import MappingError, MappingWarning

import pynn_brainscales as sim
from pynn_brainscales.htm import SDR, SpatialPooler, SpikingSpatialPooler, metrics

INPUTS, COLUMNS, ACTIVE = 128, 192, 26


def pooler(chip="ideal", seed=3, k=6, **more):
    return SpikingSpatialPooler(INPUTS, COLUMNS, localAreaDensity=0, numActiveColumnsPerInhArea=k, seed=seed,
                                chip=chip, **more)


def patterns(n, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([rng.permutation(INPUTS) < ACTIVE for _ in range(n)])


def quality(spiking, records, active):
    return np.mean([metrics.winner_quality(a, o) for a, o in zip(active, spiking.overlaps(records), strict=True)])


def test_the_first_columns_are_those_of_largest_overlap():
    spiking, records = pooler(), patterns(30)
    active = spiking.encode(records)
    assert 4 < active.sum(axis=1).mean() < 14
    assert quality(spiking, records, active) > 0.99


def test_training():
    """Outputs of noisy patterns come to be those of the clean ones; the number of winners to k, and they stay best."""
    spiking, records, rng = pooler(), patterns(20), np.random.default_rng(1)
    noisy = np.stack([metrics.with_noise(p, 0.3, rng) for p in records])

    def similar():
        return np.mean([metrics.overlap(a, b) for a, b in zip(spiking.encode(records), spiking.encode(noisy),
                                                              strict=True)])

    before = similar()
    for _ in range(10):
        spiking.learn(records[rng.permutation(20)])
    after, active = similar(), spiking.encode(records)
    assert before < 0.7
    assert after > 0.9
    assert quality(spiking, records, active) > 0.99
    assert abs(active.sum(axis=1).mean() - 6) < 2


def test_boosting_brings_in_more_columns():
    used = []
    for boost in (0.0, 30.0):
        spiking, rng = pooler(boostStrength=boost), np.random.default_rng(2)
        for _ in range(6):
            spiking.learn(patterns(20)[rng.permutation(20)])
        used.append(spiking.encode(patterns(20)).any(axis=0).mean())
    assert used[1] > used[0] + 0.1


def test_same_names_as_the_reference():
    spiking, record = pooler(), patterns(1)[0]
    reference = SpatialPooler(INPUTS, COLUMNS, potentialPct=1.0, localAreaDensity=0, numActiveColumnsPerInhArea=6,
                              synPermConnected=31.5 / 63, synPermActiveInc=5 / 63, synPermInactiveDec=1 / 63)
    for column in range(COLUMNS):
        reference.setPermanence(column, spiking.getPermanence(column))
    out = SDR(COLUMNS)
    overlaps = spiking.compute(record, False, out)
    assert np.array_equal(overlaps, reference.compute(record, False))
    assert np.array_equal(out.sparse, spiking.active)
    assert np.array_equal(spiking.getConnectedCounts(), reference.getConnectedCounts())
    sdr = SDR(INPUTS)
    sdr.dense = record
    assert np.array_equal(spiking.compute(sdr, True, out), overlaps)
    assert spiking.getActiveDutyCycles()[out.sparse].min() > 6 / COLUMNS
    assert (spiking.getNumInputs(), spiking.getNumColumns()) == (INPUTS, COLUMNS)
    for column in out.sparse:
        assert np.all(spiking.getPermanence(column)[record] >= reference.getPermanence(column)[record])
    names = list(SpatialPooler.__init__.__code__.co_varnames[1:SpatialPooler.__init__.__code__.co_argcount])
    ours = SpikingSpatialPooler.__init__.__code__
    assert list(ours.co_varnames[1:ours.co_argcount]) == names


@pytest.mark.parametrize("chip", ["ideal", calibrated])
def test_results_do_not_depend_on_batches(chip):
    """Every record has membranes at rest and noise of its own, whatever it is run together with."""
    first, second = pooler(chip), pooler(chip)
    assert np.array_equal(first.encode(patterns(13)), second.encode(patterns(13), batch=3))
    first.learn(patterns(3))
    for record in patterns(3):
        second.learn(record[None])
    assert np.array_equal(first.encode(patterns(5)), second.encode(patterns(5), batch=1))


def test_noise_is_fresh():
    spiking = pooler(htm_sp.replace(membrane_noise=4.0))
    assert not np.array_equal(spiking.encode(patterns(5)), spiking.encode(patterns(5)))


def test_beside_another_network():
    """A script's own network goes on as if there were no pooler."""

    def run(with_pooler):
        sim.setup(timestep=0.1, chip="ideal", seed=5)
        cells = sim.Population(3, sim.IF_curr_exp(i_offset=[0.8, 1.0, 1.2]))
        cells.record("spikes")
        sim.run(50.0)
        if with_pooler:
            spiking = pooler()
            spiking.learn(patterns(2))
            spiking.encode(patterns(2))
        sim.run(50.0)
        assert sim.get_current_time() == pytest.approx(100.0)
        return [t.magnitude.tolist() for t in cells.get_data().segments[0].spiketrains]

    alone, beside = run(False), run(True)
    assert alone == beside
    assert sum(map(len, alone)) > 5


def test_network_can_be_recorded():
    spiking = pooler()
    with spiking.current():
        spiking.network.columns.record("spikes")
        spiking.network.pool.record("spikes")
    active = spiking.learn(patterns(2))
    with spiking.current():
        trains = spiking.network.columns.get_data().segments[0].spiketrains
        killed = spiking.network.pool.get_data().segments[0].spiketrains[0]
    assert sorted({int(i) for i, t in enumerate(trains) if len(t)}) == np.flatnonzero(active.any(axis=0)).tolist()
    assert 1 <= len(killed) <= 2  # one for each record in which enough columns have spiked


@pytest.mark.parametrize("size", [(224, 480), (240, 448)])
def test_one_chip_holds_it(size):
    spiking = SpikingSpatialPooler(*size, localAreaDensity=0, numActiveColumnsPerInhArea=10, chip="quantised")
    report = spiking.report()
    assert "mapped to 1 chip" in report
    assert "none lost" in report
    assert f"{size[1]} columns, 10 to win" in report


def test_more_inputs_on_one_chip():
    """Spikes to the pool and back go around outside."""
    with pytest.warns(MappingWarning, match="go around outside"):
        spiking = SpikingSpatialPooler(248, 496, localAreaDensity=0, numActiveColumnsPerInhArea=10, chip="quantised")
    report = spiking.report()
    assert "mapped to 1 chip" in report
    assert "none lost" in report
    assert spiking.timing.delay == 1.0


def test_several_chips():
    """What is larger works, and says that the pool is late."""
    with pytest.warns(MappingWarning, match="more than one chip"):
        spiking = SpikingSpatialPooler(100, 520, localAreaDensity=0, numActiveColumnsPerInhArea=10, chip="quantised",
                                       stimulusThreshold=15)
    with pytest.warns(MappingWarning, match="no route has a delay"):
        active = spiking.encode(np.arange(100)[None] % 4 == 0)
    assert active.sum() >= 10
    assert "2 chips" in spiking.report()


def test_few_active_bits():
    sparse = np.arange(INPUTS)[None] < 5
    with pytest.warns(UserWarning, match="5 active inputs"):
        pooler("quantised").encode(sparse)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pooler("ideal").encode(sparse)


@pytest.mark.parametrize(("arguments", "text"), [
    ({"potentialRadius": 3}, "one pool that inhibits all columns"),
    ({"globalInhibition": False}, "reference SpatialPooler"),
    ({"minPctOverlapDutyCycle": 0.001}, "boostStrength"),
    ({"localAreaDensity": 0.02}, "one of them above 0"),
    ({"numActiveColumnsPerInhArea": 1}, "2 or more"),
    ({"synPermInactiveDec": 0.004}, "multiples of 1/63"),
    ({"stimulusThreshold": 0}, "at least 1"),
    ({"potentialPct": 0.0}, "share of the inputs"),
])
def test_what_it_can_not_do(arguments, text):
    given = {"localAreaDensity": 0, "numActiveColumnsPerInhArea": 4} | arguments
    with pytest.raises(MappingError, match=text):
        SpikingSpatialPooler(INPUTS, COLUMNS, chip="ideal", **given)


def test_records_of_a_wrong_size():
    with pytest.raises(ValueError, match=f"records, {INPUTS}"):
        pooler().learn(np.zeros((2, 5)))
