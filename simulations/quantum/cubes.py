"""Densities and orbitals on a grid, as Gaussian cube files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from simulations.base import Context, Note

from .cube_names import FrontierOrbital, orbital_of
from .params import MoleculeDftParams
from .progress import Progress

MEDIA_TYPE = "chemical/x-gaussian-cube"
MARGIN_BOHR = 5.0
"""Of the box around the nuclei; a molecule's density has fallen to some 1e-4 there."""
SPACING_BOHR = 0.2
MAX_POINTS = 500_000
"""In one cube, which is some 7 MB; a larger molecule gets a coarser grid."""

Write = Callable[[str], None]
"""Writes one field to a path."""


def write_cubes(
    context: Context, mean_field: Any, params: MoleculeDftParams, progress: Progress, stage: str
) -> list[Note]:
    """Write what was asked for; a note on each orbital that the basis turned out not to have."""
    notes: list[Note] = []
    for name in params.cubes:
        fields = dict(_fields(mean_field, name))
        for stem, (title, write) in fields.items():
            progress.report(message=f"writing {stem}.cube", stage=stage)
            write(str(context.workdir / f"{stem}.cube"))
            context.artifact(f"{stem}.cube", title, MEDIA_TYPE)
        if not fields:
            message = f"There is no {name}.cube: the basis has no such orbital."
            notes.append(Note(code="no_such_orbital", message=message))
    return notes


def _fields(mean_field: Any, name: str) -> Iterator[tuple[str, tuple[str, Write]]]:
    """The files of one name, each with its title and what writes it: two if each spin has one."""
    orbital = orbital_of(name)
    if orbital:
        yield from _orbital_fields(mean_field, name, orbital)
        return
    density = mean_field.make_rdm1()
    if density.ndim == 2:
        yield name, ("Electron density", _density_writer(mean_field.mol, density))
    elif name == "density":
        yield name, ("Electron density", _density_writer(mean_field.mol, density[0] + density[1]))
    else:
        writer = _density_writer(mean_field.mol, density[0] - density[1])
        yield name, ("Spin density", writer)


def _orbital_fields(
    mean_field: Any, name: str, orbital: FrontierOrbital
) -> Iterator[tuple[str, tuple[str, Write]]]:
    import numpy as np

    each_spin_its_own = np.ndim(mean_field.mo_occ) == 2
    for spin, label in enumerate(("alpha", "beta") if each_spin_its_own else ("",)):
        part = np.s_[spin] if each_spin_its_own else np.s_[...]
        energies, occupied = mean_field.mo_energy[part], mean_field.mo_occ[part] > 0
        index = _index(energies, occupied, orbital)
        if index is None:
            continue
        title = f"Orbital {name}{f' ({label})' if label else ''}, {energies[index]:.6f} hartree"
        coefficients = mean_field.mo_coeff[part][:, index]
        writer = _orbital_writer(mean_field.mol, coefficients)
        yield f"{name}_{label}" if label else name, (title, writer)


def _index(energies: Any, occupied: Any, orbital: FrontierOrbital) -> int | None:
    """Of the orbital so far from the frontier, counted by energy; None if there is none."""
    import numpy as np

    (mine,) = np.nonzero(occupied if orbital.side == "homo" else ~occupied)
    by_distance = mine[np.argsort(energies[mine])]
    if orbital.side == "homo":
        by_distance = by_distance[::-1]
    return int(by_distance[orbital.offset]) if orbital.offset < len(by_distance) else None


def _density_writer(mol: Any, density: Any) -> Write:
    from pyscf.tools import cubegen

    return lambda path: cubegen.density(mol, path, density, **_grid(mol))


def _orbital_writer(mol: Any, coefficients: Any) -> Write:
    from pyscf.tools import cubegen

    return lambda path: cubegen.orbital(mol, path, coefficients, **_grid(mol))


def _grid(mol: Any) -> dict[str, float]:
    """A box around the molecule, as fine as the bound on its points allows."""
    import numpy as np

    edges = np.ptp(mol.atom_coords(), axis=0) + 2 * MARGIN_BOHR
    coarsest = float(np.cbrt(np.prod(edges) / MAX_POINTS))
    # The ends count too, and each edge is rounded up: a little slack keeps within the bound.
    return {"resolution": max(SPACING_BOHR, 1.02 * coarsest), "margin": MARGIN_BOHR}
