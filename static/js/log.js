// The log of a job that runs: what is added is fetched from where the page ends, as long as there is more.
const from = JSON.parse(document.querySelector("#follows").textContent);
const log = document.querySelector("#log");
const follow = document.querySelector("#log-follow");
const COLOUR_CODES = /\x1b\[[0-9;]*m/g;
const MOST_LINES = 5000;
const LEAST_S = 1;
const AFTER_A_FAULT_S = 5;

let { offset, line } = from;
let open = null;

/** A line whose end has not come yet is shown as far as it goes, and written on. */
function add(text) {
  const pieces = text.replace(COLOUR_CODES, "").split("\n");
  for (const [i, piece] of pieces.entries()) {
    if (i === pieces.length - 1 && !piece) break;
    open ??= begin();
    open.append(piece);
    if (i < pieces.length - 1) {
      open.append("\n");
      open = null;
    }
  }
  while (log.children.length > MOST_LINES) log.firstElementChild.remove();
}

function begin() {
  line += 1;
  const shown = document.createElement("span");
  shown.className = "line";
  shown.id = `L${line}`;
  const link = document.createElement("a");
  link.href = `?line=${line}#L${line}`;
  link.textContent = line;
  shown.append(link);
  log.append(shown);
  return shown;
}

/** Only whoever looks at the end is taken along; nobody's place in the middle is lost. */
function atEnd() {
  return log.scrollHeight - log.scrollTop - log.clientHeight < 40;
}

function count() {
  for (const name of ["last", "total"]) {
    const told = document.querySelector(`[data-${name}]`);
    if (told) told.textContent = line;
  }
}

async function look() {
  const url = `${from.log}&offset=${offset}`;
  const answer = await fetch(url, { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok) return AFTER_A_FAULT_S;
  const piece = await answer.json();
  const stays = !follow.checked || !atEnd();
  add(piece.text);
  offset = piece.next_offset;
  count();
  if (!stays) log.scrollTop = log.scrollHeight;
  if (piece.complete) return null;
  return piece.next_offset < piece.size_bytes ? 0 : LEAST_S;
}

async function goOn() {
  const wait = document.hidden ? LEAST_S : await look();
  if (wait !== null) setTimeout(goOn, wait * 1000);
  else follow.closest("label").textContent = "This is all of it.";
}

log.scrollTop = log.scrollHeight;
goOn();
