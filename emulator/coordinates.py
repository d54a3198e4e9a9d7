"""Enumerations and index arithmetic of one chip.

========== ========================== =====================================================================
name       range                      meaning
========== ========================== =====================================================================
circuit    0..511                     half * 256 + column
column     0..255                     of one half
half       0, 1                       neuron row and the synapse array that feeds it (also called array)
row        0..255                     synapse row of one array; driver d has rows 2d and 2d + 1
driver     0..127                     of one array; bus d % 4, index on its bus d // 4
bus        0..3                       PADI bus of one array
output     0..7                       neuron event output: columns 32 k .. 32 k + 31 of both halves
quadrant   0..3                       half * 2 + column // 128
========== ========================== =====================================================================

All functions take integers or integer arrays.
"""

from __future__ import annotations

from . import limits


def half_of(circuit):
    return circuit // limits.COLUMNS


def column_of(circuit):
    return circuit % limits.COLUMNS


def circuit_of(half, column):
    return half * limits.COLUMNS + column


def output_of(circuit):
    """Event output of a circuit; its events reach bus ``output % 4`` of both arrays."""
    return column_of(circuit) // limits.COLUMNS_PER_OUTPUT


def quadrant_of(circuit):
    return half_of(circuit) * 2 + column_of(circuit) // limits.COLUMNS_PER_QUADRANT


def side_of(circuit):
    """Left (0) or right (1) block of 128 columns: circuits of one neuron share a side."""
    return column_of(circuit) // limits.SIDE_COLUMNS


def bus_of_output(output):
    return output % limits.BUSES


def bus_of_driver(driver):
    return driver % limits.BUSES


def index_of_driver(driver):
    """Index of a driver on its bus, the number that the row select of an event is compared with."""
    return driver // limits.BUSES


def driver_of(bus, index):
    return index * limits.BUSES + bus


def driver_of_row(row):
    return row // 2


def row_of(driver, which):
    """Row of a driver: ``which`` 0 is the bottom one, 1 the top one."""
    return 2 * driver + which


def row_select_of_circuit(circuit, free=0):
    """Row select (5 bit) of the events of a circuit: its output above two freely programmable bits."""
    return (output_of(circuit) << 2) | free


def driver_matches(row_select, index, mask):
    """Whether a driver takes an event: row select equals its index on the bus where the mask has ones."""
    return ((row_select ^ index) & mask) == 0
