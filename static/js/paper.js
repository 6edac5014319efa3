// Plot paper: an SVG as large as its figure, axes on it, and what is drawn between them.
// Colours are the stylesheet's: a class for each part, and s1, s2 … for a series.
import { decades, linear } from "./scale.js";

const SVG = "http://www.w3.org/2000/svg";
const TEXT_PX = 6.6;
const MARKS_UP_TO = 90;
const PICKED_WITHIN = 24; // pixels
const dirty = new Set();

/** All papers that changed are drawn together, once per frame. */
function drawSoon(paper) {
  if (dirty.size === 0) requestAnimationFrame(drawDirty);
  dirty.add(paper);
}

function drawDirty() {
  const papers = [...dirty];
  dirty.clear();
  for (const paper of papers) paper.drawNow();
}

export function node(name, attributes = {}, text = null) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== null) made.append(text);
  return made;
}

export function extent(values) {
  return values.reduce(([low, high], v) => [Math.min(low, v), Math.max(high, v)], [Infinity, -Infinity]);
}

export class Paper {
  #draw;
  #tell;
  #isNear = true; // to what is in view
  #isBehind = false;

  /** Draws into `body`, by `draw(paper)`, whenever its size changes or `redraw` is called.
   *  @param tell does what is to be done besides, as often. What has it is drawn often, and so only
   *  where it is seen; the first time in any case, and when it is printed. */
  constructor(body, draw, tell = null) {
    this.body = body;
    this.#draw = draw;
    this.#tell = tell;
    this.width = 0;
    this.svg = node("svg", { role: "img", "aria-label": "Not drawn yet" });
    body.append(this.svg);
    // Told its size it need not ask, for which the whole page would be laid out amid the drawing.
    this.watcher = new ResizeObserver(() => this.#measure());
    this.watcher.observe(body);
    this.sight = new IntersectionObserver((seen) => this.#see(seen.at(-1)), { rootMargin: "200px" });
    if (tell) this.sight.observe(body);
    addEventListener("beforeprint", this.#catchUp);
  }

  #measure() {
    this.width = this.body.clientWidth;
    this.height = this.body.clientHeight;
    this.redraw();
  }

  #see({ isIntersecting }) {
    this.#isNear = isIntersecting;
    if (isIntersecting && this.#isBehind) this.redraw();
  }

  #catchUp = () => this.#isBehind && this.#picture();

  redraw() {
    drawSoon(this);
  }

  drawNow() {
    this.#tell?.();
    this.#isBehind = !this.#isNear && this.svg.hasChildNodes();
    if (!this.#isBehind) this.#picture();
  }

  #picture() {
    this.#isBehind = false;
    this.svg.replaceChildren();
    if (this.width) this.#draw(this);
  }

  /** The picture of what is known now, also where nobody sees it. */
  get current() {
    this.#catchUp();
    return this.svg;
  }

  remove() {
    this.watcher.disconnect();
    this.sight.disconnect();
    removeEventListener("beforeprint", this.#catchUp);
    dirty.delete(this);
  }

  /** A click takes the nearest of these things; `near(thing, at)` is its point next to `at`, in pixels. */
  onPick(things, near, picked) {
    this.svg.classList.add("pick");
    this.svg.addEventListener("click", ({ clientX, clientY }) => {
      const { left, top } = this.svg.getBoundingClientRect();
      const at = { x: clientX - left, y: clientY - top };
      const away = (thing) => {
        const { x, y } = near(thing, at);
        return Math.hypot(x - at.x, y - at.y);
      };
      const nearest = things().reduce((best, each) => (best && away(best) <= away(each) ? best : each), null);
      if (nearest !== null && away(nearest) <= PICKED_WITHIN) picked(nearest);
    });
  }

  /** The sentence that stands for the picture. */
  say(sentence) {
    this.svg.setAttribute("aria-label", sentence);
  }

  /** Axes over these ranges; then `toX`, `toY` and `box` place what is drawn.
   *  `reversed` runs x from high to low; `room` is left free below and above;
   *  `bare` leaves the ticks of x out; y[2]: whole. */
  axes({ x, y, xLabel, yLabel, log = false, whole = false, reversed = false, room = 0.06, bare = false }) {
    const free = log ? 0 : (y[1] - y[0]) * room;
    const rows = Math.floor(this.height / 42);
    const up = log ? decades(y[0], y[1], rows) : linear(y[0] - free, y[1] + free, rows, y[2]);
    const longest = log ? 5 : Math.max(...up.ticks.map((tick) => tick.text.length));
    const box = { left: 40 + longest * TEXT_PX, right: this.width - 18, top: 14, bottom: this.height - 44 };
    const along = linear(...x, Math.floor((box.right - box.left) / 64), whole);
    const place = reversed ? (value) => 1 - along.place(value) : along.place;
    this.box = box;
    this.toX = (value) => box.left + place(value) * (box.right - box.left);
    this.toY = (value) => box.bottom - up.place(value) * (box.bottom - box.top);
    this.#ticksUp(up.ticks);
    if (!bare) this.#ticksAlong(along.ticks);
    this.#names(xLabel, yLabel);
  }

  #ticksUp(ticks) {
    const { left, right } = this.box;
    for (const tick of ticks) {
      const at = this.toY(tick.value);
      this.add("path", { class: "grid", d: `M${left} ${at}H${right}` });
      const text = this.write(tick.text, { class: "tick", x: left - 8, y: at + 4, "text-anchor": "end" });
      if (tick.raised) text.append(node("tspan", { dy: "-0.5em", "font-size": "9" }, tick.raised));
    }
  }

  #ticksAlong(ticks) {
    const { top, bottom } = this.box;
    for (const tick of ticks) {
      const at = this.toX(tick.value);
      this.add("path", { class: "grid", d: `M${at} ${top}V${bottom}` });
      this.write(tick.text, { class: "tick", x: at, y: bottom + 17, "text-anchor": "middle" });
    }
  }

  #names(xLabel, yLabel) {
    const { left, right, top, bottom } = this.box;
    this.write(xLabel, { class: "axis", x: (left + right) / 2, y: bottom + 36, "text-anchor": "middle" });
    this.write(yLabel, {
      class: "axis", x: 0, y: 0, "text-anchor": "middle",
      transform: `translate(17 ${(top + bottom) / 2}) rotate(-90)`,
    });
  }

