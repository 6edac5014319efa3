// The page of one job as the server drew it, and how an event changes it.
import { Chart } from "./chart.js";
import { pointsOf } from "./chart_ways.js";
import { bringToLife } from "./figures.js";
import { duration, number } from "./format.js";

const LOG_CHARS = 200_000;
const COLOUR_CODES = /\x1b\[[0-9;]*m/g; // of engines that take us for a terminal

const since = (moment) => (Date.now() - Date.parse(moment)) / 1000;

export class JobView {
  constructor(root) {
    this.root = root;
    this.data = JSON.parse(root.querySelector("#snapshot").textContent);
    this.seq = this.data.seq;
    this.points = pointsOf(this.data.columns);
    this.log = root.querySelector("#log");
    this.charts = [...root.querySelectorAll("[data-figure]")].map(
      (figure) => new Chart(figure, this.data.plots[figure.dataset.figure], this.data.job.id.slice(0, 8)),
    );
    this.readouts = new Map(this.data.readouts.map((each) => [each.key, each]));
    for (const chart of this.charts) chart.show(this.points);
    bringToLife(root, this.data.job.id.slice(0, 8));
    if (this.log) {
      this.log.scrollTop = this.log.scrollHeight;
      this.log.addEventListener("scroll", () => this.#sayFollowing());
    }
    this.heardAt = Date.now();
    this.#markStage(this.data.job);
    this.#showStage();
  }

  /** Bring the page up to this event; one that it already knows changes nothing. */
  apply(event) {
    if (event.seq <= this.seq) return;
    this.seq = event.seq;
    this.heardAt = Date.now();
    if (event.kind === "started") this.#beginAttempt();
    Object.assign(this.data.job, {
      state: event.state, progress: event.progress, message: event.message, stage: event.stage,
    });
    if (event.points) this.#addPoints(event.points);
    if (event.log) this.#addLog(event.log);
    this.#markStage(event);
    this.#showProgress(event);
  }

  /** @param left says how long a run may still take: of eta.js, which only a run needs. */
  tick(left) {
    const elapsed = this.root.querySelector("[data-since]");
    if (elapsed) elapsed.textContent = duration(since(elapsed.dataset.since));
    const rest = this.root.querySelector("[data-left]");
    const { left: rests, remaining_s: told, started_at } = this.data.job;
    if (rest && (rests.length || told !== null)) {
      const [value, range] = left(rests, since(started_at), told);
      rest.querySelector(".value").textContent = value;
      if (told !== null) rest.querySelector(".value").title = "";
      rest.querySelector(".sub").textContent = range;
    }
    this.#tellQuiet();
  }

  /** The engine says nothing, and its worker is there: else the job would be unconfirmed by now. */
  #tellQuiet() {
    const quiet = this.root.querySelector("[data-quiet]");
    if (!quiet) return;
    const seconds = (Date.now() - this.heardAt) / 1000;
    quiet.hidden = seconds < Number(quiet.dataset.quiet);
    if (!quiet.hidden) quiet.textContent = `Quiet for ${duration(seconds)}; its worker is alive and computing.`;
  }

  /** Look as `before` did: the same tables open, the log where its reader had it. */
  resemble(before) {
    for (const chart of before.charts) {
      // A result may have taken the place of one, so they are known by what they show.
      this.charts.find((each) => each.plot.y === chart.plot.y)?.resemble(chart);
    }
    if (!before.log || !this.log || before.isAtEnd()) return;
    this.log.scrollTop = this.log.scrollHeight - (before.log.scrollHeight - before.log.scrollTop);
  }

  remove() {
    for (const chart of this.charts) chart.remove();
  }

  isAtEnd() {
    return this.log.scrollTop + this.log.clientHeight >= this.log.scrollHeight - 24;
  }

  #beginAttempt() {
    if (this.log) this.log.textContent = "";
  }

  #addPoints(points) {
    this.points.push(...points);
    for (const chart of this.charts) chart.show(this.points);
    const newest = Object.assign({}, ...points);
    this.data.job.remaining_s = newest.remaining_s ?? this.data.job.remaining_s;
    const viewer = this.root.querySelector("bp-mol");
    const toldBy = viewer?.spec?.told_by;
    if (toldBy && toldBy in newest) viewer.news();
    for (const cell of this.root.querySelectorAll("[data-readout]")) {
      const readout = this.readouts.get(cell.dataset.readout);
      if (!readout || !(readout.key in newest)) continue;
      const text = number(newest[readout.key], readout.form, readout.digits);
      if (text === cell.textContent) continue;
      cell.textContent = text;
      cell.classList.remove("changed");
      requestAnimationFrame(() => cell.classList.add("changed"));
    }
  }

  #addLog(text) {
    if (!this.log) return;
    const follows = this.isAtEnd();
    this.log.append(text.replace(COLOUR_CODES, ""));
    if (this.log.textContent.length > LOG_CHARS) {
      const rest = this.log.textContent.slice(-LOG_CHARS / 2);
      this.log.textContent = rest.slice(rest.indexOf("\n") + 1);
    }
    if (follows) this.log.scrollTop = this.log.scrollHeight;
  }

  #sayFollowing() {
    if (this.data.job.final) return;
    this.root.querySelector("[data-following]").textContent = this.isAtEnd()
      ? "newest last, following"
      : "stopped following; scroll to the end to go on";
  }

  #showProgress({ progress, message }) {
    this.root.querySelector("#progress").value = progress;
    this.root.querySelector("[data-percent]").textContent = Math.round(progress * 100);
    for (const place of this.root.querySelectorAll("[data-where], [data-here]")) {
      if (message) place.textContent = message;
    }
  }

  /** Move the current along the rail; what was passed keeps what it said. */
  #markStage({ stage, state }) {
    const here = this.root.querySelector(`[data-stage="${CSS.escape(stage)}"]`);
    if (state !== "running" || !here || here.classList.contains("on")) return;
    let passed = true;
    for (const stop of this.root.querySelectorAll("[data-stage]")) {
      if (stop === here) passed = false;
      const mark = stop === here ? "on" : passed ? "ok" : "todo";
      const glyph = { on: "running", ok: "done", todo: "todo" }[mark];
      stop.className = mark;
      stop.toggleAttribute("aria-current", false);
      stop.querySelector("[data-here]")?.removeAttribute("data-here");
      const use = stop.querySelector("use");
      use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${glyph}`));
    }
    here.setAttribute("aria-current", "step");
    here.querySelector(".muted").dataset.here = "";
    this.#showStage();
  }

  /** On a phone the rail lies on its side: bring the current stage into sight. */
  #showStage() {
    const here = [...this.root.querySelectorAll(".rail li:not(.todo)")].at(-1);
    if (here) here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.offsetLeft - 32;
  }
}
