// Averages: written by the server with the digits that their errors leave, and again from where the
// reader lets them begin, from every report of the run.
import { number } from "../format.js";
import { blockError, effectiveSamples, mean, slope, slopeError, spread } from "../statistics.js";

const PS_PER_NS = 1000;
const DIGITS_OF_AN_ERROR = 2;
const ROUNDING = 1e-12; // of its size: an error below is that of a number which is always the same
const SOON_MS = 200;

export function draw(figure, told, tools) {
  const { reports, settled_ps: settled, quantities } = told.data;
  const [field, back] = [figure.querySelector("[data-from]"), figure.querySelector("[data-settled]")];
  if (!reports) return;
  const body = figure.querySelector("tbody");
  const asDrawn = [...body.rows].map((row) => row.cloneNode(true));
  const numbers = tools.what.numbers;
  let waiting = 0;
  let read = null;
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => from(field.valueAsNumber), SOON_MS);
  });
  back.addEventListener("click", () => {
    field.value = settled;
    body.replaceChildren(...asDrawn.map((row) => row.cloneNode(true)));
    tools.what.numbers = numbers;
    tools.say("");
    tellCut(figure, settled);
    tools.refresh();
  });

  async function from(ps) {
    field.setAttribute("aria-invalid", String(!field.checkValidity()));
    if (!field.checkValidity()) return tools.say(`A time in ps, 0 or later.`);
    const rows = (await (read ??= readReports(reports))).filter((row) => row.time_ps >= ps);
    if (!rows.length) return tools.say("No report is as late as that.");
    const found = quantities.filter(({ key }) => key in rows[0]).map((each) => averageOf(each, rows));
    body.replaceChildren(...found.map(rowOf));
    tools.what.numbers = () => ({
      header: told.table.header, rows: found.map((each) => [each.title, each.unit, each.mean, each.error, each.spread, each.drift, each.driftError, each.samples]),
    });
    tools.say(`from ${number(ps, "fixed", 3)} ps, ${rows.length} reports`);
    tellCut(figure, ps);
    return tools.refresh();
  }
}

/** Figures that draw the cut hear where it is now. */
function tellCut(figure, ps) {
  figure.dispatchEvent(new CustomEvent("cut", { bubbles: true, detail: ps }));
}

async function readReports(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`the reports cannot be had (${answer.status})`);
  const [header, ...lines] = (await answer.text()).trim().split(/\r?\n/).map((line) => line.split(","));
  return lines.map((cells) => Object.fromEntries(cells.flatMap((cell, i) => (cell === "" ? [] : [[header[i], Number(cell)]]))));
}

function averageOf({ key, title, unit }, rows) {
  const having = rows.filter((row) => key in row);
  const values = having.map((row) => row[key]);
  const error = blockError(values);
  const times = having.map((row) => row.time_ps / PS_PER_NS);
  return {
    title, unit, error, mean: mean(values), spread: spread(values), drift: slope(times, values),
    driftError: slopeError(times, values), samples: effectiveSamples(values, error),
  };
}

function rowOf({ title, unit, mean: middle, error, spread: wide, drift, driftError, samples }) {
  const row = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = title;
  row.append(head);
  const errorOfSpread = samples ? wide / Math.sqrt(2 * samples) : null;
  const texts = [
    withError(middle, error), unit, rounded(wide, errorOfSpread),
    `${withError(drift, driftError)} ${unit}/ns`, samples === null ? "too few reports" : number(samples, "int"),
  ];
  texts.forEach((text, i) => {
    const cell = row.insertCell();
    cell.className = i === 1 ? "" : "num";
    cell.textContent = text;
  });
  return row;
}

const isKnown = (value, error) => Boolean(error) && error >= ROUNDING * Math.abs(value);
const withError = (value, error) => (isKnown(value, error) ? `${rounded(value, error)} ± ${rounded(error, error)}` : rounded(value, null));

/** With the digits that its error leaves it; four significant ones without. */
function rounded(value, error) {
  if (value === null) return "–";
  const size = Math.abs(error || value);
  const places = size ? (error ? DIGITS_OF_AN_ERROR : 4) - 1 - Math.floor(Math.log10(size)) : 0;
  const step = 10 ** -places;
  return number(places < 0 ? Math.round(value / step) * step : value, "fixed", Math.min(6, Math.max(0, places)));
}
