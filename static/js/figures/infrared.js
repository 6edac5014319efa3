// An infrared spectrum: bands as sticks and as a curve, from high to low wavenumbers.
import { structureBeside } from "../figures.js";
import { number } from "../format.js";
import { node, Paper } from "../paper.js";
import { readModes, xyzOfMode } from "./molden.js";

const [HIGH, LOW] = [4000, 400];
const STEP = 2;
const TOUCH = 12; // pixels on either side of a stick

export function draw(figure, told, tools) {
  const { data } = told;
  const state = { width: data.width_cm1, scale: 1, mode: null, measured: null };
  const paper = new Paper(figure.querySelector("[data-plot]"), () => spectrum(paper, told, state));
  const real = () => data.frequencies_cm1.map((_, i) => i).filter((i) => data.frequencies_cm1[i] > 0);
  paper.onPick(real, (i, { y }) => ({ x: paper.toX(data.frequencies_cm1[i] * state.scale), y }), (i) => choose(i));
  const dial = (name, digits, unit) => hearDial(figure, name, (value) => {
    state[name] = value;
    paper.redraw();
    tools.refresh();
    return `${number(value, "fixed", digits)}${unit}`;
  });
  dial("width", 0, " cm⁻¹");
  dial("scale", 3, "");
  hearExactScale(figure);
  hearMeasured(figure, (measured) => {
    state.measured = measured;
    paper.redraw();
  });
  const select = offerModes(figure, data, (mode) => choose(mode));
  const stop = figure.querySelector("[data-stop]");
  stop.addEventListener("click", () => choose(null));
  tellImaginary(figure, data, choose);
  tools.what.numbers = () => scaled(told.table, state.scale);
  tools.what.told = () => ({ caption: told.caption, units: told.units, ...state, curve: curveOf(data, state) });

  const viewer = structureBeside(figure);
  viewer?.addEventListener("modeover", () => mark(null));

  let modes = null;
  function mark(mode) {
    state.mode = mode;
    select.value = mode === null ? "" : String(mode);
    stop.disabled = mode === null;
    tools.say("");
    paper.redraw();
  }
  async function choose(mode) {
    mark(mode);
    if (!viewer || !data.modes) return;
    if (mode === null) return viewer.vibrate(null);
    modes ??= readModes(await textOf(data.modes));
    const title = nameOf(data, mode);
    await viewer.vibrate({ text: xyzOfMode(modes, mode, title), title });
    tools.say("moves in figure 1");
  }
}

function hearDial(figure, name, changed) {
  const input = figure.querySelector(`[data-${name}]`);
  const output = input.parentElement.querySelector("output");
  // A number that was typed is taken as it is, between the steps of the slider.
  input.addEventListener("input", ({ detail }) => { output.textContent = changed(detail || input.valueAsNumber); });
  output.textContent = changed(input.valueAsNumber);
}

/** The scale factor as a number, beside its slider. */
function hearExactScale(figure) {
  const [slider, exact] = ["scale", "scale-exact"].map((name) => figure.querySelector(`[data-${name}]`));
  slider.addEventListener("input", ({ detail }) => { if (!detail) exact.value = slider.value; });
  exact.addEventListener("input", () => {
    if (!exact.value || !exact.validity.valid) return;
    slider.value = exact.value;
    slider.dispatchEvent(new CustomEvent("input", { detail: exact.valueAsNumber }));
  });
}

/** A spectrum from the reader's own file; what reads it comes with the first one. */
function hearMeasured(figure, changed) {
  let hear = null;
  figure.querySelector("[data-measured]").addEventListener("change", async () => {
    hear ??= (await import("./measured.js")).measuredIn(figure, changed);
    hear();
  });
}

function offerModes(figure, data, chosen) {
  const select = figure.querySelector("[data-mode]");
  data.frequencies_cm1.forEach((_, i) => select.add(new Option(nameOf(data, i), String(i))));
  select.addEventListener("change", () => chosen(select.value === "" ? null : Number(select.value)));
  select.disabled = !data.modes;
  return select;
}

