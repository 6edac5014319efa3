"""A `Context` that remembers what a simulation told it, and may ask it to stop."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from simulations import Cancelled


@dataclass
class RecordingContext:
    workdir: Path
    previous: Path | None = None
    threads: int = 1
    memory_mib: int | None = None
    gpu: bool = False
    log: TextIO = field(default_factory=io.StringIO)
    points: list[dict[str, Any]] = field(default_factory=list)
    artifacts: list[str] = field(default_factory=list)
    stop_when: Callable[[dict[str, Any]], bool] = lambda point: False

    def report(
        self, fraction: float, message: str = "", *, stage: str = "", **metrics: float
    ) -> None:
        self.points.append({"fraction": fraction, "message": message, "stage": stage, **metrics})
        if self.stop_when(self.points[-1]):
            raise Cancelled

    def artifact(self, name: str, title: str, media_type: str = "text/plain") -> None:
        self.artifacts.append(name)

    def series(self, key: str) -> list[Any]:
        return [point[key] for point in self.points if key in point]
