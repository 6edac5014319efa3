"""Where a job's numbers come from, as a page lists it."""

from __future__ import annotations

from typing import Any

TITLES = {
    "outcome": "How it ended",
    "started_at": "Began",
    "ended_at": "Ended",
    "wall_s": "Wall time, s",
    "cpu_s": "Processor time, s",
    "peak_memory_mib": "Peak memory, MiB",
    "peak_resident_mib": "Peak of its largest process, shared pages in full, MiB",
    "software": "Programs",
    "blas": "Linear algebra",
    "backplane_version": "Backplane",
    "source_sha256": "Its sources",
    "simulation_version": "Version of the simulation",
    "earlier_versions": "Begun by its version",
    "seeds": "Seeds",
    "threads": "Threads",
    "compute_platform": "Computed on",
    "host": "Host",
    "cpu": "Processor",
    "platform": "System",
    "previous_attempt": "Attempt before it",
    "input_sha256": "Input",
    "structure_sha256": "Structure",
    "result_sha256": "Result",
}
"""In the order of the page. What the page has elsewhere, the files' checksums say, is left out."""


def provenance_rows(record: dict[str, Any] | None) -> list[tuple[str, str]]:
    known = record or {}
    return [(title, _shown(name, known[name])) for name, title in TITLES.items() if known.get(name)]


def _shown(name: str, value: Any) -> str:
    if name.endswith("_sha256"):
        return f"SHA-256 {value}"
    if isinstance(value, dict):
        # PostgreSQL keeps no order of its own.
        return ", ".join(f"{key} {_listed(each)}" for key, each in sorted(value.items()) if each)
    return f"{value:,.2f}" if isinstance(value, float) else _listed(value)


def _listed(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
