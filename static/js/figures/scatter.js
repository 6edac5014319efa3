// The score of each ligand against what lets a score grow by itself.
import { number } from "../format.js";
import { extent, Paper } from "../paper.js";
import { choices } from "./choices.js";
import { hearPick, pick } from "./picking.js";

const NEAR_PX = 18;

export function draw(figure, told, tools) {
  const { columns, quantity, digits } = told.data;
  const { rows } = told.table;
  let column = columns[0];
  let picked = null;
  const points = () => rows.map((row) => [row[2 + columns.indexOf(column)], row[1]]);

  const paper = new Paper(figure.querySelector("[data-plot]"), () => {
    const all = points();
    paper.say(told.sentence);
    const [low, high] = extent(all.map(([x]) => x));
    const room = (high - low) * 0.05 || 1;
    paper.axes({ x: [low - room, high + room], y: extent(all.map(([, y]) => y)), xLabel: column, yLabel: quantity, room: 0.1 });
    all.forEach((point, i) => paper.dot(point, rows[i][0] === picked ? "newest s2" : "mark s1", rows[i][0] === picked ? 5 : 3.2));
  });
  const nearest = ({ offsetX, offsetY }) => {
    const far = ([x, y]) => Math.hypot(paper.toX(x) - offsetX, paper.toY(y) - offsetY);
    const all = points();
    const best = all.reduce((found, point, i) => (far(point) < far(all[found]) ? i : found), 0);
    return far(all[best]) <= NEAR_PX ? best : null;
  };
  paper.svg.addEventListener("pointermove", (moved) => {
    const i = nearest(moved);
    tools.say(i === null ? "" : `${rows[i][0]}: ${number(rows[i][1], "fixed", digits)}`);
  });
  paper.svg.addEventListener("click", (clicked) => {
    const i = nearest(clicked);
    if (i !== null) pick(figure, { rank: i + 1, label: rows[i][0], value: rows[i][1] });
  });
  hearPick(figure, ({ label }) => {
    picked = label;
    paper.redraw();
  });
  choices(figure.querySelector("[data-choices]"), columns.map((name) => [name, name]), column, (chosen) => {
    column = chosen;
    paper.redraw();
  });
}
