// How far each residue or atom moves: bars, each of which shows itself in figure 1.
import { structureBeside } from "../figures.js";
import { number } from "../format.js";
import { Paper } from "../paper.js";

const LABEL_PX = 15;

export function draw(figure, told, tools) {
  const { bars, what } = told.data;
  let at = -1;

  const paper = new Paper(figure.querySelector("[data-plot]"), () => {
    const most = Math.max(...bars.map((bar) => bar.rmsf_angstrom));
    paper.say(`${told.sentence} Left and right arrow go from ${what} to ${what}.`);
    paper.axes({ x: [0.5, bars.length + 0.5], y: [0, most * 1.06], room: 0, xLabel: `Number of the ${what}`, yLabel: "RMSF (Å)", whole: true });
    const wide = Math.max(1, Math.min(28, (paper.toX(2) - paper.toX(1)) * 0.72));
    bars.forEach((bar, i) => {
      const x = paper.toX(i + 1) - wide / 2;
      const top = paper.toY(bar.rmsf_angstrom);
      paper.add("rect", { class: i === at ? "bar s2 chosen" : "bar s1", x, y: top, width: wide, height: Math.max(0, paper.box.bottom - top) });
    });
    nameThem(paper, bars, wide);
  });
  const choose = (index) => {
    if (index === at) return;
    at = index;
    const bar = bars[at];
    tools.say(bar ? `${bar.label}: ${number(bar.rmsf_angstrom, "fixed", 2)} Å` : "");
    structureBeside(figure)?.highlight?.(bar ? { serials: numbersIn(bar.atoms), label: bar.label } : null);
    paper.redraw();
  };
  hear(paper, bars, choose, () => at);
}

/** All numbers of runs that are told by their first and last. */
function numbersIn(runs) {
  return runs.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
}

/** Names under the bars, where there is room for all of them. */
function nameThem(paper, bars, wide) {
  const longest = Math.max(...bars.map((bar) => bar.label.length));
  if (wide < LABEL_PX || longest > 6) return;
  bars.forEach((bar, i) => {
    paper.write(bar.label, { class: "axis", x: paper.toX(i + 1), y: paper.toY(bar.rmsf_angstrom) - 4, "text-anchor": "middle" });
  });
}

function hear(paper, bars, choose, now) {
  const { svg } = paper;
  svg.tabIndex = 0;
  svg.addEventListener("pointermove", (moved) => {
    const step = paper.toX(2) - paper.toX(1);
    const index = Math.round((moved.offsetX - paper.toX(1)) / step);
    choose(bars[index] ? index : -1);
  });
  svg.addEventListener("pointerleave", () => choose(-1));
  svg.addEventListener("blur", () => choose(-1));
  svg.addEventListener("keydown", (pressed) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[pressed.key];
    if (!step) return;
    pressed.preventDefault();
    choose(Math.min(bars.length - 1, Math.max(0, now() + step)));
  });
}
