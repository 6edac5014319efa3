// Keys of a job's page: duplicate it, copy its link, follow its log, go to a figure or the next job.
import { isKey } from "./keyed.js";
import { neighbour } from "./remembered.js";

const SAID_MS = 2500;
let silence = 0;

const KEYS = {
  d: () => document.querySelector("[data-duplicate]")?.click() ?? say("This simulation is no longer here."),
  y: copyLink,
  f: followLog,
  "[": () => goTo(-1),
  "]": () => goTo(1),
};

document.addEventListener("keydown", (pressed) => {
  if (!isKey(pressed)) return;
  const isNumber = /^[1-9]$/.test(pressed.key);
  if (!isNumber && !(pressed.key in KEYS)) return;
  pressed.preventDefault();
  if (isNumber) showFigure(pressed.key);
  else KEYS[pressed.key]();
});

function showFigure(number) {
  const figure = document.querySelector(`figure[aria-labelledby="caption-${number}"]`);
  if (!figure) return say(`There is no figure ${number} here.`);
  figure.tabIndex = -1;
  figure.focus({ preventScroll: true });
  figure.scrollIntoView({ block: "start" });
  history.replaceState(null, "", `#caption-${number}`);
}

async function copyLink() {
  try {
    await navigator.clipboard.writeText(location.href);
    say("The link is copied.");
  } catch {
    say(`No clipboard here; the link is ${location.href}`);
  }
}

function followLog() {
  const log = document.querySelector("#log");
  if (!log) return say("This job has no log yet.");
  log.scrollIntoView({ block: "nearest" });
  log.scrollTop = log.scrollHeight;
}

function goTo(by) {
  const path = neighbour(location.pathname, by);
  if (path) location.assign(path);
  else say(by < 0 ? "No job before this one in the list." : "No job after this one in the list.");
}

function say(words) {
  const line = document.querySelector("#said");
  line.textContent = words;
  clearTimeout(silence);
  silence = setTimeout(() => { line.textContent = ""; }, SAID_MS);
}
