"""RDKit tells why it refused something to its log only: listen in."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

_STAMP = re.compile(r"^\[\d\d:\d\d:\d\d\] ")
_POSITION = re.compile(r"check for mistakes around position (\d+)")
_NOISE = re.compile(r"^(SMILES Parse Error: |ERROR: )?(Failed parsing SMILES.*|check for.*|)$")


class _Listener(logging.Handler):
    """Hears only its own thread: a web server reads several structures at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.lines += record.getMessage().splitlines()

    def summary(self) -> str:
        """RDKit's reason and where, in one line; empty if it said nothing."""
        lines = [_STAMP.sub("", line).strip() for line in self.lines]
        positions = [match[1] for line in lines if (match := _POSITION.search(line))]
        reasons = [line for line in lines if re.search("[a-z]{2}", line) and not _NOISE.match(line)]
        if not reasons:
            return ""
        reason = reasons[0].removeprefix("SMILES Parse Error: ")
        reason = re.split(r" for input:| while parsing:", reason)[0]
        return f"{reason} at position {positions[0]}" if positions else reason


@cache
def _logger() -> logging.Logger:
    from rdkit import rdBase

    rdBase.LogToPythonLogger()
    logger = logging.getLogger("rdkit")
    logger.handlers.clear()
    logger.propagate = False
    return logger


@contextmanager
def listening() -> Iterator[_Listener]:
    listener = _Listener()
    _logger().addHandler(listener)
    try:
        yield listener
    finally:
        _logger().removeHandler(listener)
