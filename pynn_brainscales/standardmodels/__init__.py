"""PyNN's standard models that run on the chip."""
