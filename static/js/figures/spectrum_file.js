// A measured spectrum from a file that never leaves the browser: JCAMP-DX, or a table of two columns.
// JCAMP-DX 4.24: R. S. McDonald and P. A. Wilks, Applied Spectroscopy 42 (1988) 151.

const EXPECTED = "Expected a JCAMP-DX file (.jdx, .dx) or a table of two columns: wavenumber in cm⁻¹, then absorbance or transmittance.";
const WAVENUMBERS = [10, 50_000]; // of anything that is measured as infrared, and beyond
const NOT_MEASURABLE = 6; // an absorbance above this is a transmittance in per cent

/** Points [cm⁻¹, y] by rising wavenumber, and what y is: absorbance, transmittance or percent.
 *  An Error says what is wrong and what was expected. */
export function readSpectrum(text) {
  const { points, kind } = /^\s*##/.test(text) ? ofJcamp(text) : ofTable(text);
  if (points.length < 2) throw fault(`${points.length} points were found`);
  const [low, high] = WAVENUMBERS;
  const off = points.find(([x]) => !(x >= low && x <= high));
  if (off) throw fault(`${off[0]} was read as a wavenumber, which lies between ${low} and ${high} cm⁻¹`);
  return { points: points.sort(([a], [b]) => a - b), kind };
}

/** As absorbance, A = −log₁₀ T; where nothing came through there is none to tell. */
export function absorbance(points, kind) {
  if (kind === "absorbance") return points;
  const whole = kind === "percent" ? 100 : 1;
  return points.filter(([, y]) => y > 0).map(([x, y]) => [x, -Math.log10(y / whole)]);
}

function fault(what) {
  return new Error(`${what}. ${EXPECTED}`);
}

function ofTable(text) {
  const lines = text.split(/\r?\n/).map((line, i) => [line.trim(), i + 1]).filter(([line]) => line && !line.startsWith("#"));
  const cut = cutterOf(lines.map(([line]) => line));
  const isHeader = ([line]) => !cut(line).slice(0, 2).every(isNumber);
  const header = lines.length && isHeader(lines[0]) ? lines.shift()[0] : "";
  const points = lines.map(([line, number]) => {
    const cells = cut(line).slice(0, 2);
    if (cells.length < 2 || !cells.every(isNumber)) throw fault(`Line ${number}, “${line.slice(0, 40)}”, is not two numbers`);
    return cells.map(Number);
  });
  return { points, kind: kindOf(header, points) };
}

/** By semicolons, with a comma or a point in the numbers; else by tabs, commas or blanks. */
function cutterOf(lines) {
  const has = (sign) => lines.some((line) => line.includes(sign));
  const trimmed = (cells) => cells.map((cell) => cell.trim().replace(/^"(.*)"$/, "$1"));
  if (has(";")) return (line) => trimmed(line.split(";")).map((cell) => cell.replace(",", "."));
  if (has("\t")) return (line) => trimmed(line.split("\t")).map((cell) => cell.replace(",", "."));
  return (line) => trimmed(line.split(has(",") ? "," : /\s+/));
}

function isNumber(text) {
  return text !== "" && Number.isFinite(Number(text));
}

function kindOf(words, points) {
  const isAbove = (limit) => points.some(([, y]) => y > limit);
  if (/transmi|%\s*t\b/i.test(words)) return /%|per ?cent/i.test(words) || isAbove(2) ? "percent" : "transmittance";
  return !/absor/i.test(words) && isAbove(NOT_MEASURABLE) ? "percent" : "absorbance";
}

function ofJcamp(text) {
  const records = recordsOf(text);
  const form = ["XYDATA", "XYPOINTS", "PEAKTABLE"].find((name) => records.has(name));
  if (!form) throw fault("This JCAMP-DX file has none of ##XYDATA, ##XYPOINTS and ##PEAK TABLE");
  const data = records.get(form).split("\n").slice(1).join("\n");
  const raw = form === "XYDATA" ? evenPoints(data, records) : pairs(data, records);
  const points = raw.map(([x, y]) => [wavenumberOf(records)(x), y]);
  const unit = records.get("YUNITS") ?? "";
  if (/reflect/i.test(unit)) throw fault(`##YUNITS is ${unit.trim()}`);
  return { points, kind: kindOf(unit || "absorbance", points) };
}

