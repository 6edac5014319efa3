"""A run's progress on a terminal, or in a log file that somebody will read."""

from __future__ import annotations

import time
from typing import Any, TextIO

from simulations.base import Readout, Simulation

EVERY_S = 1.0
"""In a log file; a terminal has one line that is written over."""
WIDTH = 100


class ProgressLine:
    """Draws each reported point: fraction, stage, message and the readouts that it carries."""

    def __init__(self, simulation: Simulation, stream: TextIO) -> None:
        self._readouts = {readout.key: readout for readout in simulation.readouts}
        self._stream = stream
        self._known: dict[str, float] = {}
        self._stage = ""
        self._drawn_at = float("-inf")

    def __call__(self, point: dict[str, Any]) -> None:
        self._known |= {key: point[key] for key in self._readouts.keys() & point.keys()}
        is_news = point["stage"] != self._stage or point["fraction"] >= 1
        self._stage = point["stage"]
        if self._stream.isatty():
            self._stream.write(f"\r\x1b[K{self._line(point)[:WIDTH]}")
        elif is_news or time.monotonic() - self._drawn_at >= EVERY_S:
            self._drawn_at = time.monotonic()
            self._stream.write(f"{self._line(point)}\n")
        self._stream.flush()

    def done(self) -> None:
        if self._stream.isatty():
            self._stream.write("\n")

    def _line(self, point: dict[str, Any]) -> str:
        words = [f"{point['fraction']:4.0%}", point["stage"], point["message"]]
        words += [_shown(self._readouts[key], value) for key, value in self._known.items()]
        return "  ".join(word for word in words if word)


def _shown(readout: Readout, value: float) -> str:
    form = {"exp": f".{readout.digits}e", "int": ".0f"}.get(readout.form, f".{readout.digits}f")
    return f"{readout.title} {value:{form}} {readout.unit}".rstrip()
