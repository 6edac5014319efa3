// A measured spectrum over a computed one, from the reader's own file: it is sent nowhere.
import { absorbance, readSpectrum } from "./spectrum_file.js";

const MOST_BYTES = 5_000_000;
const LONGEST_NAME = 24;

/** What is to be done whenever another file was chosen; `changed` hears what to draw, or null. */
export function measuredIn(figure, changed) {
  const find = (name) => figure.querySelector(`[data-measured${name}]`);
  const [input, kind, away, said] = ["", "-as", "-away", "-said"].map(find);
  let told = null;
  const show = () => {
    kind.parentElement.hidden = away.hidden = !told;
    changed(told && drawable(told.name, absorbance(told.points, kind.value)));
  };
  kind.addEventListener("change", show);
  away.addEventListener("click", () => {
    told = null;
    input.value = said.textContent = "";
    show();
  });
  return async () => {
    const [file] = input.files;
    if (!file) return;
    try {
      told = await readFile(file);
      kind.value = told.kind;
      said.textContent = `${file.name}: ${told.points.length} points, drawn as absorbance to the height of the computed curve. It stays in this browser.`;
    } catch (error) {
      told = null;
      said.textContent = `${file.name} is not drawn. ${error.message}`;
    }
    show();
  };
}

async function readFile(file) {
  if (file.size > MOST_BYTES) throw new Error(`It is larger than ${MOST_BYTES / 1e6} MB, the most that is read here.`);
  return { name: file.name, ...readSpectrum(await file.text()) };
}

/** A path length is not known, so both curves get the same height. */
function drawable(name, points) {
  const called = name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name;
  const draw = (paper, curve, [low, high]) => {
    const seen = points.filter(([x]) => x >= low && x <= high);
    const highest = Math.max(...seen.map(([, y]) => y));
    if (!(highest > 0)) return;
    const size = Math.max(...curve.map(([, y]) => y)) / highest;
    paper.line(seen.map(([x, y]) => [x, Math.max(0, y) * size]), "s3");
    paper.legend([["computed", "s1"], [called, "s3"]]);
  };
  return { name, points, draw };
}
