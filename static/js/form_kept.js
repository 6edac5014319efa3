// What was typed into a form and not yet sent is kept in this browser, for its reader alone.
import { dropTyped, keepTyped, refused, rememberSent, typed } from "./remembered.js";

const SOON_MS = 500;
const LARGEST = 200_000; // characters: a browser keeps a few million for a whole site
const NEVER = /^(csrfmiddlewaretoken|job_once|job_confirmed|preset_name)$|__(file|kept)$/;

/** Keep the form as it is filled in; `fill` puts a text into a field.
 *  @param reader and simulation, as the beginning of a key
 *  @returns what is called where fields change without an event */
export function keepForm(form, reader, fill) {
  refused();
  const first = new Map(fields(form).map((field) => [field.name, valueOf(field)]));
  const drafts = { first, sent: sentBefore(first, keyOf(reader)), key: keyOf(reader) };
  if (!form.querySelector("#problems")) restore(form, drafts, fill);
  let waiting = 0;
  const writeSoon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => write(form, drafts, keyOf(reader)), SOON_MS);
  };
  for (const kind of ["input", "change"]) form.addEventListener(kind, writeSoon);
  form.addEventListener("submit", () => {
    clearTimeout(waiting);
    write(form, drafts, keyOf(reader));
    rememberSent(drafts.key);
  });
  return writeSoon;
}

/** A form that starts from a job or a preset, which its address says, is one of its own. */
function keyOf(reader) {
  const asked = new URLSearchParams(location.search).toString();
  return asked ? `${reader}?${asked}` : reader;
}

/** What a page that answers a POST shows as it was typed: nothing of it was there at first. */
function sentBefore(first, key) {
  const kept = Object.entries(JSON.parse(typed(key)));
  return new Set(kept.filter(([name, value]) => first.get(name) === value).map(([name]) => name));
}

function fields(form) {
  return [...form.elements].filter((field) => field.name && !NEVER.test(field.name) && field.type !== "file" && field.type !== "hidden");
}

function valueOf(field) {
  return field.type === "checkbox" || field.type === "radio" ? field.checked : field.value;
}

function write(form, drafts, key) {
  const { first, sent } = drafts;
  if (key !== drafts.key) dropTyped(drafts.key); // a preset was chosen meanwhile
  drafts.key = key;
  const changed = fields(form).filter(
    (field) => sent.has(field.name) || valueOf(field) !== first.get(field.name),
  );
  const text = JSON.stringify(Object.fromEntries(changed.map((field) => [field.name, valueOf(field)])));
  if (!changed.length) dropTyped(key);
  else if (text.length <= LARGEST) keepTyped(key, text);
}

function restore(form, { first, key }, fill) {
  const kept = Object.entries(JSON.parse(typed(key))).filter(
    ([name, value]) => first.has(name) && first.get(name) !== value,
  );
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