/** Of the first spectrum in it; labels without blanks and hyphens, as the standard compares them. */
function recordsOf(text) {
  const records = new Map();
  for (const part of text.replace(/\$\$.*$/gm, "").replaceAll("\r", "").split(/^\s*##/m).slice(1)) {
    const [label, value] = [part.slice(0, part.indexOf("=")), part.slice(part.indexOf("=") + 1)];
    const name = label.toUpperCase().replace(/[\s\-_/]/g, "");
    if (!records.has(name)) records.set(name, value);
  }
  return records;
}

function numberIn(records, name, otherwise = null) {
  const value = Number.parseFloat(records.get(name) ?? otherwise);
  if (!Number.isFinite(value)) throw fault(`##${name} is not a number, or not there`);
  return value;
}

function wavenumberOf(records) {
  const unit = (records.get("XUNITS") ?? "").trim();
  if (/^(1\/cm|cm-1|cm\^-1)/i.test(unit)) return (x) => x;
  if (/^micromet|^um\b|^µm/i.test(unit)) return (x) => 1e4 / x;
  if (/^nanomet|^nm\b/i.test(unit)) return (x) => 1e7 / x;
  throw fault(`##XUNITS is “${unit}”, where 1/CM, MICROMETERS or NANOMETERS was expected`);
}

function pairs(data, records) {
  const all = (data.match(/[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/g) ?? []).map(Number);
  const [across, up] = ["XFACTOR", "YFACTOR"].map((name) => numberIn(records, name, 1));
  return all.flatMap((x, i) => (i % 2 === 0 && i + 1 < all.length ? [[x * across, all[i + 1] * up]] : []));
}

/** (X++(Y..Y)): ordinates at equal distances from FIRSTX to LASTX. */
function evenPoints(data, records) {
  const ordinates = ordinatesOf(data);
  const [first, last, count] = ["FIRSTX", "LASTX", "NPOINTS"].map((name) => numberIn(records, name));
  if (ordinates.length !== count) throw fault(`##NPOINTS says ${count}, and ${ordinates.length} were read`);
  const up = numberIn(records, "YFACTOR", 1);
  return ordinates.map((y, i) => [first + ((last - first) * i) / (count - 1), y * up]);
}

/** Of numbers as they are (AFFN, PAC), or packed (SQZ, DIF, DUP). */
function ordinatesOf(data) {
  const isPacked = /[@%A-DF-Za-df-z]/.test(data);
  const token = isPacked ? /[+-]?(?:\d+\.?\d*|\.\d+)|[@%A-Za-z]\d*/g : /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/g;
  const all = [];
  let endsInDifference = false;
  for (const line of data.split("\n")) {
    const [abscissa, ...tokens] = line.match(token) ?? [];
    if (abscissa === undefined) continue;
    const { values, endsSo } = lineOf(tokens, all.at(-1));
    if (endsInDifference && values[0] !== all.at(-1)) throw fault(`“${line.slice(0, 30)}” does not go on where the line before it ended`);
    // After differences the last ordinate is told again, as a check.
    all.push(...values.slice(endsInDifference ? 1 : 0));
    endsInDifference = endsSo;
  }
  return all;
}

const PLACE = { SQZ: "ihgfedcba@ABCDEFGHI", DIF: "rqponmlkj%JKLMNOPQR", DUP: "STUVWXYZs" };

function lineOf(tokens, before) {
  const values = [];
  let last = null; // the ordinate or difference that a DUP repeats
  for (const token of tokens) {
    const sign = token[0];
    if (PLACE.DUP.includes(sign)) {
      if (!last) throw fault(`“${token}” repeats nothing`);
      const times = Number(`${PLACE.DUP.indexOf(sign) + 1}${token.slice(1)}`);
      for (let i = 1; i < times; i++) values.push(last.isDifference ? values.at(-1) + last.value : last.value);
      continue;
    }
    last = read(token);
    values.push(last.isDifference ? (values.at(-1) ?? before) + last.value : last.value);
  }
  return { values, endsSo: Boolean(last?.isDifference) };
}

function read(token) {
  for (const [form, signs] of [["SQZ", PLACE.SQZ], ["DIF", PLACE.DIF]]) {
    const digit = signs.indexOf(token[0]) - 9;
    if (digit < -9) continue;
    const size = Number(`${Math.abs(digit)}${token.slice(1)}`);
    return { value: digit < 0 ? -size : size, isDifference: form === "DIF" };
  }
  return { value: Number(token), isDifference: false };
}
