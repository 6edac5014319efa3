"""3D where the input has none: made from the bonds, relaxed by GFN-xTB, the best of several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TextIO

from simulations.base import Context, Note
from simulations.parts import Part
from simulations.quantum.geometry import Geometry, embed
from simulations.quantum.inspect import Molecule
from simulations.quantum.params import MoleculeDftParams
from simulations.quantum.progress import Progress
from simulations.quantum.solvents import SolventName, XtbSolventModel, solvents_of
from simulations.quantum.start import Start, recorded_start
from simulations.quantum.xtb import XtbSurface, relax
from simulations.structures import StructureInput

from .conformer_params import ConformerSearchParams
from .conformers import Conformer, Ensemble
from .params import XtbMethod, XtbStartParams
from .search import KCAL_PER_HARTREE, ConformerSearch

XTB_MAX_STEPS = 300
SPAN = (0.0, 0.02)
"""Of the whole run's progress."""
WIDEST_WINDOW_KCAL_MOL = 50.0
GAVE_UP = "GFN2-xTB could not relax the 3D structure that was made: it is used as it is."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How the 3D is to be made.

    :param preoptimize: relax the one structure that is made; several are relaxed in any case.
    """

    seed: int
    n_conformers: int = 1
    preoptimize: bool = False
    method: XtbMethod = "GFN2-xTB"
    solvent: SolventName = "none"
    solvent_model: XtbSolventModel = "ALPB"


def starting_geometry(
    molecule: Molecule, wanted: Wanted, context: Context, progress: Progress
) -> tuple[Geometry, list[Note]]:
    """The coordinates as given, or else 3D made from the bonds; kept as start.xyz.

    :raises ScienceError: no 3D was found for the bonds.
    """

    def make() -> Start:
        progress.report(0.0, "making a 3D structure", stage="prepare")
        if wanted.n_conformers > 1 and molecule.structure.n_atoms > 1:
            return _lowest(molecule, wanted, context)
        geometry = embed(molecule.structure, wanted.seed, context.log)
        if wanted.preoptimize and molecule.structure.n_atoms > 1:
            return _relaxed(geometry, molecule, context.log, progress)
        return Start(geometry)

    start = recorded_start(molecule, context, make)
    code = "not_preoptimized" if start.choice == GAVE_UP else "conformer"
    notes = [Note(code=code, message=start.choice)] if start.choice else []
    return start.geometry, notes


def _relaxed(geometry: Geometry, molecule: Molecule, log: TextIO, progress: Progress) -> Start:
    """A GFN2-xTB minimum nearby; the geometry unchanged if GFN2 cannot do it."""

    def tell(step: int, energy: float) -> None:
        progress.report(0.0, f"GFN2-xTB pre-optimisation, step {step}", stage="prepare")

    log.write("Pre-optimisation with GFN2-xTB.\n")
    try:
        surface = XtbSurface(molecule, geometry)
        relax(surface, XTB_MAX_STEPS, tell, log)
    except Exception as exc:
        # Only a better start was wanted: DFT can do without.
        log.write(f"GFN2-xTB pre-optimisation gave up, going on without it: {exc}\n")
        return Start(geometry, GAVE_UP)
    return Start(surface.geometry)


def _lowest(molecule: Molecule, wanted: Wanted, context: Context) -> Start:
    params = ConformerSearchParams(
        structure=StructureInput(text=molecule.structure.smiles or ""),
        method=wanted.method,
        solvent=_solvent(wanted),
        solvent_model=wanted.solvent_model,
        seed=wanted.seed,
        n_trials=wanted.n_conformers,
        energy_window_kcal_mol=WIDEST_WINDOW_KCAL_MOL,
        max_steps=XTB_MAX_STEPS,
    )
    part = Part(context, span=SPAN, stage="prepare")
    search = ConformerSearch(molecule, params, Ensemble(molecule.structure), part)
    embedded = search.embed()
    ranked = search.rank(search.relax(search.candidates(embedded)))
    return Start(ranked[0].geometry, _choice(ranked, len(embedded), params.label))


def _solvent(wanted: Wanted) -> SolventName:
    """The one asked for, where xTB has it."""
    known = solvents_of(wanted.solvent_model, wanted.method)
    return wanted.solvent if wanted.solvent in known else "none"


def _choice(ranked: list[Conformer], n_embedded: int, method: str) -> str:
    taken = f"Of {n_embedded} conformers tried it starts from the lowest by {method}"
    if len(ranked) == 1:
        return f"{taken}; no other was distinct from it."
    above = [(other.energy - ranked[0].energy) * KCAL_PER_HARTREE for other in ranked[1:]]
    listed = ", ".join(f"{energy:.1f}" for energy in above[:5])
    more = f" and {len(above) - 5} more" if len(above) > 5 else ""
    return f"{taken}; the other {len(above)} distinct lie {listed}{more} kcal/mol above it."


def wanted_start(params: MoleculeDftParams) -> Wanted:
    """What a DFT run asks for: xTB helps, in the same solvent where it knows it."""
    return Wanted(
        seed=params.seed,
        n_conformers=params.n_conformers,
        preoptimize=params.preoptimize,
        solvent=params.solvent,
    )


def wanted_xtb_start(params: XtbStartParams) -> Wanted:
    """What an xTB run asks for: its own method and solvent choose among the conformers."""
    return Wanted(
        seed=params.seed,
        n_conformers=params.n_conformers,
        method=params.method,
        solvent=params.solvent,
        solvent_model=params.solvent_model,
    )
