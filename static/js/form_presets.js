// A preset fills the settings in and leaves the rest as it was typed.
import { control, form, questions, spec, structures } from "./form_fields.js";
import { beginFrom, markAll } from "./form_marks.js";

export function hearPresets(changed) {
  const box = document.querySelector("#presets");
  box?.addEventListener("click", (pressed) => {
    const link = pressed.target.closest("[data-preset]");
    if (!link || pressed.ctrlKey || pressed.metaKey || pressed.shiftKey) return;
    pressed.preventDefault();
    apply(link.dataset.preset);
    show(box, link);
    changed();
  });
}

function apply(key) {
  const texts = spec.presets[key] ?? {};
  for (const { name, kind, required, default: usual } of spec.questions) {
    if (required || structures.includes(name) || !isSetting(name)) continue;
    const text = texts[name] ?? usual;
    if (kind === "bool") control(name).checked = Boolean(text);
    else control(name).value = text;
    // What a preset chose is not hidden.
    if (name in texts) control(name).closest("details")?.setAttribute("open", "");
  }
  // A duplicate stays one: what is changed is what the other job did not have.
  if (!spec.from_source) beginFrom(texts);
  markAll();
}

/** What is computed stays: charge and multiplicity are the molecule's. */
function isSetting(name) {
  return questions.get(name).is_setting;
}

function show(box, link) {
  const key = link.dataset.preset;
  for (const each of box.querySelectorAll("[data-preset]")) {
    if (each === link) each.setAttribute("aria-current", "true");
    else each.removeAttribute("aria-current");
  }
  for (const words of box.querySelectorAll("[data-of]")) words.hidden = words.dataset.of !== key;
  for (const where of [location, form]) {
    const address = new URL(where.href ?? form.action);
    if (key) address.searchParams.set("preset", key);
    else address.searchParams.delete("preset");
    if (where === location) history.replaceState(history.state, "", address);
    else form.action = address;
  }
}
