"""Second derivatives of a DFT energy by PySCF, and with them those of the dipole moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class AnalyticHessian:
    """One Hessian, computed once; `tell` is called with a sentence as often as PySCF lets us in.

    The response of the orbitals to each atom's moves, which PySCF needs for the Hessian, gives the
    change of the dipole moment at no further cost.
    """

    def __init__(self, mean_field: Any, tell: Callable[[str], None]) -> None:
        self._mf = mean_field
        self._tell = tell
        self._iterations = 0
        self._response: Any = None

    def compute(self) -> tuple[Any, Any]:
        """d²E/dR² (hartree/bohr²) as (3n, 3n), and dμ/dR (e) as (3n, 3)."""
        self._tell("second derivatives of the integrals (no word until they are done)")
        hessian = self._mf.Hessian()
        self._listen_to(hessian)
        blocks = hessian.kernel()
        size = 3 * self._mf.mol.natm
        return blocks.transpose(0, 2, 1, 3).reshape(size, size), self._dipole_derivatives()

    def _listen_to(self, hessian: Any) -> None:
        make_h1, solve_mo1 = hessian.make_h1, hessian.solve_mo1

        def told_make_h1(*args: Any, **kwargs: Any) -> Any:
            self._tell("first derivatives of the potential (no word until they are done)")
            return make_h1(*args, **kwargs)

        def kept_solve_mo1(
            energies: Any, orbitals: Any, filled: Any, h1: Any, _: None, *rest: Any
        ) -> Any:
            induced = self._induced(orbitals, filled)
            solved = solve_mo1(energies, orbitals, filled, h1, induced, *rest)
            self._response = solved[0]
            self._tell("putting the second derivatives together")
            return solved

        hessian.make_h1, hessian.solve_mo1 = told_make_h1, kept_solve_mo1

    def _induced(self, orbitals: Any, filled: Any) -> Callable[[Any], Any]:
        """The potential that a response induces: asked for by PySCF once an iteration."""
        from pyscf.hessian import rhf, uhf

        spins = rhf if filled.ndim == 1 else uhf
        induced = spins.gen_vind(self._mf, orbitals, filled)

        def told(response: Any) -> Any:
            self._iterations += 1
            self._tell(f"response of the orbitals, iteration {self._iterations}")
            return induced(response)

        return told

    def _dipole_derivatives(self) -> Any:
        import numpy as np

        mf, mol = self._mf, self._mf.mol
        density = mf.make_rdm1()
        density = density if density.ndim == 2 else density.sum(axis=0)
        with mol.with_common_orig((0, 0, 0)):
            position = mol.intor_symmetric("int1e_r", comp=3)
            # ⟨i|x ∂y|j⟩: an orbital follows its atom, so its derivative is −∂y.
            moved = mol.intor("int1e_irp", comp=9).reshape(3, 3, mol.nao, mol.nao)
        derivatives = np.zeros((mol.natm, 3, 3))
        for atom, (*_, p0, p1) in enumerate(mol.aoslice_by_atom()):
            derivatives[atom] = mol.atom_charge(atom) * np.eye(3)
            carried = np.einsum("xyij,ij->yx", moved[..., p0:p1], density[:, p0:p1])
            derivatives[atom] += 2 * carried
            response = self._density_response(atom)
            derivatives[atom] -= np.einsum("yij,xij->yx", response, position)
        return derivatives.reshape(-1, 3)

    def _density_response(self, atom: int) -> Any:
        """dD/dR of one atom, both spins, (3, nao, nao), up to a symmetrisation."""
        import numpy as np

        mf = self._mf
        if np.ndim(mf.mo_occ) == 1:
            occupied = mf.mo_coeff[:, mf.mo_occ > 0]
            return 4 * np.einsum("ypi,qi->ypq", self._response[atom], occupied)
        return sum(
            2 * np.einsum("ypi,qi->ypq", response[atom], orbitals[:, filled > 0])
            for response, orbitals, filled in zip(
                self._response, mf.mo_coeff, mf.mo_occ, strict=True
            )
        )
