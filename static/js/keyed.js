// Whether single letters are keys here and now: not while somebody writes, and only if they like them.
const KEPT = "backplane.keys";

export const keyed = () => document.documentElement.dataset.keys !== "off" && localStorage.getItem(KEPT) !== "off";

export function likeKeys(yes) {
  localStorage.setItem(KEPT, yes ? "on" : "off");
}

export function isWriting(target) {
  if (target.isContentEditable || target.matches("textarea, select")) return true;
  return target.matches("input") && !target.matches('[type="checkbox"], [type="radio"]');
}

/** A letter that is meant as a key. */
export function isKey(pressed) {
  if (pressed.ctrlKey || pressed.metaKey || pressed.altKey || pressed.isComposing || !keyed()) return false;
  return !document.querySelector("dialog[open]") && !isWriting(pressed.target);
}
