"""Which code this process runs: by version, and by its sources, which may differ without one."""

from __future__ import annotations

from functools import cache

from simulations.record import digests
from simulations.version import VERSION


@cache
def build() -> str:
    return f"{VERSION}+{digests.of_sources()[:8]}"
