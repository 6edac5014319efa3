// How a structure is looked at: kept when the server draws the page anew, and another viewer begins.
import { placeOf } from "./mol_frames.js";

/** Camera, switches, picture and the chosen frame of this viewer; what it was given where it has not drawn yet. */
export function lookOf(viewer) {
  if (!viewer?.scene) return viewer?.carried;
  const frame = viewer.view === "frames" ? viewer.frames[viewer.frame] : null;
  const isFollowing = Boolean(viewer.following?.isOn);
  return { ...viewer.scene.look, picture: viewer.scene.picture(), place: frame && placeOf(frame), isFollowing };
}

/** Which of its frames a viewer begins with: that of the moment which was chosen, or the last where the
 *  newest was followed. -1 where it may begin as any: the end of a walk is a view of its own. */
export function carriedTo({ carried, following, frames, spec }) {
  if (!Number.isFinite(carried.place)) return -1;
  if (!carried.isFollowing) return frames.findLastIndex((each) => placeOf(each) <= carried.place);
  const hasEnded = spec.kind !== "dynamics" && spec.files.some(({ name }) => name.startsWith("final."));
  return following || hasEnded ? -1 : frames.length - 1;
}
