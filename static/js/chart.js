// One live figure: lines through the reported points, and what its buttons give of them.
import { seriesOf, waysOf } from "./chart_ways.js";
import { Tools } from "./figure_tools.js";
import { choices } from "./figures/choices.js";
import { significant } from "./format.js";
import { band, legible, upright } from "./marks.js";
import { extent, Paper } from "./paper.js";

export class Chart {
  constructor(figure, plot, name) {
    this.figure = figure;
    this.plot = plot;
    this.points = [];
    this.step = null; // that figure 1 shows
    this.rest = ""; // what is said while nothing is pointed at
    this.ways = waysOf(plot, Number(figure.dataset.figure) % 2 ? "s2 solid" : "s1");
    this.empty = figure.querySelector("[data-empty]");
    this.paper = new Paper(figure.querySelector("[data-plot]"), () => this.draw(), () => this.tell());
    this.tools = new Tools(figure, {
      name: `${name}-${plot.y}`,
      title: () => plot.title,
      numbers: () => this.numbers(),
      picture: () => this.paper.current,
      told: () => ({ caption: plot.caption, thresholds: thresholdsOf(plot) }),
    });
    this.paper.svg.addEventListener("pointermove", (moved) => this.point(moved.offsetX));
    this.paper.svg.addEventListener("pointerleave", () => this.point(null));
    figure.closest("#job")?.addEventListener("cut", ({ detail }) => {
      if (!Number.isFinite(plot.cut_at)) return;
      plot.cut_at = detail;
      this.paper.redraw();
    });
    if (plot.x === "step") this.#tie();
    this.look(this.ways[0].name);
  }

  /** To the steps of figure 1, which other plots have none of. */
  async #tie() {
    const { tieToSteps } = await import("./chart_steps.js");
    if (tieToSteps(this)) this.paper.redraw();
  }

  /** Looked through once for a frame, however many events tell of more points within it. */
  show(points) {
    this.points = points;
    this.#lines = null;
    this.paper.redraw();
  }

  #lines = null;

  get lines() {
    this.#lines ??= this.way.lines(this.points);
    return this.#lines;
  }

  /** Draw it the way of this name. */
  look(name) {
    this.way = this.ways.find((each) => each.name === name);
    if (this.ways.length > 1) {
      const place = this.figure.querySelector("[data-choices]");
      choices(place, this.ways.map((each) => [each.name, each.name]), name, (chosen) => this.look(chosen));
    }
    this.show(this.points);
  }

  /** Look as `before` did. */
  resemble(before) {
    if (before.way.name !== this.way.name) this.look(before.way.name);
    if (before.tools.open) this.tools.toggleTable();
    this.step = before.step;
  }

  remove() {
    this.paper.remove();
  }

  /** What it shows in words and numbers. */
  tell() {
    this.empty.hidden = this.lines.some((line) => line.points.length);
    this.#lamps();
    this.paper.say(this.sentence());
    this.tools.refresh();
  }

  draw() {
    const { lines, plot, paper } = this;
    const all = lines.flatMap((line) => line.points);
    this.cursor = null;
    if (!all.length) return;
    const target = targetIn(this.points, plot.band);
    const thresholds = lines.map((line) => line.threshold).filter(Number.isFinite);
    const xs = all.map(([x]) => x);
    paper.axes({
      x: extent(xs), y: extent([...all.map(([, y]) => y), ...thresholds, ...(target?.ends ?? [])]),
      xLabel: plot.x_label, yLabel: this.way.label, log: plot.log, whole: xs.every(Number.isInteger),
    });
    if (target) this.#held(target);
    if (Number.isFinite(plot.cut_at)) upright(paper, plot.cut_at, "averages from here");
    const highest = Math.max(...thresholds);
    for (const each of thresholds) paper.level(each, `target ${significant(each, 2)}`, each < highest);
    lines.forEach((line, i) => this.#line(line, i === 0));
    const drawn = lines.filter((line) => line.points.length);
    if (drawn.length > 1) paper.legend(drawn.map((line) => [line.title.replace(/ \(.*/, ""), line.look]));
    this.mark?.();
    this.cursor = paper.add("path", { class: "cursor" });
  }

  #held({ centre, ends }) {
    band(this.paper, ...ends, `target ${legible(centre)} ± 3 sd`);
    this.paper.level(centre, "");
  }

  #line({ points, look, isMean }, isFirst) {
    if (!points.length) return;
    this.paper.line(points, look);
    if (isMean) return;
    if (!look.includes("thin")) this.paper.marks(points, look);
    this.paper.dot(points.at(-1), `newest ${look}`, isFirst ? 3.4 : 2.6);
  }

  /** A lamp for each criterion: how the newest value stands. */
  #lamps() {
    const place = this.figure.querySelector("[data-lamps]");
    place.replaceChildren(...this.plot.criteria.map((each) => {
      const last = seriesOf(this.points, { ...this.plot, y: each.key }).at(-1)?.[1];
      const lamp = document.createElement("span");
      lamp.className = "lamp";
      lamp.dataset.lamp = last === undefined ? "none" : last < each.threshold ? "ok" : "not";
      const sign = { none: "–", ok: "✓", not: "✗" }[lamp.dataset.lamp];
      lamp.textContent = `${each.title.toLowerCase()} ${sign}`;
      if (last !== undefined) lamp.title = `${significant(last, 2)} ${each.unit}, target ${significant(each.threshold, 2)}`;
      return lamp;
    }));
  }

  numbers() {
    const { lines, plot } = this;
    const xs = [...new Set(lines.flatMap((line) => line.points.map(([x]) => x)))].sort((a, b) => a - b);
    const columns = lines.map((line) => new Map(line.points));
    return {
      header: [plot.x_label, ...lines.map((line) => line.title)],
      columns: [plot.x, ...lines.map((line) => line.column)],
      rows: xs.map((x) => [x, ...columns.map((column) => column.get(x) ?? null)]),
    };
  }

  point(pixel) {
    const { points } = this.lines[0];
    if (!this.cursor) return;
    if (pixel === null || !points.length) {
      this.cursor.removeAttribute("d");
      this.tools.say(this.rest);
      return;
    }
    const { toX, box } = this.paper;
    const distance = ([x]) => Math.abs(toX(x) - pixel);
    const nearest = points.reduce((best, each) => (distance(each) < distance(best) ? each : best));
    this.cursor.setAttribute("d", `M${toX(nearest[0])} ${box.top}V${box.bottom}`);
    this.tools.say(`${significant(nearest[0])}: ${significant(nearest[1], 10)}`);
  }

  sentence() {
    const { plot, lines } = this;
    const [{ points, title }] = lines;
    if (!points.length) return `${plot.title}: no numbers yet`;
    const [first, last] = [points[0][1], points.at(-1)[1]];
    const change = points.length > 1 ? `, last change ${significant(last - points.at(-2)[1], 3)}` : "";
    const way = points.length > 1 ? `from ${significant(first)} to ${significant(last)}` : significant(last);
    return `${plot.title}, ${title}: ${way} in ${points.length} points${change}`;
  }
}

/** What is held, as it was last reported, and three times the expected spread to either side. */
function targetIn(points, keys) {
  const told = keys && points.findLast((point) => keys.every((key) => key in point));
  if (!told) return null;
  const [centre, spread] = keys.map((key) => told[key]);
  return { centre, ends: [centre - 3 * spread, centre + 3 * spread] };
}

function thresholdsOf(plot) {
  if (plot.criteria.length) return Object.fromEntries(plot.criteria.map((each) => [each.key, each.threshold]));
  return plot.threshold === null ? {} : { [plot.y]: plot.threshold };
}
