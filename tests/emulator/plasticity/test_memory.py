"""What a rule keeps: budgets, the axis of trials, and states to go on from."""

import warnings

import numpy as np
import pytest
from pynn_brainscales.emulator.plasticity.cost import CostMeter, Operation
from pynn_brainscales.emulator.plasticity.memory import (
    Memory,
    MemoryBudgetError,
    MemoryBudgetWarning,
    MemoryState,
    Space,
)


def test_a_dictionary_of_arrays():
    memory = Memory("reward", trials=3)
    memory["baseline"] = np.zeros((3, 32))
    memory["visits"] = 7
    assert memory["visits"].tolist() == [7, 7, 7]
    memory["baseline"][:, 4] += 0.5
    assert memory["baseline"][:, 4].tolist() == [0.5] * 3
    assert sorted(memory) == ["baseline", "visits"]
    assert "visits" in memory
    del memory["visits"]
    assert len(memory) == 1
    with pytest.raises(KeyError, match="'reward' keeps no 'visits' in its SRAM of the processor; there is 'baseline'"):
        memory["visits"]
    assert repr(memory) == "Memory of 'reward', 256 of 16384 bytes: baseline: float64 (3, 32)"


def test_what_is_stored_is_a_copy():
    memory, mine = Memory("r", 2), np.ones((2, 4))
    memory["x"] = mine
    mine[:] = 5.0
    assert memory["x"].max() == 1.0


def test_over_budget_warns_with_the_numbers_once_for_each_growth():
    memory = Memory("permanences", trials=2, space=Space.SRAM)
    memory["small"] = np.zeros((2, 16384), np.int8)  # exactly full: the trials don't count
    with pytest.warns(MemoryBudgetWarning, match=r"rule 'permanences' keeps 16392 bytes in the SRAM of the processor, "
                                                 r"which holds 16384, with 8 of them for 'x' \(float64 \(1,\)\): use a "
                                                 r"smaller type or the external memory"):
        memory["x"] = np.zeros((2, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        memory["x"] = np.ones((2, 1))
    with pytest.warns(MemoryBudgetWarning, match="keeps 16400 bytes"):
        memory["y"] = 1.0


def test_strict_is_an_error_and_stores_nothing():
    memory = Memory("image", 1, Space.EXTERNAL, strict=True)
    with pytest.raises(MemoryBudgetError, match=r"keeps 131073 bytes in the external memory, which holds 131072"):
        memory["table"] = np.zeros((1, 131073), np.uint8)
    assert not memory
    memory["table"] = np.zeros((1, 131072), np.uint8)
    assert memory.used_bytes == 131072
    memory["table"] = np.zeros((1, 131072), np.uint8)  # takes the place of the old one


def test_states_are_copies():
    memory = Memory("r", 2)
    memory["x"] = np.zeros((2, 3), np.int16)
    state = memory.state()
    memory["x"] += 1
    assert state.values["x"].max() == 0
    with pytest.raises(ValueError, match="read-only"):
        state.values["x"][0] = 1
    with pytest.raises(TypeError):
        state.values["y"] = 1
    again = Memory("r", 2, state=state)
    again["x"] += 5
    assert state.values["x"].max() == 0
    assert again["x"].dtype == np.int16
    assert MemoryState().values == {}
    assert str(state).split("\n") == ["MemoryState", "  values", "    x               int16 (2, 3) 0"]


def test_a_carried_state_does_not_warn_again():
    memory = Memory("r", 1)
    with pytest.warns(MemoryBudgetWarning):
        memory["x"] = np.zeros((1, 3000))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Memory("r", 1, state=memory.state())["x"] = np.ones((1, 3000))


def test_accesses_are_charged_by_vectors():
    memory = Memory("r", 4, Space.EXTERNAL)
    memory["x"] = np.zeros((4, 60, 256), np.int8)
    memory.meter = meter = CostMeter()
    memory["x"] = memory["x"] + 1
    assert meter.count(Operation.EXTERNAL_LOAD) == 120
    assert meter.count(Operation.EXTERNAL_STORE) == 120
    memory["y"] = 3  # an int64 a trial: less than a vector
    assert meter.count(Operation.EXTERNAL_STORE) == 121
    assert "x" in memory
    assert meter.cycles == 120 * 344 + 121 * 38


def test_what_cannot_be_kept_is_refused():
    memory = Memory("r", 4)
    with pytest.raises(ValueError, match=r"'x' has shape \(3,\), but the first axis is that of the 4 trials"):
        memory["x"] = np.zeros(3)
    with pytest.raises(TypeError, match="as numbers"):
        memory["x"] = ["a"] * 4
    with pytest.raises(TypeError, match="has a name"):
        memory[3] = 1.0
