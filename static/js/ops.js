// The operators' screen: asks for what is new every five seconds, while somebody can see it.
const EVERY_S = 5;
const shown = document.getElementById("ops");
const fresh = document.getElementById("ops-fresh");
let asked = 0;

/** Only what differs, so that whoever reads or has opened something is not disturbed. */
function takeIn(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  for (const part of parsed.querySelectorAll("[data-part]")) {
    const old = shown.querySelector(`[data-part="${part.dataset.part}"]`);
    if (!old || old.contains(document.activeElement)) continue;
    const open = [...old.querySelectorAll("details")].map((each) => each.open);
    part.querySelectorAll("details").forEach((each, n) => { each.open = open[n] ?? false; });
    if (old.innerHTML !== part.innerHTML) old.replaceWith(part);
  }
}

function say(words, isStale) {
  if (fresh.textContent !== words) fresh.textContent = words;
  shown.classList.toggle("stale", isStale);
}

async function look() {
  if (document.hidden || Date.now() - asked < EVERY_S * 900) return;
  asked = Date.now();
  try {
    const answer = await fetch(shown.dataset.now, { signal: AbortSignal.timeout(15000), redirect: "error" });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    takeIn(await answer.text());
    say(`Brought up to date every ${EVERY_S} s.`, false);
  } catch (why) {
    say(`No answer from the site (${why.message}): this is old.`, true);
  }
}

setInterval(look, EVERY_S * 1000);
document.addEventListener("visibilitychange", look);
