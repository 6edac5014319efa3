// Poses and residues as a strip of cells: the colour and the glyph of the strongest contact in each.
import { structureBeside } from "../figures.js";
import { Paper } from "../paper.js";

const CELL = 26;
const LEFT = 64;
const TOP = 88;
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

export function draw(figure, told, tools) {
  const { residues, poses, classes } = told.data;
  let at = null;
  const body = figure.querySelector("[data-plot]");
  body.style.height = `${TOP + poses.length * CELL + 12}px`;
  body.style.minWidth = `${LEFT + residues.length * CELL + 60}px`;

  const paper = new Paper(body, () => {
    paper.say(`${told.sentence} Arrow keys go from cell to cell, Enter shows the pose.`);
    residues.forEach((residue, i) => paper.write(residue, {
      class: "axis", x: 0, y: 0, transform: `translate(${LEFT + (i + 0.65) * CELL} ${TOP - 7}) rotate(-55)`,
    }));
    poses.forEach((pose, row) => {
      paper.write(`pose ${pose.rank}`, { class: "axis", x: LEFT - 8, y: TOP + (row + 0.65) * CELL, "text-anchor": "end" });
      pose.cells.forEach((cell, column) => drawCell(paper, cell && classes[cell.class], row, column));
    });
    if (at) paper.add("rect", { class: "picked", x: LEFT + at[1] * CELL, y: TOP + at[0] * CELL, width: CELL, height: CELL });
  });
  const point = (where) => {
    if (String(where) === String(at)) return;
    at = where;
    const cell = at && poses[at[0]].cells[at[1]];
    tools.say(at ? `pose ${poses[at[0]].rank}, ${residues[at[1]]}: ${cell?.words ?? "nothing"}` : "");
    const viewer = structureBeside(figure);
    const isShown = at && viewer?.frame === at[0];
    viewer?.highlight?.(cell && isShown ? { residue: residues[at[1]], label: residues[at[1]] } : null);
    paper.redraw();
  };
  const show = () => {
    if (!at) return;
    const viewer = structureBeside(figure);
    viewer?.goTo?.(at[0]);
    viewer?.highlight?.({ residue: residues[at[1]], label: residues[at[1]] });
  };
  hear(paper, { rows: poses.length, columns: residues.length }, point, show, () => at);
  fillLegend(figure.querySelector("[data-legend]"), told.data);
}

function drawCell(paper, kind, row, column) {
  const [x, y] = [LEFT + column * CELL, TOP + row * CELL];
  paper.add("rect", { class: kind ? `cell ${kind.name}` : "cell", x: x + 1, y: y + 1, width: CELL - 2, height: CELL - 2 });
  if (kind) paper.write(kind.glyph, { class: `glyph-in ${kind.name}`, x: x + CELL / 2, y: y + CELL / 2 + 4.5, "text-anchor": "middle" });
}

function hear(paper, { rows, columns }, point, show, now) {
  const { svg } = paper;
  svg.tabIndex = 0;
  const under = ({ offsetX, offsetY }) => {
    const [row, column] = [Math.floor((offsetY - TOP) / CELL), Math.floor((offsetX - LEFT) / CELL)];
    return row >= 0 && row < rows && column >= 0 && column < columns ? [row, column] : null;
  };
  svg.addEventListener("pointermove", (moved) => point(under(moved)));
  svg.addEventListener("pointerleave", () => svg === document.activeElement || point(null));
  svg.addEventListener("click", (clicked) => {
    point(under(clicked));
    show();
  });
  svg.addEventListener("keydown", (pressed) => {
    const step = STEPS[pressed.key];
    if (pressed.key === "Enter") return show();
    if (!step) return null;
    pressed.preventDefault();
    const [row, column] = now() ?? [0, -step[1]];
    const within = (value, count) => Math.min(count - 1, Math.max(0, value));
    return point([within(row + step[0], rows), within(column + step[1], columns)]);
  });
}

/** Of the kinds that occur. */
function fillLegend(list, { classes, poses }) {
  const there = new Set(poses.flatMap(({ cells }) => cells.filter(Boolean).map((cell) => cell.class)));
  list.replaceChildren(...classes.filter((_, i) => there.has(i)).map(({ name, glyph, words }) => {
    const item = document.createElement("li");
    const key = document.createElement("span");
    key.className = `kind ${name}`;
    key.textContent = glyph;
    item.append(key, ` ${words}`);
    return item;
  }));
}
