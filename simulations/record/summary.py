"""A result in under a kilobyte: what a list or a chat turn shows of it."""

from __future__ import annotations

import json
from typing import Any

from simulations.base import Simulation

MAX_BYTES = 1000
MAX_CHARS = 60
MAX_NOTES = 8
"""Codes of notes in a summary; the notes themselves are in the result."""


def summarise(simulation: Simulation, result: dict[str, Any]) -> dict[str, Any]:
    """The fields flagged `headline`, the simulation's own digest, and the codes of the notes.

    What does not fit goes from the end: a test holds that with true results all of it fits.
    """
    figures = {
        name: _short(result[name])
        for name, field in simulation.Result.model_fields.items()
        if isinstance(field.json_schema_extra, dict)
        and field.json_schema_extra.get("headline")
        and result.get(name) is not None
    }
    if simulation.digest:
        digest = simulation.digest(simulation.Result.model_validate(result))
        figures |= {name: _short(value) for name, value in digest.items()}
    if codes := _note_codes(result):
        figures["notes"] = codes
    while _size(figures) >= MAX_BYTES:
        figures.popitem()
    return figures


def _size(figures: dict[str, Any]) -> int:
    return len(json.dumps(figures, ensure_ascii=False).encode())


def _note_codes(result: dict[str, Any]) -> list[str]:
    codes = dict.fromkeys(note["code"] for note in result.get("notes", []))
    # Every run says how it read its structure: that is no news.
    return [code for code in codes if code != "structure"][:MAX_NOTES]


def _short(value: Any) -> Any:
    is_long = isinstance(value, str) and len(value) > MAX_CHARS
    return f"{value[: MAX_CHARS - 1]}…" if is_long else value
