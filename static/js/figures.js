// The figures of a finished job: each is drawn by the module of its kind, from the numbers in the page.
// figures/KIND.js exports draw(figure, told, tools): `told` is the figure's JSON, `tools` its buttons.
import { Tools } from "./figure_tools.js";

const NEAR = "200px";

export function bringToLife(root, name) {
  for (const figure of root.querySelectorAll("figure[data-key]:not([data-alive])")) {
    figure.dataset.alive = "";
    start(figure, name);
  }
}

/** Its buttons at once, its drawing when it comes near. */
function start(figure, name) {
  const told = toldIn(figure);
  const tools = new Tools(figure, {
    name: `${name}-${told.key}`,
    title: () => told.title,
    numbers: () => told.table,
    picture: () => figure.querySelector("[data-plot] svg"),
    told: () => ({ caption: told.caption, units: told.units, data: told.data }),
  });
  const near = new IntersectionObserver((seen) => {
    if (!seen.some((each) => each.isIntersecting)) return;
    near.disconnect();
    drawInto(figure, told, tools);
  }, { rootMargin: NEAR });
  near.observe(figure);
}

async function drawInto(figure, told, tools) {
  try {
    const { draw } = await import(`./figures/${figure.dataset.kind}.js`);
    await draw(figure, told, tools);
    figure.dataset.drawn = "";
  } catch (error) {
    // The numbers are in the page, and stand in for the drawing.
    if (!tools.open) tools.toggleTable();
    tools.say("The drawing could not be made; its numbers are below.");
    throw error;
  }
}

/** When the server draws the page anew, a figure that says the same stays as its reader has it, and
 *  one that says something new has its table open or closed as it was. */
export function keepFigures(before, fresh) {
  for (const now of fresh.querySelectorAll("figure[data-key]")) {
    const key = CSS.escape(now.dataset.key);
    const old = before.querySelector(`figure[data-key="${key}"][data-alive]`);
    if (!old) continue;
    if (textOf(old) === textOf(now)) now.replaceWith(old);
    else numbersIn(now).toggleAttribute("data-open", !numbersIn(old).hidden);
  }
}

/** The viewer of figure 1, for a figure that shows something in it. */
export function structureBeside(figure) {
  return figure.closest("#job")?.querySelector("bp-mol") ?? null;
}

function numbersIn(figure) {
  return figure.querySelector("[data-numbers]");
}

function toldIn(figure) {
  return JSON.parse(textOf(figure));
}

function textOf(figure) {
  return figure.querySelector(':scope > script[type="application/json"]').textContent;
}
