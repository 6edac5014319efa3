// The squares of a grid on a canvas: as many as ten thousand, each with a glyph of its state and the
// colour of its value. Filled, hollow, crossed or struck: no state is told by colour alone.
import { node } from "../paper.js";
import { token } from "../save.js";

const VIRIDIS = [
  [68, 1, 84], [72, 40, 120], [62, 74, 137], [49, 104, 142], [38, 130, 142],
  [31, 158, 137], [53, 183, 121], [109, 205, 89], [180, 222, 44], [253, 231, 37],
];
const SIDES = [[200, 24], [1000, 18], [2500, 13], [Infinity, 9]]; // up to so many members, px
const NARROW_PX = 600;
const PLAIN = { q: "--st-queued", r: "--st-running", f: "--st-failed", c: "--st-cancelled", x: "--st-failed" };
const STEPS = { ArrowLeft: () => -1, ArrowRight: () => 1, ArrowUp: (n) => -n, ArrowDown: (n) => n, Home: () => -Infinity, End: () => Infinity };

export class Board {
  #handlers = {};

  constructor(place, data, label) {
    this.data = data;
    this.place = place;
    this.count = data.states.length;
    const known = data.values.filter((value) => value !== null);
    this.range = known.length ? known.reduce(([low, high], v) => [Math.min(low, v), Math.max(high, v)], [Infinity, -Infinity]) : null;
    this.at = -1;
    this.canvas = document.createElement("canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-label", label);
    place.append(this.canvas);
    new ResizeObserver(() => this.draw()).observe(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  hear(handlers) {
    this.#handlers = handlers;
    const { canvas } = this;
    canvas.addEventListener("pointermove", (moved) => handlers.seen(this.#under(moved)));
    canvas.addEventListener("pointerleave", () => handlers.seen(null));
    canvas.addEventListener("click", (clicked) => this.#pick(this.#under(clicked)));
    canvas.addEventListener("dblclick", (clicked) => this.#under(clicked) !== null && handlers.opened(this.#under(clicked)));
    canvas.addEventListener("keydown", (pressed) => this.#key(pressed));
  }

  /** The one that stands out; -1 for none. */
  mark(index) {
    const before = this.at;
    this.at = index;
    if (!this.columns) return;
    const pen = this.canvas.getContext("2d");
    const colours = coloursNow();
    this.#around(pen, before, colours);
    if (index >= 0) this.#frame(pen, index, colours);
  }

  draw() {
    const width = this.place.clientWidth;
    if (!width) return;
    this.side = SIDES.find(([most]) => this.count <= most)[1] - (width < NARROW_PX && this.count > 1000 ? 3 : 0);
    this.columns = Math.max(1, Math.floor(width / this.side));
    const height = Math.ceil(this.count / this.columns) * this.side;
    const scale = devicePixelRatio || 1;
    this.canvas.width = width * scale;
    this.canvas.height = height * scale;
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    const pen = this.canvas.getContext("2d");
    pen.scale(scale, scale);
    const colours = coloursNow();
    for (let i = 0; i < this.count; i += 1) this.#square(pen, i, colours);
    if (this.at >= 0) this.#frame(pen, this.at, colours);
  }

  /** The same as a drawing. */
  svg() {
    const colours = coloursNow();
    const { side, columns } = this;
    const svg = node("svg", { width: columns * side, height: Math.ceil(this.count / columns) * side });
    for (let i = 0; i < this.count; i += 1) {
      const [x, y] = this.#corner(i);
      const fill = this.fill(i);
      svg.append(node("rect", { x: x + 1, y: y + 1, width: side - 2, height: side - 2, fill: fill ?? "none", stroke: fill ?? colours[this.data.states[i]] ?? colours.ink }));
      const glyph = glyphOf(this.data.states[i], x, y, side);
      if (glyph) svg.append(node("path", { d: glyph, fill: "none", stroke: fill ? onto(fill) : colours[this.data.states[i]] ?? colours.ink }));
    }
    return svg;
  }

  drawLegend(place) {
    const { words, quantity, digits, states } = this.data;
    const there = Object.entries(words).filter(([state]) => states.includes(state));
    for (const [state, text] of there) {
      const svg = node("svg", { class: "key", width: 16, height: 16, "aria-hidden": "true" });
      const filled = state === "d" ? rgb(0.35) : null;
      svg.append(node("rect", { class: `square ${state}`, x: 1, y: 1, width: 14, height: 14, ...(filled ? { fill: filled } : {}) }));
      const glyph = glyphOf(state, 0, 0, 16);
      if (glyph) svg.append(node("path", { class: `glyph-of ${state}`, d: glyph, ...(filled ? { stroke: onto(filled) } : {}) }));
      place.append(withText(svg, `${text} (${states.split(state).length - 1})`));
    }
    if (this.range) place.append(this.#scale(quantity, digits));
  }

  #scale(quantity, digits) {
    const { best } = this.data;
    const svg = node("svg", { class: "scale", width: 96, height: 12, "aria-hidden": "true" });
    for (let i = 0; i < 24; i += 1) {
      const part = i / 23;
      svg.append(node("rect", { x: i * 4, width: 4, height: 12, fill: rgb(best === "low" ? 1 - part : part) }));
    }
    const [low, high] = this.range.map((value) => value.toFixed(digits).replace("-", "−"));
    const told = withText(svg, high);
    told.prepend(`${quantity} ${low} `);
    return told;
  }

  /** The colour of its value; none for a member without. */
  fill(i) {
    const value = this.data.values[i];
    if (value === null || !this.range) return null;
    const [low, high] = this.range;
    const part = high > low ? (value - low) / (high - low) : 1;
    return rgb(this.data.best === "low" && high > low ? 1 - part : part);
  }

  #square(pen, i, colours) {
    const [x, y] = this.#corner(i);
    const state = this.data.states[i];
    const fill = this.fill(i);
    const colour = colours[state] ?? colours.ink;
    const side = this.side - 2;
    if (fill) {
      pen.fillStyle = fill;
      pen.fillRect(x + 1, y + 1, side, side);
    } else {
      pen.strokeStyle = colour;
      pen.strokeRect(x + 1.5, y + 1.5, side - 1, side - 1);
    }
    const glyph = glyphOf(state, x, y, this.side);
    if (!glyph || (fill && this.side < 12)) return;
    pen.strokeStyle = fill ? onto(fill) : colour;
    pen.lineWidth = this.side < 12 ? 1 : 1.5;
    pen.stroke(new Path2D(glyph));
    pen.lineWidth = 1;
  }

  #frame(pen, i, colours) {
    const [x, y] = this.#corner(i);
    pen.lineWidth = 3;
    pen.strokeStyle = colours.paper;
    pen.strokeRect(x, y, this.side, this.side);
    pen.lineWidth = 2;
    pen.strokeStyle = colours.focus;
    pen.strokeRect(x, y, this.side, this.side);
    pen.lineWidth = 1;
  }

  /** A frame lies over the edges of its neighbours too. */
  #around(pen, i, colours) {
    if (i < 0) return;
    const [x, y] = this.#corner(i);
    pen.clearRect(x - 2, y - 2, this.side + 4, this.side + 4);
    for (const row of [-this.columns, 0, this.columns]) {
      for (const near of [i + row - 1, i + row, i + row + 1]) {
        if (near >= 0 && near < this.count) this.#square(pen, near, colours);
      }
    }
  }

  #corner(i) {
    return [(i % this.columns) * this.side, Math.floor(i / this.columns) * this.side];
  }

  #under({ offsetX, offsetY }) {
    const column = Math.floor(offsetX / this.side);
    const i = Math.floor(offsetY / this.side) * this.columns + column;
    return column < this.columns && i >= 0 && i < this.count ? i : null;
  }

  #pick(i) {
    if (i === null) return;
    this.mark(i);
    this.#handlers.picked(i);
  }

  #key(pressed) {
    if (pressed.key === "Enter" && this.at >= 0) return this.#handlers.opened(this.at);
    const step = STEPS[pressed.key]?.(this.columns);
    if (step === undefined) return null;
    pressed.preventDefault();
    // Whatever the first key is, it leads to an end.
    const from = this.at < 0 && Number.isFinite(step) ? -step : Math.max(0, this.at);
    return this.#pick(Math.min(this.count - 1, Math.max(0, from + step)));
  }
}

