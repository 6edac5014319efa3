// Before anything is sent: what is wrong and how to mend it, what it was understood as, what it takes.
import { control, fieldOf, fill, fillValue, form, inWords, isBlank, questions, spec, structures, submission, token } from "./form_fields.js";
import { about, between, formula, mebibytes } from "./form_words.js";

const PAUSE_MS = 400;
const AROUND = 24; // characters shown beside one that is wrong, as the server has it
const SLOW_MS = 600; // from then on it is said that something goes on
const SPINS = { 1: "singlet", 2: "doublet", 3: "triplet", 4: "quartet", 5: "quintet" };
const card = document.querySelector("#verdict [data-verdict]");
const part = (name) => document.querySelector(`#verdict [data-${name}]`);
const wait = document.querySelector("#verdict [data-checking]");
const touched = new Set();
const retyped = new Set(); // since the page came
let waiting = 0;
let running = null;

const SIGNED_OUT = "You are signed out by now: submit it, and you are asked to sign in. What you typed is kept.";

/** What the last check understood the structure as; null where it did not. */
export let understood = null;

export function hearChecks() {
  if (!spec.available) return;
  for (const kind of ["input", "change"]) {
    form.addEventListener(kind, ({ target }) => {
      touched.add(target.name);
      retyped.add(target.name);
      if (target.name !== "job_confirmed" && target.name !== "preset_name") checkSoon();
    });
  }
  // What the server has found wrong was sent, and counts as begun.
  for (const at of form.querySelectorAll("[aria-invalid]")) touched.add(at.name);
  part("mend-all").querySelector("button").addEventListener("click", mendAll);
  checkSoon();
}

export function checkSoon() {
  clearTimeout(waiting);
  waiting = setTimeout(check, PAUSE_MS);
}

async function check() {
  running?.abort();
  // A form that nobody has begun to fill in is not wrong yet.
  if (structures.length && structures.every((name) => isBlank(name) && !touched.has(name))) return showNothing();
  running = new AbortController();
  const { signal } = running;
  const slow = setTimeout(() => { wait.hidden = false; }, SLOW_MS);
  try {
    const answer = await fetch(spec.check, {
      method: "POST", signal, body: JSON.stringify(submission()),
      headers: { "Content-Type": "application/json", "X-CSRFToken": token() },
    });
    const told = await answer.json();
    if (signal.aborted) return undefined;
    if (answer.ok) return show(told);
    if (answer.status === 401) return showRefusal(SIGNED_OUT);
    return showRefusal(told.detail ?? "It could not be checked.");
  } catch (error) {
    if (error.name === "AbortError") return undefined;
    return showRefusal("It could not be checked: the site does not answer. It can still be sent.");
  } finally {
    clearTimeout(slow);
    if (running.signal === signal) wait.hidden = true;
  }
}

function showNothing() {
  card.hidden = true;
  understood = null;
  showErrors([]);
  tellStructure(null);
}

function showRefusal(detail) {
  card.hidden = false;
  for (const name of ["time", "basis", "outlook", "notes", "same"]) part(name).replaceChildren();
  part("refused").textContent = detail;
  part("mend-all").hidden = true;
}

function show(told) {
  card.hidden = false;
  const { job } = told;
  understood = job?.structure ?? null;
  const elsewhere = showErrors(told.errors);
  part("refused").textContent = [...elsewhere.map((each) => each.detail), ...leftToDo()].join(" ");
  showMendAll(told);
  if (understood || errorAt(structures[0])) tellStructure(understood);
  showEstimate(job?.estimate, told.same);
  showOutlook(told.outlook, told.same);
  showNotes(job?.notes ?? []);
  showSame(told.same);
  showPlace(job?.placement);
  showCost(job?.estimate, told.same);
}

function leftToDo() {
  const wrong = form.querySelectorAll("[data-field] [aria-invalid]").length;
  const ofTable = control("job_table")?.files.length ? structures[0] : null; // answered by each of its rows
  const blank = spec.questions.filter(({ name, required }) => required && name !== ofTable && isBlank(name) && !touched.has(name));
  const count = wrong > 1 ? `${wrong} things are` : "One thing is";
  return [
    ...(wrong ? [`${count} to be mended before it can be sent.`] : []),
    ...(blank.length ? [`Still to be given: ${blank.map((each) => each.label).join(", ")}.`] : []),
  ];
}

