// The list: filters act at once, and jobs that move are looked up again every few seconds; a batch
// that moves is looked up when its stream of events says that there is news.
import { tellLocalTime } from "./page.js";

const EVERY_MS = 5000;
const GATHER_MS = 500;
let stream = null;
let looking = 0;

document.addEventListener("change", (changed) => {
  changed.target.closest("[data-send-on-change]")?.requestSubmit();
});

async function look() {
  looking = 0;
  const list = document.querySelector("#job-list");
  if (document.hidden || !("moving" in list.dataset)) return;
  if (list.contains(document.activeElement)) {
    lookSoon();
    return;
  }
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("#job-list");
  if (!fresh) return;
  tellLocalTime(fresh);
  document.adoptNode(fresh);
  document.dispatchEvent(new CustomEvent("list-anew", { detail: { before: list, fresh } }));
  list.replaceWith(fresh);
}

/** However much happens at once, one look will do; the page is never redrawn under a reader's hand. */
function lookSoon() {
  looking ||= setTimeout(look, GATHER_MS);
}

/** A browser holds few connections to a site, so a page that nobody sees gives up its own. */
function follow() {
  const { dataset } = document.querySelector("#job-list");
  if (document.hidden) {
    stream?.close();
    stream = null;
  } else if (!stream && "moving" in dataset) {
    stream = new EventSource(`${dataset.stream}?after=${dataset.seq}`);
    stream.onmessage = lookSoon;
    stream.onerror = () => {
      if (stream.readyState !== EventSource.CLOSED) return; // it opens itself again
      stream = null;
      setTimeout(follow, EVERY_MS);
    };
    for (const last of ["end", "refused"]) stream.addEventListener(last, () => { stream.close(); lookSoon(); });
  }
}

if (document.querySelector("#job-list").dataset.stream) {
  document.addEventListener("visibilitychange", follow);
  follow();
} else {
  setInterval(look, EVERY_MS);
}
