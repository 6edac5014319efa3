// One figure: a line through the reported points, its table and its CSV. Colours are the stylesheet's.
import { significant } from "./format.js";
import { decades, linear } from "./scale.js";

const SVG = "http://www.w3.org/2000/svg";
const TEXT_PX = 6.6;
const MARKS_UP_TO = 90;

const dirty = new Set();

/** All figures that changed are drawn together, once per frame. */
function drawSoon(chart) {
  if (dirty.size === 0) requestAnimationFrame(drawDirty);
  dirty.add(chart);
}

function drawDirty() {
  const charts = [...dirty];
  dirty.clear();
  for (const chart of charts) chart.draw();
}

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
    this.figure = figure;
    this.plot = plot;
    this.name = name;
    this.series = [];
    this.body = figure.querySelector("[data-plot]");
    this.empty = figure.querySelector("[data-empty]");
    this.output = figure.querySelector("output");
    this.numbers = figure.querySelector("[data-numbers]");
    this.svg = node("svg", { role: "img" });
    this.body.append(this.svg);
    this.watcher = new ResizeObserver(() => drawSoon(this));
    this.watcher.observe(this.body);
    this.svg.addEventListener("pointermove", (moved) => this.point(moved.offsetX));
    this.svg.addEventListener("pointerleave", () => this.point(null));
    this.tableButton = figure.querySelector("[data-table]");
    this.tableButton.addEventListener("click", () => this.toggleTable());
    figure.querySelector("[data-csv]").addEventListener("click", () => this.saveCsv());
  }

  show(points) {
    this.series = seriesOf(points, this.plot);
    drawSoon(this);
  }

  remove() {
    this.watcher.disconnect();
    dirty.delete(this);
  }

  draw() {
    const { series, plot } = this;
    this.empty.hidden = series.length > 0;
    this.svg.replaceChildren();
    this.svg.setAttribute("aria-label", this.sentence());
    if (!this.numbers.hidden) this.fillTable();
    const width = this.body.clientWidth;
    const height = this.body.clientHeight;
    if (!series.length || !width) return;

    const ys = series.map(([, y]) => y);
    const [low, high] = extent(plot.threshold === null ? ys : [...ys, plot.threshold]);
    const room = plot.log ? 0 : (high - low) * 0.06;
    const rows = Math.floor(height / 42);
    const y = plot.log ? decades(low, high, rows) : linear(low - room, high + room, rows);
    const longest = plot.log ? 5 : Math.max(...y.ticks.map((tick) => tick.text.length));
    const box = { left: 40 + longest * TEXT_PX, right: width - 18, top: 14, bottom: height - 44 };

    const xs = series.map(([x]) => x);
    const whole = xs.every(Number.isInteger);
    const columns = Math.floor((box.right - box.left) / 64);
    const x = linear(...extent(xs), columns, whole);
    this.toX = (value) => box.left + x.place(value) * (box.right - box.left);
    this.toY = (value) => box.bottom - y.place(value) * (box.bottom - box.top);
    this.box = box;

    this.#axes(x, y, box);
    if (plot.threshold !== null) this.#threshold(box);
    this.#line();
    this.cursor = node("path", { class: "cursor" });
    this.svg.append(this.cursor);
  }

  #axes(x, y, { left, right, top, bottom }) {
    for (const tick of y.ticks) {
      const at = this.toY(tick.value);
      this.svg.append(node("path", { class: "grid", d: `M${left} ${at}H${right}` }));
      const text = node("text", { class: "tick", x: left - 8, y: at + 4, "text-anchor": "end" });
      text.append(tick.text);
      if (tick.raised) {
        const raised = node("tspan", { dy: "-0.5em", "font-size": "9" });
        raised.append(tick.raised);
        text.append(raised);
      }
      this.svg.append(text);
    }
    for (const tick of x.ticks) {
      const at = this.toX(tick.value);
      this.svg.append(node("path", { class: "grid", d: `M${at} ${top}V${bottom}` }));
      this.#write(tick.text, { class: "tick", x: at, y: bottom + 17, "text-anchor": "middle" });
    }
    const middle = (top + bottom) / 2;
    this.#write(this.plot.x_label, {
      class: "axis", x: (left + right) / 2, y: bottom + 36, "text-anchor": "middle",
    });
    this.#write(this.plot.y_label, {
      class: "axis", x: 0, y: 0, "text-anchor": "middle",
      transform: `translate(17 ${middle}) rotate(-90)`,
    });
  }

  #threshold({ left, right }) {
    const at = this.toY(this.plot.threshold);
    this.svg.append(node("path", { class: "threshold", d: `M${left} ${at}H${right}` }));
    this.#write(`target ${significant(this.plot.threshold, 2)}`, {
      class: "axis", x: right - 4, y: at - 5, "text-anchor": "end",
    });
  }

  #line() {
    const places = this.series.map(([x, y]) => [this.toX(x).toFixed(1), this.toY(y).toFixed(1)]);
    this.svg.append(node("path", { class: "line", d: `M${places.map((p) => p.join(" ")).join("L")}` }));
    if (places.length <= MARKS_UP_TO) {
      for (const [cx, cy] of places) this.svg.append(node("circle", { class: "mark", cx, cy, r: 2.4 }));
    }
    const [cx, cy] = places.at(-1);
    this.svg.append(node("circle", { class: "newest", cx, cy, r: 3.4 }));
  }

  #write(text, attributes) {
    const made = node("text", attributes);
    made.append(text);
    this.svg.append(made);
  }

  point(pixel) {
    if (!this.cursor) return;
    if (pixel === null || !this.series.length) {
      this.cursor.removeAttribute("d");
      this.output.textContent = "";
      return;
    }
    const distance = ([x]) => Math.abs(this.toX(x) - pixel);
    const nearest = this.series.reduce((best, each) => (distance(each) < distance(best) ? each : best));
    const at = this.toX(nearest[0]);
    this.cursor.setAttribute("d", `M${at} ${this.box.top}V${this.box.bottom}`);
    this.output.textContent = `${significant(nearest[0])}: ${significant(nearest[1], 10)}`;
  }

  sentence() {
    const { plot, series } = this;
    if (!series.length) return `${plot.title}: no numbers yet`;
    const [first, last] = [series[0][1], series.at(-1)[1]];
    const change = series.length > 1 ? `, last change ${significant(last - series.at(-2)[1], 3)}` : "";
    const way = series.length > 1 ? `from ${significant(first)} to ${significant(last)}` : significant(last);
    return `${plot.title}, ${plot.y_label}: ${way} in ${series.length} points${change}`;
  }

  toggleTable() {
    this.numbers.hidden = !this.numbers.hidden;
    this.tableButton.setAttribute("aria-expanded", String(!this.numbers.hidden));
    if (!this.numbers.hidden) this.fillTable();
  }

  fillTable() {
    const table = document.createElement("table");
    const head = table.createTHead().insertRow();
    for (const label of [this.plot.x_label, this.plot.y_label]) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = label;
      head.append(cell);
    }
    const body = table.createTBody();
    for (const [x, y] of this.series) {
      const row = body.insertRow();
      for (const value of [x, y]) {
        const cell = row.insertCell();
        cell.className = "num";
        cell.textContent = significant(value, 12);
      }
    }
    this.numbers.replaceChildren(table);
  }

  saveCsv() {
    const lines = [[this.plot.x, this.plot.y], ...this.series].map((row) => row.join(","));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${lines.join("\n")}\n`], { type: "text/csv" }));
    link.download = `${this.name}-${this.plot.y}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
}

function node(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function extent(values) {
  return values.reduce(([low, high], v) => [Math.min(low, v), Math.max(high, v)], [Infinity, -Infinity]);
}
