// The submit form: offered values fill themselves in, and nothing is sent twice.
const form = document.querySelector("#ask");

for (const offer of form.querySelectorAll("[data-fill]")) {
  const target = document.getElementById(offer.dataset.fill);
  if (!target) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.className = `btn as-link ${offer.className}`;
  button.textContent = offer.textContent;
  button.addEventListener("click", () => {
    target.value = offer.dataset.value;
    target.closest("details")?.setAttribute("open", "");
    target.removeAttribute("aria-invalid");
    target.dispatchEvent(new Event("change", { bubbles: true }));
    target.focus();
  });
  offer.replaceWith(button);
}

document.querySelector("#problems")?.focus();

form.addEventListener("keydown", (pressed) => {
  if (pressed.key === "Enter" && (pressed.ctrlKey || pressed.metaKey)) form.requestSubmit();
});

form.addEventListener("submit", (submitted) => {
  if (form.dataset.sent) submitted.preventDefault();
  form.dataset.sent = "1";
  for (const button of form.querySelectorAll("button:not([type=button])")) button.disabled = true;
});

// Back from the job's page: the browser shows the form as it was, so let it be sent again.
addEventListener("pageshow", () => {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("button[disabled]")) button.disabled = false;
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
