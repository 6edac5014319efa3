// What a number with a unit is taken as, and a press that writes it so.
import { button } from "./form_check.js";
import { converted, fill, form } from "./form_fields.js";

export function hearUnits() {
  for (const kind of ["input", "change"]) {
    form.addEventListener(kind, ({ target }) => target.dataset.unit && tell(target));
  }
  for (const at of form.querySelectorAll("[data-unit]")) tell(at);
}

function tell(at) {
  const found = converted(at);
  let line = at.closest(".field").querySelector("[data-taken]");
  if (!found) return line?.remove();
  line ??= under(at);
  const text = found.numbers.join(", ");
  if (line.dataset.taken === text) return line; // else leaving the field would pull the button away
  line.dataset.taken = text;
  const words = document.createElement("span");
  words.className = "num";
  words.textContent = `${text} ${at.dataset.unit}`;
  line.replaceChildren("Taken as ", words, ". ", button("Write it so", () => {
    fill(at.name, text);
    at.focus();
  }));
  return line;
}

function under(at) {
  const line = document.createElement("p");
  line.className = "hint";
  line.dataset.taken = "";
  line.setAttribute("role", "status");
  (at.closest(".with-unit") ?? at).after(line);
  return line;
}
