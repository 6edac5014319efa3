"""The frames that a browser is shown while a run goes on: a file that is replaced whole."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from .aside import Aside
from .preview import (
    PREVIEW_NAME,
    footer,
    frame_text,
    heavy_among,
    model_of,
    models_text,
    most_frames,
    put,
    solute,
    superposed,
)
from .trajectory import TRAJECTORY_NAME, read_frames

if TYPE_CHECKING:
    from pathlib import Path

    from .prepared import Prepared

LEAST_SECONDS_BETWEEN = 1.0
SHARE_OF_TIME = 0.005


@dataclass(slots=True)
class _Frame:
    """:param text: its atoms as PDB, once they were written."""

    time_ps: float
    positions_nm: Any
    text: str = ""


class Growing:
    """Keeps evenly spaced frames and the newest: every other one is dropped when they are many."""

    def __init__(self, prepared: Prepared, workdir: Path, aside: Aside) -> None:
        """A later attempt begins with the frames of the earlier one."""
        self._prepared = prepared
        self._aside = aside
        self._path = workdir / PREVIEW_NAME
        self._shown = solute(prepared)
        self._kept: list[_Frame] = []
        self._newest: _Frame | None = None
        self._n_taken = 0
        self._every = 1
        self._due = 0.0
        self._written_ps: float | None = None
        self._told_ps: float | None = None
        trajectory = workdir / TRAJECTORY_NAME
        if trajectory.exists():
            for positions_nm, time_ps in zip(*read_frames(trajectory, self._shown), strict=True):
                self._take(_Frame(time_ps, positions_nm))

    def add(self, positions_nm: Any, time_ps: float) -> float | None:
        """Take a frame; now and then the file is written, which costs little of the run's time.

        :param positions_nm: of all atoms.
        :returns: up to when the file has frames, if nobody was told yet.
        """
        self._take(_Frame(time_ps, positions_nm[self._shown]))
        if self._aside.is_idle and time.monotonic() >= self._due:
            self._aside.do(partial(self._write, self._frames()))
        written = self._written_ps
        news = written if written != self._told_ps else None
        self._told_ps = written
        return news

    def _take(self, frame: _Frame) -> None:
        if self._n_taken % self._every == 0:
            self._kept.append(frame)
        self._newest = frame
        self._n_taken += 1
        if len(self._kept) > most_frames(len(self._shown)):
            self._kept = self._kept[::2]
            self._every *= 2

    def _frames(self) -> list[_Frame]:
        frames = [*self._kept]
        if self._newest is not None and self._newest is not frames[-1]:
            frames.append(self._newest)
        return frames

    def _write(self, frames: Sequence[_Frame]) -> None:
        """Aside, which alone makes texts of frames."""
        started = time.monotonic()
        models = models_text((each.time_ps, self._atoms(each, frames[0])) for each in frames)
        put(self._path, chain(models, [self._footer]))
        spent = time.monotonic() - started
        self._due = started + max(LEAST_SECONDS_BETWEEN, spent / SHARE_OF_TIME)
        self._written_ps = frames[-1].time_ps

    def _atoms(self, frame: _Frame, first: _Frame) -> str:
        if not frame.text:
            laid = superposed([first.positions_nm, frame.positions_nm], self._heavy)
            frame.text = frame_text(self._model, laid[1])
        return frame.text

    @cached_property
    def _model(self) -> Any:
        return model_of(self._prepared, self._shown)

    @cached_property
    def _heavy(self) -> list[int]:
        return heavy_among(self._prepared, self._shown)

    @cached_property
    def _footer(self) -> str:
        return footer(self._model)
