// What result figures show in the structure: charges as colours, a field as lobes, a mode as motion.
import { number } from "./format.js";
import { token } from "./save.js";

const NEGATIVE = [0xc8, 0x36, 0x2b];
const POSITIVE = [0x2f, 0x5f, 0xa8];
const MIDDLE = [0xe4, 0xe2, 0xdc];
const MODE_FRAMES = 12;
const MODE_REACH = 0.8; // Å, of the atom that goes farthest
const MODE_INTERVAL_MS = 55;
const LOBES = 0.93; // drawn onto nothing, for the page shows through: less looks washed out
const LABELS_UP_TO = 60;
const SAME_PLACE = 0.001; // Å

const BESIDE = { alignment: "bottomLeft", backgroundOpacity: 0.7, borderThickness: 0 }; // not over its colour

const volumes = new Map(); // fields that were fetched, by address

/** The field of a cube file; fetched once. */
export async function fieldOf(dmol, url) {
  if (!volumes.has(url)) {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`the cube file cannot be had (${answer.status})`);
    volumes.set(url, new dmol.VolumeData(await answer.text(), "cube"));
  }
  return volumes.get(url);
}

/** Where the field is positive in blue, where negative in copper. */
export function drawLobes(viewer, { volume, isovalue }) {
  const [positive, negative] = [token("--s3"), token("--s2")];
  viewer.addIsosurface(volume, { isoval: isovalue, color: positive, opacity: LOBES, smoothness: 2 });
  viewer.addIsosurface(volume, { isoval: -isovalue, color: negative, opacity: LOBES, smoothness: 2 });
}

/** Red where negative, blue where positive, the same for both sides; the numbers beside. */
export function colourByCharge(viewer, model, charges, labelStyle) {
  const atoms = model.selectedAtoms({});
  const largest = Math.max(...charges.map(Math.abs)) || 1;
  atoms.forEach((atom, i) => {
    const color = blend(charges[i] / largest);
    model.setStyle({ index: atom.index }, { stick: { radius: 0.12, color }, sphere: { scale: 0.28, color } });
    if (atoms.length > LABELS_UP_TO) return;
    const text = `${charges[i] < 0 ? "−" : "+"}${Math.abs(charges[i]).toFixed(2)}`;
    viewer.addLabel(text, { ...labelStyle, position: atom, ...BESIDE });
  });
}

/** A model that goes to and fro along its displacements, with arrows where it goes. */
export function startVibration(viewer, model) {
  const atoms = model.selectedAtoms({});
  const farthest = Math.max(...atoms.map(({ dx, dy, dz }) => Math.hypot(dx, dy, dz)));
  const reach = MODE_REACH / farthest;
  for (const atom of atoms) drawArrow(viewer, atom, reach);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  model.vibrate(MODE_FRAMES, reach, true, viewer);
  viewer.animate({ loop: "backAndForth", interval: MODE_INTERVAL_MS, reps: 0 });
}

/** Whether the dipole is of the atoms as they are shown. */
export function isOfDipole({ symbols, positions_angstrom: positions }, atoms) {
  return atoms.length === symbols.length && atoms.every(({ elem, x, y, z }, i) => (
    elem === symbols[i] && [x, y, z].every((value, axis) => Math.abs(value - positions[i][axis]) < SAME_PLACE)
  ));
}

/** An arrow through the middle of the atoms, from minus to plus, 1 Å for each debye. */
export function drawDipole(viewer, { vector_debye: vector, dipole_debye: size }, atoms, labelStyle) {
  const middle = (axis) => atoms.reduce((sum, atom) => sum + atom[axis], 0) / atoms.length;
  const at = (part) => Object.fromEntries(["x", "y", "z"].map((axis, i) => [axis, middle(axis) + part * vector[i]]));
  viewer.addArrow({ start: at(-0.5), end: at(0.5), radius: 0.09, radiusRatio: 2.4, mid: Math.max(0.5, 1 - 0.5 / size), color: token("--s4") });
  viewer.addLabel(`${number(size, "fixed", 2)} D`, { ...labelStyle, position: at(0.5), alignment: "bottomLeft", backgroundOpacity: 1 });
}

function drawArrow(viewer, { x, y, z, dx, dy, dz }, reach) {
  if (Math.hypot(dx, dy, dz) * reach < 0.08) return;
  const end = { x: x + dx * reach * 1.6, y: y + dy * reach * 1.6, z: z + dz * reach * 1.6 };
  viewer.addArrow({ start: { x, y, z }, end, radius: 0.06, radiusRatio: 2.4, mid: 0.7, color: token("--copper") });
}

function blend(part) {
  const end = part < 0 ? NEGATIVE : POSITIVE;
  const mixed = MIDDLE.map((each, i) => Math.round(each + (end[i] - each) * Math.min(Math.abs(part), 1)));
  return `rgb(${mixed.join(",")})`;
}
