"""The chip, in the chip's words: hardware units, NumPy only, knows nothing of PyNN.

``run(config, stimulus, duration, state)`` is the whole interface; see :mod:`pynn_brainscales.emulator.run`.
Import what you need from the module that defines it.
"""

if not __name__.startswith("pynn_brainscales."):
    raise ImportError("import this package as 'pynn_brainscales.emulator': the folder 'emulator' is its source, "
                      "not its import name")
