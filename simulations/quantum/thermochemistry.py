"""Ideal gas, rigid rotor, harmonic oscillator: from frequencies to enthalpy and free energy."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .geometry import Geometry
from .vibrations import Vibrations, is_on_a_line, masses, moments_of_inertia

# CODATA 2018, SI.
BOLTZMANN = 1.380649e-23
PLANCK = 6.62607015e-34
LIGHT_CM_PER_S = 2.99792458e10
AVOGADRO = 6.02214076e23
HARTREE = 4.3597447222071e-18
DALTON = 1.66053906660e-27
GAS = BOLTZMANN * AVOGADRO
"""J/(mol K)."""
JOULE_PER_MOL_PER_HARTREE = HARTREE * AVOGADRO


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """:param symmetry_number: proper rotations of the molecule onto itself."""

    temperature_k: float
    pressure_bar: float
    symmetry_number: int
    multiplicity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Thermochemistry:
    """Per molecule in hartree, but the entropy and heat capacity in J/(mol K).

    :param enthalpy_correction: to be added to the electronic energy, zero-point energy included.
    :param heat_capacity: at constant pressure.
    """

    zero_point: float
    enthalpy_correction: float
    entropy: float
    heat_capacity: float

    def gibbs_correction(self, temperature_k: float) -> float:
        return self.enthalpy_correction - temperature_k * self.entropy / JOULE_PER_MOL_PER_HARTREE


def thermochemistry(
    vibrations: Vibrations, geometry: Geometry, conditions: Conditions
) -> Thermochemistry:
    """Imaginary modes are left out."""
    temperature = conditions.temperature_k
    energies = [_translation(geometry, conditions), _rotation(geometry, conditions)]
    energies += [
        _oscillator(float(frequency), temperature)
        for frequency in vibrations.frequencies_cm1
        if frequency > 0
    ]
    real = [float(frequency) for frequency in vibrations.frequencies_cm1 if frequency > 0]
    zero_point = sum(0.5 * PLANCK * LIGHT_CM_PER_S * frequency for frequency in real) / HARTREE
    thermal = sum(energy for energy, _, _ in energies) + GAS * temperature
    return Thermochemistry(
        zero_point=zero_point,
        enthalpy_correction=zero_point + thermal / JOULE_PER_MOL_PER_HARTREE,
        entropy=sum(entropy for _, entropy, _ in energies)
        + GAS * math.log(conditions.multiplicity),
        heat_capacity=sum(capacity for *_, capacity in energies) + GAS,
    )


Part = tuple[float, float, float]
"""Thermal energy (J/mol), entropy and heat capacity at constant volume (J/(mol K))."""


def _translation(geometry: Geometry, conditions: Conditions) -> Part:
    """Sackur and Tetrode's."""
    temperature, pascal = conditions.temperature_k, conditions.pressure_bar * 1e5
    mass = float(masses(geometry).sum()) * DALTON
    per_volume = (2 * math.pi * mass * BOLTZMANN * temperature / PLANCK**2) ** 1.5
    states = per_volume * BOLTZMANN * temperature / pascal
    return 1.5 * GAS * temperature, GAS * (math.log(states) + 2.5), 1.5 * GAS


def _rotation(geometry: Geometry, conditions: Conditions) -> Part:
    """A classical rigid rotor."""
    temperature, sigma = conditions.temperature_k, conditions.symmetry_number
    moments, _, _ = moments_of_inertia(geometry)
    if moments[2] < 1e-8:
        return 0.0, 0.0, 0.0
    reduced = 8 * math.pi**2 * BOLTZMANN * temperature / PLANCK**2
    by_axis = [reduced * float(moment) * DALTON * 1e-20 for moment in moments]
    if is_on_a_line(moments):
        states = by_axis[2] / sigma
        return GAS * temperature, GAS * (math.log(states) + 1), GAS
    states = math.sqrt(math.pi * math.prod(by_axis)) / sigma
    return 1.5 * GAS * temperature, GAS * (math.log(states) + 1.5), 1.5 * GAS


def _oscillator(frequency_cm1: float, temperature_k: float) -> Part:
    quantum = PLANCK * LIGHT_CM_PER_S * frequency_cm1 / BOLTZMANN
    reduced = quantum / temperature_k
    if reduced > 500:
        return 0.0, 0.0, 0.0  # frozen, and exp() would overflow
    occupation = 1 / math.expm1(reduced)
    entropy = GAS * (reduced * occupation - math.log(-math.expm1(-reduced)))
    capacity = GAS * reduced**2 * occupation * (1 + occupation)
    return GAS * quantum * occupation, entropy, capacity
