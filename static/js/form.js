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
