"""Partial charges that hardly depend on the basis: intrinsic atomic orbitals (Knizia, 2013)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def iao_charges(mf: Any) -> list[float] | None:
    """One for each atom; None where PySCF's minimal basis lacks an element."""
    import numpy as np
    from pyscf.lo import iao

    try:
        minimal = iao.reference_mol(mf.mol)
    except Exception:
        # PySCF has no one exception for an element that a basis does not hold.
        return None
    charges = mf.mol.atom_charges().astype(float)
    populations = before = None
    for occupied in _occupied(mf):
        # Of a closed shell the second spin is the first once more.
        if before is None or not np.array_equal(occupied, before):
            populations = _populations(mf, minimal, occupied)
        charges -= populations
        before = occupied
    return [float(charge) for charge in charges]


def _occupied(mf: Any) -> Iterator[Any]:
    """The occupied orbitals of each spin, as columns."""
    import numpy as np

    shared = np.ndim(mf.mo_occ) == 1
    for spin in (0, 1):
        orbitals = mf.mo_coeff if shared else mf.mo_coeff[spin]
        filled = mf.mo_occ > spin if shared else mf.mo_occ[spin] > 0
        if filled.any():
            yield orbitals[:, filled]


def _populations(mf: Any, minimal: Any, occupied: Any) -> Any:
    """Electrons of one spin on each atom."""
    import numpy as np
    from pyscf import lo

    overlap = mf.get_ovlp()
    orbitals = lo.orth.vec_lowdin(lo.iao.iao(mf.mol, occupied), overlap)
    shares = np.square(orbitals.T @ overlap @ occupied).sum(axis=1)
    return np.array([shares[p0:p1].sum() for *_, p0, p1 in minimal.aoslice_by_atom()])
