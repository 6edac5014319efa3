// A job's page comes alive: numbers move by themselves, everything else is drawn by the server again.
import "./job_keys.js";
import { forgetSent } from "./remembered.js";
import { tellLocalTime } from "./page.js";
import { JobView } from "./view.js";

const MOVES_NUMBERS_ONLY = new Set(["progress", "log"]);
const ENDS = new Set(["succeeded", "failed", "cancelled"]);
const ANNOUNCE_EVERY_MS = 10_000;
const GLYPHS = { queued: "◌", running: "▶", succeeded: "✓", failed: "×", cancelled: "⊘" };
const ICONS = { queued: "queued", running: "running", succeeded: "done", failed: "failed", cancelled: "cancelled" };

forgetSent(); // before what is waited for: whoever goes on at once finds an empty form too
let view = new JobView(document.querySelector("#job"));
let missed = null; // events that arrived while the server draws the page anew
let isBehind = false; // while nobody sees it, a page is not drawn anew
let announcedAt = 0;

const chip = document.querySelector("#live");
// A job that has ended has no news, and needs nobody to listen.
const [{ Live }, { keep }, { left }] = chip
  ? await Promise.all([import("./live.js"), import("./mol_keep.js"), import("./eta.js")])
  : [{}, {}, {}];
const live = chip && new Live(
  { socket: view.data.ws, poll: view.data.poll, seq: view.seq, epoch: view.data.epoch },
  { event: hear, link: showLink, lost: drawAgain },
);

if (live) setInterval(everySecond, 1000);
showTitle();

function hear(event) {
  const stageBefore = view.data.job.stage;
  missed?.push(event);
  view.apply(event);
  showTitle();
  if (ENDS.has(event.kind)) announce(`The job has ${event.kind === "cancelled" ? "been " : ""}${event.kind}.`, true);
  else if (event.stage && event.stage !== stageBefore) announce(`${event.stage}: ${event.message}`);
  if (ENDS.has(event.kind)) live.end();
  if (!MOVES_NUMBERS_ONLY.has(event.kind)) drawOnceSeen();
}

/** The tab tells the state by its title until then: of many that are open, one is looked at. */
function drawOnceSeen() {
  isBehind = document.hidden;
  if (!isBehind) drawAgain();
}

document.addEventListener("visibilitychange", () => isBehind && drawOnceSeen());

/** Fetch the page and put its job in place of ours; what happened meanwhile is applied on top. */
async function drawAgain() {
  if (missed) {
    missed.again = true;
    return;
  }
  missed = [];
  try {
    const answer = await fetch(view.data.page, { headers: { Accept: "text/html" } });
    if (!answer.ok) throw new Error(`the page answered ${answer.status}`);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    replace(fresh.querySelector("#job"));
  } catch {
    missed.again = true;
  }
  const { again } = missed;
  missed = null;
  if (again) setTimeout(drawAgain, 1000);
}

function replace(fresh) {
  const open = [...view.root.querySelectorAll("details[open][id]")].map((each) => each.id);
  const focused = document.activeElement?.id;
  const before = view;
  const { scrollX, scrollY } = window;
  const top = scrollY > 0 ? topOfSeen(before.root) : null;
  tellLocalTime(fresh);
  document.adoptNode(fresh);
  keep(before.root, fresh);
  before.root.after(fresh);
  view = new JobView(fresh);
  view.resemble(before);
  before.remove();
  before.root.remove();
  scrollTo(scrollX, scrollY);
  // What stands above a result is not as high as what stood above the run.
  if (top !== null) scrollBy(0, (topOfSeen(fresh) ?? top) - top);
  for (const event of missed) view.apply(event);
  live?.goOn(view.seq, view.data.epoch);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  showTitle();
}

/** Where the structure is on the screen; null where none is. */
function topOfSeen(root) {
  const { top, bottom } = root.querySelector("[data-mol]")?.getBoundingClientRect() ?? {};
  return top < innerHeight && bottom > 0 ? top : null;
}

function showLink(link) {
  chip.dataset.link = link;
  document.body.classList.toggle("is-stale", link === "reconnecting" || link === "refused");
  everySecond();
}

function everySecond() {
  if (live.link !== "reconnecting" && live.link !== "refused") view.tick(left);
  const age = `${live.age} s old`;
  chip.lastElementChild.textContent = {
    connecting: "connecting",
    live: "live",
    polling: `polling, ${age}`,
    reconnecting: `reconnecting, data ${age}`,
    refused: live.refusal,
    ended: "complete",
  }[live.link];
}

function showTitle() {
  const { state, progress, name } = view.data.job;
  const percent = state === "running" ? ` ${Math.round(progress * 100)} %` : "";
  const title = `${GLYPHS[state]}${percent} ${name} · Backplane`;
  if (document.title !== title) document.title = title;
  const icon = document.querySelector('link[rel="icon"]');
  const href = new URL(`../img/fav-${ICONS[state]}.svg`, import.meta.url).href;
  if (icon.href !== href) icon.href = href;
}

function announce(text, now = false) {
  if (!now && Date.now() - announcedAt < ANNOUNCE_EVERY_MS) return;
  announcedAt = Date.now();
  document.querySelector("#announce").textContent = text;
}
