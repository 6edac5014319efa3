// The texts that chemists' files hold, one for each frame, and what each says of itself.
import { number } from "./format.js";

const SPLIT = {
  xyz: framesOfXyz,
  pdb: framesOfPdb,
  sdf: (text) => text.split(/^\$\$\$\$\r?\n?/m).filter((each) => each.trim()),
  cif: (text) => text.split(/^(?=data_step_\d)/m),
};

export const WITH_WATER = /^(ATOM {2}|HETATM).{11}HOH /m;

/** Every frame of a file: its own text and its facts, such as its energy. */
export function framesOf(text, format) {
  return SPLIT[format](text).map((frame) => ({ text: frame, format, facts: factsOf(frame, format) }));
}

/** Where in its run a frame is: which step, or at what time. */
export function placeOf({ facts }) {
  return facts.step ?? facts.time_ps;
}

/** What a frame is called in words: “Step 3 of 14, energy −39.62856 hartree”. */
export function labelOf(frames, at, word) {
  const { facts } = frames[at];
  const parts = [`${word} ${at + 1} of ${frames.length}`];
  if (facts.name) parts.unshift(facts.name);
  if (facts.time_ps !== undefined) parts.push(`${number(facts.time_ps, "fixed", 3)} ps`);
  if (facts.score_kcal_per_mol !== undefined) {
    parts.push(`score ${number(facts.score_kcal_per_mol, "fixed", 2)} kcal/mol`);
  }
  if (facts.energy_hartree !== undefined) {
    if (word === "Conformer") {
      const above = (facts.energy_hartree - frames[0].facts.energy_hartree) * KCAL_PER_MOL;
      parts.push(at ? `${number(above, "fixed", 2)} kcal/mol above the lowest` : "the lowest");
    } else {
      parts.push(`${number(facts.energy_hartree, "fixed", 5)} hartree`);
    }
  }
  return parts.join(", ");
}

const KCAL_PER_MOL = 627.5094740631;

function framesOfXyz(text) {
  const lines = text.split(/\r?\n/);
  const frames = [];
  for (let at = 0; at < lines.length; ) {
    const count = Number.parseInt(lines[at], 10);
    if (!(count > 0)) break;
    const whole = lines.slice(at, at + count + 2);
    if (whole.length < count + 2 || whole.at(-1).trim().split(/\s+/).length < 4) break; // cut short
    frames.push(whole.join("\n"));
    at += count + 2;
  }
  return frames;
}

/** Each model with the remarks before it and the bonds at the end; a file without models is one. */
function framesOfPdb(text) {
  if (!/^MODEL/m.test(text)) return [text];
  const bonds = [...text.matchAll(/^CONECT.*$/gm)].map(([line]) => `${line}\n`).join("");
  const models = text.split(/^ENDMDL.*\r?\n?/m).filter((each) => /^(ATOM|HETATM)/m.test(each));
  return models.map((each) => `${each}${bonds}`); // 3Dmol reads nothing after ENDMDL
}

function factsOf(frame, format) {
  const facts = {};
  if (format === "xyz") take(facts, frame.split("\n", 2)[1] ?? "", /(step|energy_hartree) (\S+)/g);
  if (format === "cif") take(facts, frame.slice(0, 200), /(step|energy_hartree) (\S+)/g);
  if (format === "pdb") take(facts, frame.slice(0, 400), /^REMARK (time_ps) (\S+)/gm);
  if (format === "sdf") {
    take(facts, frame, />\s+<(score_kcal_per_mol|energy_hartree|rank)>\s*\n(\S+)/g);
    facts.name = frame.split("\n", 1)[0].trim();
  }
  return facts;
}

function take(facts, text, pattern) {
  for (const [, name, value] of text.matchAll(pattern)) {
    if (Number.isFinite(Number(value))) facts[name] = Number(value);
  }
}

/** What the figure shows, by role: the views in their order, the frames, the receptor. */
export async function fetchFiles({ files }, following) {
  const found = { views: [] };
  await Promise.all(files.map(async (file) => {
    const told = { ...file, frames: following ? await following.begin() : framesOf(await textOf(file), file.format) };
    if (file.role === "view") found.views.push(told);
    else found[file.role] = told;
  }));
  const place = ({ name }) => files.findIndex((each) => each.name === name);
  found.views.sort((a, b) => place(a) - place(b));
  return found;
}

async function textOf(file) {
  const answer = await fetch(file.url);
  if (!answer.ok) throw new Error(`${file.name} cannot be had (${answer.status})`);
  return answer.text();
}
