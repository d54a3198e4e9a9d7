"""Cell models that the chip can't hold, run beside it on the host, in biological units.

This is the third place of units in the project, beside the way into the chip's units and the way out of them: here
times are in ms, potentials in mV, currents in nA, capacitances in nF, conductances in uS. A coupling to the chip is
events only, so nothing is converted.
"""
