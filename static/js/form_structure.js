// The box that takes any structure: typed, dropped or chosen as a file, or drawn.
import { checkSoon } from "./form_check.js";
import { control, fieldOf, fill, keep, kept, spec, structures, token } from "./form_fields.js";

const SHOWN_BYTES = 50_000; // beyond, a file is kept by the server and named here

export function hearStructures(draw) {
  for (const name of structures) {
    const field = fieldOf(name);
    if (!field) continue;
    const box = field.querySelector("[data-drop]");
    const chooser = control(`${name}__file`);
    chooser.addEventListener("change", () => chooser.files[0] && take(name, chooser.files[0]));
    field.querySelector("[data-draw]")?.addEventListener("click", () => draw(name));
    field.querySelector("[data-forget]").addEventListener("click", () => tellKept(name, ""));
    hearDrops(name, box);
  }
}

export function tellKept(name, reference) {
  keep(name, reference);
  const line = fieldOf(name).querySelector("[data-kept]");
  line.hidden = !reference;
  const [digest, ...called] = reference.split(" ");
  line.querySelector("[data-kept-words]").textContent = `file ${called.join(" ")}, ${digest.slice(0, 15)}…`;
  checkSoon();
}

function hearDrops(name, box) {
  const over = (yes) => box.toggleAttribute("data-over", yes);
  box.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    over(true);
  });
  box.addEventListener("dragleave", () => over(false));
  box.addEventListener("drop", (event) => {
    over(false);
    const [file] = event.dataTransfer.files;
    if (!file) return;
    event.preventDefault();
    take(name, file);
  });
}

/** A short text is shown where it can be changed; the rest goes to the server, which names it. */
async function take(name, file) {
  const line = fieldOf(name).querySelector("[data-understood]");
  const text = file.size <= SHOWN_BYTES ? await file.text() : "";
  if (text && !text.includes("\0")) {
    if (kept(name)) tellKept(name, "");
    control(`${name}__file`).value = "";
    fill(name, text);
    line.textContent = `Read from ${file.name}.`;
    return;
  }
  line.textContent = `Sending ${file.name}…`;
  let told;
  try {
    told = await sent(file);
  } catch (why) {
    const words = document.createElement("span");
    words.className = "error";
    words.textContent = `${file.name} was not taken: ${why.message}`;
    line.replaceChildren(words);
    return;
  }
  control(`${name}__file`).value = "";
  fill(name, "");
  line.textContent = "";
  tellKept(name, `sha256:${told.sha256} ${told.name}`);
}

/** What the server calls it; an error says in words why it has none. */
async function sent(file) {
  const body = new FormData();
  body.set("file", file);
  let answer;
  try {
    answer = await fetch(spec.files, { method: "POST", body, headers: { "X-CSRFToken": token() } });
  } catch {
    throw new Error("the site does not answer.");
  }
  const told = await answer.json().catch(() => ({ detail: `the site answered ${answer.status}.` }));
  if (!answer.ok) throw new Error(told.detail);
  return told;
}
