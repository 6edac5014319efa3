"""Simulations as plain Python. Nothing in this package may import Django or `jobs`."""

from .base import Checked, Context, Motion, Note, Plot, Preset, Readout, Simulation
from .errors import Busy, Cancelled, FieldError, InvalidParams, ScienceError, UnknownSimulation
from .registry import all_simulations, find, get, preload

__all__ = [
    "Busy",
    "Cancelled",
    "Checked",
    "Context",
    "FieldError",
    "InvalidParams",
    "Motion",
    "Note",
    "Plot",
    "Preset",
    "Readout",
    "ScienceError",
    "Simulation",
    "UnknownSimulation",
    "all_simulations",
    "find",
    "get",
    "preload",
]
