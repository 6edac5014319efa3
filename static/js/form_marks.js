// What differs from where the form began is marked, and goes back by a press.
import { control, fieldOf, fill, inWords, isSame, questions, spec, structures, textOf } from "./form_fields.js";

export function mark(name) {
  const question = questions.get(name);
  const field = fieldOf(name);
  if (!field) return;
  const base = spec.base[name];
  const isFree = !base && (question.required || structures.includes(name));
  const isChanged = !isFree && !isSame(question, textOf(name), base);
  field.toggleAttribute("data-changed", isChanged);
  field.querySelector("[data-changed-note]").hidden = !isChanged;
  field.querySelector("[data-base]").textContent = inWords(question, base);
}

export function markAll() {
  for (const name of questions.keys()) mark(name);
}

/** From now on changes are those from these texts; what they do not name is at its default. */
export function beginFrom(texts) {
  for (const question of spec.questions) {
    if (structures.includes(question.name) || question.required) continue;
    spec.base[question.name] = texts[question.name] ?? question.default;
    const note = fieldOf(question.name)?.querySelector("[data-default-note]");
    if (!note) continue;
    note.hidden = isSame(question, spec.base[question.name], question.default);
    note.querySelector("[data-default]").textContent = inWords(question, question.default);
  }
}

export function hearMarks(form) {
  form.addEventListener("input", ({ target }) => questions.has(target.name) && mark(target.name));
  form.addEventListener("change", ({ target }) => questions.has(target.name) && mark(target.name));
  form.addEventListener("click", ({ target }) => {
    const field = target.closest("[data-reset]")?.closest("[data-field]");
    if (!field) return;
    fill(field.dataset.field, spec.base[field.dataset.field]);
    control(field.dataset.field).focus();
  });
}
