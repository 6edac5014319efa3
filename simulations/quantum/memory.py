"""How much memory PySCF may plan with."""

from __future__ import annotations

from typing import Any

from simulations.base import Context

SHARE = 0.8
"""Of the run's limit: what PySCF plans with is not all that it takes."""
BYTES_PER_MIB = 2**20


def plan_within(system: Any, context: Context) -> None:
    """Let a molecule or cell of PySCF keep to the run's limit; without one to PySCF's own 4 GB.

    What does not fit into it PySCF computes in portions, or keeps on disk.
    """
    if context.memory_mib is not None:
        # PySCF counts megabytes.
        system.max_memory = SHARE * context.memory_mib * BYTES_PER_MIB / 1e6
