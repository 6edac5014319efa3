"""Energy against volume: the cells to compute, and Birch and Murnaghan's curve through them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .lattice_search import STEP, Scales, corners, cross, next_point

GPA_PER_HARTREE_PER_ANGSTROM3 = 4359.7447222071  # CODATA 2018
FLANK = 2
"""So many volumes on either side of the lowest, else the curve is extended."""
SETTLED = 4e-3
"""The shape is relaxed once the model changes it by no more; its energy is flat there."""
MAX_ROUNDS = 3
POOR_FIT = 0.02
"""Residual in parts of the range of energies; a smooth curve is a hundred times better."""
USUAL_DERIVATIVE = (2.0, 8.0)
"""Of the bulk modulus by pressure, in solids."""

ValueAt = Callable[[Scales], float]
"""From relative changes of the lattice constants to the energy, hartree."""


class NotBracketed(Exception):
    """The energy still falls at the last volume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """The lowest energy found at one volume, and the cell that has it.

    :param ratio: of the volume to that of the cell one started from.
    """

    ratio: float
    scales: Scales
    energy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BirchMurnaghan:
    """:param residual: root mean square of what the curve misses, hartree."""

    volume_angstrom3: float
    energy: float
    modulus_gpa: float
    derivative: float
    residual: float

    def energy_at(self, volume_angstrom3: float) -> float:
        from ase.eos import birchmurnaghan

        modulus = self.modulus_gpa / GPA_PER_HARTREE_PER_ANGSTROM3
        arguments = (self.energy, modulus, self.derivative, self.volume_angstrom3)
        return float(birchmurnaghan(volume_angstrom3, *arguments))


class Shapes:
    """The cells of a given volume: one number fewer than there are free constants.

    :param powers: of each constant in the volume; a hexagonal cell's are 2 for a and 1 for c.
    """

    def __init__(self, powers: Sequence[float]) -> None:
        self._powers = powers
        self.n = len(powers) - 1

    def scales(self, ratio: float, shape: Scales) -> Scales:
        """:param shape: logarithms by which all constants but the first leave the even squeeze."""
        even = math.log(ratio) / sum(self._powers)
        spent = sum(power * x for power, x in zip(self._powers[1:], shape, strict=True))
        logarithms = (-spent / self._powers[0], *shape)
        return tuple(math.expm1(even + x) for x in logarithms)

    def relaxed(self, value_at: ValueAt, ratio: float, guess: Scales) -> tuple[Scales, Volume]:
        """The shape of least energy at a volume, near the guess; there is one without freedom."""

        def energy_of(offset: Scales) -> float:
            return value_at(self.scales(ratio, _sum(guess, offset)))

        origin = (0.0,) * self.n
        energies = {offset: energy_of(offset) for offset in cross(origin, STEP)}
        energies |= {offset: energy_of(offset) for offset in corners(energies, self.n)}
        for _ in range(MAX_ROUNDS if self.n else 0):
            best = min(energies, key=lambda offset: energies[offset])
            target, _predicted = next_point(energies, best)
            energies[target] = energy_of(target)
            if max(abs(a - b) for a, b in zip(target, best, strict=True)) < SETTLED:
                break
        best = min(energies, key=lambda offset: energies[offset])
        shape = _sum(guess, best)
        return shape, Volume(ratio=ratio, scales=self.scales(ratio, shape), energy=energies[best])


def _sum(one: Scales, other: Scales) -> Scales:
    return tuple(a + b for a, b in zip(one, other, strict=True))


