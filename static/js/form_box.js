// The box that a docking searches: its numbers as they are typed, and what would suggest them.
import { button } from "./form_check.js";
import { control, converted, fill, form, questions } from "./form_fields.js";

const PARTS = /^(box_\w+|padding_angstrom)$/;
const CENTER = "box_center_angstrom";
const SIZE = "box_size_angstrom";
const RESIDUES = ["box_ligand_residue", "box_residues"];
const EDGES = [6, 60]; // Å, as the server has them
const line = document.querySelector("[data-site]");

export const isOfBox = (name) => questions.has(CENTER) && PARTS.test(name);

/** Typed as the server reads it; null unless both are three numbers. */
export function boxTyped() {
  if (!questions.has(CENTER)) return null;
  const [center, size] = [CENTER, SIZE].map(triple);
  if (!center || !size || size.some((edge) => edge < EDGES[0] || edge > EDGES[1])) return null;
  return { center_angstrom: center, size_angstrom: size };
}

function triple(name) {
  const measured = converted(control(name))?.numbers;
  if (measured) return measured.length === 3 ? measured : null;
  const words = control(name).value.replace(/[[\],]/g, " ").trim().split(/\s+/);
  const found = words.map(Number);
  return words.length === 3 && found.every(Number.isFinite) ? found : null;
}

/** Each key pressed in a number moves the box. */
export function hearBox(move) {
  if (!questions.has(CENTER)) return;
  form.addEventListener("input", ({ target }) => [CENTER, SIZE].includes(target.name) && move());
}

/** What the server says of the box, and bound molecules that could mark it. */
export function tellSite(site) {
  line.hidden = !site;
  if (!site) return;
  const { box, markers, wrong } = site;
  const words = document.createElement("p");
  words.textContent = box ? sentence(box) : wrong || "No box yet: it is drawn here once it is said.";
  const offers = markers.map((label) => button(`Around ${label}`, () => around(label)));
  if (box && RESIDUES.some((name) => control(name).value)) offers.unshift(button("Take these numbers", () => take(box)));
  const acts = document.createElement("div");
  acts.className = "acts";
  acts.append(...offers);
  line.replaceChildren(words, ...(offers.length ? [acts] : []));
}

function sentence({ center_angstrom: center, size_angstrom: size, told }) {
  const volume = Math.round(size.reduce((a, b) => a * b, 1)).toLocaleString("en");
  return `The box: ${size.map((edge) => edge.toFixed(1)).join(" × ")} Å (${volume} Å³) around ${center.map((at) => at.toFixed(1).replace("-", "−")).join(", ")} Å; ${told}`;
}

/** By a bound molecule: its place is unambiguous, its name need not be. */
function around(label) {
  for (const name of ["box_residues", CENTER, SIZE]) if (control(name).value) fill(name, "");
  fill(RESIDUES[0], label);
}

/** The same box, to be changed by hand. */
function take({ center_angstrom: center, size_angstrom: size }) {
  for (const name of RESIDUES) if (control(name).value) fill(name, "");
  fill(CENTER, center.join(", "));
  fill(SIZE, size.join(", "));
}