/** A tick, a cross, a stroke, a triangle: what a square of this state has in it. */
function glyphOf(state, x, y, side) {
  const a = (part) => (x + part * side).toFixed(1);
  const b = (part) => (y + part * side).toFixed(1);
  return {
    d: `M${a(0.28)} ${b(0.52)}L${a(0.44)} ${b(0.68)}L${a(0.74)} ${b(0.34)}`,
    f: `M${a(0.28)} ${b(0.28)}L${a(0.72)} ${b(0.72)}M${a(0.72)} ${b(0.28)}L${a(0.28)} ${b(0.72)}`,
    x: `M${a(0.5)} ${b(0.26)}V${b(0.56)}M${a(0.5)} ${b(0.66)}V${b(0.76)}`,
    c: `M${a(0.26)} ${b(0.74)}L${a(0.74)} ${b(0.26)}`,
    r: `M${a(0.36)} ${b(0.28)}L${a(0.72)} ${b(0.5)}L${a(0.36)} ${b(0.72)}Z`,
  }[state] ?? null;
}

function rgb(part) {
  const at = Math.min(1, Math.max(0, part)) * (VIRIDIS.length - 1);
  const [low, high] = [VIRIDIS[Math.floor(at)], VIRIDIS[Math.ceil(at)]];
  return `rgb(${low.map((each, i) => Math.round(each + (high[i] - each) * (at % 1))).join(", ")})`;
}

/** Black or white, whichever is read better on this colour. */
function onto(colour) {
  const [r, g, b] = colour.match(/\d+/g).map(Number);
  return 0.299 * r + 0.587 * g + 0.114 * b > 140 ? "#000" : "#fff";
}

function coloursNow() {
  const told = Object.entries(PLAIN).map(([state, name]) => [state, token(name)]);
  return { ...Object.fromEntries(told), ink: token("--ink-3"), paper: token("--paper"), focus: token("--focus") };
}

function withText(svg, text) {
  const told = document.createElement("span");
  told.append(svg, ` ${text}`);
  return told;
}
