// The ways in which a live plot can be looked at: in another unit, or one group of its criteria.
import { ENERGY } from "./figures/choices.js";
import { runningMean } from "./marks.js";

/** The points that the page was drawn with, which come as columns. */
export function pointsOf(columns) {
  const [first = []] = Object.values(columns);
  const told = (i) => Object.entries(columns).map(([key, values]) => [key, values[i]]).filter(([, value]) => value !== null);
  return first.map((_, i) => Object.fromEntries(told(i)));
}

/** The numbers of a plot: points with both keys. Where x goes back, a newer run begins: what it
 *  computes again replaces what was there, so a resumed attempt goes on and a restarted one starts anew. */
export function seriesOf(points, plot) {
  return runsOf(points, plot).now;
}

/** The newest run, and the one before it that it replaced as a whole: the SCF of the last step. */
export function runsOf(points, { x: along, y: up, log }) {
  let now = [];
  let before = [];
  for (const point of points) {
    const x = point[along];
    const y = log ? Math.abs(point[up]) : point[up];
    if (!Number.isFinite(x) || !Number.isFinite(y) || (log && y === 0)) continue;
    if (now.length && now[0][0] >= x) {
      before = now;
      now = [];
    }
    while (now.length && now.at(-1)[0] >= x) now.pop();
    now.push([x, y]);
  }
  return { now, before };
}

/** Each way: its name, the label of y, and what it draws of the points: lines of a title, points and
 *  a look, and perhaps a threshold. The first is the one that a plot begins with. */
export function waysOf(plot, look) {
  if (plot.criteria.length) return groupsOf(plot);
  if (plot.y.endsWith("_hartree") && !plot.log) return unitsOf(plot, look);
  return [{ name: plot.title, label: plot.y_label, lines: (points) => linesOf(points, plot, look) }];
}

function linesOf(points, plot, look) {
  const { now, before } = runsOf(points, plot);
  const newest = { title: plot.y_label, column: plot.y, points: now, look, threshold: plot.threshold };
  if (plot.mean_over) return withMean(newest, plot);
  if (!plot.shows_previous) return [newest];
  return [newest, { title: "the run before", column: `${plot.y}_before`, points: before, look: "s3 thin" }];
}

function withMean(newest, plot) {
  const points = runningMean(newest.points, plot.mean_over);
  if (!points.length) return [newest];
  const mean = { title: "running mean", column: `${plot.y}_running_mean`, points, look: "s2 solid", isMean: true };
  return [{ ...newest, look: `${newest.look} thin` }, mean];
}

function unitsOf(plot, look) {
  const absolute = { name: "hartree", label: plot.y_label, lines: (points) => linesOf(points, plot, look) };
  const others = Object.entries(ENERGY).filter(([unit]) => unit !== "hartree");
  return [absolute, ...others.map(([unit, size]) => ({
    name: unit,
    label: `E − E of the last (${unit})`,
    lines: (points) => linesOf(points, plot, look).map((line) => ({
      ...line,
      title: `E − E of the last (${unit})`,
      column: `${plot.y.replace("_hartree", "")}_to_last_${unit.replace("/", "_per_").toLowerCase()}`,
      points: line.points.map(([x, y]) => [x, (y - line.points.at(-1)[1]) * size]),
    })),
  }))];
}

function groupsOf(plot) {
  const groups = [...new Set(plot.criteria.map((each) => each.group))];
  return groups.map((group) => {
    const ours = plot.criteria.filter((each) => each.group === group);
    return {
      name: group,
      label: `${group} (${ours[0].unit})`,
      lines: (points) => ours.map((each, i) => ({
        title: `${each.title} (${each.unit})`,
        column: each.key,
        points: seriesOf(points, { ...plot, y: each.key }),
        look: i ? "s3" : "s2 solid",
        threshold: each.threshold,
      })),
    };
  });
}
