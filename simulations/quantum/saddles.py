"""An SCF that ended on a saddle is led down from it where it may be, and else it is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulations.base import Note

from .rescue import second_order, solution_of
from .stability import Rotation, softest_rotation, turned

FOLLOWED = "lower_solution"
MAX_DESCENTS = 3
MIN_GAIN_HARTREE = 1e-6

Tell = Callable[[str], None]


def leave_saddles(mf: Any, tell: Tell) -> tuple[Rotation | None, list[Note]]:
    """Go down from where an unrestricted SCF converged, as long as there is a way down.

    The softest rotation of where that ends, if there was reason to look for it, and what to know.
    """
    begun = float(mf.e_tot)
    rotation = softest_rotation(mf, tell)
    for _ in range(MAX_DESCENTS):
        if rotation is None or not rotation.is_unstable or not _went_down(mf, rotation, tell):
            break
        rotation = softest_rotation(mf, tell)
    gained = begun - float(mf.e_tot)
    return rotation, [_on_descent(gained)] if gained > MIN_GAIN_HARTREE else []


def notes_on_saddle(rotation: Rotation | None, *, is_closed_shell: bool) -> list[Note]:
    """A note where the SCF that is the result is no minimum."""
    if rotation is None or not rotation.is_unstable:
        return []
    slope = f"curvature {rotation.curvature:.3f} hartree"
    if is_closed_shell:
        message = (
            f"This closed shell is no ground state: its energy falls ({slope}) where the two spins "
            "may have orbitals of their own, as in diradicals, in bonds that break, and where a "
            "triplet lies lower. Compute it with reference uks, and with multiplicity 3 (of "
            "transition metals 5 too), and take the lowest; energy, geometry and charges of this "
            "one are to be doubted."
        )
        return [Note(code="closed_shell_unstable", message=message)]
    message = (
        f"The SCF is at a saddle point of the energy ({slope}): another solution of the same "
        "multiplicity lies lower. A new run that begins at the geometry of this result looks for "
        "it; energy, geometry and charges of this one are to be doubted."
    )
    return [Note(code="scf_saddle", message=message)]


def _went_down(mf: Any, rotation: Rotation, tell: Tell) -> bool:
    """Whether there is a lower solution that way, which the mean field then is at."""
    tell("the SCF is at a saddle point: going down from it by second-order steps")
    saddle = solution_of(mf)
    mf.mo_coeff = turned(mf, rotation)
    second_order(mf)
    if mf.converged and mf.e_tot < saddle["e_tot"] - MIN_GAIN_HARTREE:
        return True
    vars(mf).update(saddle)
    mf.dump_chk(saddle)
    return False


def _on_descent(gained: float) -> Note:
    message = (
        "The SCF converged to a saddle point of the energy first, and was led down from it to the "
        f"solution that is told, {gained:.6f} hartree lower. Make sure that the spin state is the "
        "right one."
    )
    return Note(code=FOLLOWED, message=message)
