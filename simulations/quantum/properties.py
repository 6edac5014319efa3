"""What is read off a converged calculation, as plain JSON values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel

from simulations.base import Note
from simulations.validation import notes_on_unused

from . import gpu
from .charges import iao_charges
from .geometry import ANGSTROM_PER_BOHR, Geometry, as_vectors
from .inspect import Molecule
from .methods import label, reference_of
from .orbitals import EV_PER_HARTREE, levels_near_gap
from .params import MoleculeDftParams
from .vibrations import centre_of_mass

DEBYE_PER_AU = 2.541746473
MAX_CONTAMINATION = 0.05
"""Of ⟨S²⟩ above its pure value: a radical of DFT has some hundredths, and nobody minds."""
MIN_BELOW_EV = 0.05
"""Levels that are nearly one may be filled in either order."""


def result_fields(
    mf: Any, molecule: Molecule, params: MoleculeDftParams, notes: Iterable[Note], seconds: float
) -> dict[str, Any]:
    """The fields of `MoleculeDftResult`."""
    import numpy as np

    mol = mf.mol
    dipole = about_centre_of_mass(dipole_debye(mf), molecule.charge, geometry_of(mol))
    homo, lumo = frontier_orbitals(mf)
    reference = reference_of(params.reference, molecule.multiplicity)
    s_squared = None if reference == "RKS" else float(mf.spin_square()[0])
    notes = [*notes, *_on_spin(s_squared, molecule), *_on_homo(homo, params)]
    if reference != "ROKS":  # whose levels of one electron have no energy of their own
        notes += _on_filling(mf)
    return {
        "energy_hartree": float(mf.e_tot),
        "converged": bool(mf.converged),
        "method": method_of(params),
        "reference": reference,
        "formula": molecule.structure.formula,
        "charge": molecule.charge,
        "multiplicity": molecule.multiplicity,
        "n_basis_functions": int(mol.nao),
        "homo_ev": homo,
        "lumo_ev": lumo,
        "gap_ev": None if homo is None or lumo is None else lumo - homo,
        "orbitals": levels_near_gap(mf.mo_energy, mf.mo_occ),
        "dipole_debye": float(np.linalg.norm(dipole)),
        "dipole_vector_debye": dipole,
        "mulliken_charges": [float(q) for q in mf.mulliken_pop(verbose=0)[1]],
        "iao_charges": iao_charges(mf),
        "s_squared": s_squared,
        "dispersion_hartree": float(mf.scf_summary.get("dispersion", 0.0)),
        "solvation_hartree": _solvation(mf),
        "symbols": list(molecule.structure.symbols),
        "positions_angstrom": [list(row) for row in geometry_of(mol).positions],
        "wall_time_s": round(seconds, 2),
        "versions": versions() | gpu.versions(notes),
        "notes": as_json(notes, params),
    }


def method_of(params: MoleculeDftParams) -> str:
    """As a paper names it: `B3LYP-D3(BJ)/def2-svp, SMD(water)`."""
    method = label(params.functional, params.basis, params.dispersion)
    solvent = "" if params.solvent == "none" else f", {params.solvent_model}({params.solvent})"
    return f"{method}{solvent}"


def _on_spin(s_squared: float | None, molecule: Molecule) -> list[Note]:
    """A note if other spin states are mixed in."""
    spin = (molecule.multiplicity - 1) / 2
    pure = spin * (spin + 1)
    if s_squared is None or s_squared - pure < MAX_CONTAMINATION:
        return []
    message = (
        f"⟨S²⟩ is {s_squared:.3f}, {pure:.3f} in a pure state: higher spin states are mixed in, so "
        "take energy and geometry with caution."
    )
    return [Note(code="spin_contamination", message=message)]


def _on_homo(homo_ev: float | None, params: MoleculeDftParams) -> list[Note]:
    """A note if electrons are held by the basis alone, as those of small anions are."""
    if homo_ev is None or homo_ev <= 0:
        return []
    others = ["a functional with long-range exchange (CAM-B3LYP)", "a solvent where it is in one"]
    if not params.basis.startswith("aug-"):
        others.insert(0, "a basis with diffuse functions (aug-cc-pvdz)")
    message = (
        f"The HOMO is at {homo_ev:+.2f} eV: its electrons are not bound by this method, and only "
        "the basis holds them there. Take energy, orbitals and charges with caution, and take "
        f"{', '.join(others[:-1])} or {others[-1]}."
    )
    return [Note(code="unbound_electrons", message=message)]


def _on_filling(mf: Any) -> list[Note]:
    """A note if the electrons left a lower level of their spin empty."""
    import numpy as np

    levels = zip(np.atleast_2d(mf.mo_energy), np.atleast_2d(mf.mo_occ), strict=True)
    both = [(energies[filled > 0], energies[filled == 0]) for energies, filled in levels]
    gaps = [empty.min() - filled.max() for filled, empty in both if filled.size and empty.size]
    below_ev = -EV_PER_HARTREE * min(gaps, default=0.0)
    if below_ev < MIN_BELOW_EV:
        return []
    message = (
        f"An empty orbital lies {below_ev:.2f} eV below a filled one: this is most likely an "
        "excited state. Do not take its energy for that of the ground state. Where bonds are "
        "broken, that is often one of a higher multiplicity; else start from another geometry."
    )
    return [Note(code="empty_below_filled", message=message)]


def _solvation(mf: Any) -> float | None:
    parts = [mf.scf_summary[key] for key in ("e_solvent", "e_cds") if key in mf.scf_summary]
    return float(sum(parts)) if parts else None


def as_json(notes: Iterable[Note], params: BaseModel) -> list[dict[str, str]]:
    """The notes of a result, what went unused among them."""
    told = [{"code": note.code, "message": note.message} for note in notes]
    return told + notes_on_unused(params)


def frontier_orbitals(mf: Any) -> tuple[float | None, float | None]:
    """The highest occupied and lowest empty orbital energies of either spin, eV."""
    import numpy as np

    energies, occupied = np.ravel(mf.mo_energy), np.ravel(mf.mo_occ) > 0
    homo = float(energies[occupied].max()) * EV_PER_HARTREE if occupied.any() else None
    lumo = float(energies[~occupied].min()) * EV_PER_HARTREE if not occupied.all() else None
    return homo, lumo


def geometry_of(mol: Any) -> Geometry:
    symbols = tuple(mol.atom_pure_symbol(i) for i in range(mol.natm))
    return Geometry(symbols, as_vectors(mol.atom_coords(unit="Angstrom")))


def dipole_debye(mf: Any) -> list[float]:
    """Nuclei less electrons, about the origin of the coordinates, so it points from minus to plus.

    That is the physicists' direction, which IUPAC's Gold Book takes too ("electric dipole moment");
    the crossed arrow of older chemistry books points the other way.
    """
    return [float(part) for part in mf.dip_moment(unit="Debye", verbose=0)]


def about_centre_of_mass(dipole: Sequence[float], charge: int, geometry: Geometry) -> list[float]:
    """The dipole of an ion about an origin that does not depend on where its coordinates begin.

    :param dipole: debye, about the origin of the coordinates.
    """
    if not charge:
        return [*dipole]
    centre = centre_of_mass(geometry) / ANGSTROM_PER_BOHR
    return [float(d - charge * x * DEBYE_PER_AU) for d, x in zip(dipole, centre, strict=True)]


def versions() -> dict[str, str]:
    """What computed it, for whoever wants the same number again."""
    from pyscf.dft import libxc

    packages = ("pyscf", "pyscf-dispersion", "geometric", "rdkit", "tblite", "ase")
    return {**{name: version(name) for name in packages}, "libxc": libxc.__version__}
