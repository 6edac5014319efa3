// The three energies of a run against time, from the points in the page, with their drift.
import { pointsOf, seriesOf } from "../chart_ways.js";
import { runningMean, upright } from "../marks.js";
import { extent, Paper } from "../paper.js";
import { choices } from "./choices.js";

const ALL = "All";
const MEAN_OVER = 0.05;
const PS_PER_NS = 1000;
const LOOKS = ["s1", "s2", "s3"];

export function draw(figure, told, tools) {
  const { energies, from_ps } = told.data;
  const series = seriesIn(figure, energies);
  let shown = "Total";
  const picked = () => energies.filter(({ name }) => shown === ALL || shown === name);
  const above = ({ mean }) => (shown === ALL ? mean : 0);

  const paper = new Paper(figure.querySelector("[data-plot]"), () => {
    const lines = picked().map((energy) => ({
      energy, points: series.get(energy.name).map(([x, y]) => [x, y - above(energy)]),
    }));
    const all = lines.flatMap(({ points }) => points);
    paper.say(told.sentence);
    if (!all.length) return;
    paper.axes({
      x: extent(all.map(([x]) => x)), y: extent(all.map(([, y]) => y)), xLabel: "Time (ps)",
      yLabel: shown === ALL ? "E less its mean (kJ/mol)" : `${shown} energy (kJ/mol)`,
    });
    upright(paper, from_ps, "averages from here");
    for (const line of lines) drawOne(paper, line, from_ps, LOOKS[energies.indexOf(line.energy)], above(line.energy));
    if (shown === ALL) legend(paper, energies);
  });
  tools.what.title = () => `${told.title}: ${shown}`;
  const options = [...energies.map(({ name }) => [name, name]), [ALL, ALL]];
  const say = () => tools.say(picked().map(({ name, drift }) => `${name.toLowerCase()} drift ${drift}`).join("; ").concat(" kJ/mol/ns"));
  choices(figure.querySelector("[data-choices]"), options, shown, (chosen) => {
    shown = chosen;
    say();
    paper.redraw();
  });
  say();
}

/** From the points that the page was drawn with; what is not reported is the sum's rest. */
function seriesIn(figure, energies) {
  const points = pointsOf(JSON.parse(figure.closest("#job").querySelector("#snapshot").textContent).columns);
  return new Map(energies.map(({ key, name }) => [name, seriesOf(points, { x: "time_ps", y: key })]));
}

function drawOne(paper, { energy, points }, from, look, shift) {
  paper.line(points, `${look} solid thin`);
  paper.line(runningMean(points, MEAN_OVER), `${look} solid`);
  const settled = points.filter(([x]) => x >= from);
  if (energy.drift_per_ns === null || settled.length < 2) return;
  const middle = settled.reduce((sum, [x]) => sum + x, 0) / settled.length;
  const at = (x) => [x, energy.mean - shift + (energy.drift_per_ns / PS_PER_NS) * (x - middle)];
  paper.line([at(settled[0][0]), at(settled.at(-1)[0])], "trend");
}

function legend(paper, energies) {
  const { left, bottom } = paper.box;
  energies.forEach(({ name }, i) => {
    const x = left + 12 + i * 96;
    paper.add("path", { class: `line ${LOOKS[i]} solid`, d: `M${x} ${bottom - 12}h18` });
    paper.write(name, { class: "axis", x: x + 24, y: bottom - 8 });
  });
}
