"""Simulations as plain Python. Nothing in this package may import Django or `jobs`."""

from .base import Checked, Context, Note, Plot, Readout, Simulation
from .errors import Cancelled, FieldError, InvalidParams, ScienceError, UnknownSimulation
from .registry import all_simulations, find, get, preload

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
    "UnknownSimulation",
    "all_simulations",
    "find",
    "get",
    "preload",
]
