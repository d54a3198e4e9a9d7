"""From a network, in PyNN's words and units, to the configuration of one or more chips.

``compile(network, target)`` in :mod:`pynn_brainscales.mapping.compile` is the whole interface.
Import what you need from the module that defines it.
"""

if not __name__.startswith("pynn_brainscales."):
    raise ImportError("import this package as 'pynn_brainscales.mapping': the folder 'mapping' is its source, "
                      "not its import name")
