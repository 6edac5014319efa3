// What a figure shows, as a file: numbers as CSV or JSON, the drawing as SVG or PNG.

const DRAWN_BY = [
  "fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-linejoin", "stroke-linecap",
  "stroke-opacity", "opacity", "font-family", "font-size", "font-weight", "text-anchor", "paint-order",
];
const PNG_SCALE = 2;
const ROW_PX = 20;

export function save(name, content, type) {
  const blob = content instanceof Blob ? content : new Blob([content], { type });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Numbers whole, not as the page rounds them. */
export function asCsv({ header, columns = header, rows }) {
  const cell = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `${[columns, ...rows].map((row) => row.map(cell).join(",")).join("\n")}\n`;
}

/** The drawing as it stands, its styles written into it, so that it looks the same elsewhere. */
export function asSvg(svg, title) {
  const copy = svg.cloneNode(true);
  const width = Math.round(svg.clientWidth || Number(svg.getAttribute("width")));
  const height = Math.round(svg.clientHeight || Number(svg.getAttribute("height")));
  if (svg.isConnected) inline(svg, copy);
  for (const each of copy.querySelectorAll(".cursor")) each.remove();
  const size = { xmlns: "http://www.w3.org/2000/svg", width, height, viewBox: svg.getAttribute("viewBox") ?? `0 0 ${width} ${height}` };
  for (const [name, value] of Object.entries(size)) copy.setAttribute(name, value);
  const paper = make("rect", { width, height, fill: token("--surface") });
  const told = make("title");
  told.append(title);
  copy.prepend(told, paper);
  return { text: new XMLSerializer().serializeToString(copy), width, height };
}

export async function asPng({ text, width, height }) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = width * PNG_SCALE;
  canvas.height = height * PNG_SCALE;
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/** A table as a drawing, for a figure that is nothing else. */
export function pictureOf({ header, rows }) {
  const columns = header.map((label, i) => Math.max(label.length, ...rows.map((row) => row[i].length)) * 7.5 + 24);
  const starts = columns.map((_, i) => columns.slice(0, i).reduce((sum, each) => sum + each, 12));
  const width = columns.reduce((sum, each) => sum + each, 24);
  const svg = make("svg", { width, height: (rows.length + 1) * ROW_PX + 24 });
  [header, ...rows].forEach((row, line) => row.forEach((text, i) => {
    const cell = make("text", {
      x: i ? starts[i] + columns[i] - 12 : starts[i], y: 26 + line * ROW_PX, "text-anchor": i ? "end" : "start",
      fill: token("--ink"), "font-size": "12px", "font-weight": line ? "400" : "600",
      "font-family": token(line && i ? "--mono" : "--ui"),
    });
    cell.append(text);
    svg.append(cell);
  }));
  return svg;
}

function inline(from, to) {
  const style = getComputedStyle(from);
  for (const name of DRAWN_BY) {
    const value = style.getPropertyValue(name);
    if (value) to.setAttribute(name, value);
  }
  to.removeAttribute("class");
  [...from.children].forEach((child, i) => inline(child, to.children[i]));
}

function make(name, attributes = {}) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

export function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
