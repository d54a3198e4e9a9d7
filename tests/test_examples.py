"""Every example runs, in its fast form, and leaves what it promises."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = sorted(p for p in (ROOT / "examples").glob("*.py") if p.name != "figures.py")
ENVIRONMENT = os.environ | {"MPLBACKEND": "Agg",
                            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
FIGURES = {"balanced_network": {"rate_hz", "cv_isi", "synapses_lost", "chips"},
           "stdp_curve": {"amplitude_error", "tau_error"},
           "homeostasis": {"rate_error", "rate_cv", "weight_excitability_r", "control_rate_cv"},
           "pong": {"reward", "performance", "control_reward", "control_performance", "permuted_drop"},
           "pattern_reward": {"accuracy_overlap0", "accuracy_overlap2", "control_accuracy"},
           "structural_plasticity": {"accuracy", "control_accuracy"},
           "insect_navigation": {"home_fraction", "control_home_fraction"},
           "criticality": {"autocorrelation_ratio", "rate_ratio", "control_autocorrelation_ratio"},
           "htm_paper_memory": {"correct_57", "correct_40", "correct_65", "correct_spread_2", "correct_calibrated",
                                "same_as_reference"},
           "htm_place_and_route": {"pooler_248x496_lost", "triple_32_chips", "memory_14x16_lost", "memory_14_cells",
                                   "segments_4x128_lost"},
           "htm_spatial_pooler": {"q_ideal", "q_calibrated_untrained", "q_calibrated_trained", "q_uncalibrated_trained",
                                  "auc_trained", "auc_reference", "auc_boosted", "columns_used_boosted",
                                  "paper_active_400", "paper_overlap_rms"},
           "htm_temporal_memory": {"htm_episodes_set1", "htm_episodes_set2", "htm_episodes_set3", "fresh_solved",
                                   "fresh_solved_reference", "lab_error_diw", "lab_error_no_diw"},
           "htm_pipeline": {"accuracy", "reference_accuracy", "recovery_elements"}}
NEEDS = {"structural_plasticity": "sklearn"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_example(script, tmp_path):
    if script.stem in NEEDS:
        pytest.importorskip(NEEDS[script.stem])
    result = subprocess.run([sys.executable, str(script), "--fast", "--seeds", "3", "4"], cwd=tmp_path, env=ENVIRONMENT,
                            capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    out = tmp_path / f"{script.stem}_output"
    assert list(out.glob("*.png"))
    figures = json.loads((out / "figures.json").read_text())
    assert FIGURES.get(script.stem, set()) <= set(figures)
    assert all(len(values) == 2 for values in figures.values())
    assert "goal" in result.stdout


def test_balanced_network_leaves_a_neo_file_that_neo_reads(tmp_path):
    import neo

    script = str(ROOT / "examples" / "balanced_network.py")
    subprocess.run([sys.executable, script, "--fast"], cwd=tmp_path, env=ENVIRONMENT, check=True,
                   capture_output=True, timeout=300)
    block = neo.io.PickleIO(str(tmp_path / "balanced_network_output" / "balanced_network.pkl")).read_block()
    assert len(block.segments[0].spiketrains) == 320
    assert block.segments[0].analogsignals[0].name == "v"


@pytest.mark.parametrize("tau", [5.0, 20.0, 80.0])
def test_criticality_finds_the_autocorrelation_time_of_a_branching_process(tau, monkeypatch):
    """Also of one that is observed in part, and of one whose rate drifts."""
    monkeypatch.syspath_prepend(ROOT / "examples")
    criticality = importlib.import_module("criticality")
    width, lags, mean = criticality.BIN, int(criticality.LONGEST / criticality.BIN), 6.0
    branching = np.exp(-width / tau)
    found = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        activity = np.empty(15000)
        size = mean
        for i in range(len(activity)):
            size = activity[i] = rng.poisson(branching * size + (1.0 - branching) * mean)
        part = rng.binomial(activity.astype(int), 0.3)
        drifting = part + np.linspace(0.0, 2.0, len(part))
        found.append([criticality.fit(criticality.correlate(a, lags), width)[0] for a in (activity, part, drifting)])
    # of a record of n autocorrelation times the spread of one estimate is about sqrt(2 / n)
    spread = np.sqrt(2 * tau / (len(activity) * width)) + 0.1
    np.testing.assert_allclose(np.mean(found, axis=0), tau, rtol=4 * spread / np.sqrt(len(found)))


def test_activity_that_does_not_vary_has_no_autocorrelation(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "examples")
    with pytest.raises(ValueError, match="does not vary"):
        importlib.import_module("criticality").correlate(np.full(100, 3.0), 10)


def test_code_of_the_readme(tmp_path):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    code = text.split("```python\n")[1].split("```")[0]
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True,
                            timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    assert "mapped to 1 chip: calibrated" in result.stdout
    assert (tmp_path / "floorplan.png").stat().st_size > 1000
