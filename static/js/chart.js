// One live figure: a line through the reported points, and what its buttons give of it.
import { Tools } from "./figure_tools.js";
import { significant } from "./format.js";
import { band, legible, runningMean, upright } from "./marks.js";
import { extent, Paper } from "./paper.js";

/** The numbers of a plot: points with both keys. Where x goes back, a newer run begins: what it
 *  computes again replaces what was there, so a resumed attempt goes on and a restarted one starts anew. */
export function seriesOf(points, plot) {
  const series = [];
  for (const point of points) {
    const x = point[plot.x];
    const y = plot.log ? Math.abs(point[plot.y]) : point[plot.y];
    if (!Number.isFinite(x) || !Number.isFinite(y) || (plot.log && y === 0)) continue;
    while (series.length && series.at(-1)[0] >= x) series.pop();
    series.push([x, y]);
  }
  return series;
}

export class Chart {
  constructor(figure, plot, name) {
    this.plot = plot;
    this.series = [];
    this.look = Number(figure.dataset.figure) % 2 ? "s2 solid" : "s1";
    this.empty = figure.querySelector("[data-empty]");
    this.paper = new Paper(figure.querySelector("[data-plot]"), () => this.draw());
    this.tools = new Tools(figure, {
      name: `${name}-${plot.y}`,
      title: () => plot.title,
      numbers: () => this.numbers(),
      picture: () => this.paper.svg,
      told: () => ({ caption: plot.caption, threshold: plot.threshold }),
    });
    this.paper.svg.addEventListener("pointermove", (moved) => this.point(moved.offsetX));
    this.paper.svg.addEventListener("pointerleave", () => this.point(null));
  }

  show(points) {
    const { plot } = this;
    this.series = seriesOf(points, plot);
    this.mean = plot.mean_over ? runningMean(this.series, plot.mean_over) : [];
    const told = plot.band && points.findLast((point) => plot.band.every((key) => key in point));
    this.target = told ? plot.band.map((key) => told[key]) : null;
    this.paper.redraw();
  }

  numbers() {
    const { plot, series, mean } = this;
    const header = [plot.x_label, plot.y_label];
    const columns = [plot.x, plot.y];
    if (!mean.length) return { header, columns, rows: series };
    return {
      header: [...header, `Running mean of ${plot.y_label}`],
      columns: [...columns, `${plot.y}_running_mean`],
      rows: series.map((row, i) => [...row, mean[i][1]]),
    };
  }

  /** Look as `before` did. */
  resemble(before) {
    if (before.tools.open) this.tools.toggleTable();
  }

  remove() {
    this.paper.remove();
  }

  draw() {
    const { series, plot, paper, look } = this;
    this.empty.hidden = series.length > 0;
    paper.say(this.sentence());
    this.tools.refresh();
    this.cursor = null;
    if (!series.length) return;
    const xs = series.map(([x]) => x);
    const ys = series.map(([, y]) => y);
    const held = this.target ? [-3, 3].map((n) => this.target[0] + n * this.target[1]) : [];
    if (plot.threshold !== null) held.push(plot.threshold);
    paper.axes({
      x: extent(xs), y: extent([...ys, ...held]),
      xLabel: plot.x_label, yLabel: plot.y_label, log: plot.log, whole: xs.every(Number.isInteger),
    });
    if (plot.threshold !== null) paper.level(plot.threshold, `target ${significant(plot.threshold, 2)}`);
    if (this.target) {
      band(paper, ...held.slice(0, 2), `target ${legible(this.target[0])} ± 3σ`);
      paper.level(this.target[0], "");
    }
    if (Number.isFinite(plot.cut_at)) upright(paper, plot.cut_at, "averages from here");
    paper.line(series, this.mean.length ? `${look} thin` : look);
    if (this.mean.length) paper.line(this.mean, "s2 solid");
    else paper.marks(series, look);
    paper.dot(series.at(-1), `newest ${look}`);
    this.cursor = paper.add("path", { class: "cursor" });
  }

  point(pixel) {
    if (!this.cursor) return;
    if (pixel === null || !this.series.length) {
      this.cursor.removeAttribute("d");
      this.tools.say("");
      return;
    }
    const { toX, box } = this.paper;
    const distance = ([x]) => Math.abs(toX(x) - pixel);
    const nearest = this.series.reduce((best, each) => (distance(each) < distance(best) ? each : best));
    this.cursor.setAttribute("d", `M${toX(nearest[0])} ${box.top}V${box.bottom}`);
    this.tools.say(`${significant(nearest[0])}: ${significant(nearest[1], 10)}`);
  }

  sentence() {
    const { plot, series } = this;
    if (!series.length) return `${plot.title}: no numbers yet`;
    const [first, last] = [series[0][1], series.at(-1)[1]];
    const change = series.length > 1 ? `, last change ${significant(last - series.at(-2)[1], 3)}` : "";
    const way = series.length > 1 ? `from ${significant(first)} to ${significant(last)}` : significant(last);
    return `${plot.title}, ${plot.y_label}: ${way} in ${series.length} points${change}`;
  }
}
