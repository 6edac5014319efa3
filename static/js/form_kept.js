// What was typed into a form and not yet sent is kept in this browser, for its reader alone.
import { dropTyped, keepTyped, rememberSent, typed } from "./remembered.js";

const SOON_MS = 500;
const LARGEST = 200_000; // characters: a browser keeps a few million for a whole site
const NEVER = /^(csrfmiddlewaretoken|job_once|job_confirmed|preset_name)$|__(file|kept)$/;

/** Keep the form as it is filled in; `fill` puts a text into a field.
 *  @param key of this reader and this simulation */
export function keepForm(form, key, fill) {
  const first = new Map(fields(form).map((field) => [field.name, valueOf(field)]));
  if (!location.search && !form.querySelector("#problems")) restore(form, key, fill, first);
  let waiting = 0;
  for (const kind of ["input", "change"]) {
    form.addEventListener(kind, () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => write(form, key, first), SOON_MS);
    });
  }
  form.addEventListener("submit", () => {
    clearTimeout(waiting);
    write(form, key, first);
    rememberSent(key);
  });
}

function fields(form) {
  return [...form.elements].filter((field) => field.name && !NEVER.test(field.name) && field.type !== "file" && field.type !== "hidden");
}

function valueOf(field) {
  return field.type === "checkbox" || field.type === "radio" ? field.checked : field.value;
}

function write(form, key, first) {
  const changed = fields(form).filter((field) => valueOf(field) !== first.get(field.name));
  const text = JSON.stringify(Object.fromEntries(changed.map((field) => [field.name, valueOf(field)])));
  if (!changed.length) dropTyped(key);
  else if (text.length <= LARGEST) keepTyped(key, text);
}

function restore(form, key, fill, first) {
  const kept = Object.entries(JSON.parse(typed(key))).filter(([name]) => first.has(name));
  if (!kept.length) return;
  for (const [name, value] of kept) fill(name, value);
  const line = document.createElement("div");
  line.className = "notice quiet";
  line.setAttribute("role", "status");
  const words = document.createElement("p");
  const drop = document.createElement("button");
  drop.type = "button";
  drop.className = "btn as-link";
  drop.textContent = "Begin anew";
  words.append("This is what you had typed here and not sent. ", drop);
  line.append(words);
  drop.addEventListener("click", () => {
    for (const [name] of kept) fill(name, first.get(name));
    dropTyped(key);
    line.remove();
  });
  form.querySelector("div").prepend(line);
}
