// What each pose touches, around the ligand: the server drew them all, a button shows one.
import { structureBeside } from "../figures.js";
import { choices } from "./choices.js";

export function draw(figure, told, tools) {
  const { poses } = told.data;
  const viewer = structureBeside(figure);
  let shown = poses[0].rank;
  const show = (rank) => {
    shown = Number(rank);
    for (const each of figure.querySelectorAll("[data-pose-around]")) {
      each.classList.toggle("off", Number(each.dataset.poseAround) !== shown);
    }
    const { residues } = poses.find((pose) => pose.rank === shown);
    const sentence = `Pose ${shown} touches ${residues.map(({ name, kind, distance }) => `${name} ${kind} ${distance} Å`).join("; ")}.`;
    figure.querySelector("svg").setAttribute("aria-label", sentence);
    tools.say(`pose ${shown}, ${residues.length} residues`);
  };
  choices(figure.querySelector("[data-choices]"), poses.map(({ rank }) => [String(rank), `pose ${rank}`]), String(shown), (rank) => {
    show(rank);
    viewer?.showRank?.(shown);
  });
  for (const residue of figure.querySelectorAll("[data-residue]")) {
    const { residue: name } = residue.dataset;
    residue.addEventListener("pointerenter", () => viewer?.highlight?.({ residue: name, label: name }));
    residue.addEventListener("pointerleave", () => viewer?.highlight?.(null));
  }
  tools.what.title = () => `${told.title}: pose ${shown}`;
  show(shown);
}