function tellImaginary(figure, data, choose) {
  const first = data.frequencies_cm1.findIndex((each) => each < 0);
  if (first < 0) return;
  const n = data.frequencies_cm1.filter((each) => each < 0).length;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn as-link";
  button.textContent = `See ${nameOf(data, first)} move.`;
  button.addEventListener("click", () => choose(first));
  const place = figure.querySelector("[data-imaginary]");
  place.hidden = false;
  place.append(`${n} imaginary mode${n > 1 ? "s" : ""}: this geometry is no minimum along ${n > 1 ? "them" : "it"}, and the spectrum leaves ${n > 1 ? "them" : "it"} out. `, button);
}

async function textOf(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`the modes cannot be had (${answer.status})`);
  return answer.text();
}

export function nameOf({ frequencies_cm1: frequencies, intensities_km_mol: intensities }, mode) {
  const frequency = frequencies[mode];
  const wavenumber = frequency < 0 ? `${number(-frequency, "fixed", 0)}i` : number(frequency, "fixed", 0);
  return `mode ${mode + 1}, ${wavenumber} cm⁻¹, ${number(intensities[mode], "fixed", 1)} km/mol`;
}

function scaled({ header, rows, digits }, scale) {
  if (scale === 1) return { header, rows, digits };
  return {
    header: [...header, `Frequency × ${scale} (cm⁻¹)`],
    rows: rows.map((row) => [...row, row[1] * scale]),
    digits: [...digits, 1],
  };
}

/** Lorentzians of this width at half height, each of the area of its intensity. */
export function curveOf({ frequencies_cm1: frequencies, intensities_km_mol: intensities }, { width, scale }) {
  const half = width / 2;
  const [low, high] = rangeOf(frequencies, scale);
  const bands = frequencies.map((each, i) => [each * scale, intensities[i]]).filter(([at]) => at > 0);
  const even = Array.from({ length: Math.floor((high - low) / STEP) + 1 }, (_, i) => low + i * STEP);
  // The peaks themselves, which an even grid would cut.
  const along = [...even, ...bands.map(([at]) => at)].sort((a, b) => a - b);
  return along.map((x) => [x, bands.reduce((sum, [at, area]) => sum + (area * half) / Math.PI / ((x - at) ** 2 + half ** 2), 0)]);
}

/** From 4000 to 400, and farther where a band lies beyond. */
function rangeOf(frequencies, scale) {
  const real = frequencies.filter((each) => each > 0).map((each) => each * scale);
  const low = Math.floor((Math.min(...real, Infinity) - 50) / 100) * 100;
  const high = Math.ceil((Math.max(...real, 0) + 50) / 100) * 100;
  return [Math.max(0, Math.min(LOW, low)), Math.max(HIGH, high)];
}

function spectrum(paper, { data, sentence }, state) {
  const curve = curveOf(data, state);
  paper.say(sentence);
  paper.axes({
    x: rangeOf(data.frequencies_cm1, state.scale), y: [0, Math.max(...curve.map(([, y]) => y), 1e-6)],
    xLabel: "Wavenumber (cm⁻¹)", yLabel: "km mol⁻¹ cm", reversed: true, whole: true,
  });
  paper.line(curve, "s1");
  state.measured?.draw(paper, curve, rangeOf(data.frequencies_cm1, state.scale));
  data.frequencies_cm1.forEach((frequency, i) => {
    if (frequency > 0) band(paper, data, state, i);
  });
}

/** A stick as high as its own Lorentzian. */
function band(paper, data, { width, scale, mode }, i) {
  const x = data.frequencies_cm1[i] * scale;
  const height = (2 * data.intensities_km_mol[i]) / (Math.PI * width);
  paper.sticks([[x, height]], `s2${mode === i ? " chosen" : ""}`);
  const { top, bottom } = paper.box;
  const touch = paper.add("rect", {
    class: "touch", x: paper.toX(x) - TOUCH / 2, y: top, width: TOUCH, height: bottom - top, "data-band": i,
  });
  touch.append(node("title", {}, nameOf(data, i)));
  if (mode === i) paper.dot([x, height], "newest s2", 4);
}
