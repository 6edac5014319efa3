"""A part of a run: a context within a context, with its own share of the progress."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from .base import Context


class Part:
    """What one step of a recipe sees as its `Context`.

    Its files lie in a directory of its own if it is given one, and its words reach the whole's
    user under the whole's stage.
    """

    def __init__(
        self,
        whole: Context,
        *,
        span: tuple[float, float],
        stage: str,
        prefix: str = "",
        directory: str = "",
        publish: Callable[[str, str, str], None] | None = None,
    ) -> None:
        """:param span: where its own 0 and 1 lie in the whole's progress.
        :param prefix: goes before each of its messages.
        :param directory: of its files, within the whole's; empty shares the whole's own.
        :param publish: is told of each of its artifacts instead of the whole.
        """
        self.workdir: Path = whole.workdir / directory
        self.workdir.mkdir(exist_ok=True)
        previous = whole.previous / directory if whole.previous else None
        self.previous: Path | None = previous if previous and previous.is_dir() else None
        self.threads: int = whole.threads
        self.memory_mib: int | None = whole.memory_mib
        self.gpu: bool = whole.gpu
        self.log: TextIO = whole.log
        self._whole = whole
        self._span = span
        self._stage = stage
        self._prefix = prefix
        self._publish = publish or whole.artifact

    def report(
        self, fraction: float, message: str = "", *, stage: str = "", **metrics: float
    ) -> None:
        begin, end = self._span
        message = f"{self._prefix}{message}" if message else ""
        share = begin + (end - begin) * fraction
        self._whole.report(share, message, stage=self._stage, **metrics)

    def artifact(self, name: str, title: str, media_type: str = "text/plain") -> None:
        self._publish(name, title, media_type)
