"""An SCF that does not converge is helped, rung by rung, until it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from simulations.base import Note
from simulations.errors import ScienceError

from .methods import FUNCTIONALS
from .params import MAX_SCF_CYCLES, MoleculeDftParams

SOLUTION = ("converged", "e_tot", "mo_energy", "mo_coeff", "mo_occ", "scf_summary")
"""What a mean field knows once it is solved."""
LEVEL_SHIFT_HARTREE = 0.3
DAMPING = 0.6
"""The part of the old Fock matrix that is kept while the damping lasts."""
DAMPED_CYCLES = 12
"""DIIS, which would undo the damping, waits for so long."""
OTHER_GUESS = "sap"
"""Atomic potentials superposed; PySCF begins with the orbitals of a minimal basis."""

Solver = Callable[[Any, Any], None]
"""Runs a mean field from a density; what came of it is in the mean field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """:param title: what is tried, for a sentence: `a level shift`."""

    code: str
    title: str
    solve: Solver


def _diis(mf: Any, density: Any) -> None:
    mf.kernel(dm0=density)


def _level_shift(mf: Any, density: Any) -> None:
    from pyscf import lib

    # PySCF diagonalises once more without the shift at the end: the orbital energies are true.
    with lib.temporary_env(mf, level_shift=LEVEL_SHIFT_HARTREE):
        mf.kernel(dm0=density)


def _damping(mf: Any, density: Any) -> None:
    from pyscf import lib

    with lib.temporary_env(mf, damp=DAMPING, diis_start_cycle=DAMPED_CYCLES):
        mf.kernel(dm0=density)


def solution_of(mf: Any) -> dict[str, Any]:
    return {name: getattr(mf, name) for name in SOLUTION}


def second_order(mf: Any, density: Any = None) -> None:
    """Downhill from the orbitals that it has."""
    newton = mf.newton()
    newton.callback = mf.callback
    newton.kernel(mf.mo_coeff, mf.mo_occ)
    # The caller goes on with the ordinary object, whose gradients and Hessians we know.
    vars(mf).update(solution_of(newton))


def _other_guess(mf: Any, density: Any) -> None:
    mf.kernel(dm0=mf.get_init_guess(key=OTHER_GUESS))
    if not mf.converged:
        second_order(mf, density)


DIIS = Rung(code="diis", title="DIIS", solve=_diis)
LADDER = (
    Rung(code="level_shift", title="a level shift", solve=_level_shift),
    Rung(code="damping", title="damping", solve=_damping),
    Rung(code="second_order_scf", title="second-order steps", solve=second_order),
    Rung(code="other_guess", title="another initial guess", solve=_other_guess),
)

HINTS = (
    "Check charge and multiplicity: the wrong spin state often will not converge.",
    "Check the geometry: atoms too close or too far apart.",
    "Try a functional without exact exchange first (PBE), or a smaller basis.",
    "Allow more cycles (scf_max_cycles).",
)


def ladder_for(mf: Any) -> tuple[Rung, ...]:
    """The rungs that PySCF has for this reference: it cannot damp a restricted open shell."""
    from pyscf import scf

    is_roks = isinstance(mf, scf.rohf.ROHF)
    return tuple(rung for rung in LADDER if not (is_roks and rung.solve is _damping))


def converge(
    mf: Any, density: Any, announce: Callable[[Rung], None], params: MoleculeDftParams
) -> list[Rung]:
    """Solve from `density`, climbing the ladder as far as it takes; the rungs tried, last did it.

    :param announce: told of each rung before it is tried, DIIS first.
    :raises ScienceError: not even the last rung helps.
    """
    tried = climb((DIIS, *ladder_for(mf)), mf, density, announce)
    if not mf.converged:
        raise _beyond_help(tried, params)
    return tried


def climb(
    rungs: Iterable[Rung], mf: Any, density: Any, announce: Callable[[Rung], None]
) -> list[Rung]:
    """Solve by one rung after another until it converges, each from where the last one ended.

    The rungs tried: if the mean field is converged, the last of them did it.
    """
    tried: list[Rung] = []
    for rung in rungs:
        tried.append(rung)
        announce(rung)
        rung.solve(mf, density)
        if mf.converged:
            break
        density = mf.make_rdm1()
    return tried


def note_on(tried: Sequence[Rung], check: str = "that the spin state is the right one") -> Note:
    """What the user should know of an SCF that was rescued."""
    *failed, rung = tried
    message = (
        f"The SCF did not converge by {', then '.join(other.title for other in failed)}; "
        f"{rung.title} did it: make sure {check}."
    )
    return Note(code=rung.code, message=message)


def _beyond_help(tried: Sequence[Rung], params: MoleculeDftParams) -> ScienceError:
    others = ", ".join(rung.title for rung in tried[1:])
    return ScienceError(
        f"The SCF did not converge in {params.scf_max_cycles} cycles, nor by {others}.",
        hints=HINTS,
        fix=_fix(params),
    )


def _fix(params: MoleculeDftParams) -> dict[str, Any]:
    if params.scf_max_cycles < MAX_SCF_CYCLES // 2:
        return {"scf_max_cycles": max(200, min(2 * params.scf_max_cycles, MAX_SCF_CYCLES))}
    if "hybrid" in FUNCTIONALS[params.functional].family:
        return {"functional": "PBE"}
    return {"basis": "def2-svp"} if params.basis != "def2-svp" else {"basis": "sto-3g"}
