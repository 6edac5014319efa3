// Normal modes as Molden's format has them: where the atoms are, and how far each goes.

const ANGSTROM_PER_BOHR = 0.529177210903;

/** The geometry in Å and, of each mode, a displacement of each atom. */
export function readModes(text) {
  const part = (name) => text.split(`[${name}]`)[1].split("[")[0].trim();
  const atoms = part("FR-COORD").split("\n").map((line) => {
    const [symbol, ...bohr] = line.trim().split(/\s+/);
    return { symbol, at: bohr.map((each) => Number(each) * ANGSTROM_PER_BOHR) };
  });
  const modes = part("FR-NORM-COORD").split(/vibration\s+\d+/).slice(1).map((rows) => (
    rows.trim().split("\n").map((row) => row.trim().split(/\s+/).map(Number))
  ));
  return { atoms, modes };
}

/** As an XYZ file whose last columns are the displacements, which 3Dmol reads. */
export function xyzOfMode({ atoms, modes }, place, title) {
  const rows = atoms.map(({ symbol, at }, i) => [symbol, ...[...at, ...modes[place][i]].map((each) => each.toFixed(6))].join(" "));
  return [String(atoms.length), title, ...rows].join("\n");
}
