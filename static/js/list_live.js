// The lists of jobs keep themselves up to date: a socket says which rows have moved, and only these
// are asked for again. While the socket is down they are asked for every few seconds.
import { tellLocalTime } from "./page.js";

const BACK_OFF_S = [0.5, 1, 2, 4, 8, 15];
const SILENCE_S = 15;
const POLL_S = 5;
const GATHER_MS = 150;
const REFUSALS = { 4400: "reload the page", 4401: "signed out" };
const WORDS = { live: "live", polling: "polling", reconnecting: "reconnecting" };
const MOST_ROWS = 50;

const list = document.querySelector("#job-list");
const chip = document.querySelector("#live");
const moved = new Set();
let isMore = false;
let newest = list.dataset.newest;
let socket = null;
let tries = 0;
let heardAt = Date.now();
let gathering = 0;
let isRefused = false;

const rows = (which = "") => [...list.querySelectorAll(`tr[data-job]${which}`)];

function tell(link, words = WORDS[link]) {
  chip.dataset.link = link;
  chip.querySelector("span").textContent = words;
}

function open() {
  if (socket || isRefused) return;
  const watched = rows("[data-moving]").map((row) => `${row.dataset.job}:${row.dataset.seq}`);
  const url = new URL(list.dataset.live, location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  url.searchParams.set("jobs", watched.join(","));
  if (newest !== undefined) url.searchParams.set("newest", newest);
  const mine = new WebSocket(url);
  socket = mine;
  heardAt = Date.now();
  mine.onmessage = (message) => mine === socket && hear(JSON.parse(message.data));
  mine.onclose = (closing) => mine === socket && lost(closing.code);
}

function hear(message) {
  heardAt = Date.now();
  tries = 0;
  tell("live");
  if (message.t !== "jobs") return;
  message.moved.forEach((id) => moved.add(id));
  isMore ||= message.more;
  lookSoon();
}

function lost(code) {
  socket = null;
  if (code in REFUSALS) {
    isRefused = true;
    tell("refused", REFUSALS[code]);
    return;
  }
  if (chip.dataset.link !== "polling") tell("reconnecting");
  const wait = BACK_OFF_S[Math.min(tries++, BACK_OFF_S.length - 1)];
  setTimeout(open, wait * 1000 * (0.5 + Math.random()));
}

/** What has changed within a moment is asked for at once; a page that nobody sees waits. */
function lookSoon() {
  if (!document.hidden) gathering ||= setTimeout(look, GATHER_MS);
}

async function look() {
  gathering = 0;
  const ids = [...moved].slice(0, MOST_ROWS);
  const wantsAll = isMore || (ids.length > 0 && "whole" in list.dataset);
  isMore = false;
  ids.forEach((id) => moved.delete(id));
  try {
    if (wantsAll) await lookAtAll();
    else if (ids.length) await lookAtRows(ids);
  } catch {
    // Asked again with the next news, or by the next poll.
    ids.forEach((id) => moved.add(id));
    isMore ||= wantsAll;
    return false;
  }
  if (moved.size || isMore) lookSoon();
  return true;
}

async function html(url) {
  const answer = await fetch(url, {
    headers: { Accept: "text/html" },
    signal: AbortSignal.timeout(15_000),
  });
  if (!answer.ok || answer.redirected) throw new Error(`the list answered ${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

async function lookAtRows(ids) {
  const url = new URL(list.dataset.rows, location.href);
  url.searchParams.set("ids", ids.join(","));
  if ("select" in list.dataset) url.searchParams.set("select", "1");
  const fresh = await html(url);
  for (const row of fresh.querySelectorAll("tr[data-job]")) replaceRow(row);
  recount(fresh);
  told();
}

function recount(fresh) {
  const counts = fresh.querySelector("#counts");
  if (counts) document.querySelector("#counts").replaceWith(adopted(counts));
}

/** The list as the server has it now. What is new goes on top; nothing leaves under a reader's hand. */
async function lookAtAll() {
  const page = await html(location.href);
  const fresh = page.querySelector("#job-list");
  if (!fresh) return;
  if ("whole" in list.dataset) swapWhole(fresh);
  else addRows(fresh);
  newest = fresh.dataset.newest ?? newest;
  told();
  // Its jobs are others now.
  const old = socket;
  socket = null;
  old?.close();
  open();
}

function swapWhole(fresh) {
  const blocks = list.querySelector(".blocks");
  if (blocks.contains(document.activeElement)) {
    for (const row of fresh.querySelectorAll("tr[data-job]")) replaceRow(row);
  } else {
    blocks.replaceWith(adopted(fresh.querySelector(".blocks")));
  }
  list.querySelector("#site").replaceWith(adopted(fresh.querySelector("#site")));
}

function addRows(fresh) {
  recount(fresh);
  const body = list.querySelector("#rows");
  if (!("top" in list.dataset)) return;
  if (!body) {
    // The first job of an empty list brings its table along.
    if (fresh.querySelector("#rows")) location.reload();
    return;
  }
  const known = new Set(rows().map((row) => row.dataset.job));
  const added = [...fresh.querySelectorAll("tr[data-job]")].filter((row) => {
    if (!known.has(row.dataset.job)) return true;
    replaceRow(row);
    return false;
  });
  body.prepend(...added.map(adopted));
}

function adopted(node) {
  tellLocalTime(node);
  return document.adoptNode(node);
}

/** The mark and the focus stay where they are. */
function replaceRow(fresh) {
  const old = list.querySelector(`tr[data-job="${CSS.escape(fresh.dataset.job)}"]`);
  if (!old || Number(old.dataset.seq) >= Number(fresh.dataset.seq)) return;
  const before = old.querySelector(".status")?.dataset.status;
  const after = fresh.querySelector(".status")?.dataset.status;
  const mark = old.querySelector(".pick input");
  if (mark) fresh.querySelector(".pick input").checked = mark.checked;
  const focused = old.contains(document.activeElement) && document.activeElement.tagName;
  old.replaceWith(adopted(fresh));
  if (focused) fresh.querySelector(focused === "INPUT" ? "input" : "a").focus();
  if (before !== after) {
    fresh.querySelector(".state").classList.add("changed");
    announce(`${fresh.querySelector(".name a").textContent}: ${fresh.querySelector(".status").textContent.trim()}`);
  }
}

function announce(text) {
  document.querySelector("#announce").textContent = text;
}

function told() {
  list.dispatchEvent(new CustomEvent("rows"));
}

async function poll() {
  if (isRefused || document.hidden || socket?.readyState === WebSocket.OPEN) return;
  rows("[data-moving]").forEach((row) => moved.add(row.dataset.job));
  tell(await look() ? "polling" : "reconnecting");
}

setInterval(poll, POLL_S * 1000);
setInterval(() => {
  // A dead network may take minutes to confirm a close, so do not wait for it.
  if (!socket || Date.now() - heardAt < SILENCE_S * 1000) return;
  const silent = socket;
  lost(1006);
  silent.close();
}, 1000);
addEventListener("online", open);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  open();
  if (moved.size || isMore) lookSoon();
});
open();
