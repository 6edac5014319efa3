"""From a Hessian to normal modes: harmonic frequencies, infrared intensities, displacements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .geometry import Geometry

ELECTRON_MASSES_PER_DALTON = 1822.888486209  # CODATA 2018
CM1_PER_HARTREE = 219474.6313632  # CODATA 2018
GHZ_DALTON_ANGSTROM2 = 505.379009
"""h/8π² by CODATA 2018: a rotational constant times its moment of inertia."""
KM_PER_MOL = 974.8801
"""The intensity of a mode along which the dipole changes by one e/√dalton."""
LINEAR_BELOW = 1e-3
"""The smallest moment of inertia in parts of the largest: of a molecule on a line it is 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vibrations:
    """Normal modes in the order of their frequency; imaginary ones are negative.

    :param displacements: of each mode, (modes, atoms, 3), of unit length.
    :param reduced_masses: dalton.
    :param intensities: km/mol.
    """

    frequencies_cm1: Any
    displacements: Any
    reduced_masses: Any
    intensities: Any
    is_linear: bool

    @property
    def n_imaginary(self) -> int:
        return int((self.frequencies_cm1 < 0).sum())


def masses(geometry: Geometry) -> Any:
    """Of the atoms as found in nature, dalton."""
    import numpy as np
    from ase.data import atomic_masses, atomic_numbers

    return np.array([atomic_masses[atomic_numbers[symbol]] for symbol in geometry.symbols])


def analyse(hessian: Any, geometry: Geometry, dipole_derivatives: Any) -> Vibrations:
    """The modes without translations and rotations.

    :param hessian: hartree/bohr², (3n, 3n).
    :param dipole_derivatives: of the dipole (e bohr) by each coordinate (bohr), (3n, 3).
    """
    import numpy as np

    weights = np.repeat(masses(geometry), 3) ** -0.5
    inner, is_linear = _internal_space(geometry)
    weighted = 0.5 * (hessian + hessian.T) * np.outer(weights, weights)
    curvatures, vectors = np.linalg.eigh(inner.T @ weighted @ inner)
    weighted_modes = inner @ vectors
    cartesian = weighted_modes * weights[:, None]
    lengths = np.linalg.norm(cartesian, axis=0)
    slopes = np.asarray(dipole_derivatives).T @ cartesian
    roots = np.sqrt(np.abs(curvatures) / ELECTRON_MASSES_PER_DALTON)
    return Vibrations(
        frequencies_cm1=np.sign(curvatures) * roots * CM1_PER_HARTREE,
        displacements=(cartesian / lengths).T.reshape(len(curvatures), -1, 3),
        reduced_masses=lengths**-2,
        intensities=KM_PER_MOL * np.square(slopes).sum(axis=0),
        is_linear=is_linear,
    )


def centre_of_mass(geometry: Geometry) -> Any:
    """Å."""
    import numpy as np

    mass = masses(geometry)
    return mass @ np.array(geometry.positions) / mass.sum()


def moments_of_inertia(geometry: Geometry) -> tuple[Any, Any, Any]:
    """The three moments (dalton Å², rising), their axes as columns, positions from the centre."""
    import numpy as np

    mass = masses(geometry)
    positions = np.array(geometry.positions) - centre_of_mass(geometry)
    squares = np.square(positions).sum(axis=1)
    tensor = np.eye(3) * (mass @ squares) - np.einsum("a,ai,aj->ij", mass, positions, positions)
    moments, axes = np.linalg.eigh(tensor)
    return moments, axes, positions


def rotational_constants_ghz(geometry: Geometry) -> list[float]:
    """A, B and C, falling; of a molecule on a line the one that it has."""
    moments, _, _ = moments_of_inertia(geometry)
    turning = moments[1:2] if is_on_a_line(moments) else moments
    return [GHZ_DALTON_ANGSTROM2 / float(moment) for moment in turning]


def is_on_a_line(moments: Any) -> bool:
    return bool(moments[0] < LINEAR_BELOW * moments[2])


def _internal_space(geometry: Geometry) -> tuple[Any, bool]:
    """An orthonormal basis of mass-weighted displacements that neither shift nor turn."""
    import numpy as np

    moments, axes, positions = moments_of_inertia(geometry)
    linear = is_on_a_line(moments)
    roots = np.sqrt(masses(geometry))[:, None]
    shifts = [np.ravel(roots * axis) for axis in np.eye(3)]
    # The first axis of a linear molecule is its own line, around which nothing turns.
    turns = [np.ravel(roots * np.cross(axis, positions)) for axis in axes.T[linear:]]
    outer = np.array([*shifts, *turns]).T
    whole, _ = np.linalg.qr(outer, mode="complete")
    return whole[:, outer.shape[1] :], linear
