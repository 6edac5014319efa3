// How many have which value, and where the one that was picked lies.
import { number } from "../format.js";
import { upright } from "../marks.js";
import { extent, Paper } from "../paper.js";
import { hearPick } from "./picking.js";

const MOST_BINS = 40;
const LEAST_BINS = 5;

export function draw(figure, told, tools) {
  const { values, quantity, things, digits } = told.data;
  const bins = binsOf(values);
  const most = Math.max(...bins.map(({ count }) => count));
  let picked = null;

  const paper = new Paper(figure.querySelector("[data-plot]"), () => {
    paper.say(told.sentence);
    paper.axes({
      x: [bins[0].low, bins.at(-1).high], y: [0, most * 1.1, true], room: 0,
      xLabel: quantity, yLabel: `Number of ${things}`,
    });
    for (const { low, high, count } of bins) {
      const [x, top] = [paper.toX(low), paper.toY(count)];
      paper.add("rect", { class: "bar s1", x: x + 0.5, y: top, width: Math.max(1, paper.toX(high) - x - 1), height: paper.box.bottom - top });
    }
    if (Number.isFinite(picked?.value)) upright(paper, picked.value, picked.label);
  });
  paper.svg.addEventListener("pointermove", (moved) => {
    const bin = bins.find(({ low, high }) => moved.offsetX >= paper.toX(low) && moved.offsetX < paper.toX(high));
    tools.say(bin ? `${number(bin.low, "fixed", digits)} to ${number(bin.high, "fixed", digits)}: ${bin.count}` : "");
  });
  paper.svg.addEventListener("pointerleave", () => tools.say(""));
  if (!told.table.rows.length) tools.what.numbers = () => ({ ...told.table, rows: values.map((value) => [value]) });
  hearPick(figure, (member) => {
    const row = told.table.rows.find(([name]) => name === member.label);
    picked = { value: row?.[1], ...member };
    paper.redraw();
  });
}

/** As wide as Freedman and Diaconis say, within what can be seen. */
function binsOf(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part) => sorted[Math.floor(part * (sorted.length - 1))];
  const [low, high] = extent(values);
  const span = high - low || Math.abs(high) * 0.1 || 1;
  const wide = (2 * (at(0.75) - at(0.25))) / Math.cbrt(values.length);
  const count = Math.min(MOST_BINS, Math.max(LEAST_BINS, Math.ceil(span / (wide || span))));
  const start = high === low ? low - span / 2 : low;
  const bins = Array.from({ length: count }, (_, i) => ({ low: start + (i * span) / count, high: start + ((i + 1) * span) / count, count: 0 }));
  for (const value of values) bins[Math.min(count - 1, Math.floor(((value - start) / span) * count))].count += 1;
  return bins;
}
