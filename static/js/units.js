// A number typed with a unit, in the unit of its field: as the server reads it, by the server's table.
const NUMBER = /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?/y;
const BETWEEN = /[\s,;]*/y;
const SAME = { " ": "", "^": "", "·": "", "*": "", "µ": "u", "μ": "u", "⁻": "-", "¹": "1" };
const DIGITS = 15; // beyond, it is the arithmetic that speaks

/** The numbers, and the unit that they were typed in; null where there is none that fits.
 *  @param table by each spelling the unit's name, a factor and a summand */
export function convert(text, table) {
  const { numbers, typed } = split(text.replaceAll("−", "-").trim().replace(/^[[(]+/, ""), table);
  const found = numbers.length && typed ? find(typed, table) : null;
  if (!found) return null;
  const [name, factor, summand] = found;
  return { numbers: numbers.map((each) => rounded(each * factor + summand)), name };
}

/** To what the arithmetic leaves to be trusted. */
export const rounded = (number) => Number(number.toPrecision(DIGITS));

function split(text, table) {
  const [first, end] = take(NUMBER, text, 0);
  const rest = plain(text.slice(end));
  if (first && Object.hasOwn(table, rest)) return { numbers: [Number(first)], typed: rest };
  const numbers = [];
  let at = 0;
  for (let [found, after] = take(NUMBER, text, at); found; [found, after] = take(NUMBER, text, at)) {
    numbers.push(Number(found));
    [, at] = take(BETWEEN, text, after);
  }
  return { numbers, typed: plain(text.slice(at).replace(/[\])}\s]+$/, "")) };
}

function take(pattern, text, at) {
  pattern.lastIndex = at;
  const [found] = pattern.exec(text) ?? [""];
  return [found, at + found.length];
}

function find(typed, table) {
  if (Object.hasOwn(table, typed)) return table[typed];
  const near = Object.keys(table).filter((each) => isNear(typed, each)).map((each) => table[each]);
  return new Set(near.map(([name]) => name)).size === 1 ? near[0] : null;
}

/** But for capitals; a milli is no mega. */
function isNear(typed, spelling) {
  const first = [typed[0], spelling[0]].sort().join("");
  return typed.toLowerCase() === spelling.toLowerCase() && first !== "Mm";
}

const plain = (name) => [...name.trim()].map((each) => SAME[each] ?? each).join("");
