// Orbital levels, the gap between them, and the shape of one in figure 1.
import { structureBeside } from "../figures.js";
import { number } from "../format.js";
import { extent, node, Paper } from "../paper.js";
import { choices } from "./choices.js";

const NEAR_EV = 12;
const NONE = "none";

export function draw(figure, told, tools) {
  const { data } = told;
  const state = { near: true, chosen: null, iso: 0.05 };
  const paper = new Paper(figure.querySelector("[data-plot]"), () => levels(paper, told, state));
  const near = ({ level, from, to }, { x }) => ({
    x: Math.min(Math.max(x, paper.toX(from)), paper.toX(to)), y: paper.toY(level.energy_ev),
  });
  paper.onPick(() => state.placed, near, ({ level }) => choose(level));
  const viewer = structureBeside(figure);
  const there = [
    ...data.levels.filter((level) => level.cube).map((level) => ({ title: titleOf(level), url: level.cube, level })),
    ...data.fields,
  ];
  const range = figure.querySelector("[data-choices]");
  choices(range, [["near", "Near the gap"], ["all", "All levels"]], "near", (chosen) => {
    state.near = chosen === "near";
    paper.redraw();
  });
  hearIso(figure, state, () => show(state.shown));
  offer(NONE);

  function offer(pressed) {
    if (!there.length || !viewer) return;
    const buttons = [[NONE, "None"], ...there.map(({ title }) => [title, title])];
    choices(figure.querySelector("[data-shown]"), buttons, pressed, (title) => {
      show(there.find((each) => each.title === title) ?? null);
    });
  }
  function choose(level) {
    const cube = there.find((each) => each.level === level);
    if (cube) offer(cube.title);
    if (cube) return show(cube);
    return tellHow(figure, data.how_to, level);
  }
  async function show(cube) {
    state.shown = cube;
    state.chosen = cube?.level ?? null;
    figure.querySelector("[data-iso]").hidden = !cube;
    paper.redraw();
    tools.say(cube ? "Fetching the cube file." : "");
    await viewer.drawField(cube && { ...cube, isovalue: state.iso });
    tools.say(cube ? `in figure 1, at ±${state.iso}` : "");
  }
}

function hearIso(figure, state, changed) {
  const dial = figure.querySelector("[data-iso]");
  dial.querySelector("input").addEventListener("input", ({ target }) => {
    state.iso = target.valueAsNumber;
    dial.querySelector("output").textContent = number(state.iso, "fixed", 3);
  });
  dial.querySelector("input").addEventListener("change", changed);
}

/** An orbital whose shape was not written: the form that asks for it. */
function tellHow(figure, address, level) {
  const link = document.createElement("a");
  link.href = `${address}&cubes=${encodeURIComponent(level.name)}`;
  link.textContent = `run it again with cubes set to ${level.name}`;
  const place = figure.querySelector("[data-how]");
  place.replaceChildren(`No cube file of ${titleOf(level)} was written, and only that has its shape: `, link, ".");
}

export function titleOf({ name, spin }) {
  const [side, offset] = [name.slice(0, 4).toUpperCase(), name.slice(4).replace("-", "−")];
  return `${side}${offset}${spin ? ` ${spin}` : ""}`;
}

function levels(paper, { data, sentence }, state) {
  const filled = data.levels.filter((level) => level.name.startsWith("homo")).map((each) => each.energy_ev);
  const empty = data.levels.filter((level) => level.name.startsWith("lumo")).map((each) => each.energy_ev);
  const homo = filled.length ? Math.max(...filled) : null;
  const lumo = empty.length ? Math.min(...empty) : null;
  const near = ({ energy_ev: energy }) => energy > (homo ?? lumo) - NEAR_EV && energy < (lumo ?? homo) + NEAR_EV;
  const shown = state.near ? data.levels.filter(near) : data.levels;
  const spins = [...new Set(shown.map((level) => level.spin))];
  paper.say(sentence);
  paper.axes({
    x: [-0.3 * spins.length, spins.length], y: extent(shown.map((level) => level.energy_ev)), xLabel: "",
    yLabel: "Energy (eV)", bare: true,
  });
  state.placed = spread(shown, spins);
  for (const { level, from, to } of state.placed) line(paper, level, from, to, level === state.chosen);
  spins.forEach((spin, i) => paper.write(spin ?? "", {
    class: "axis", x: paper.toX(i + 0.5), y: paper.box.bottom + 17, "text-anchor": "middle",
  }));
  if (homo !== null && lumo !== null) gap(paper, homo, lumo, data.gap_ev);
}

/** Levels closer than can be told apart lie beside one another. */
function spread(shown, spins) {
  return shown.map((level) => {
    const column = spins.indexOf(level.spin);
    const equal = shown.filter((each) => each.spin === level.spin && Math.abs(each.energy_ev - level.energy_ev) < 0.02);
    const [width, place] = [0.5 / equal.length, equal.indexOf(level)];
    const from = column + 0.25 + place * width;
    return { level, from: from + 0.02, to: from + width - 0.02 };
  });
}

function line(paper, level, from, to, isChosen) {
  const at = paper.toY(level.energy_ev);
  const isFilled = level.name.startsWith("homo");
  const look = `level ${isFilled ? "s1" : "s2"}${isChosen ? " chosen" : ""}${level.cube ? " drawn" : ""}`;
  const place = `M${paper.toX(from)} ${at}H${paper.toX(to)}`;
  paper.add("path", { class: look, d: place });
  const touch = paper.add("path", { class: "touch", d: place, "data-level": level.name });
  touch.append(node("title", {}, `${titleOf(level)} ${number(level.energy_ev, "fixed", 3)} eV`));
  if (/^(homo|lumo)$/.test(level.name)) {
    paper.write(`${titleOf(level)} ${number(level.energy_ev, "fixed", 2)}`, {
      class: "axis", x: paper.toX(to) + 6, y: at + (isFilled ? 9 : 1), // apart, however small the gap
    });
  }
}

function gap(paper, homo, lumo, told) {
  const x = paper.toX(0);
  const [low, high] = [paper.toY(homo), paper.toY(lumo)];
  paper.add("path", { class: "zero", d: `M${x - 5} ${low}H${x + 5}M${x} ${low}V${high}M${x - 5} ${high}H${x + 5}` });
  paper.write(`gap ${number(told ?? lumo - homo, "fixed", 2)} eV`, {
    class: "axis", x: x - 8, y: (low + high) / 2 + 4, "text-anchor": "end",
  });
}
