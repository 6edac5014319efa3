// Buttons, slider and keys of a structure: everything that a drag does, done without one.
import { asCsv, save } from "./save.js";

import { WITH_WATER } from "./mol_frames.js";

const TURN = 15; // degrees
const TYPES = { xyz: "chemical/x-xyz", pdb: "chemical/x-pdb", sdf: "chemical/x-mdl-sdfile", cif: "chemical/x-cif" };
const SWITCHES = {
  molecule: ["labels", "spheres", "surface", "dipole"],
  conformers: ["labels", "spheres"],
  dynamics: ["labels", "spheres", "water"],
  docking: ["contacts", "labels", "box", "surface"],
  crystal: ["cell", "copies", "spheres"],
};
const OF_CONTACTS = new Set(["contacts", "labels"]);
const WORDS = { labels: "Labels", water: "Water", spheres: "Spheres", surface: "Surface", dipole: "Dipole", contacts: "Contacts", box: "Box", cell: "Cell", copies: "2 × 2 × 2" };
const MOVES = new Map([
  ["ArrowLeft", ["←", "Turn left", (scene) => scene.turn(-TURN, "y")]],
  ["ArrowRight", ["→", "Turn right", (scene) => scene.turn(TURN, "y")]],
  ["ArrowUp", ["↑", "Turn up", (scene) => scene.turn(-TURN, "x")]],
  ["ArrowDown", ["↓", "Turn down", (scene) => scene.turn(TURN, "x")]],
  ["+", ["+", "Zoom in", (scene) => scene.zoom(1.2)]],
  ["-", ["−", "Zoom out", (scene) => scene.zoom(1 / 1.2)]],
  ["0", ["Reset", "Reset the view", (scene) => scene.reset()]],
]);

export class Controls {
  constructor(owner, files) {
    this.owner = owner;
    this.views = viewsOf(owner, files);
    this.#makeViews();
    this.#makeBar(files);
    this.#hearSlider();
    this.#hearPoses();
    if (owner.spec.kind === "docking") this.#hearContacts();
    this.#hearStage();
    this.#hearExports();
  }

  nameOf(view) {
    const label = this.views.find((each) => each.key === view)?.label ?? "";
    if (this.owner.scene.options.water && this.owner.hasWater) return `${label}, with its water`;
    return view === "overlay" && label === "All" ? `all ${this.owner.frames.length} conformers` : label;
  }

  /** Which of the buttons says what is shown. */
  mark(view) {
    for (const button of this.owner.querySelectorAll("[data-view]")) {
      button.setAttribute("aria-pressed", String(button.dataset.view === view));
    }
  }

  at(frame, count) {
    this.#markSwitches(); // another frame drops its surface
    const slider = this.owner.querySelector("[data-slider]");
    if (!slider) return;
    this.#reach(slider, count);
    slider.value = frame;
    slider.setAttribute("aria-valuetext", `${frame + 1} of ${count}`);
    this.owner.querySelector("[data-count]").textContent = `${frame + 1} / ${count}`;
    for (const button of this.owner.querySelectorAll("[data-pose]")) {
      const isIt = Number(button.dataset.pose) === frame;
      button.setAttribute("aria-pressed", String(isIt));
      button.closest("tr").classList.toggle("chosen", isIt);
    }
  }

  playing(yes) {
    const button = this.owner.querySelector("[data-play]");
    if (button) button.textContent = yes ? "Pause" : "Play";
  }

