// Conformers: energy above the lowest as bars, and the part that each is of the molecules.
import { structureBeside } from "../figures.js";
import { number } from "../format.js";
import { node, Paper } from "../paper.js";
import { choices, ENERGY, liked } from "./choices.js";

const KELVIN_PER_HARTREE = 315775.02480407; // a hartree by Boltzmann's constant, CODATA 2018
const NAMED_UP_TO = 16;

export function draw(figure, told, tools) {
  const { energies_hartree: energies, temperature_k: own } = told.data;
  const state = { unit: liked(), temperature: own, chosen: 0 };
  const paper = new Paper(figure.querySelector("[data-plot]"), () => bars(paper, told, state));
  paper.onPick(() => energies.map((_, i) => i), (i, { y }) => ({ x: paper.toX(i + 1), y }), (i) => choose(i));
  const units = Object.keys(ENERGY).filter((unit) => unit !== "hartree").map((unit) => [unit, unit]);
  choices(figure.querySelector("[data-choices]"), units, state.unit, (unit) => change({ unit }));
  const temperature = figure.querySelector("[data-temperature]");
  temperature.addEventListener("input", () => {
    temperature.setAttribute("aria-invalid", String(!temperature.checkValidity()));
    if (temperature.checkValidity()) change({ temperature: temperature.valueAsNumber });
    else tools.say("A temperature is a number from 1 to 10 000 K.");
  });
  const select = figure.querySelector("[data-conformer]");
  energies.forEach((_, i) => select.add(new Option(`conformer ${i + 1}`, String(i))));
  select.addEventListener("change", () => choose(Number(select.value)));
  tools.what.numbers = () => numbersOf(told, state);

  function change(what) {
    Object.assign(state, what);
    const [lowest] = weights(energies, state.temperature);
    tools.say(`${number(100 * lowest, "fixed", 1)} % in the lowest at ${state.temperature} K`);
    paper.redraw();
    tools.refresh();
  }
  function choose(place) {
    change({ chosen: place });
    select.value = String(place);
    structureBeside(figure)?.showFrame(place);
  }
}

export function weights(energies, temperature) {
  const factors = energies.map((each) => Math.exp(((energies[0] - each) * KELVIN_PER_HARTREE) / temperature));
  const sum = factors.reduce((total, each) => total + each, 0);
  return factors.map((each) => each / sum);
}

function numbersOf({ table, data }, { unit, temperature }) {
  const energies = data.energies_hartree;
  const parts = weights(energies, temperature);
  return {
    header: [...table.header, `Above the lowest (${unit})`, `Population at ${temperature} K`],
    rows: table.rows.map((row, i) => [...row, (energies[i] - energies[0]) * ENERGY[unit], parts[i]]),
    digits: [...table.digits, unit === "eV" ? 4 : 2, 3],
  };
}

function bars(paper, { data: { energies_hartree: energies }, sentence }, { unit, temperature, chosen }) {
  const above = energies.map((each) => (each - energies[0]) * ENERGY[unit]);
  const parts = weights(energies, temperature);
  paper.say(sentence);
  paper.axes({
    x: [0.5, energies.length + 0.5], y: [0, Math.max(...above, 0.1 * ENERGY[unit] / ENERGY["kcal/mol"])],
    xLabel: "Conformer", yLabel: `Above the lowest (${unit})`, whole: true, room: 0.12,
  });
  const wide = Math.min((paper.toX(2) - paper.toX(1)) * 0.6, 60);
  above.forEach((energy, i) => {
    const [x, y] = [paper.toX(i + 1), paper.toY(energy)];
    paper.add("path", { class: `level s1${i === chosen ? " chosen" : ""}`, d: `M${x - wide / 2} ${y}H${x + wide / 2}` });
    if (energies.length <= NAMED_UP_TO) {
      const text = `${number(100 * parts[i], "fixed", parts[i] < 0.1 ? 1 : 0)} %`;
      paper.write(text, { class: "axis", x, y: y - 7, "text-anchor": "middle" });
    }
    const touch = paper.add("rect", {
      class: "touch", x: x - wide / 2, y: paper.box.top, width: wide, height: paper.box.bottom - paper.box.top,
    });
    touch.append(node("title", {}, `conformer ${i + 1}: ${number(energy, "fixed", 2)} ${unit}`));
  });
}
