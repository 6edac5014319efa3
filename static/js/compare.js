// A comparison is drawn anew by the server while one of its jobs moves.
import { enliven } from "./compare_figures.js";
import { Live } from "./live.js";
import { keep } from "./mol_keep.js";
import { tellLocalTime } from "./page.js";

const ENDS = new Set(["succeeded", "failed", "cancelled"]);
const GATHER_MS = 1000;
let looking = 0;

for (const { ws: socket, poll, seq, epoch } of JSON.parse(document.querySelector("#moving").textContent)) {
  const live = new Live({ socket, poll, seq, epoch }, {
    event(event) {
      if (ENDS.has(event.kind)) live.end();
      lookSoon();
    },
    link() {},
    lost: () => location.reload(),
  });
}

/** However much happens at once, one look will do; nothing is redrawn under a reader's hand. */
function lookSoon() {
  looking ||= setTimeout(look, GATHER_MS);
}

async function look() {
  looking = 0;
  const shown = document.querySelector("#compared");
  if (document.hidden || shown.contains(document.activeElement)) return lookSoon();
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok) return lookSoon();
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("#compared");
  if (!fresh) return undefined;
  tellLocalTime(fresh);
  document.adoptNode(fresh);
  keep(shown, fresh);
  keepTexts(shown, fresh);
  shown.replaceWith(fresh);
  return enliven(fresh);
}

/** A text that is read whole stays open: it is told by its row and its column. */
function keepTexts(before, fresh) {
  const open = new Set([...before.querySelectorAll("details[open]")].map(placeOf));
  for (const text of fresh.querySelectorAll("details")) text.open ||= open.has(placeOf(text));
}

function placeOf(text) {
  const cell = text.closest("td");
  return cell && `${cell.cellIndex} ${cell.parentNode.querySelector("th")?.textContent}`;
}
