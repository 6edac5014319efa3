// When the server draws a page anew, what is still the same keeps its view.
import { keepFigures } from "./figures.js";

/** Put the viewer and the figures of `before` in the place of those in `fresh` that show the same. */
export function keep(before, fresh) {
  keepFigures(before, fresh);
  const old = before.querySelector("bp-mol");
  const now = fresh.querySelector("bp-mol");
  if (old && now && text(old) === text(now)) now.replaceWith(old);
}

function text(viewer) {
  return viewer.querySelector('script[type="application/json"]').textContent;
}
