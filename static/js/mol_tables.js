// The same structure in words and numbers.
import { number } from "./format.js";

const MOST_ROWS = 200;

export function fillTables(root, { sentence, atoms, bonds, rank }) {
  root.querySelector("[data-sentence-shown]").textContent = sentence;
  const coordinates = atoms.map((atom, i) => [
    i + 1, atom.elem, ...[atom.x, atom.y, atom.z].map((each) => number(each, "fixed", 3)),
  ]);
  fill(root, "atoms", coordinates);
  const named = (i) => `${atoms[i].elem}${i + 1}`;
  fill(root, "bonds", bonds.map(({ i, j, length }) => [`${named(i)}–${named(j)}`, number(length, "fixed", 3)]));
  for (const row of root.querySelectorAll("[data-contacts] tr")) {
    row.hidden = rank > 0 && Number(row.dataset.rank) !== rank;
  }
}

/** A table with nothing in it, or with more than can be read, is not shown; the file has all. */
function fill(root, name, rows) {
  root.querySelector(`[data-${name}-of]`).hidden = !rows.length || rows.length > MOST_ROWS;
  const body = root.querySelector(`[data-${name}]`);
  body.replaceChildren(...rows.slice(0, MOST_ROWS).map((cells) => {
    const row = document.createElement("tr");
    for (const cell of cells) row.insertCell().textContent = cell;
    return row;
  }));
}
