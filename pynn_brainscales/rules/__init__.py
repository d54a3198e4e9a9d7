"""Ready plasticity rules, one idea a module."""
