"""``pyNN.brainscales``: so that ``pyNN.utility.get_simulator()`` finds this backend by its name."""

import sys

import pynn_brainscales

sys.modules[__name__] = pynn_brainscales
