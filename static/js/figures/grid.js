// A square for each member of a screen or batch, to be walked through by pointer or keys.
import { structureBeside } from "../figures.js";
import { number } from "../format.js";
import { Board } from "./board.js";
import { hearPick, pick } from "./picking.js";

export function draw(figure, told, tools) {
  const { data } = told;
  const line = figure.querySelector("[data-member]");
  const board = new Board(figure.querySelector("[data-board]"), data, `${told.sentence} Arrow keys go from square to square, Enter opens one.`);
  board.drawLegend(figure.querySelector("[data-legend]"));
  const rankOf = (i) => data.ranked.indexOf(i) + 1;
  const at = (i) => ({ rank: rankOf(i), label: nameOf(data, i), value: data.values[i] ?? undefined });
  board.hear({
    seen: (i) => tools.say(i === null ? "" : describe(data, i)),
    picked: (i) => {
      line.textContent = describe(data, i);
      pick(figure, at(i));
    },
    opened: (i) => {
      if (data.link) location.assign(`${data.link}${data.numbers?.[i] ?? i}/`);
      else if (rankOf(i)) structureBeside(figure)?.showRank?.(rankOf(i));
    },
  });
  hearPick(figure, ({ rank }) => rank && board.mark(data.ranked[rank - 1] ?? -1));
  tools.what.picture = () => board.svg();
  // Of thousands the server writes no table: it is made when it is asked for.
  if (!told.table.rows.length) tools.what.numbers = () => numbers(told);
}

function nameOf(data, i) {
  return data.labels?.[i] || `${data.word} ${data.numbers?.[i] ?? i}`;
}

function describe(data, i) {
  const name = nameOf(data, i);
  const which = data.labels?.[i] ? `${data.word} ${data.numbers?.[i] ?? i}, ${name}` : name;
  const state = data.details?.[i] ?? data.words[data.states[i]];
  const value = data.values[i];
  const told = value === null ? "" : `, ${data.quantity} ${number(value, "fixed", data.digits)}`;
  return `${which}: ${state}${told}`;
}

function numbers({ data, table }) {
  const rows = [...data.states].map((state, i) => [data.numbers?.[i] ?? i, data.words[state], data.values[i]]);
  return { header: table.header, rows, digits: [null, null, data.digits] };
}
