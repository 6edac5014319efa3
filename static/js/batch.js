// A batch's figures: as those of a job, and they stay as their reader has them while it moves.
import { bringToLife, keepFigures } from "./figures.js";
import { forgetSent } from "./remembered.js";

forgetSent();

const name = (list) => `batch-${list.dataset.batch}`;
const first = document.querySelector("#job-list");
bringToLife(first, name(first));

document.addEventListener("list-anew", ({ detail: { before, fresh } }) => {
  keepFigures(before, fresh);
  bringToLife(fresh, name(fresh));
});
