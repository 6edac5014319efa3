// When the server draws a page anew, a structure that is still the same keeps its view.

/** Put the viewer of `before` in the place of the one in `fresh`, if both show the same files. */
export function keep(before, fresh) {
  const old = before.querySelector("bp-mol");
  const now = fresh.querySelector("bp-mol");
  if (old && now && text(old) === text(now)) now.replaceWith(old);
}

function text(viewer) {
  return viewer.querySelector('script[type="application/json"]').textContent;
}
