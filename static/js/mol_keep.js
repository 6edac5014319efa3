// When the server draws a page anew, what is still the same keeps its view.
import { keepFigures } from "./figures.js";
import { lookOf } from "./mol_look.js";

let look; // how the structure was last seen: between two attempts there is none to see

/** Put the viewer and the figures of `before` in the place of those in `fresh` that show the same. */
export function keep(before, fresh) {
  keepFigures(before, fresh);
  const old = before.querySelector("bp-mol");
  const now = fresh.querySelector("bp-mol");
  if (old && now && text(old) === text(now)) return now.replaceWith(old);
  look = lookOf(old) ?? look;
  if (now && look) carry(look, now);
}

/** A viewer of its own, which begins as the other was left. */
function carry(look, viewer) {
  viewer.carried = look; // not yet one of ours: a field of the class would forget it
  if (viewer.querySelector("[data-follow]")) return; // it says whether its first frame is there
  const last = document.createElement("img");
  Object.assign(last, { className: "mol-last", alt: "", src: look.picture });
  viewer.querySelector("[data-mol]").append(last); // until it has drawn
}

function text(viewer) {
  return viewer.querySelector('script[type="application/json"]').textContent;
}
