"""Sizes, ranges and conversion constants of the chip: the only place with such numbers.

Every number names its origin in the public description of BrainScaleS-2 (HICANN-X v3): ``vendor`` = read in
the chip's own public software, ``measured`` = derived from a published calibration or figure, ``estimate`` =
nobody has published it, our best guess. Voltages are in CADC LSB (about 4.5 mV), times in microseconds of
hardware time, which runs 1000 times faster than biology.
"""

from __future__ import annotations

# --- geometry (vendor) -------------------------------------------------------------------------------------
HALVES = 2  # synapse arrays and neuron rows of a chip
COLUMNS = 256  # circuits in a half; synapse column c of array h feeds circuit (h, c)
CIRCUITS = HALVES * COLUMNS  # 512
ROWS = 256  # synapse rows in a half
DRIVERS = 128  # synapse drivers in a half, two rows each
BUSES = 4  # PADI buses in a half
DRIVERS_PER_BUS = DRIVERS // BUSES  # 32
OUTPUTS = 8  # neuron event outputs; 32 columns of both halves share one
COLUMNS_PER_OUTPUT = COLUMNS // OUTPUTS  # 32
QUADRANTS = 4  # share the synapse DAC bias; 128 columns of one half each
COLUMNS_PER_QUADRANT = COLUMNS // 2
SIDE_COLUMNS = 128  # a multi-circuit neuron stays inside 2 rows x 128 columns
MAX_CIRCUITS_PER_NEURON = 2 * SIDE_COLUMNS

# --- digital widths (vendor) -------------------------------------------------------------------------------
WEIGHT_MAX = 63  # 6 bit
LABELS = 64  # 6 bit
ROW_SELECT_BITS = 5
CAPMEM_MAX = 1022  # 10 bit; code 1023 disconnects the cell

# --- time (vendor, except where said) ----------------------------------------------------------------------
SPEEDUP = 1000.0
TIME_STAMP_US = 0.008  # FPGA clock, unit of event time stamps and of relays outside the chip
BUS_SERVICE_US = 0.008  # one event each on a bus
LINK_EVENTS_PER_US = 47.0  # sustained event rate of the host link (estimate)
LATENCY_ON_CHIP_US = 0.2  # neuron -> synapse on the same chip (estimate, 0.1-0.3)
LATENCY_LOOP_US = 0.9  # neuron -> FPGA -> synapse of the same chip (estimate, 0.8-1.0)
LATENCY_BETWEEN_CHIPS_US = 1.3  # neuron -> synapse of another chip (published upper bound)
MAX_STEP_US = 0.25  # coarser steps than this misjudge synaptic charge: chip profiles warn

# --- calibrated ranges (vendor) ----------------------------------------------------------------------------
V_LEAK_RANGE = (50.0, 160.0)  # also the reset potential
V_THRESH_RANGE = (50.0, 220.0)
E_REF_RANGE = (60.0, 160.0)  # reference of the linear conductance factor
TAU_M_RANGE = (0.5, 60.0)
TAU_SYN_RANGE = (0.3, 30.0)
TAU_W_RANGE = (14.0, 700.0)  # measured
ICC_TAU_RANGE = (0.1, 30.0)  # capacitance over the conductance between two circuits
REFRACTORY_RANGE = (0.04, 32.0)
SYNIN_GM_RANGE = (30, 800)
SYNAPSE_DAC_RANGE = (30, 1022)
MAX_SWING_LSB = 120.0  # lowest of rest and reset to threshold, as chosen by the mapping (ours)
PREFERRED_V_LOW = 80.0  # where the mapping puts the lower of rest and reset if it can: the vendor's default leak

# --- grids -------------------------------------------------------------------------------------------------
CADC_LSB_PER_CAPMEM_LSB = 1.0 / 2.4  # vendor
TAU_M_CODE_US = 948.0  # tau_m = 948 us / code at full capacitance (measured: 6 us at code 158)
TAU_M_SWITCH = 8  # conductance range switches multiply or divide by this (vendor)
ICC_TAU_CODE_US = 948.0  # as tau_m: the same kind of amplifier (estimate)
ICC_SWITCH = 4  # conductance range switches multiply or divide by this (vendor)
TAU_SYN_CODE_US = 504.0  # tau_syn = 504 us / code with the high resistance on (measured: 6 us at code 84)
TAU_SYN_SWITCH = 8  # ratio without the high resistance (estimate)
TAU_W_CODE_US = 14000.0  # tau_w = 14 ms / code (measured: 140 us at code 100)
A_PER_CODE = 0.01  # adaptation a / g_leak per code (estimate)
B_LSB_PER_CODE = 0.1  # spike-triggered adaptation, CADC LSB per code (estimate)
ADAPTATION_CODE_MAX = 1022
DELTA_T_LSB_PER_CODE = 0.05  # exponential slope (estimate)
DELTA_T_CODE_RANGE = (20, 1000)  # estimate
I_OFFSET_LSB_US_PER_CODE = 0.1  # offset current over the full capacitance, CADC LSB/us per code (estimate)
REFRACTORY_CLOCK_US = tuple(2.0 ** (s + 1) / 250.0 for s in range(16))  # vendor: 250 MHz / 2^(s+1)
REFRACTORY_COUNT_MAX = 255  # vendor
REFRACTORY_CLOCKS = 2  # clock settings that share one backend of 256 circuits (vendor)

