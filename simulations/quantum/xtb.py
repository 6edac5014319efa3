"""GFN-xTB by tblite: energies and forces of one molecule, and the minimum nearby."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TextIO

from simulations.base import Note
from simulations.errors import ScienceError

from .geometry import ANGSTROM_PER_BOHR, Geometry, as_vectors
from .inspect import Molecule
from .walk import WalkFailed, walk_downhill

NOT_CONVERGED = "not converged"
"""What tblite says of charges that do not become self-consistent."""
CAUTIOUS: dict[str, float] = {"mixer-damping": 0.1, "max-iter": 1000}
"""A fourth of tblite's own damping factor, and four times its iterations."""
CAUTION = "smaller steps from a fresh guess"


@dataclass(frozen=True, slots=True, kw_only=True)
class XtbSettings:
    """:param solvation: tblite's name of the model and of the solvent, or None for a vacuum."""

    method: str = "GFN2-xTB"
    solvation: tuple[str, str] | None = None


class XtbSurface:
    """Energies and forces wherever the atoms are put; one result is the next one's first guess.

    :ivar notes: on charges that did not become self-consistent without help.
    """

    def __init__(
        self,
        molecule: Molecule,
        geometry: Geometry,
        settings: XtbSettings | None = None,
        tell: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        """:param tell: told in a sentence of each help that is tried.
        :raises ScienceError: tblite cannot begin with this, atoms too close for instance.
        """
        self.geometry = geometry
        self.notes: list[Note] = []
        self._tell = tell
        self._settings = settings or XtbSettings()
        self._result: Any = None
        try:
            self._calculator = _calculator(molecule, geometry, self._settings)
        except RuntimeError as exc:
            raise _refusal(exc, self._settings) from None

    def energy(self, positions_bohr: Any = None) -> float:
        """For these positions, or where the atoms are, in hartree.

        :raises ScienceError: the charges do not become self-consistent, whatever is tried.
        """
        try:
            if positions_bohr is not None:
                self._calculator.update(positions_bohr)
                rows = as_vectors(positions_bohr * ANGSTROM_PER_BOHR)
                self.geometry = Geometry(self.geometry.symbols, rows)
            self._result = self._solved()
        except RuntimeError as exc:
            raise _refusal(exc, self._settings) from None
        return float(self._result.get("energy"))

    def _solved(self) -> Any:
        """:raises RuntimeError: not even with cautious steps from a guess of no other geometry."""
        try:
            return self._calculator.singlepoint(self._result)
        except RuntimeError as exc:
            if NOT_CONVERGED not in str(exc):
                raise
        self._tell(f"the charges are not self-consistent: trying {CAUTION}")
        for name, value in CAUTIOUS.items():
            self._calculator.set(name, value)
        solved = self._calculator.singlepoint()
        if not self.notes:
            message = (
                f"The charges did not become self-consistent by themselves; {CAUTION} did it: make "
                "sure that charge and multiplicity are the right ones."
            )
            self.notes.append(Note(code="cautious_charges", message=message))
        return solved

    def gradient(self) -> Any:
        """dE/dR of the last energy, hartree/bohr, as an array of (n, 3)."""
        return self._result.get("gradient")

    def property(self, name: str) -> Any:
        """What tblite holds of the last energy, in atomic units: `dipole`, `charges`."""
        return self._result.get(name)


def _calculator(molecule: Molecule, geometry: Geometry, settings: XtbSettings) -> Any:
    import numpy as np
    from tblite.interface import Calculator, symbols_to_numbers

    calculator = Calculator(
        settings.method,
        np.array(symbols_to_numbers(list(geometry.symbols))),
        geometry.positions_bohr,
        charge=molecule.charge,
        uhf=molecule.multiplicity - 1,
    )
    # It writes to the process's own stdout, past the job's log.
    calculator.set("verbosity", 0)
    if settings.solvation:
        model, solvent = settings.solvation
        calculator.add(f"{model.lower()}-solvation", solvent)
    return calculator


def other_method(method: str) -> str:
    return "GFN1-xTB" if method == "GFN2-xTB" else "GFN2-xTB"


def _refusal(exc: RuntimeError, settings: XtbSettings) -> ScienceError:
    return ScienceError(
        f"xTB could not compute this geometry: {exc}",
        hints=[
            "Check charge and multiplicity, and that no atoms are too close.",
            "The other parametrisation may do it (method).",
        ],
        fix={"method": other_method(settings.method)},
    )


def relax(
    surface: XtbSurface, max_steps: int, on_step: Callable[[int, float], None], log: TextIO
) -> bool:
    """Move the atoms to the minimum nearby; False if they are still moving after `max_steps`.

    :param on_step: called with the step from 1 and its energy.
    """
    steps = 0

    def evaluate(positions_bohr: Any) -> tuple[float, Any]:
        nonlocal steps
        energy = surface.energy(positions_bohr)
        steps += 1
        on_step(steps, energy)
        return energy, surface.gradient()

    def say(sentence: str) -> None:
        log.write(f"GFN-xTB: {sentence}\n")

    try:
        done = walk_downhill(evaluate, surface.geometry, max_steps, io.StringIO(), say)
    except WalkFailed as exc:
        say(f"{exc}.")
        done = False
    say(f"{steps} steps, {'converged' if done else 'not converged'}.")
    return done