  #makeViews() {
    const group = this.owner.querySelector("[data-views]");
    group.hidden = this.views.length < 2;
    group.replaceChildren(...this.views.map(({ key, label }) => {
      const button = make("button", label, { type: "button", class: "btn", "data-view": key, "aria-pressed": "false" });
      button.addEventListener("click", () => {
        this.owner.pause();
        this.owner.choose(key);
      });
      return button;
    }));
  }

  #makeBar(files) {
    const { scene, spec } = this.owner;
    const switches = make("span", "", { class: "switches", role: "group", "aria-label": "Also shown" });
    const told = spec.kind !== "docking" || spec.contacts.length > 0;
    this.of = files.views[0]?.name;
    this.watery = files.views.findLast(({ frames }) => WITH_WATER.test(frames[0].text))?.name;
    const has = { water: Boolean(this.watery), dipole: Boolean(spec.dipole) };
    for (const name of SWITCHES[spec.kind].filter((each) => (told || !OF_CONTACTS.has(each)) && has[each] !== false)) {
      const button = make("button", WORDS[name], {
        type: "button", class: "btn", "data-switch": name, "aria-pressed": String(scene.options[name]),
      });
      if (name === "dipole") button.title = "The dipole moment as an arrow from minus to plus, 1 Å for each debye";
      button.addEventListener("click", () => this.#switch(name));
      switches.append(button);
    }
    const moves = make("span", "", { class: "moves", role: "group", "aria-label": "Turn and zoom" });
    for (const [key, [sign, name, act]] of MOVES) {
      const button = make("button", sign, { type: "button", class: "btn", "aria-label": name, title: `${name} (${key})` });
      button.addEventListener("click", () => act(this.owner.scene));
      moves.append(button);
    }
    this.owner.querySelector("[data-bar]").replaceChildren(switches, moves);
  }

  #switch(name) {
    const { options } = this.owner.scene;
    if (name === "water" && !this.owner.hasWater) {
      // Frames are kept without it: what has it is the last structure, or that of the start.
      options.water = true;
      this.owner.pause();
      this.owner.choose(this.watery);
    } else if (name === "surface") {
      this.owner.scene.surface(!options.surface);
    } else {
      options[name] = !options[name];
      this.owner.show();
      // It is of one geometry alone.
      if (name === "dipole" && options.dipole && !this.owner.scene.hasDipole) this.owner.choose(this.of);
    }
    this.#markSwitches();
  }

  #markSwitches() {
    const { options } = this.owner.scene;
    for (const button of this.owner.querySelectorAll("[data-switch]")) {
      const isOn = options[button.dataset.switch];
      if (button.dataset.switch !== "water") button.setAttribute("aria-pressed", String(isOn));
      else this.#markWater(button, isOn);
    }
  }

  #markWater(button, isOn) {
    const { hasWater } = this.owner;
    button.setAttribute("aria-pressed", String(isOn && hasWater));
    button.title = hasWater ? "Water and ions of what is shown" : `Frames are kept without water: shows “${this.nameOf(this.watery)}” with it`;
  }

  #hearSlider() {
    const slider = this.owner.querySelector("[data-slider]");
    if (!slider) return;
    const play = this.owner.querySelector("[data-play]");
    this.#reach(slider, this.owner.frames.length);
    slider.addEventListener("input", () => {
      this.owner.pause();
      this.owner.goTo(Number(slider.value));
    });
    play?.addEventListener("click", () => this.owner.play());
    this.#hearLoop();
    const follow = this.owner.querySelector("[data-follow]");
    if (follow) follow.disabled = false;
    follow?.addEventListener("click", () => this.owner.follow(!this.owner.following.isOn));
  }

  /** As far as there are frames: of a run that goes on they become more. */
  #reach(slider, count) {
    slider.max = count - 1;
    slider.disabled = count < 2;
    const play = this.owner.querySelector("[data-play]");
    if (play) play.disabled = slider.disabled;
  }

  following(yes) {
    this.owner.querySelector("[data-follow]").setAttribute("aria-pressed", String(yes));
  }

  #hearLoop() {
    const button = this.owner.querySelector("[data-loop]");
    if (!button) return;
    button.disabled = this.owner.frames.length < 2;
    button.addEventListener("click", () => {
      this.owner.loops = !this.owner.loops;
      button.setAttribute("aria-pressed", String(this.owner.loops));
    });
  }

  #hearPoses() {
    const buttons = [...this.owner.querySelectorAll("[data-pose]")];
    buttons.forEach((button, i) => {
      button.disabled = false;
      button.closest("tr").addEventListener("click", () => this.owner.goTo(i));
      button.addEventListener("keydown", (pressed) => {
        const step = { ArrowDown: 1, ArrowUp: -1 }[pressed.key];
        const next = step && buttons[i + step];
        if (!next) return;
        pressed.preventDefault();
        next.focus();
        this.owner.goTo(i + step);
      });
    });
  }

  async #hearContacts() {
    const { hearContacts } = await import("./mol_contacts.js");
    hearContacts(this.owner);
  }

  #hearStage() {
    const { stage } = this.owner;
    stage.tabIndex = 0;
    stage.setAttribute("role", "img");
    stage.addEventListener("keydown", (pressed) => {
      if (pressed.ctrlKey || pressed.metaKey || pressed.altKey) return;
      const key = pressed.key === "=" ? "+" : pressed.key;
      if (key === " " && this.owner.querySelector("[data-play]")) this.owner.play();
      else if (MOVES.has(key)) MOVES.get(key)[2](this.owner.scene);
      else return;
      pressed.preventDefault();
    });
    // The wheel scrolls the page unless the figure was chosen before.
    const pass = (event) => stage.contains(document.activeElement) || event.stopPropagation();
    for (const kind of ["wheel", "mousewheel", "DOMMouseScroll"]) stage.addEventListener(kind, pass, { capture: true, passive: true });
  }

  #hearExports() {
    const [png, text] = ["[data-png]", "[data-save]"].map((name) => this.owner.querySelector(name));
    png.disabled = text.disabled = false;
    for (const button of this.owner.querySelectorAll("[data-numbers-as]")) {
      const kind = button.dataset.numbersAs;
      button.disabled = false;
      button.addEventListener("click", () => {
        save(`${this.owner.fileName}.${kind}`, numbersOf(this.owner, kind), kind === "csv" ? "text/csv" : "application/json");
      });
    }
    text.textContent = this.owner.current.format.toUpperCase();
    png.addEventListener("click", () => {
      const bytes = atob(this.owner.scene.picture().split(",")[1]);
      save(`${this.owner.fileName}.png`, new Blob([Uint8Array.from(bytes, (each) => each.charCodeAt(0))], { type: "image/png" }));
    });
    text.addEventListener("click", () => {
      const { text: content, format } = this.owner.current;
      save(`${this.owner.fileName}.${format}`, new Blob([`${content.trimEnd()}\n`], { type: TYPES[format] }));
    });
  }
}

/** Coordinates of what is shown, as numbers. */
function numbersOf(owner, kind) {
  const columns = ["atom", "element", "x_angstrom", "y_angstrom", "z_angstrom"];
  const rows = owner.scene.describe().atoms.map(({ elem, x, y, z }, i) => [i + 1, elem, x, y, z]);
  if (kind === "csv") return asCsv({ header: columns, rows });
  return `${JSON.stringify({ title: owner.stage.getAttribute("aria-label"), columns, rows }, null, 1)}\n`;
}

function viewsOf(owner, files) {
  const views = files.views.map(({ name, label }) => ({ key: name, label }));
  const { kind } = owner.spec;
  if (kind === "molecule" && files.frames && views.length === 2) views.push({ key: "overlay", label: "Overlay" });
  if (owner.spec.overlay) views.unshift({ key: "overlay", label: "Overlay" });
  if (kind === "conformers" && owner.frames.length > 1) views.push({ key: "frames", label: "One" }, { key: "overlay", label: "All" });
  if (kind === "dynamics" && owner.frames.length) views.unshift({ key: "frames", label: "Trajectory" });
  return views;
}

function make(kind, text, attributes) {
  const element = document.createElement(kind);
  element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
