// Energy against volume: the points that were computed, and the curve fitted through them.
import { number } from "../format.js";
import { extent, Paper } from "../paper.js";
import { choices, ENERGY, liked } from "./choices.js";

const GPA_PER_HARTREE_PER_ANGSTROM3 = 4359.7447222071;
const STEPS = 120;

export function draw(figure, told, tools) {
  const { data } = told;
  let unit = liked();
  const above = (energy) => (energy - data.energy_hartree) * ENERGY[unit];
  const absolute = () => unit === "hartree";
  const shown = (energy) => (absolute() ? energy : above(energy));

  const paper = new Paper(figure.querySelector("[data-plot]"), () => {
    const points = data.points.map(([volume, energy]) => [volume, shown(energy)]);
    const curve = fitted(data).map(([volume, energy]) => [volume, shown(energy)]);
    const all = [...points, ...curve];
    paper.say(told.sentence);
    paper.axes({
      x: extent(all.map(([x]) => x)), y: extent(all.map(([, y]) => y)),
      xLabel: "Volume of the cell (Å³)",
      yLabel: absolute() ? "E (hartree)" : `E above the minimum (${unit})`,
    });
    paper.line(curve, "s2 solid");
    paper.marks(points, "s1");
    const least = [data.volume_angstrom3, shown(data.energy_hartree)];
    paper.dot(least, "newest s2");
    paper.write(`V₀ ${number(data.volume_angstrom3, "fixed", 2)} Å³`, {
      class: "axis", x: paper.toX(least[0]), y: paper.toY(least[1]) - 10, "text-anchor": "middle",
    });
  });
  tools.what.numbers = () => (absolute() ? told.table : {
    header: [...told.table.header, `Above the minimum (${unit})`],
    rows: told.table.rows.map((row) => [...row, above(row[1])]),
    digits: [...told.table.digits, unit === "eV" ? 4 : 2],
  });
  const units = Object.keys(ENERGY).map((name) => [name, name]);
  choices(figure.querySelector("[data-choices]"), units, unit, (chosen) => {
    unit = chosen;
    paper.redraw();
    tools.refresh();
  });
}

/** Birch and Murnaghan's third-order curve, over the volumes of the points. */
function fitted({ points, volume_angstrom3: volume, energy_hartree: energy, ...curve }) {
  const modulus = curve.bulk_modulus_gpa / GPA_PER_HARTREE_PER_ANGSTROM3;
  const [first, last] = extent(points.map(([each]) => each));
  return Array.from({ length: STEPS + 1 }, (_, i) => {
    const at = first + ((last - first) * i) / STEPS;
    const eta = (volume / at) ** (2 / 3);
    const shape = 6 + curve.bulk_modulus_derivative * (eta - 1) - 4 * eta;
    return [at, energy + ((9 * modulus * volume) / 16) * (eta - 1) ** 2 * shape];
  });
}
