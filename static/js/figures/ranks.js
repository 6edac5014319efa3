// The ranking: written by the server; a rank shows its pose in figure 1, and is marked once it is picked.
import { structureBeside } from "../figures.js";
import { hearPick, pick } from "./picking.js";

export function draw(figure) {
  const rows = [...figure.querySelectorAll("tr[data-rank]")];
  for (const row of rows) {
    const rank = Number(row.dataset.rank);
    row.querySelector("button")?.addEventListener("click", () => {
      pick(figure, { rank, label: row.querySelector("th").textContent });
      structureBeside(figure)?.showRank?.(rank);
    });
  }
  hearPick(figure, ({ rank }) => {
    for (const row of rows) row.classList.toggle("chosen", Number(row.dataset.rank) === rank);
    const chosen = rows.find((row) => row.classList.contains("chosen"));
    const box = figure.querySelector(".ranks");
    if (chosen) box.scrollTop = chosen.offsetTop - box.clientHeight / 2;
  });
}