/** Each beside its field; those of no field are given back. */
function showErrors(errors) {
  const by = new Map();
  const elsewhere = [];
  for (const error of errors.map(inLabels)) {
    const name = /^\/params\/([^/]+)/.exec(error.pointer)?.[1] ?? limitOf(error.pointer);
    if (!control(name ?? "")) elsewhere.push(error);
    else if (touched.has(name) || !questions.get(name)?.required || !isBlank(name)) by.set(name, [...(by.get(name) ?? []), error]);
  }
  for (const name of questions.keys()) tellErrors(name, by.get(name) ?? []);
  tellRefused(by);
  return elsewhere;
}

/** Of why it was not sent: what was changed since says what holds now, and goes once it is mended. */
function tellRefused(by) {
  const box = document.querySelector("#problems");
  for (const item of box?.querySelectorAll("li") ?? []) {
    const link = item.querySelector("a");
    const at = link && document.querySelector(link.hash);
    if (!at || !retyped.has(at.name)) continue;
    if (by.has(at.name)) item.replaceChildren(link, `: ${by.get(at.name).map((each) => each.detail).join(" ")}`);
    else if (!at.hasAttribute("aria-invalid")) item.remove();
  }
  if (!box?.querySelector("ul:empty, ul:not(:has(li))")) return;
  const words = document.createElement("p");
  words.textContent = "What was wrong is mended: it can be sent now.";
  box.querySelector("ul").replaceWith(words);
  box.classList.replace("error", "quiet");
}

/** An error that names other questions calls them as the page does, not as the interface. */
function inLabels(error) {
  const called = (word) => (questions.has(word) ? `“${questions.get(word).label}”` : word);
  return { ...error, detail: error.detail.replace(/\b[a-z0-9]+(?:_[a-z0-9]+)+\b/g, called) };
}

const limitOf = (pointer) => pointer.startsWith("/limits/") && pointer.replace("/limits/", "job_");

function tellErrors(name, errors) {
  const field = fieldOf(name);
  if (!field) return;
  const box = document.getElementById(`id_${name}_error`);
  box.replaceChildren(...errors.flatMap((error) => [`${error.detail} `, ...whereOf(name, error), ...fixesOf(name, error)]));
  box.hidden = errors.length === 0;
  const at = control(name);
  const described = new Set((at.getAttribute("aria-describedby") ?? "").split(" ").filter(Boolean));
  described[errors.length ? "add" : "delete"](box.id);
  if (errors.length) at.setAttribute("aria-invalid", "true");
  else at.removeAttribute("aria-invalid");
  if (described.size) at.setAttribute("aria-describedby", [...described].join(" "));
  else at.removeAttribute("aria-describedby");
  if (errors.length) field.closest("details")?.setAttribute("open", "");
}

/** The place where a text goes wrong, and a way to it. */
function whereOf(name, { position }) {
  const at = control(name);
  const text = at.value.trim();
  if (!position || questions.get(name)?.kind !== "structure" || position > text.length) return [];
  const wrong = document.createElement("mark");
  wrong.textContent = text[position - 1];
  const line = document.createElement("code");
  line.className = "where";
  const from = Math.max(position - 1 - AROUND, 0);
  const until = position + AROUND;
  line.append(from ? "…" : "", text.slice(from, position - 1), wrong, text.slice(position, until), until < text.length ? "…" : "");
  const start = at.value.length - at.value.trimStart().length + position;
  return [line, button(`Go to position ${position}`, () => {
    at.focus();
    at.setSelectionRange(start - 1, start);
  }), " "];
}

function fixesOf(blamed, { fix }) {
  return Object.entries(fix ?? {}).flatMap(([name, value]) => {
    if (name === "simulation") return [otherForm(value)];
    const question = questions.get(name);
    if (!question) return [];
    const words = inWords(question, typeof value === "object" ? JSON.stringify(value) : value);
    return [button(name === blamed ? `Use ${words}` : `Set ${question.label} to ${words}`, () => fillValue(name, value))];
  });
}

function otherForm(name) {
  const link = document.createElement("a");
  const [subject] = structures;
  const text = subject ? control(subject).value : "";
  link.href = `${spec.forms}${name}/${text && text.length < 1500 ? `?structure=${encodeURIComponent(text)}` : ""}`;
  link.textContent = `Use ${name}`;
  return link;
}

let patch = null;
function showMendAll(told) {
  patch = told.patch?.params ?? null;
  const mends = told.errors.filter((each) => each.fix && !each.fix.simulation).length;
  part("mend-all").hidden = !(patch && told.patch_suffices && mends > 1);
}

function mendAll() {
  for (const [name, value] of Object.entries(patch)) fillValue(name, value);
}