# --- synaptic gain (measured, three anchors within 14 %) ----------------------------------------------------
GAIN_LSB_US = 0.085  # jump of dV/dt per weight LSB at the bias codes below, full capacitance
GAIN_GM = 500.0
GAIN_DAC = 600.0

# --- short-term plasticity in the synapse drivers ------------------------------------------------------------
STP_CODES = 16  # utilization, recovery and offset have 4 bits each (vendor)
STP_TAU_RANGE = (2.4, 2000.0)  # us, logarithmic over the recovery codes (ends measured on a predecessor; estimate)

# --- correlation sensors and what the plasticity processor reads ------------------------------------------------
SENSOR_ETA_RANGE = (0.2, 2.0)  # CADC LSB per pair at no distance, as calibration can set it (vendor)
SENSOR_TAU_RANGE = (2.0, 30.0)  # us, likewise (vendor)
SENSOR_ETA_LSB = 0.5  # the vendor's default target
SENSOR_TAU_US = 5.0  # the vendor's default target
CADC_MAX = 255  # 8 bit converter, vendor
SENSOR_BASELINE_LSB = 180.0  # code of an empty sensor (estimate; the vendor demands at least 120)
SENSOR_SATURATION_LSB = 172.0  # largest stored correlation: 8 LSB above code 0 at that baseline (estimate)
SENSOR_USABLE_LSB = (8.0, 160.0)  # correlations that the vendor's own calibration evaluates
RATE_COUNTER_MAX = 255  # 8 bit and a flag of overflow, vendor

# --- readout (vendor) --------------------------------------------------------------------------------------
CADC_MIN_INTERVAL_US = 0.54  # all circuits at once
MADC_MIN_INTERVAL_US = 0.034  # one circuit; two circuits at half the rate each
MADC_CHANNELS = 2

# --- plasticity processors ---------------------------------------------------------------------------------
# One for each half of a chip. Cycles of single transfers are those that the vendor's own speed test expects (+- 10 %).
PROCESSOR_CLOCK_MHZ = 250.0  # vendor
PROCESSOR_LANES = 128  # 8-bit lanes of a vector: half a row, the even or the odd columns (vendor)
VECTORS_PER_ROW = COLUMNS // PROCESSOR_LANES  # 2
RANDOM_LANES = COLUMNS  # random generators of a processor, one a column (vendor)
SRAM_BYTES = 16 * 1024  # code and data together (vendor)
EXTERNAL_BYTES = 128 * 1024  # memory in the FPGA (vendor)
DRAM_BYTES = 256 * 1024 * 1024  # beside the FPGA (vendor)
WEIGHT_READ_CYCLES = 20  # a vector (vendor)
WEIGHT_WRITE_CYCLES = 20  # a vector (vendor)
LABEL_READ_CYCLES = 20  # a vector (estimate: same memory as the weights)
LABEL_WRITE_CYCLES = 20  # a vector (estimate)
CADC_READ_CYCLES = 410  # a row of one set, causal or acausal: one conversion, both vectors (vendor)
CADC_SWITCH_CYCLES = 250  # between sensors and membranes: 1 us to settle (estimate)
CORRELATION_RESET_CYCLES = 20  # a vector (estimate)
NEURON_RESET_CYCLES = 20  # a vector (vendor)
COUNTER_READ_CYCLES = 20  # one neuron's spike counter, over the configuration bus (estimate)
REGISTER_WRITE_CYCLES = 20  # one register on the configuration bus (estimate)
SRAM_LOAD_CYCLES = 49  # a vector (vendor)
SRAM_STORE_CYCLES = 47  # a vector (vendor)
EXTERNAL_LOAD_CYCLES = 344  # a vector (vendor; that test is disabled there)
EXTERNAL_STORE_CYCLES = 38  # a vector (vendor)
RANDOM_READ_CYCLES = 20  # a vector (estimate: same bus as the weights)
VECTOR_CYCLES = 4  # one arithmetic operation on a vector (estimate)
UPDATE_BASE_US = 5.0  # entering and leaving a rule (estimate)
UPDATE_ROW_US = 25.0  # a row with reading, arithmetic and writing, from the time that the vendor's demos reserve


def synaptic_gain(gm, dac):
    """Jump of dV/dt in CADC LSB/us per weight LSB, linear in both bias codes (at full capacitance)."""
    return GAIN_LSB_US * (gm / GAIN_GM) * (dac / GAIN_DAC)
