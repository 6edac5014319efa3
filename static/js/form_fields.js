// What the fields of the submit form hold: as texts, and as the params of a submission.
import { convert, rounded } from "./units.js";

export const form = document.querySelector("#ask");
export const spec = JSON.parse(document.querySelector("#ask-spec").textContent);
export const questions = new Map(spec.questions.map((each) => [each.name, each]));
export const structures = spec.questions.filter((each) => each.kind === "structure").map((each) => each.name);
const FORMAT = "__format";
const KEPT = "__kept";

export const control = (name) => form.elements.namedItem(name);
export const fieldOf = (name) => form.querySelector(`[data-field="${CSS.escape(name)}"]`);
export const token = () => control("csrfmiddlewaretoken").value;
export const kept = (name) => control(name + KEPT)?.value ?? "";

/** What was typed with a unit, in that of the field; null where none was, or none that fits. */
export function converted(at) {
  const unit = at.dataset.unit;
  return unit ? convert(at.value, spec.units[unit] ?? {}) : null;
}

export function textOf(name) {
  const at = control(name);
  return at.type === "checkbox" ? at.checked : at.value;
}

/** Fill it in as if somebody had typed it. */
export function fill(name, text) {
  const at = control(name);
  if (at.type === "checkbox") at.checked = Boolean(text);
  else at.value = text;
  at.closest("details")?.setAttribute("open", "");
  at.dispatchEvent(new Event("input", { bubbles: true }));
  at.dispatchEvent(new Event("change", { bubbles: true }));
}

/** A param's value, as a mend has it. */
export function fillValue(name, value) {
  if (!questions.has(name)) return;
  if (control(name + FORMAT)) control(name + FORMAT).value = value?.format ?? "auto";
  fill(name, asText(questions.get(name), value));
}

export function keep(name, reference) {
  control(name + KEPT).value = reference;
}

export const isBlank = (name) => !kept(name) && String(textOf(name)).trim() === "";

export function isSame(question, one, other) {
  if (question.kind === "bool") return Boolean(one) === Boolean(other);
  const [a, b] = [one, other].map((each) => String(each ?? "").trim());
  if (a === b) return true;
  const isRead = question.kind === "number" || question.kind === "json";
  return isRead && understood(question, a) === understood(question, b);
}

/** As the server reads it, in the unit of the field: 25 C is 298.15. */
function understood({ unit }, text) {
  const numbers = convert(text, spec.units[unit] ?? {})?.numbers;
  const value = numbers?.length === 1 ? numbers[0] : numbers ?? read(text);
  return JSON.stringify(value, (_, each) => (typeof each === "number" ? rounded(each) : each));
}

export function inWords(question, text) {
  if (question.kind === "bool") return text ? "on" : "off";
  const label = question.labels[text] ?? String(text ?? "");
  const short = label.length > 60 ? `${label.slice(0, 60)}…` : label;
  return short.replaceAll("\n", " ") || "blank";
}

export function submission() {
  const number = (name) => (control(name).value === "" ? undefined : limit(name));
  const tags = control("job_tags").value.split(",").map((each) => each.trim()).filter(Boolean);
  return {
    simulation: spec.simulation,
    params: params(),
    name: control("job_name").value,
    tags: [...new Set(tags)],
    backend: control("job_backend")?.value || undefined,
    queue: control("job_queue")?.value || undefined,
    limits: { wall_time_s: number("job_wall_time_s"), memory_mib: number("job_memory_mib") },
    reuse: !control("job_anew").checked,
  };
}

function limit(name) {
  const [number] = converted(control(name))?.numbers ?? [];
  const text = control(name).value;
  if (number !== undefined) return Math.floor(number);
  return Number.isFinite(Number(text)) ? Number(text) : text;
}

/** As the server reads the same form. */
function params() {
  const found = {};
  for (const question of spec.questions) {
    const { name } = question;
    const text = textOf(name);
    const reference = kept(name).split(" ", 1)[0];
    if (reference && String(text).trim() === "") found[name] = inFormat(name, { file: reference });
    else if (!isLeftOut(question, text)) found[name] = inFormat(name, asValue(question, text));
    else if (question.takes_none) found[name] = null;
  }
  return found;
}

function inFormat(name, value) {
  const said = control(name + FORMAT)?.value ?? "auto";
  if (said === "auto") return value;
  return typeof value === "string" ? { format: said, text: value } : { ...value, format: said };
}

function isLeftOut(question, text) {
  const isText = ["text", "textarea", "structure"].includes(question.kind);
  return text === "" && !(question.required && isText);
}

function asValue(question, text) {
  if (question.kind === "choice") return Object.hasOwn(question.choices, text) ? question.choices[text] : text;
  return question.kind === "json" || question.kind === "number" ? read(text) : text;
}

function asText(question, value) {
  const plain = value?.text ?? value;
  if (question.kind === "bool") return Boolean(plain);
  if (plain === null || plain === undefined) return "";
  if (question.kind === "choice") return Object.keys(question.choices).find((text) => question.choices[text] === plain) ?? String(plain);
  return typeof plain === "string" ? plain : JSON.stringify(plain);
}

function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
