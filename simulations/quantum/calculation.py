"""One molecule's Kohn-Sham equations: built, solved, and told about cycle by cycle."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from simulations.base import Context, Note

from .geometry import Geometry
from .gpu import GpuShare
from .inspect import Molecule
from .mean_field import mean_field, pyscf_molecule
from .memory import plan_within
from .methods import reference_of
from .params import MoleculeDftParams
from .progress import ScfTeller
from .properties import geometry_of
from .rescue import DIIS, Rung, converge, note_on
from .saddles import leave_saddles, notes_on_saddle
from .stability import softest_rotation

CHECKPOINT_NAME = "checkpoint.chk"


class Calculation:
    """Energies and forces of one molecule wherever its atoms are put.

    The density of one geometry is the first guess for the next.
    """

    def __init__(
        self,
        molecule: Molecule,
        params: MoleculeDftParams,
        geometry: Geometry,
        context: Context,
        teller: ScfTeller,
    ) -> None:
        from pyscf import lib

        lib.num_threads(context.threads)
        lib.param.TMPDIR = tempfile.gettempdir()
        self._notes: list[Note] = []
        self.teller = teller
        self._params = params
        self._context = context
        self._cycle = 0
        self._how = ""
        self._gpu = GpuShare(context)
        mol = pyscf_molecule(molecule, params, geometry, context.log)
        plan_within(mol, context)
        self.mean_field = mean_field(mol, params, context.workdir / CHECKPOINT_NAME)
        self.mean_field.callback = self._after_cycle
        self._density = self._previous_density(context.previous)
        self._checkpoint_declared = False
        self._is_closed_shell = reference_of(params.reference, molecule.multiplicity) == "RKS"
        self._is_first = True
        self._saddle_notes: list[Note] | None = None

    @property
    def notes(self) -> list[Note]:
        return [*self._notes, *self._gpu.notes]

    @property
    def geometry(self) -> Geometry:
        return geometry_of(self.mean_field.mol)

    def energy(self, positions_bohr: Any = None) -> float:
        """Solve for these positions, or where the atoms are.

        :raises ScienceError: the SCF does not converge, whatever is tried.
        """
        mf = self.mean_field
        if positions_bohr is not None:
            mf.reset(mf.mol.set_geom_(positions_bohr, unit="Bohr", inplace=False))
        self._cycle = 0
        self._how = " (GPU)" if self._gpu.is_any else ""
        density = self._gpu.density(mf, self._density)
        tried = converge(mf, density, self._announce, self._params)
        self._declare_checkpoint()
        if len(tried) > 1 and all(note.code != tried[-1].code for note in self._notes):
            self._notes.append(note_on(tried))
        self._saddle_notes = None
        if self._is_first and not self._is_closed_shell:
            self._leave_saddles()
        self._is_first = False
        self._density = mf.make_rdm1()
        return float(mf.e_tot)

    def notes_on_stability(self) -> list[Note]:
        """Whether the last SCF is a minimum, as far as a cheap sign gives reason to ask."""
        if self._saddle_notes is None:
            rotation = softest_rotation(self.mean_field, self._tell)
            self._saddle_notes = notes_on_saddle(rotation, is_closed_shell=self._is_closed_shell)
        return self._saddle_notes

    def _leave_saddles(self) -> None:
        """Only from the first geometry: further on, the walk would jump to another surface."""
        rotation, notes = leave_saddles(self.mean_field, self._tell)
        self._notes += notes
        self._saddle_notes = notes_on_saddle(rotation, is_closed_shell=False)

    def gradient(self) -> Any:
        """dE/dR of the last energy, hartree/bohr, as an array of (n, 3)."""
        return self.mean_field.nuc_grad_method().kernel()

    def _announce(self, rung: Rung) -> None:
        self._how = "" if rung is DIIS else f" ({rung.title})"
        if rung is not DIIS:
            sentence = f"the SCF has not converged after {self._cycle} cycles: trying {rung.title}"
            self._tell(sentence)

    def _tell(self, sentence: str) -> None:
        self._context.log.write(f"\n{sentence[0].upper()}{sentence[1:]}.\n")
        self.teller.tell(sentence)

    def _after_cycle(self, env: dict[str, Any]) -> None:
        # The second-order solver goes by other names than the ordinary one.
        energy = float(env["e_tot"])
        delta = abs(energy - float(env["last_hf_e"])) if "last_hf_e" in env else 0.0
        self._cycle += 1
        self.teller.cycle(self._cycle, energy, delta, self._how)

    def _previous_density(self, previous: Path | None) -> Any:
        path = previous / CHECKPOINT_NAME if previous else None
        if path is None or not path.exists():
            return None
        log = self._context.log
        try:
            density = self.mean_field.from_chk(str(path))
        except Exception as exc:
            # It was being written when its machine died.
            log.write(f"The checkpoint cannot be used, starting afresh: {exc}\n")
            return None
        log.write(f"Starting from the density in {path.name} of the earlier attempt.\n")
        message = "Resumed from the checkpoint of an earlier attempt."
        self._notes.append(Note(code="resumed", message=message))
        return density

    def _declare_checkpoint(self) -> None:
        if not self._checkpoint_declared:
            self._checkpoint_declared = True
            title = "PySCF checkpoint (orbitals, density)"
            self._context.artifact(CHECKPOINT_NAME, title, "application/x-hdf5")
