// The figures of a comparison have the tools of those of a job.
import { bringToLife } from "./figures.js";

export const enliven = (compared) => bringToLife(compared, "compare");

enliven(document.querySelector("#compared"));