class VolumeScan:
    """Volumes computed in rising order, and more at an end where the energy still falls."""

    def __init__(
        self,
        value_at: ValueAt,
        shapes: Shapes,
        *,
        relax_shape: bool,
        on_volume: Callable[[Volume], None],
    ) -> None:
        self._value_at = value_at
        self._shapes = shapes
        self._relax = relax_shape and shapes.n > 0
        self._on_volume = on_volume
        self._found: dict[float, tuple[Scales, Volume]] = {}

    @property
    def volumes(self) -> list[Volume]:
        return [self._found[ratio][1] for ratio in sorted(self._found)]

    def run(self, ratios: Sequence[float]) -> int:
        """Compute these and as many more as it takes; how many more.

        :raises NotBracketed: as many again did not reach the minimum.
        """
        for ratio in ratios:
            self._compute(ratio)
        step = ratios[1] - ratios[0]
        for extra in range(len(ratios) + 1):
            side = self._open_side()
            if not side:
                return extra
            if extra < len(ratios):
                ends = min(self._found), max(self._found)
                self._compute(ends[0] - step if side < 0 else ends[1] + step)
        where = "smallest" if side < 0 else "largest"
        raise NotBracketed(f"its energy still falls at the {where} of {len(self._found)} volumes")

    def shape_at(self, ratio: float) -> Scales:
        """Interpolated between the volumes, for the one where the curve is lowest."""
        import numpy as np

        ratios = sorted(self._found)
        shapes = np.array([self._found[each][0] for each in ratios]).reshape(len(ratios), -1)
        if not self._relax:
            return (0.0,) * self._shapes.n
        return tuple(float(np.polyval(np.polyfit(ratios, x, 2), ratio)) for x in shapes.T)

    def _compute(self, ratio: float) -> None:
        if self._relax:
            shape, volume = self._shapes.relaxed(self._value_at, ratio, self._guess(ratio))
        else:
            shape = (0.0,) * self._shapes.n
            scales = self._shapes.scales(ratio, shape)
            volume = Volume(ratio=ratio, scales=scales, energy=self._value_at(scales))
        self._found[ratio] = shape, volume
        self._on_volume(volume)

    def _guess(self, ratio: float) -> Scales:
        """On the line through the two nearest volumes, where there are two."""
        near = sorted(self._found, key=lambda other: abs(other - ratio))[:2]
        shapes = [self._found[each][0] for each in near]
        if len(near) < 2:
            return shapes[0] if shapes else (0.0,) * self._shapes.n
        part = (ratio - near[0]) / (near[1] - near[0])
        return tuple(a + part * (b - a) for a, b in zip(*shapes, strict=True))

    def _open_side(self) -> int:
        """-1 or 1 where too few volumes lie beyond the lowest, 0 where it is framed."""
        energies = [volume.energy for volume in self.volumes]
        lowest = energies.index(min(energies))
        if lowest < FLANK:
            return -1
        return 1 if lowest > len(energies) - 1 - FLANK else 0


def fit(volumes_angstrom3: Sequence[float], energies: Sequence[float]) -> BirchMurnaghan:
    """The third-order curve by least squares.

    :raises NotBracketed: there is none through these points.
    """
    from ase.eos import EquationOfState

    equation = EquationOfState(list(volumes_angstrom3), list(energies), eos="birchmurnaghan")
    try:
        volume, energy, modulus = equation.fit(warn=False)
    except (RuntimeError, ValueError) as exc:
        raise NotBracketed(f"no curve fits its energies ({exc})") from None
    found = BirchMurnaghan(
        volume_angstrom3=float(volume),
        energy=float(energy),
        modulus_gpa=float(modulus) * GPA_PER_HARTREE_PER_ANGSTROM3,
        derivative=float(equation.eos_parameters[2]),
        residual=0.0,
    )
    misses = [found.energy_at(v) - e for v, e in zip(volumes_angstrom3, energies, strict=True)]
    return replace(found, residual=math.sqrt(sum(x * x for x in misses) / len(misses)))


def powers_of(volume_at: Callable[[Scales], Any], n: int) -> list[float]:
    """Of each constant in the volume, read off a cell that is a little longer along it."""
    stretch = 0.1
    start = float(volume_at((0.0,) * n))
    powers = []
    for i in range(n):
        scales = tuple(stretch if i == j else 0.0 for j in range(n))
        powers.append(math.log(float(volume_at(scales)) / start) / math.log1p(stretch))
    return powers


def ratios_around(n: int, range_percent: float) -> list[float]:
    """Evenly from the smallest to the largest."""
    width = range_percent / 100
    return [1 - width + 2 * width * i / (n - 1) for i in range(n)]
