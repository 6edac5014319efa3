// Charges on atoms as bars, and as colours and labels in figure 1.
import { structureBeside } from "../figures.js";
import { number } from "../format.js";
import { extent, node, Paper } from "../paper.js";
import { choices } from "./choices.js";

const NAMED_UP_TO = 40;
const OFF = "off";

export function draw(figure, told, tools) {
  const { symbols, schemes } = told.data;
  const paper = new Paper(figure.querySelector("[data-plot]"), () => bars(paper, told));
  const options = [[OFF, "Elements"], ...schemes.map(({ title }) => [title, title])];
  choices(figure.querySelector("[data-choices]"), options, OFF, (chosen) => {
    const scheme = schemes.find(({ title }) => title === chosen);
    structureBeside(figure)?.colourBy(scheme ? { ...scheme, symbols } : null);
    const largest = scheme && Math.max(...scheme.charges_e.map(Math.abs));
    tools.say(scheme ? `in figure 1, red to blue: ±${number(largest, "fixed", 2)} e` : "");
  });
}

function bars(paper, { data: { symbols, schemes }, sentence }) {
  const all = schemes.flatMap((each) => each.charges_e);
  paper.say(sentence);
  paper.axes({
    x: [0.5, symbols.length + 0.5], y: extent([0, ...all]), xLabel: "Atom", yLabel: "Charge (e)", whole: true, room: 0.1,
  });
  const wide = (paper.toX(2) - paper.toX(1)) * 0.7 / schemes.length;
  const zero = paper.toY(0);
  schemes.forEach(({ charges_e: charges }, scheme) => charges.forEach((charge, i) => {
    const x = paper.toX(i + 1) - (wide * schemes.length) / 2 + scheme * wide;
    const y = paper.toY(charge);
    const bar = { x, y: Math.min(y, zero), width: wide, height: Math.abs(y - zero), class: `bar s${scheme ? 3 : 2}` };
    paper.add("rect", bar).append(node("title", {}, `${symbols[i]}${i + 1} ${number(charge, "fixed", 3)} e`));
  }));
  paper.add("path", { class: "zero", d: `M${paper.box.left} ${zero}H${paper.box.right}` });
  if (symbols.length <= NAMED_UP_TO) nameAtoms(paper, symbols);
  schemes.forEach(({ title }, i) => {
    const x = paper.box.right - 70 * (schemes.length - i);
    paper.add("rect", { class: `bar s${i ? 3 : 2}`, x, y: paper.box.top - 9, width: 9, height: 9 });
    paper.write(title, { class: "axis", x: x + 13, y: paper.box.top });
  });
}

function nameAtoms(paper, symbols) {
  symbols.forEach((symbol, i) => paper.write(symbol, {
    class: "axis", x: paper.toX(i + 1), y: paper.box.bottom - 6, "text-anchor": "middle",
  }));
}
