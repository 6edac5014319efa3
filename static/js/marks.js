// What a plot of a run that fluctuates has beside its points: a mean, a band, the place of a cut.
import { number } from "./format.js";

const LEAST_POINTS = 3;

/** Of each point the mean of those up to `share` of the whole before it. */
export function runningMean(series, share) {
  if (series.length < 2 * LEAST_POINTS) return [];
  const width = (series.at(-1)[0] - series[0][0]) * share;
  const mean = [];
  let sum = 0;
  let first = 0;
  series.forEach(([x, y], i) => {
    sum += y;
    while (series[first][0] < x - width && i - first >= LEAST_POINTS) sum -= series[first++][1];
    mean.push([x, sum / (i - first + 1)]);
  });
  return mean;
}

/** Shade what lies between two values of y, with words at its top. */
export function band(paper, low, high, text) {
  const { left, right } = paper.box;
  const top = paper.toY(high);
  paper.add("rect", { class: "band", x: left, y: top, width: right - left, height: paper.toY(low) - top });
  paper.write(text, { class: "axis", x: left + 6, y: top + 14 });
}

/** An upright line with words at its top. */
export function upright(paper, x, text) {
  const { left, right, top, bottom } = paper.box;
  const at = paper.toX(x);
  if (at < left || at > right) return;
  const after = at < (left + right) / 2;
  paper.add("path", { class: "threshold", d: `M${at} ${top}V${bottom}` });
  paper.write(text, { class: "axis", x: at + (after ? 5 : -5), y: top + 11, "text-anchor": after ? "start" : "end" });
}

export function legible(value) {
  return number(value, "fixed", Number.isInteger(value) ? 0 : 1);
}
