// The list: filters act at once, and jobs that move are looked up again every few seconds.
import { tellLocalTime } from "./page.js";

const EVERY_MS = 5000;

document.addEventListener("change", (changed) => {
  changed.target.closest("[data-send-on-change]")?.requestSubmit();
});

setInterval(async () => {
  const list = document.querySelector("#job-list");
  if (document.hidden || !("moving" in list.dataset) || list.contains(document.activeElement)) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("#job-list");
  if (!fresh) return;
  tellLocalTime(fresh);
  list.replaceWith(document.adoptNode(fresh));
}, EVERY_MS);
