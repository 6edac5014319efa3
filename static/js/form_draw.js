// A molecule drawn by hand. The editor is loaded when somebody opens it, and not before.
import { understood } from "./form_check.js";
import { control, fill, kept } from "./form_fields.js";
import { tellKept } from "./form_structure.js";

const PAUSE_MS = 300;
const dialog = document.querySelector("#sketch");
const canvas = dialog.querySelector("[data-canvas]");
const line = dialog.querySelector("#sketch-smiles");
const wrong = dialog.querySelector("[data-wrong]");
const source = document.querySelector("#previews").dataset.draws;
let chem = null;
let editor = null;
let of = "";
let waiting = 0;

export async function draw(name) {
  of = name;
  dialog.showModal();
  try {
    chem ??= await import(new URL(source, location.href).href);
    editor ??= open();
    show(start(control(name).value));
  } catch {
    canvas.textContent = "The editor is not on this site. Type a SMILES or a name, or give a file.";
  }
}

function open() {
  canvas.replaceChildren();
  const found = new chem.CanvasEditor(canvas, { initialMode: "molecule" });
  found.setOnChangeListener(({ type, isUserEvent }) => {
    if (type !== "molecule" || !isUserEvent) return;
    line.value = smiles();
    tell("");
  });
  return found;
}

/** What is in the box, if it can be drawn: as it stands, or as the server understood it. */
function start(text) {
  const typed = text.trim();
  return (typed && read(typed)) || (understood?.smiles && read(understood.smiles)) || new chem.Molecule(0, 0);
}

function read(text) {
  try {
    const found = text.includes("M  END") ? chem.Molecule.fromMolfile(text) : chem.Molecule.fromSmiles(text);
    found.inventCoordinates();
    return found;
  } catch {
    return null;
  }
}

function show(molecule) {
  editor.setMolecule(molecule);
  line.value = smiles();
  tell("");
}

function smiles() {
  const molecule = editor.getMolecule();
  return molecule.getAllAtoms() ? molecule.toIsomericSmiles() : "";
}

function tell(words) {
  wrong.textContent = words;
  wrong.hidden = !words;
}

function redraw() {
  const typed = line.value.trim();
  const molecule = typed ? read(typed) : new chem.Molecule(0, 0);
  tell(molecule ? "" : "This is no SMILES that can be drawn.");
  if (molecule) editor.setMolecule(molecule);
}

function use() {
  if (editor) {
    control(`${of}__format`).value = "auto";
    if (kept(of)) tellKept(of, "");
    fill(of, smiles());
  }
  dialog.close();
}

line.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => editor && redraw(), PAUSE_MS);
});
line.addEventListener("keydown", (pressed) => {
  if (pressed.key === "Enter") {
    pressed.preventDefault();
    redraw();
    use();
  }
});
dialog.querySelector("[data-use]").addEventListener("click", use);
dialog.querySelector("[data-clear]").addEventListener("click", () => editor && show(new chem.Molecule(0, 0)));
dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => control(of)?.focus());
