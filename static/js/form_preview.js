// The structure before it is sent: its formula, and the atoms where the server will put them.
import { tellFormula } from "./form_check.js";
import { control, fieldOf, form, isBlank, spec, structures } from "./form_fields.js";
import { boxTyped, hearBox, isOfBox, tellSite } from "./form_box.js";
import { hasWebGL, load3Dmol, Scene } from "./mol_scene.js";

const PAUSE_MS = 400;
const DECIDES = ["seed", "preoptimize", "n_conformers", "charge"]; // beside the structure itself
const SITE = ["box_ligand_residue", "box_residues", "box_center_angstrom", "box_size_angstrom", "padding_angstrom"];
const box = document.querySelector("#previews");
const [flat, solid, told] = ["[data-2d]", "[data-3d]", "[data-told]"].map((each) => box.querySelector(each));
let of = structures.find((name) => !isBlank(name)) ?? structures[0];
let waiting = 0;
let running = null;
let shown = "";
let scene = null;
let frame = null;
let site = null;

export function hearPreviews() {
  if (!structures.length) return;
  for (const kind of ["input", "change"]) form.addEventListener(kind, ({ target }) => previewSoon(target.name));
  box.addEventListener("click", ({ target }) => {
    const by = Number(target.closest("[data-spin]")?.dataset.spin);
    if (by) scene?.turn(by, "y");
    if (target.closest("[data-to-box]")) scene?.zoomToBox();
  });
  hearBox(moveBox);
  hearKeys();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => frame && scene?.show([frame]));
  previewSoon(of);
}

function hearKeys() {
  solid.addEventListener("keydown", (pressed) => {
    const turns = { ArrowLeft: [-15, "y"], ArrowRight: [15, "y"], ArrowUp: [-15, "x"], ArrowDown: [15, "x"] }[pressed.key];
    if (!turns || !scene) return;
    pressed.preventDefault();
    scene.turn(...turns);
  });
  // The wheel scrolls the page unless the picture was chosen before.
  const pass = (event) => solid.contains(document.activeElement) || event.stopPropagation();
  for (const kind of ["wheel", "mousewheel", "DOMMouseScroll"]) solid.addEventListener(kind, pass, { capture: true, passive: true });
}

export function previewSoon(name) {
  const whose = name.split("__")[0];
  if (structures.includes(whose)) of = whose;
  if (isOfBox(whose) && !isBlank("receptor_pdb")) of = "receptor_pdb";
  clearTimeout(waiting);
  waiting = setTimeout(preview, PAUSE_MS);
}

async function preview() {
  if (isBlank(of)) return hide();
  const key = JSON.stringify([of, ...[of, `${of}__format`, `${of}__kept`, ...DECIDES, ...SITE].map((name) => control(name)?.value ?? control(name)?.checked)]);
  if (key === shown) return undefined;
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  try {
    const answer = await fetch(spec.preview, { method: "POST", body: bodyOf(), signal });
    const found = await answer.json();
    if (signal.aborted) return undefined;
    shown = key;
    return answer.ok ? await show(found) : hide();
  } catch (error) {
    if (error.name === "AbortError") return undefined;
    return hide(); // the check says what is wrong
  }
}

function bodyOf() {
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (typeof value === "string") body.append(name, value);
  body.set("of", of);
  return body;
}

function hide() {
  shown = "";
  box.hidden = true;
}

/** The numbers typed count at once; what the server made of the rest follows. */
function moveBox() {
  const there = of === "receptor_pdb" ? boxTyped() ?? site?.box ?? null : null;
  box.querySelector("[data-to-box]").hidden = !there || !scene;
  if (scene?.spec.kind === "dynamics") scene.moveBox(there);
}

async function show(found) {
  box.hidden = false;
  site = found.site;
  told.textContent = structures.length > 1 ? `${fieldOf(of).querySelector("label").textContent}: ${found.told}` : found.told;
  tellFormula(of, found);
  const picture = found.svg && new DOMParser().parseFromString(found.svg, "image/svg+xml").documentElement;
  flat.closest("figure").hidden = !picture;
  flat.replaceChildren(...(picture ? [document.adoptNode(picture)] : []));
  flat.setAttribute("role", "img");
  flat.setAttribute("aria-label", `Formula of ${found.formula}`);
  solid.setAttribute("aria-label", `${found.formula}, ${found.n_atoms} atoms. ${found.told}`);
  if (found.text) await draw(found);
  else rest(found.told);
  moveBox();
  tellSite(found.site);
}

async function draw(found) {
  const same = frame?.text === found.text && scene;
  frame = { text: found.text, format: found.format };
  try {
    if (!hasWebGL()) throw new Error("this browser has no WebGL, or it is switched off");
    const dmol = await load3Dmol(box.dataset.vendor);
    if (scene?.spec.kind !== found.kind) {
      scene?.free();
      solid.replaceChildren();
      scene = new Scene(dmol, solid, { kind: found.kind, contacts: [], box: null });
    }
    if (same) return; // only the box is another
    scene.forgetView();
    scene.show([frame]);
    solid.dataset.drawn = found.formula;
  } catch (error) {
    rest(`No 3D: ${error.message}.`);
  }
}

function rest(words) {
  scene?.free();
  scene = null;
  delete solid.dataset.drawn;
  solid.replaceChildren(none(words));
}

function none(words) {
  const line = document.createElement("p");
  line.className = "mol-wait";
  line.textContent = words;
  return line;
}

