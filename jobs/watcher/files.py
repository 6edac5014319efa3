"""What a run on a node tells by its files, read while they grow."""

from __future__ import annotations

import json
import logging
import math
import os
from pathlib import Path
from typing import Any

from simulations.command.context import LOG_NAME, PROGRESS_NAME
from simulations.command.node import TRACE_NAME
from simulations.execution import FAILURE_NAME, METHODS_NAME, RESULT_NAME, SUMMARY_NAME, Outcome
from simulations.workdir import declared_names

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 1_000_000
"""Bytes of a file in one look; the rest comes with the next."""
MAX_LOG_CHARS = 8_000
"""How much log one event carries; the rest is in the file."""
OUTPUT_CHARS = 1_000
WORDS = frozenset({"message", "stage"})


def points(workdir: Path, offset: int) -> tuple[list[dict[str, Any]], int]:
    """What was reported after that place in the file, and how far that is.

    A line that is not all there yet is left for the next time.
    """
    raw = _read(workdir / PROGRESS_NAME, offset)
    whole = raw[: raw.rfind(b"\n") + 1]
    if not whole and len(raw) == MOST_AT_ONCE:
        whole = raw  # no report is as long as that
    found = [point for line in whole.splitlines() if (point := _point(line, workdir))]
    return found, offset + len(whole)


def _point(line: bytes, workdir: Path) -> dict[str, Any] | None:
    try:
        told = json.loads(line)
        point: dict[str, Any] = {
            "fraction": float(told["fraction"]),
            "message": str(told.get("message", "")),
            "stage": str(told.get("stage", "")),
        }
    except (ValueError, TypeError, KeyError, AttributeError):
        logger.warning("a line of %s cannot be read: %r", workdir / PROGRESS_NAME, line[:100])
        return None
    metrics = {name: value for name, value in told.items() if name not in WORDS}
    point |= {name: value for name, value in metrics.items() if _is_number(value)}
    return point if math.isfinite(point["fraction"]) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def log(workdir: Path, offset: int) -> tuple[str, int]:
    """What the log has grown by, its beginning cut if it is much."""
    raw = _read(workdir / LOG_NAME, offset)
    text = raw.decode("utf-8", errors="replace")
    if len(text) > MAX_LOG_CHARS:
        cut = len(text) - MAX_LOG_CHARS
        text = f"… {cut:,} characters skipped, see the file …\n{text[-MAX_LOG_CHARS:]}"
    return text, offset + len(raw)


def outcome(workdir: Path, *, patient: bool = True) -> Outcome | None:
    """What the run gave back; None: it has not, or not all of it is to be seen yet.

    :param patient: whether to wait for the files that it says it wrote.
    """
    result = _json(workdir / RESULT_NAME)
    if result is None or (patient and not _are_all_there(workdir)):
        return None
    return Outcome(
        result=result,
        summary=_json(workdir / SUMMARY_NAME) or {},
        methods=_json(workdir / METHODS_NAME) or {},
        provenance={},
    )


def _are_all_there(workdir: Path) -> bool:
    return all((workdir / name).exists() for name in declared_names(workdir))


def failure(workdir: Path) -> tuple[dict[str, Any], str] | None:
    """Why the run says that it failed, as `simulations.execution.Failure` wrote it, and the trace
    of a defect."""
    told = _json(workdir / FAILURE_NAME)
    if told is None:
        return None
    return told, _read(workdir / TRACE_NAME, 0).decode("utf-8", errors="replace")


def output(path: Path) -> str:
    """The end of what was printed."""
    return _read(path, 0).decode("utf-8", errors="replace")[-OUTPUT_CHARS:].strip()


def _json(path: Path) -> dict[str, Any] | None:
    raw = _read(path, 0, most=None)
    try:
        found = json.loads(raw) if raw else None
    except ValueError:
        logger.warning("%s cannot be read, or not yet", path)
        return None
    return found if isinstance(found, dict) else None


def _read(path: Path, offset: int, *, most: int | None = MOST_AT_ONCE) -> bytes:
    """From there on; nothing of a file that is not there, or shorter than it was."""
    try:
        # A run could have put a link there, to a file that is none of its job's.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return b""
    with os.fdopen(descriptor, "rb") as stream:
        stream.seek(offset)
        return stream.read(-1 if most is None else most)
