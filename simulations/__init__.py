"""Simulations as plain Python. Nothing in this package may import Django or `jobs`."""

from .base import Checked, Context, Note, Plot, Readout, Simulation
from .errors import Cancelled, FieldError, InvalidParams, ScienceError
from .registry import all_simulations, get, preload

__all__ = [
    "Cancelled",
    "Checked",
    "Context",
    "FieldError",
    "InvalidParams",
    "Note",
    "Plot",
    "Readout",
    "ScienceError",
    "Simulation",
    "all_simulations",
    "get",
    "preload",
]
