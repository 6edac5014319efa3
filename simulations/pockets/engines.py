"""The engines whose import needs care."""

from __future__ import annotations

import warnings
from typing import Any

from simulations.structures.rdkit_log import listening


def meeko() -> Any:
    """Meeko, which on import sets the level of the first handler of RDKit's logger."""
    # Ours has none but while somebody listens.
    with listening():
        import meeko
    return meeko


def prolif() -> Any:
    """ProLIF, without what MDAnalysis says to it on import."""
    with warnings.catch_warnings():
        # First, as it asks for its own deprecations to be shown; then silence the one module that
        # it has moved and ProLIF still wants under the old name.
        import MDAnalysis  # noqa: F401

        warnings.filterwarnings("ignore", category=DeprecationWarning, module="MDAnalysis")
        import prolif
    return prolif
