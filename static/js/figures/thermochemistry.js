// The gas at any temperature and pressure, from the job's own frequencies and moments.
import { number } from "../format.js";
import { Paper, extent } from "../paper.js";
import { gas } from "./rrho.js";

const KJ_PER_HARTREE = 2625.4996394799;
const STEPS = 60;
const ROWS = [
  ["energy_hartree", 6], ["zero_point_hartree", 6], ["enthalpy_hartree", 6], ["gibbs_hartree", 6],
  ["entropy_j_mol_k", 2], ["heat_capacity_j_mol_k", 2],
];

export function draw(figure, told, tools) {
  const { data } = told;
  const asked = ["temperature", "pressure"].map((name) => figure.querySelector(`[data-${name}]`));
  const now = { temperature: data.temperature_k, pressure: data.pressure_bar };
  const paper = new Paper(figure.querySelector("[data-plot]"), () => curves(paper, told, now));

  tools.what.numbers = () => {
    const values = gas(data, now.temperature, now.pressure);
    return {
      header: [...told.table.header, `At ${now.temperature} K and ${now.pressure} bar`],
      rows: told.table.rows.map((row, i) => [...row, number(values[ROWS[i][0]], "fixed", ROWS[i][1])]),
    };
  };
  tools.what.told = () => ({ caption: told.caption, ...now, at: gas(data, now.temperature, now.pressure), data });

  function read() {
    const [temperature, pressure] = asked.map((input) => (input.checkValidity() ? input.valueAsNumber : NaN));
    const readable = Number.isFinite(temperature) && Number.isFinite(pressure);
    for (const input of asked) input.setAttribute("aria-invalid", String(!input.checkValidity()));
    if (!readable) {
      tools.say("Temperature (1 to 10 000 K) and pressure (up to 10 000 bar) are numbers above 0.");
      return;
    }
    Object.assign(now, { temperature, pressure });
    const { gibbs_hartree: gibbs } = gas(data, temperature, pressure);
    tools.say(`G ${number(gibbs, "fixed", 6)} hartree`);
    paper.redraw();
    tools.refresh();
  }
  for (const input of asked) input.addEventListener("input", read);
  figure.querySelector("[data-own]").addEventListener("click", () => {
    asked[0].value = data.temperature_k;
    asked[1].value = data.pressure_bar;
    read();
  });
  read();
}

/** H and G above the electronic energy, from little warmth to well beyond what was asked. */
function curves(paper, { data, sentence }, { temperature, pressure }) {
  const last = Math.max(2 * temperature, 600);
  const along = Array.from({ length: STEPS }, (_, i) => 1 + ((last - 1) * i) / (STEPS - 1));
  const above = (name, kelvin) => (gas(data, kelvin, pressure)[name] - data.energy_hartree) * KJ_PER_HARTREE;
  const lines = ["enthalpy_hartree", "gibbs_hartree"].map((name) => along.map((kelvin) => [kelvin, above(name, kelvin)]));
  paper.say(sentence);
  paper.axes({
    x: [0, last], y: extent(lines.flat().map(([, y]) => y)), xLabel: "Temperature (K)", yLabel: "Above E (kJ/mol)",
  });
  lines.forEach((line, i) => {
    const look = i ? "s2" : "s1";
    paper.line(line, look);
    const name = i ? "gibbs_hartree" : "enthalpy_hartree";
    const at = [temperature, above(name, temperature)];
    paper.dot(at, `newest ${look}`);
    const text = `${i ? "G" : "H"} ${number(at[1], "fixed", 1)}`;
    const anchor = i ? "end" : "start";
    const [x, y] = [paper.toX(at[0]) + (i ? -8 : 7), paper.toY(at[1]) + (i ? 12 : -8)];
    paper.write(text, { class: "axis", x, y, "text-anchor": anchor });
  });
}
