"""The SCF of a crystal that does not converge is helped, rung by rung, until it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from simulations.base import Note
from simulations.errors import ScienceError

from .crystal_params import MAX_CRYSTAL_CYCLES, WIDEST_SMEARING_HARTREE, DftCrystalParams
from .rescue import DAMPED_CYCLES, DAMPING, DIIS, Rung, climb, note_on

WIDER = (4.0, 2.0)
"""Smearings on the way down to the one asked for, in multiples of it."""
OTHER_GUESS = "1e"
"""Electrons that do not see each other; the first is a minimal basis, or the cell before."""
HINTS = (
    "A wider smearing steadies a metal (smearing_hartree).",
    "More k-points (k_mesh), or more cycles (scf_max_cycles).",
    "Spins are not polarised here: a magnetic crystal may not converge without.",
)


def _damping(mf: Any, density: Any) -> None:
    from pyscf import lib

    with lib.temporary_env(mf, damp=DAMPING, diis_start_cycle=DAMPED_CYCLES):
        mf.kernel(dm0=density)


def _cooling(mf: Any, density: Any) -> None:
    """States that change places at the Fermi level keep theirs where it is less sharp."""
    from pyscf import lib

    asked = mf.sigma
    for factor in WIDER:
        with lib.temporary_env(mf, sigma=factor * asked):
            mf.kernel(dm0=density)
        density = mf.make_rdm1()
    mf.kernel(dm0=density)


def _other_guess(mf: Any, density: Any) -> None:
    _cooling(mf, mf.get_init_guess(key=OTHER_GUESS))


LADDER = (
    Rung(code="damping", title="damping", solve=_damping),
    Rung(code="cooling", title="a wider smearing that is narrowed again", solve=_cooling),
    Rung(code="other_guess", title="another initial guess", solve=_other_guess),
)


def converge_crystal(
    mf: Any, density: Any, announce: Callable[[Rung], None], params: DftCrystalParams
) -> list[Rung]:
    """As `rescue.converge`, by what PySCF has for k-points and partly filled bands.

    :raises ScienceError: not even the last rung helps.
    """
    tried = climb((DIIS, *LADDER), mf, density, announce)
    if not mf.converged:
        raise _beyond_help(tried, params)
    return tried


def note_on_crystal(tried: Sequence[Rung]) -> Note:
    return note_on(tried, "that its neighbours in the list of energies join it smoothly")


def _beyond_help(tried: Sequence[Rung], params: DftCrystalParams) -> ScienceError:
    others = ", ".join(rung.title for rung in tried[1:])
    return ScienceError(
        f"The SCF of the crystal did not converge in {params.scf_max_cycles} cycles, nor by "
        f"{others}.",
        hints=HINTS,
        fix=_fix(params),
    )


def _fix(params: DftCrystalParams) -> dict[str, Any] | None:
    cycles, smearing = params.scf_max_cycles, params.smearing_hartree
    if cycles < MAX_CRYSTAL_CYCLES // 2:
        return {"scf_max_cycles": max(120, 2 * cycles)}
    if smearing < WIDEST_SMEARING_HARTREE:
        return {"smearing_hartree": min(2 * smearing, WIDEST_SMEARING_HARTREE)}
    return None
