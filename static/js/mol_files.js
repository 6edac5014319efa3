// The files of a structure as frames.
import { framesOf } from "./mol_frames.js";

/** What the figure shows, by role: the views in their order, the frames, the receptor. */
export async function fetchFiles({ files }, following) {
  const found = { views: [] };
  await Promise.all(files.map(async (file) => {
    const told = { ...file, frames: following ? await following.begin() : framesOf(await textOf(file), file.format) };
    if (file.role === "view") found.views.push(told);
    else found[file.role] = told;
  }));
  const place = ({ name }) => files.findIndex((each) => each.name === name);
  found.views.sort((a, b) => place(a) - place(b));
  return found;
}

async function textOf(file) {
  const answer = await fetch(file.url);
  if (!answer.ok) throw new Error(`${file.name} cannot be had (${answer.status})`);
  return answer.text();
}