  add(name, attributes, text = null) {
    const made = node(name, attributes, text);
    this.svg.append(made);
    return made;
  }

  write(text, attributes) {
    return this.add("text", attributes, text);
  }

  /** A line through [x, y] points; `look` is of its class: s1, s2 thin … */
  line(points, look = "s1") {
    const places = points.map(([x, y]) => `${this.toX(x).toFixed(1)} ${this.toY(y).toFixed(1)}`);
    return places.length ? this.add("path", { class: `line ${look}`, d: `M${places.join("L")}` }) : null;
  }

  /** A ring on each point, unless they are too many to be told apart. */
  marks(points, look = "s1") {
    if (points.length > MARKS_UP_TO) return;
    for (const [x, y] of points) this.dot([x, y], `mark ${look}`, 2.4);
  }

  dot([x, y], look, radius = 3.4) {
    return this.add("circle", { class: look, cx: this.toX(x).toFixed(1), cy: this.toY(y).toFixed(1), r: radius });
  }

  /** A stick from nought up to each point. */
  sticks(points, look = "s1") {
    const foot = Math.min(this.box.bottom, this.toY(0)).toFixed(1);
    for (const [x, y] of points) {
      const at = this.toX(x).toFixed(1);
      this.add("path", { class: `stick ${look}`, d: `M${at} ${foot}V${this.toY(y).toFixed(1)}` });
    }
  }

  /** A dashed line across, for what must be reached; its text above it, or `below`, and where lines
   *  begin: far from it. */
  level(value, text, below = false) {
    const { left, right } = this.box;
    const at = this.toY(value);
    this.add("path", { class: "threshold", d: `M${left} ${at}H${right}` });
    this.write(text, { class: "axis", x: left + 4, y: at + (below ? 14 : -5) });
  }

  /** Which line is which, in the top right corner: texts with the looks of their lines, below one
   *  another where there is no room for a row. */
  legend(entries) {
    const { left, right, top } = this.box;
    const widths = entries.map(([text]) => text.length * TEXT_PX + 38);
    const row = widths.reduce((sum, each) => sum + each);
    const down = row > right - left ? 16 : 0;
    let x = right - (down ? Math.max(...widths) : row);
    let y = top + 8;
    entries.forEach(([text, look], i) => {
      this.add("path", { class: `line ${look}`, d: `M${x} ${y - 4}H${x + 20}` });
      this.write(text, { class: "axis", x: x + 25, y });
      x += down ? 0 : widths[i];
      y += down;
    });
  }
}
