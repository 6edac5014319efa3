// A step of an optimisation in a live figure and its geometry in figure 1: either shows the other.
import { structureBeside } from "./figures.js";
import { significant } from "./format.js";

const MOVES = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };
const OF_STEPS = ["Step", "Cell"];
const HINT = "click a step, or use ← →: figure 1 shows it";

/** A click near a point, or the arrow keys on the figure, show the geometry of that step.
 *  False where figure 1 has no steps. */
export function tieToSteps(chart) {
  const { figure, paper, plot } = chart;
  const viewer = structureBeside(figure);
  if (!hasSteps(viewer)) return false;
  const show = (step) => viewer.showStep(step);
  chart.mark = () => markStep(chart);
  paper.onPick(() => stepsOf(chart), (step, { y }) => ({ x: paper.toX(step), y }), show);
  figure.closest("#job").addEventListener("stepshown", ({ detail }) => {
    if (chart.step === detail) return;
    chart.step = detail;
    paper.redraw();
  });
  hearKeys(chart, show);
  return true;
}

function hasSteps(viewer) {
  const told = viewer?.querySelector('script[type="application/json"]');
  return Boolean(told) && OF_STEPS.includes(JSON.parse(told.textContent).frame_word);
}

function stepsOf(chart) {
  return chart.numbers().rows.map(([step]) => step);
}

function hearKeys(chart, show) {
  const { svg } = chart.paper;
  svg.addEventListener("keydown", (pressed) => {
    if (pressed.ctrlKey || pressed.metaKey || pressed.altKey) return;
    const all = stepsOf(chart);
    const at = chart.step === null ? all.length : all.indexOf(chart.step);
    const to = { Home: 0, End: all.length - 1 }[pressed.key] ?? at + MOVES[pressed.key];
    if (Number.isNaN(to)) return;
    pressed.preventDefault();
    show(all[Math.max(0, Math.min(to, all.length - 1))]);
  });
}

/** The step that figure 1 shows, on each line. */
function markStep(chart) {
  const { step, lines, paper } = chart;
  const at = (line) => line.points.find(([x]) => x === step);
  const found = step === null ? [] : lines.filter(at);
  const [, value] = found.length ? at(found[0]) : [];
  chart.rest = found.length ? `step ${step}: ${significant(value, 10)}, in figure 1` : HINT;
  tellSlider(chart);
  chart.tools.say(chart.rest);
  if (!found.length) return;
  const { top, bottom } = paper.box;
  paper.add("path", { class: "shown-step", d: `M${paper.toX(step)} ${top}V${bottom}` });
  for (const line of found) paper.dot(at(line), "shown-step", 5);
}

/** A slider with its values, from one moment on: a role without them is a broken promise. */
function tellSlider(chart) {
  const { svg } = chart.paper;
  const all = stepsOf(chart);
  const told = { valuemin: all[0], valuemax: all.at(-1), valuenow: chart.step ?? all.at(-1), valuetext: chart.rest };
  for (const [name, value] of Object.entries(told)) svg.setAttribute(`aria-${name}`, value);
  svg.setAttribute("role", "slider");
  svg.setAttribute("tabindex", "0");
}
