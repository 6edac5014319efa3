// On every page: say that scripts run, and tell times in the reader's own zone.
document.documentElement.classList.add("js");

const LOCAL = new Intl.DateTimeFormat("en-GB", {
  day: "2-digit", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit",
});

export function tellLocalTime(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    time.textContent = LOCAL.format(new Date(time.dateTime));
  }
}

tellLocalTime(document);

/** A menu that is open covers what is below it: it closes once something else is gone to. */
function closeMenus(isStaying) {
  for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = isStaying(menu);
}

for (const gone of ["click", "focusin"]) {
  document.addEventListener(gone, ({ target }) => closeMenus((menu) => menu.contains(target)));
}

document.addEventListener("keydown", (pressed) => {
  if (pressed.key !== "Escape") return;
  document.activeElement?.closest("details.menu[open]")?.querySelector("summary").focus();
  closeMenus(() => false);
});

/** What cannot be undone is asked about once; without script the button simply does it. */
document.addEventListener("submit", (sent) => {
  const question = sent.target.dataset.confirm;
  if (question && !confirm(question)) sent.preventDefault();
});

/** Put the text of what the button names on the clipboard, and say so for a moment. */
document.addEventListener("click", async (pressed) => {
  const button = pressed.target.closest("[data-copy]");
  if (!button) return;
  const told = button.textContent;
  try {
    await navigator.clipboard.writeText(document.querySelector(button.dataset.copy).innerText);
    button.textContent = "Copied";
  } catch {
    // No clipboard without a secure context: the text can still be marked and copied.
    button.textContent = "Cannot copy here";
  }
  setTimeout(() => { button.textContent = told; }, 2000);
});
