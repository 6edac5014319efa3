"""What a run will take: a law for each simulation, fitted to what was measured."""

from .calibration import Calibration, Measured
from .estimate import Finished, estimate
from .law import Cost, Law, Size, Term

__all__ = ["Calibration", "Cost", "Finished", "Law", "Measured", "Size", "Term", "estimate"]
