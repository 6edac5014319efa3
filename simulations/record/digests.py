"""Checksums that anybody can compute again from what they were given."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

SOURCES = Path(__file__).parents[1]


def of_json(data: Any) -> str:
    """SHA-256 of the JSON with sorted keys, no white space, UTF-8: one text for one value."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def of_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@cache
def of_sources() -> str:
    """Of every source file of `simulations`: a version number does not tell a local change."""
    files = sorted(SOURCES.rglob("*.py"))
    return of_json({path.relative_to(SOURCES).as_posix(): of_file(path) for path in files})
