// Single letters as keys, for a list of jobs: not while somebody writes, and only if they like them.
import { isKey, keyed, likeKeys } from "./keyed.js";
import { keepList } from "./remembered.js";

const help = document.querySelector("#keys");
const choice = help.querySelector("[data-keys-on]");

const rows = () => [...document.querySelectorAll("tr[data-job]")];
const here = () => document.activeElement?.closest("tr[data-job]");

const KEYS = {
  "/": () => document.querySelector("[data-filter-text], #quick-structure")?.focus(),
  j: () => step(1),
  k: () => step(-1),
  n: () => location.assign(help.dataset.new),
  x: () => mark(false),
  X: () => mark(true),
  c: () => document.querySelector('#bulk-bar[data-any] [value="compare"]')?.click(),
  "?": () => help.showModal(),
};

function step(by) {
  const all = rows();
  const at = all.indexOf(here());
  const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1);
  const link = all[next]?.querySelector(".name a");
  link?.focus();
  link?.closest("tr").scrollIntoView({ block: "nearest" });
}

function mark(range) {
  const row = here();
  if (row) document.dispatchEvent(new CustomEvent("mark", { detail: { row, range } }));
}

document.addEventListener("keydown", (pressed) => {
  if (!isKey(pressed) || !(pressed.key in KEYS)) return;
  pressed.preventDefault();
  KEYS[pressed.key]();
});

/** Enter opens the job also while its mark has the focus. */
document.addEventListener("keydown", (pressed) => {
  if (pressed.key !== "Enter" || !pressed.target.matches("tbody .pick input")) return;
  pressed.preventDefault();
  here().querySelector(".name a").click();
});

document.addEventListener("click", (pressed) => {
  if (pressed.target.closest("tr[data-job] a")) keepList(rows().map((row) => row.querySelector(".name a").pathname));
  if (pressed.target.closest("[data-keys]")) help.showModal();
});

choice.checked = keyed();
choice.addEventListener("change", () => likeKeys(choice.checked));
