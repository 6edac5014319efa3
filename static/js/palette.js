// The palette on every page: find a job, a molecule or a page, or begin with a SMILES; and its keys.
import { isKey } from "./keyed.js";

const palette = document.querySelector("#palette");
const field = palette.querySelector("input");
const found = palette.querySelector(".found");
const help = document.querySelector("#all-keys");
const places = JSON.parse(document.querySelector("#places").textContent);
const SOON_MS = 150;
const SECOND_KEY_MS = 1200;

let asking = 0;
let newest = 0;
let goesTo = 0;

function open() {
  if (document.querySelector("dialog[open]")) return;
  palette.showModal();
  field.select();
  look();
}

async function look() {
  const mine = ++newest;
  const url = `${palette.dataset.search}?part=1&q=${encodeURIComponent(field.value.trim())}`;
  const answer = await fetch(url, { headers: { Accept: "text/html" } }).catch(() => null);
  if (mine !== newest) return; // what was typed since is on its way
  if (!answer?.ok || answer.redirected) {
    found.textContent = "The site does not answer. Enter tries it as a page.";
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  found.replaceChildren(...[...page.body.childNodes].map((node) => document.adoptNode(node)));
}

field.addEventListener("input", () => {
  clearTimeout(asking);
  asking = setTimeout(look, SOON_MS);
});

/** Arrows go through what was found, and back to the field before the first of it. */
palette.addEventListener("keydown", (pressed) => {
  const by = { ArrowDown: 1, ArrowUp: -1 }[pressed.key];
  if (!by) return;
  pressed.preventDefault();
  const all = [field, ...found.querySelectorAll("a")];
  const at = all.indexOf(document.activeElement);
  all[Math.min(Math.max(at + by, 0), all.length - 1)].focus();
});

/** Enter in the field opens the first that was found, once what was typed has been looked for. */
palette.querySelector("form").addEventListener("submit", async (sent) => {
  sent.preventDefault();
  clearTimeout(asking);
  await look();
  const first = found.querySelector("a");
  if (first) first.click();
  else sent.target.submit();
});

palette.addEventListener("click", (pressed) => {
  if (pressed.target === palette) palette.close();
});

document.addEventListener("click", (pressed) => {
  const opener = pressed.target.closest("[data-palette]");
  if (!opener || pressed.ctrlKey || pressed.metaKey) return;
  pressed.preventDefault();
  open();
});

document.addEventListener("keydown", (pressed) => {
  if ((pressed.ctrlKey || pressed.metaKey) && !pressed.altKey && pressed.key.toLowerCase() === "k") {
    pressed.preventDefault();
    open();
  }
});

/** `g` and a letter go to a page; `?` tells the keys, unless the page has a list of its own. */
document.addEventListener("keydown", (pressed) => {
  if (!isKey(pressed)) return;
  const within = Date.now() - goesTo < SECOND_KEY_MS;
  goesTo = pressed.key === "g" && !within ? Date.now() : 0;
  if (within && pressed.key in places) {
    pressed.preventDefault();
    pressed.stopImmediatePropagation();
    location.assign(places[pressed.key]);
  } else if (pressed.key === "?" && !document.querySelector("#keys")) {
    pressed.preventDefault();
    help.showModal();
  }
}, true);
