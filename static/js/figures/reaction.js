// What a reaction changes: energy, enthalpy and free energy, from the reactants at zero.
import { number } from "../format.js";
import { extent, Paper } from "../paper.js";
import { choices, ENERGY, liked } from "./choices.js";

const LOOKS = ["s1", "s2 solid", "s3 solid"];

export function draw(figure, told, tools) {
  let unit = liked();
  const paper = new Paper(figure.querySelector("[data-plot]"), () => levels(paper, told, unit));
  const units = Object.keys(ENERGY).map((name) => [name, name]);
  choices(figure.querySelector("[data-choices]"), units, unit, (chosen) => {
    unit = chosen;
    paper.redraw();
    tools.say(spoken(told, unit));
    tools.refresh();
  });
  tools.what.numbers = () => ({
    header: [...told.table.header, ...told.data.differences.map(({ title }) => `${title} (${unit})`)],
    rows: told.table.rows.map((row, i) => {
      const isDifference = i === told.table.rows.length - 1;
      return [...row, ...told.data.differences.map((each) => (isDifference ? inUnit(each.kj_mol, unit) : null))];
    }),
    digits: [...told.table.digits, ...told.data.differences.map(() => digitsOf(unit))],
  });
  tools.say(spoken(told, unit));
  tools.refresh();
}

function inUnit(kjPerMol, unit) {
  return (kjPerMol / ENERGY["kJ/mol"]) * ENERGY[unit];
}

function digitsOf(unit) {
  return { "hartree": 6, "eV": 3, "kcal/mol": 2, "kJ/mol": 1 }[unit];
}

function spoken({ data }, unit) {
  return data.differences.map(({ title, kj_mol: kj }) => `${title} ${number(inUnit(kj, unit), "fixed", digitsOf(unit))}`).join(", ");
}

function levels(paper, { data, sentence }, unit) {
  const values = data.differences.map(({ kj_mol: kj }) => inUnit(kj, unit));
  paper.say(sentence);
  paper.axes({ x: [0, 3], y: extent([0, ...values]), xLabel: "", yLabel: `Above the reactants (${unit})`, bare: true, room: 0.18 });
  const zero = paper.toY(0);
  paper.add("path", { class: "level s4", d: `M${paper.toX(0.15)} ${zero}H${paper.toX(0.95)}` });
  paper.write("reactants", { class: "axis", x: paper.toX(0.55), y: zero - 7, "text-anchor": "middle" });
  values.forEach((value, i) => {
    const [from, to] = [1.35 + i * 0.55, 1.8 + i * 0.55].map(paper.toX);
    const at = paper.toY(value);
    paper.add("path", { class: `level ${LOOKS[i]}`, d: `M${from} ${at}H${to}` });
    paper.add("path", { class: `line thin ${LOOKS[i]}`, d: `M${paper.toX(0.95)} ${zero}L${from} ${at}` });
    paper.write(`${data.differences[i].title} ${number(value, "fixed", digitsOf(unit))}`, {
      class: "axis", x: (from + to) / 2, y: at + (value < 0 ? 18 : -8), "text-anchor": "middle",
    });
  });
}
