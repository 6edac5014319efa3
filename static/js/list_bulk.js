// Filters that act at once, and marks: one, many, a range, all; and what is done to the marked ones.
const list = document.querySelector("#job-list");
const bar = document.querySelector("#bulk-bar");
let last = null;

const marks = () => [...list.querySelectorAll("tbody .pick input")];

list.addEventListener("change", (changed) => {
  if (changed.target.matches("select")) changed.target.form.requestSubmit();
  if (changed.target.matches("[data-all]")) markAll(changed.target.checked);
  if (changed.target.matches("tbody .pick input")) count();
});

/** An address that says only what is asked for. */
list.addEventListener("submit", (sent) => {
  if (!("filters" in sent.target.dataset)) return;
  for (const field of sent.target.elements) if (field.name && !field.value) field.disabled = true;
});

/** Back in the history the fields are as they were, and can be used again. */
addEventListener("pageshow", () => {
  for (const field of list.querySelectorAll("[data-filters] :disabled")) field.disabled = false;
  count();
});

list.addEventListener("click", (pressed) => {
  if (pressed.target.matches("[data-none]")) markAll(false);
  if (!pressed.target.matches("tbody .pick input")) return;
  if (pressed.shiftKey && last?.isConnected) markRange(last, pressed.target);
  last = pressed.target;
});

/** By keyboard: `x`, and with Shift all from the last one to this. */
document.addEventListener("mark", ({ detail: { row, range } }) => {
  const mark = row.querySelector(".pick input");
  if (!mark) return;
  mark.checked = range ? true : !mark.checked;
  const from = last && list.querySelector(`input[value="${CSS.escape(last.value)}"]`);
  if (range && from) markRange(from, mark);
  last = mark;
  count();
});

function markRange(from, to) {
  const all = marks();
  const [first, final] = [all.indexOf(from), all.indexOf(to)].sort((a, b) => a - b);
  if (first < 0) return;
  for (const mark of all.slice(first, final + 1)) mark.checked = to.checked;
  count();
}

function markAll(checked) {
  for (const mark of marks()) mark.checked = checked;
  count();
}

function count() {
  if (!bar) return;
  const all = marks();
  const n = all.filter((mark) => mark.checked).length;
  bar.toggleAttribute("data-any", n > 0);
  bar.querySelector("#bulk-count").textContent = n;
  const head = list.querySelector("[data-all]");
  head.checked = n > 0 && n === all.length;
  head.indeterminate = n > 0 && n < all.length;
}

/** What cannot be undone is asked about once; without script the button simply does it. */
document.querySelector("#bulk")?.addEventListener("submit", (sent) => {
  const question = sent.submitter?.dataset.ask;
  if (question && !confirm(question)) sent.preventDefault();
});

/** Enter in the field for a tag tags: it does not press the first button, which cancels. */
document.querySelector("#bulk-tag")?.addEventListener("keydown", (pressed) => {
  if (pressed.key !== "Enter") return;
  pressed.preventDefault();
  document.querySelector('#bulk [value="tag"]').click();
});

list.addEventListener("rows", count);
count();
