"""A PyNN backend for the BrainScaleS-2 chip, whose chip is an emulator."""

from . import _layout

_layout.extend(__path__, __file__)

from .version import __version__ as __version__  # noqa: E402
