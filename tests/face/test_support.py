"""The table of what runs where is what the mapping does."""

from pathlib import Path

import pytest

import pynn_brainscales as sim
from pynn_brainscales.__main__ import main
from pynn_brainscales.support import support_tables

DOCS = Path(__file__).resolve().parents[2] / "docs" / "models.md"


@pytest.mark.skipif(not DOCS.exists(), reason="needs the checkout")
def test_the_page_in_the_docs_is_up_to_date():
    assert DOCS.read_text(encoding="utf-8") == support_tables(), "write it with: python -m pynn_brainscales models"


def test_command_line(capsys):
    assert main(["models"]) == 0
    assert capsys.readouterr().out == support_tables()


def test_every_model_has_a_row():
    text = support_tables()
    for name in sim.list_standard_models():
        assert f"`{name}" in text
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")]
    row = {first.strip("| "): rest for first, *rest in rows}
    assert row["`IF_cond_exp`"][0] == "a circuit"
    assert row["`HH_cond_exp`"][0] == "beside the chip"
    assert row["`IF_curr_alpha`"][1] == "exact"
    assert row["`PointNeuron(LIF)`, more exponential receptors"][0] == "2 joined circuits"
    assert row["`TsodyksMarkramSynapse`"][0].startswith("short-term plasticity of the synapse drivers")
    assert row["`STDPMechanism`, `SpikePairRule`, `GutigWeightDependence`"][0].startswith("6-bit weight, changed")