const errorAt = (name) => name && control(name).hasAttribute("aria-invalid");

/** What a preview read, where the check has said no more of it. */
export function tellFormula(name, found) {
  const line = fieldOf(name)?.querySelector("[data-understood]");
  if (!line || (name === structures[0] && understood)) return;
  line.replaceChildren("✓ ", ...formula(found.formula), `, ${found.n_atoms} atom${found.n_atoms === 1 ? "" : "s"}.`);
}

function tellStructure(found) {
  const [subject] = structures;
  const line = subject && fieldOf(subject)?.querySelector("[data-understood]");
  if (!line) return;
  if (!found) return line.replaceChildren();
  const facts = [`${found.n_atoms} atom${found.n_atoms === 1 ? "" : "s"}`];
  if (found.n_electrons) facts.push(`${found.n_electrons} electrons`);
  if (found.charge) facts.push(`charge ${found.charge > 0 ? "+" : "−"}${Math.abs(found.charge)}`);
  if (found.multiplicity) facts.push(SPINS[found.multiplicity] ?? `multiplicity ${found.multiplicity}`);
  if (found.n_residues) facts.push(`${found.n_residues} residues`);
  if (found.space_group) facts.push(found.space_group);
  return line.replaceChildren("✓ ", ...formula(found.formula ?? ""), `, ${facts.join(", ")}; ${found.reading}.`);
}

function showEstimate(estimate, same) {
  const seconds = estimate?.seconds;
  const [time, basis] = [part("time"), part("basis")];
  time.replaceChildren();
  basis.textContent = "";
  if (!estimate || same?.job) return;
  if (!seconds) {
    basis.textContent = "No estimate: nothing comparable has run here.";
    return;
  }
  const range = document.createElement("small");
  range.textContent = ` ${between(seconds.p10, seconds.p90)}`;
  const words = about(seconds.p50);
  time.append(words[0].toUpperCase() + words.slice(1), range);
  const memory = estimate.memory_mib ? `, memory about ${mebibytes(estimate.memory_mib.p50)}` : "";
  basis.textContent = `From ${estimate.basis}; ${estimate.threads} core${estimate.threads === 1 ? "" : "s"}${memory}.`;
}

function showOutlook(outlook, same) {
  const line = part("outlook");
  line.textContent = "";
  if (!outlook || same?.job) return;
  const place = outlook.place > 1 ? `Number ${outlook.place} in the line` : "First in the line";
  const start = outlook.starts_in_s ? `; starts in ${about(outlook.starts_in_s.p50)}` : "";
  line.textContent = outlook.awaits_approval ? "It waits for approval before it starts." : `${place}${start}.`;
}

function showNotes(notes) {
  part("notes").replaceChildren(...notes.filter(({ code }) => code !== "structure").map(({ message }) => {
    const item = document.createElement("li");
    item.textContent = message;
    return item;
  }));
}

function showSame(same) {
  const line = part("same");
  line.replaceChildren();
  if (!same?.job) return;
  const link = document.createElement("a");
  link.href = `${spec.jobs}${same.job.id}/`;
  link.textContent = same.outcome === "hit" ? "open its result" : "watch it";
  const words = same.outcome === "hit" ? "You have had the very same computed: " : "The very same is on its way: ";
  line.append(words, link, ", or ", button("run it anew", () => fill("job_anew", true)), ".");
}

/** Where it would run, and by which word of whom. */
function showPlace(place) {
  const folded = document.querySelector("#place");
  if (!folded) return;
  const line = folded.querySelector("[data-place]");
  line.hidden = !place;
  folded.querySelector("[data-place-short]").textContent = place ? `${place.backend}, ${place.queue}` : "";
  line.textContent = place ? `It would run on ${place.backend}, queue ${place.queue}. ${place.why}` : "";
}

function showCost(estimate, same) {
  const hours = estimate?.seconds ? (estimate.seconds.p50 * estimate.threads) / 3600 : 0;
  const asks = hours > spec.confirm_core_hours && !same?.job;
  part("confirm").hidden = !asks;
  if (asks) part("confirm-words").textContent = `This takes about ${hours < 10 ? Number(hours.toPrecision(2)) : Math.round(hours).toLocaleString("en")} core-hours. Tick to send it all the same.`;
  else control("job_confirmed").checked = false;
}

export function button(words, act) {
  const found = document.createElement("button");
  found.type = "button";
  found.className = "btn as-link";
  found.textContent = words;
  found.addEventListener("click", act);
  return found;
}
