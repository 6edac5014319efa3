// An ideal gas of rigid rotors and harmonic oscillators, as simulations/quantum/thermochemistry.py has it.

// CODATA 2018, SI.
const BOLTZMANN = 1.380649e-23;
const PLANCK = 6.62607015e-34;
const LIGHT_CM_PER_S = 2.99792458e10;
const AVOGADRO = 6.02214076e23;
const DALTON = 1.6605390666e-27;
const GAS = BOLTZMANN * AVOGADRO;
const HARTREE = 4.3597447222071e-18;
export const JOULE_PER_MOL_PER_HARTREE = HARTREE * AVOGADRO;

/** Hartree, but entropy and heat capacity (at constant pressure) in J/(mol K). Imaginary modes are left out. */
export function gas(told, temperature, pressureBar) {
  const real = told.frequencies_cm1.filter((each) => each > 0);
  const parts = [
    translation(told, temperature, pressureBar), rotation(told, temperature),
    ...real.map((each) => oscillator(each, temperature)),
  ];
  const sum = (place) => parts.reduce((total, part) => total + part[place], 0);
  const zeroPoint = real.reduce((total, each) => total + 0.5 * PLANCK * LIGHT_CM_PER_S * each, 0) / HARTREE;
  const enthalpy = told.energy_hartree + zeroPoint + (sum(0) + GAS * temperature) / JOULE_PER_MOL_PER_HARTREE;
  const entropy = sum(1) + GAS * Math.log(told.multiplicity);
  return {
    energy_hartree: told.energy_hartree,
    zero_point_hartree: zeroPoint,
    enthalpy_hartree: enthalpy,
    gibbs_hartree: enthalpy - (temperature * entropy) / JOULE_PER_MOL_PER_HARTREE,
    entropy_j_mol_k: entropy,
    heat_capacity_j_mol_k: sum(2) + GAS,
  };
}

// Each part: thermal energy (J/mol), entropy and heat capacity at constant volume (J/(mol K)).

function translation({ mass_dalton: mass }, temperature, pressureBar) {
  const perVolume = ((2 * Math.PI * mass * DALTON * BOLTZMANN * temperature) / PLANCK ** 2) ** 1.5;
  const states = (perVolume * BOLTZMANN * temperature) / (pressureBar * 1e5);
  return [1.5 * GAS * temperature, GAS * (Math.log(states) + 2.5), 1.5 * GAS];
}

function rotation({ rotational_constants_ghz: constants, symmetry_number: sigma }, temperature) {
  const byAxis = constants.map((each) => (BOLTZMANN * temperature) / (PLANCK * each * 1e9));
  if (constants.length === 1) return [GAS * temperature, GAS * (Math.log(byAxis[0] / sigma) + 1), GAS];
  const states = Math.sqrt(Math.PI * byAxis.reduce((product, each) => product * each, 1)) / sigma;
  return [1.5 * GAS * temperature, GAS * (Math.log(states) + 1.5), 1.5 * GAS];
}

function oscillator(frequency, temperature) {
  const quantum = (PLANCK * LIGHT_CM_PER_S * frequency) / BOLTZMANN;
  const reduced = quantum / temperature;
  if (reduced > 500) return [0, 0, 0]; // frozen
  const occupation = 1 / Math.expm1(reduced);
  return [
    GAS * quantum * occupation,
    GAS * (reduced * occupation - Math.log(-Math.expm1(-reduced))),
    GAS * reduced ** 2 * occupation * (1 + occupation),
  ];
}
