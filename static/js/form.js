// The submit form: it tells what it holds before it is sent, and is sent once.
import { checkSoon, hearChecks } from "./form_check.js";
import { draw } from "./form_draw.js";
import { control, fill, form, spec } from "./form_fields.js";
import { keepForm } from "./form_kept.js";
import { hearMarks } from "./form_marks.js";
import { hearPresets } from "./form_presets.js";
import { hearPreviews, previewSoon } from "./form_preview.js";
import { hearStructures } from "./form_structure.js";
import { hearUnits } from "./form_units.js";

for (const offer of form.querySelectorAll("[data-fill]")) {
  const target = document.getElementById(offer.dataset.fill);
  if (!target) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.className = `btn as-link ${offer.className}`;
  button.textContent = offer.textContent;
  button.addEventListener("click", () => {
    if (target.type === "checkbox") target.checked = offer.dataset.value === "true";
    else target.value = offer.dataset.value;
    target.closest("details")?.setAttribute("open", "");
    target.removeAttribute("aria-invalid");
    for (const kind of ["input", "change"]) target.dispatchEvent(new Event(kind, { bubbles: true }));
    target.focus();
  });
  offer.replaceWith(button);
}

hearMarks(form);
hearStructures(draw);
hearChecks();
hearPreviews();
hearUnits();
hearPresets(() => {
  checkSoon();
  previewSoon("seed");
  showRequest();
  keepSoon();
});

const keepSoon = keepForm(form, `backplane.draft.${document.querySelector(".who .name")?.textContent ?? ""}.${spec.simulation}`, fill);
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
const problems = document.querySelector("#problems");
problems?.focus();
// A page that answers a POST is one that Back and reloading cannot show again; its address can be.
if (problems) history.replaceState(history.state, "", location.href);

form.addEventListener("keydown", (pressed) => {
  const submit = form.querySelector("[data-submit]");
  if (pressed.key !== "Enter" || !submit) return;
  if (pressed.ctrlKey || pressed.metaKey) form.requestSubmit(submit);
  else if (pressed.target.id === "id_preset_name") form.requestSubmit(form.querySelector("[data-keep]"));
  else return;
  pressed.preventDefault();
});

form.addEventListener("submit", (submitted) => {
  const asks = document.querySelector("#verdict [data-confirm]");
  if (form.dataset.sent) return submitted.preventDefault();
  if (submitted.submitter?.matches("[data-submit]") && asks && !asks.hidden && !control("job_confirmed").checked) {
    submitted.preventDefault();
    return control("job_confirmed").focus();
  }
  form.dataset.sent = "1";
  // Now, the button that was pressed would not be sent along.
  setTimeout(() => {
    for (const button of form.querySelectorAll("button:not([type=button])")) button.disabled = true;
  });
  return undefined;
});

// Back from the job's page: the browser shows the form as it was, so let it be sent again, as a
// form of its own.
addEventListener("pageshow", ({ persisted }) => {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("button[disabled]")) button.disabled = false;
  if (!persisted) return;
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  control("job_once").value = [...bytes].map((each) => each.toString(16).padStart(2, "0")).join("");
});

// The same as a request to copy follows the form, as the server writes it; files stay here.
const copy = document.querySelector("#copy");
let asked = 0;

async function showRequest() {
  if (!copy.open) return;
  const mine = ++asked;
  const values = new FormData(form);
  for (const [name, value] of [...values]) if (value instanceof File) values.set(name, value.name);
  try {
    const answer = await fetch(copy.dataset.from, { method: "POST", body: new URLSearchParams(values) });
    if (!answer.ok || mine !== asked) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    copy.querySelector("div").replaceChildren(...fresh.body.children);
  } catch {
    // Without the server there is nothing newer to show.
  }
}

copy.addEventListener("toggle", showRequest);
form.addEventListener("change", showRequest);
