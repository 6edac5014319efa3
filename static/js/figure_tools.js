// The five buttons of a figure: its numbers as a table, and what it shows as a file.
import { number, significant } from "./format.js";
import { asCsv, asPng, asSvg, pictureOf, save } from "./save.js";

export class Tools {
  /** `what` says what the figure shows now, each part when it is asked for:
   *  name       of its files, without ending
   *  title()    in words
   *  numbers()  { header, rows, digits?, columns? }: columns are the CSV's own heads
   *  picture()  its svg; without one its table is drawn
   *  told()     what goes into the JSON beside the numbers */
  constructor(figure, what) {
    this.what = what;
    this.figure = figure;
    this.output = figure.querySelector(".tools output");
    this.table = figure.querySelector("[data-numbers]");
    this.button = figure.querySelector("[data-table]");
    this.table.hidden = !("open" in this.table.dataset);
    this.button.setAttribute("aria-expanded", String(this.open));
    this.button.addEventListener("click", () => this.toggleTable());
    for (const button of figure.querySelectorAll("[data-save-as]")) {
      button.addEventListener("click", () => this.#save(button.dataset.saveAs));
    }
  }

  get open() {
    return !this.table.hidden;
  }

  say(text) {
    this.output.textContent = text;
  }

  toggleTable() {
    this.table.hidden = !this.table.hidden;
    this.button.setAttribute("aria-expanded", String(this.open));
    this.refresh();
  }

  /** The numbers have changed. */
  refresh() {
    if (this.open) this.table.replaceChildren(tableOf(written(this.what.numbers())));
  }

  async #save(kind) {
    const { name } = this.what;
    const numbers = this.what.numbers();
    if (kind === "csv") return save(`${name}.csv`, asCsv(numbers), "text/csv");
    if (kind === "json") return save(`${name}.json`, this.#json(numbers), "application/json");
    const svg = this.what.picture?.() ?? pictureOf(written(numbers));
    const drawn = asSvg(svg, this.what.title());
    if (kind === "svg") return save(`${name}.svg`, drawn.text, "image/svg+xml");
    return save(`${name}.png`, await asPng(drawn));
  }

  #json(numbers) {
    const { header, rows } = numbers;
    const whole = { title: this.what.title(), ...this.what.told(), columns: header, rows };
    return `${JSON.stringify(whole, null, 1)}\n`;
  }
}

function written({ header, rows, digits = [] }) {
  return { header, rows: rows.map((row) => row.map((value, i) => write(value, digits[i]))) };
}

function write(value, digits) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  return Number.isInteger(digits) ? number(value, "fixed", digits) : significant(value, 12);
}

function tableOf({ header, rows }) {
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  for (const label of header) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = label;
    head.append(cell);
  }
  const body = table.createTBody();
  for (const texts of rows) {
    const row = body.insertRow();
    for (const text of texts) {
      const cell = row.insertCell();
      cell.className = "num";
      cell.textContent = text;
    }
  }
  return table;
}
