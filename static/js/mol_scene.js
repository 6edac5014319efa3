// What 3Dmol draws of a job's structure; everything that knows 3Dmol is here.
import { colourByCharge, drawDipole, drawLobes, isOfDipole, startVibration } from "./mol_extras.js";
import { bondsOf, distance, superpose } from "./mol_geometry.js";

const STRONG = /hydrogen bond|salt bridge|metal/;
const RESIDUE = /^(\S+)\s+(\S*):(-?\d+)\s*([A-Za-z]?)$/;
const WATER = { resn: ["HOH", "NA", "CL"], invert: true };
const CARTOON_FROM = 8; // residues: shorter chains have no fold to show
const POCKET = 6; // Å around a pose
const COPIED_UP_TO = 60; // atoms of a cell
const LABELS_UP_TO = 150; // atoms

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function selectionOf(residue) {
  const [, , chain, resi] = residue.match(RESIDUE) ?? [];
  if (!resi) return null;
  return chain ? { chain, resi: Number(resi) } : { resi: Number(resi) };
}

function middleOf(atoms) {
  const mean = (axis) => atoms.reduce((sum, atom) => sum + atom[axis], 0) / atoms.length;
  return { x: mean("x"), y: mean("y"), z: mean("z") };
}

/** Load 3Dmol once for all figures of the page. */
let library = null;
export function load3Dmol(address) {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => resolve(window.$3Dmol);
    script.onerror = () => {
      library = null;
      reject(new Error("3Dmol is not on this site"));
    };
    document.head.append(script);
  });
  return library;
}

let renderer; // what draws here, by its own name

export function hasWebGL() {
  const context = document.createElement("canvas").getContext("webgl2")
    ?? document.createElement("canvas").getContext("webgl");
  const info = context?.getExtension("WEBGL_debug_renderer_info");
  renderer = context?.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : context.RENDERER);
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return Boolean(context);
}

/** Without a graphics card 3Dmol's smoothing takes five times as long as all the rest: there it draws
 *  twice as large, as it does anyhow, and the browser makes it smaller, which is nearly as smooth. */
function smoothing() {
  const isSlow = /swiftshader|llvmpipe|software|basic render/i.test(renderer);
  return isSlow ? { antialias: false, upscale: true } : { antialias: true };
}

/** The RMSD; null, and left where it is, if the two are not the same atoms in the same order. */
function layOver(atoms, onto) {
  const named = (each) => each.map(({ elem }) => elem).join();
  return named(atoms) === named(onto) ? superpose(atoms, onto) : null;
}

export class Scene {
  #dmol;
  #viewer;
  #home = null;
  #view = null; // to begin with, instead of home
  #stage;
  #told = [];
  #lit = []; // what takes a highlight away again
  #box = []; // its edges

  constructor(dmol, stage, spec) {
    this.#dmol = dmol;
    this.#stage = stage;
    this.spec = spec;
    this.extras = { charges: null, field: null };
    this.options = { labels: false, spheres: false, water: false, box: true, contacts: true, cell: true, copies: true, surface: false, dipole: false };
    this.#viewer = dmol.createViewer(stage, { backgroundAlpha: 0, ...smoothing(), disableFog: spec.kind !== "docking" });
    this.#viewer.setBackgroundColor("white", 0);
  }

  /** Draw these frames, the first as itself and the others as its shadows; the RMSD of the second. */
  show(frames, receptor = null, rank = 0) {
    this.#atOnce(() => this.#lay(frames, receptor, rank));
    return this.rmsds.length === 1 ? this.rmsds[0] : null;
  }

  /** 3Dmol draws after each label, each move and whatever is removed: here once, after all of them. */
  #atOnce(act) {
    const viewer = this.#viewer;
    viewer.show = () => {};
    try {
      act();
    } finally {
      delete viewer.show;
    }
    viewer.render();
  }

  #lay(frames, receptor, rank) {
    const viewer = this.#viewer;
    viewer.stopAnimate();
    viewer.removeAllModels();
    viewer.removeAllShapes();
    viewer.removeAllLabels();
    viewer.removeAllSurfaces();
    this.options.surface = false;
    this.#lit = [];
    this.#box = [];
    if (receptor) this.#drawReceptor(this.#add(receptor), rank);
    const models = frames.map((frame) => this.#add(frame));
    const onto = models[0].selectedAtoms({});
    this.rmsds = models.slice(1).map((model) => layOver(model.selectedAtoms({}), onto));
    models.forEach((model, i) => this.#drawModel(model, i));
    this.shown = models[0];
    this.#told = models[0].selectedAtoms(this.#visible()).map((atom) => ({ ...atom, bonds: [...atom.bonds] }));
    if (this.spec.kind === "crystal") this.#drawCrystal(models[0]);
    if (this.spec.box && this.options.box) this.#drawBox();
    if (this.options.labels) this.#label();
    this.#addExtras(models[0]);
    if (this.#home === null) this.#findHome(models);
  }

  /** Go to and fro along the displacements in the last columns of this XYZ. */
  vibrate(text) {
    this.show([{ text, format: "xyz" }]);
    startVibration(this.#viewer, this.shown);
    this.#viewer.render();
  }

  /** What a figure asked for, where it fits what is shown. */
  #addExtras(model) {
    const { charges, field } = this.extras;
    const fits = charges && model.selectedAtoms({}).map((atom) => atom.elem).join() === charges.symbols.join();
    if (fits) colourByCharge(this.#viewer, model, charges.charges_e, this.#labelStyle());
    if (field) drawLobes(this.#viewer, field);
    this.hasDipole = this.options.dipole && isOfDipole(this.spec.dipole, model.selectedAtoms({}));
    if (this.hasDipole) drawDipole(this.#viewer, this.spec.dipole, model.selectedAtoms({}), this.#labelStyle());
  }

  /** The atoms of now, without water, and the bonds between them. */
  describe() {
    // Across the side of a cell there are bonds that its atoms alone do not show.
    return { atoms: this.#told, bonds: this.spec.kind === "crystal" ? [] : bondsOf(this.#told) };
  }

  turn(degrees, axis) {
    this.#viewer.rotate(degrees, axis);
    this.#viewer.render();
  }

  zoom(factor) {
    this.#viewer.zoom(factor);
    this.#viewer.render();
  }

  reset() {
    this.#viewer.setView(this.#home);
    this.#viewer.render();
  }

  /** Of the molecule, or of the pocket around a pose; computed in workers. */
  async surface(on) {
    this.#viewer.removeAllSurfaces();
    this.options.surface = on;
    if (on) {
      const near = this.spec.kind === "docking";
      const style = near ? { opacity: 0.75, color: css("--rule-strong") } : { opacity: 0.7, colorscheme: "Jmol" };
      const of = near ? { model: this.receptor } : { model: this.shown };
      const part = near ? { ...of, index: this.#around(POCKET) } : of;
      await this.#viewer.addSurface(this.#dmol.SurfaceType.VDW, style, part, of);
      if (!this.options.surface) this.#viewer.removeAllSurfaces(); // another frame came first
    }
    this.#viewer.render();
  }

  /** Make some atoms stand out: of the shown by number, or a residue of the receptor; null ends it. */
  highlight(what) {
    for (const undo of this.#lit) undo();
    this.#lit = [];
    const atoms = what ? this.#named(what) : [];
    for (const atom of atoms) {
      const ball = this.#viewer.addSphere({ center: atom, radius: 0.6, color: css("--copper"), opacity: 0.55 });
      this.#lit.push(() => this.#viewer.removeShape(ball));
    }
    if (atoms.length) {
      const label = this.#viewer.addLabel(what.label, { position: middleOf(atoms), ...this.#labelStyle() });
      this.#lit.push(() => this.#viewer.removeLabel(label));
    }
    this.#viewer.render();
    return atoms.length;
  }

  #named({ serials, residue }) {
    if (serials) {
      const wanted = new Set(serials.map((serial) => serial - 1));
      return this.shown.selectedAtoms({}).filter((atom) => wanted.has(atom.index));
    }
    const of = selectionOf(residue);
    return of && this.receptor ? this.receptor.selectedAtoms(of).filter((atom) => atom.elem !== "H") : [];
  }

  /** What comes next lies elsewhere. */
  forgetView() {
    this.#home = null;
  }

  /** The camera and the switches; a surface is of one frame. */
  get look() {
    return { view: this.#viewer.getView(), options: { ...this.options, surface: false } };
  }

  /** Begin as another scene of the same atoms was left. */
  resemble({ view, options }) {
    this.#view = view;
    this.options = { ...options, dipole: options.dipole && Boolean(this.spec.dipole) };
  }

  picture() {
    this.#viewer.render();
    return this.#viewer.pngURI();
  }

  /** A browser has few contexts, and gives them back late unless it is told. */
  free() {
    for (const canvas of this.#stage.querySelectorAll("canvas")) {
      const context = canvas.getContext("webgl2") ?? canvas.getContext("webgl");
      context?.getExtension("WEBGL_lose_context")?.loseContext();
    }
    this.#viewer.clear();
    this.#stage.replaceChildren();
  }

  /** Which atoms of the receptor are as near to the pose; a selection by 3Dmol finds none. */
  #around(reach) {
    const pose = this.shown.selectedAtoms({});
    return this.receptor.selectedAtoms({})
      .filter((atom) => pose.some((other) => distance(atom, other) <= reach))
      .map((atom) => atom.index);
  }

  #add({ text, format }) {
    return this.#viewer.addModel(text, format, { keepH: true });
  }

  #drawModel(model, place) {
    if (place) return model.setStyle({}, { stick: { radius: 0.07, color: css("--s3"), opacity: 0.8 } });
    const carbons = this.spec.kind === "docking" ? "cyanCarbon" : "Jmol";
    if (this.spec.kind === "dynamics") this.#drawWater(model);
    if (this.options.spheres) return model.setStyle(this.#visible(), { sphere: { colorscheme: carbons } });
    if (this.#folds(model)) return this.#drawProtein(model);
    const ball = this.spec.kind === "docking"
      ? { stick: { radius: 0.18, colorscheme: carbons } }
      : { stick: { radius: 0.12, colorscheme: carbons }, sphere: { scale: 0.26, colorscheme: carbons } };
    return model.setStyle(this.#visible(), ball);
  }

  #drawWater(model) {
    const look = this.options.water ? { line: { colorscheme: "Jmol" }, sphere: { scale: 0.12, colorscheme: "Jmol" } } : {};
    model.setStyle({}, {});
    model.setStyle({ resn: WATER.resn }, look);
  }

  #visible() {
    return this.spec.kind === "dynamics" ? WATER : {};
  }

  #folds(model) {
    return this.spec.kind === "dynamics" && model.selectedAtoms({ atom: "CA" }).length >= CARTOON_FROM;
  }

  #drawProtein(model) {
    model.setStyle(WATER, { line: { colorscheme: "Jmol" }, cartoon: { color: css("--s1"), thickness: 0.35 } });
    model.setStyle({ hetflag: true, not: { resn: WATER.resn } }, { stick: { radius: 0.18, colorscheme: "cyanCarbon" } });
  }

  #drawReceptor(model, rank) {
    this.receptor = model;
    const grey = css("--rule-strong");
    model.setStyle({}, { cartoon: { color: grey, thickness: 0.3, opacity: 0.85 }, line: { color: grey } });
    model.setStyle({ elem: "H" }, {});
    for (const [residue, kinds] of this.#touched(rank)) {
      const of = selectionOf(residue);
      if (!of) continue;
      const carbons = kinds.some((kind) => STRONG.test(kind)) ? css("--copper") : grey;
      if (this.options.contacts) this.#drawResidue(model, of, carbons);
      if (this.options.labels) this.#labelResidue(model, of, residue);
    }
  }

  #drawResidue(model, of, carbons) {
    const scheme = { prop: "elem", map: { ...this.#dmol.elementColors.Jmol, C: carbons } };
    model.setStyle(of, { cartoon: { color: css("--rule-strong"), thickness: 0.3, opacity: 0.85 }, stick: { radius: 0.1, colorscheme: scheme } });
    model.setStyle({ ...of, elem: "H" }, {});
  }

  #touched(rank) {
    const found = new Map();
    for (const { rank: of, residue, kind } of this.spec.contacts ?? []) {
      if (of === rank) found.set(residue, [...(found.get(residue) ?? []), kind]);
    }
    return found;
  }

  #labelResidue(model, of, residue) {
    const at = model.selectedAtoms({ ...of, atom: "CB" })[0] ?? model.selectedAtoms({ ...of, atom: "CA" })[0];
    if (at) this.#viewer.addLabel(residue, { position: at, ...this.#labelStyle() });
  }

  #labelStyle() {
    return {
      fontSize: 11, backgroundColor: css("--surface"), fontColor: css("--ink"), backgroundOpacity: 0.85,
      borderColor: css("--rule-strong"), borderThickness: 1, inFront: true, alignment: "center",
    };
  }

  #label() {
    if (this.spec.kind === "docking") return;
    this.shown.selectedAtoms(this.#visible()).slice(0, LABELS_UP_TO).forEach((atom, i) => {
      this.#viewer.addLabel(`${atom.elem}${i + 1}`, { position: atom, ...this.#labelStyle() });
    });
  }

  #drawCrystal(model) {
    if (this.options.copies && this.#told.length <= COPIED_UP_TO) {
      this.#viewer.replicateUnitCell(2, 2, 2, model, true);
      this.#drawModel(model, 0);
    }
    if (!this.options.cell) return;
    const edge = { color: css("--ink-3") };
    const axis = (name) => ({ color: css(name) });
    this.#viewer.addUnitCell(model, {
      box: edge, astyle: axis("--s2"), bstyle: axis("--s1"), cstyle: axis("--s3"),
      alabel: "a", blabel: "b", clabel: "c",
      alabelstyle: this.#labelStyle(), blabelstyle: this.#labelStyle(), clabelstyle: this.#labelStyle(),
    });
  }

  /** Its twelve edges, thick enough to be seen among the lines of a protein. */
  #drawBox() {
    const { center_angstrom: center, size_angstrom: size } = this.spec.box;
    const corner = (at) => Object.fromEntries(["x", "y", "z"].map((axis, i) => [axis, center[i] + (at >> i & 1 ? 0.5 : -0.5) * size[i]]));
    const radius = Math.max(...size) / 160;
    const color = css("--s2");
    this.#box = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((at) => [1, 2, 4].filter((bit) => !(at & bit)).map((bit) => (
      this.#viewer.addCylinder({ start: corner(at), end: corner(at | bit), radius, color, fromCap: 1, toCap: 1 }))));
  }

  /** Another box, or none; the view stays. */
  moveBox(box) {
    for (const edge of this.#box) this.#viewer.removeShape(edge);
    this.#box = [];
    this.spec.box = box;
    if (box) this.#drawBox();
    this.#viewer.render();
  }

  /** As near as the atoms in the box; false where it holds none. */
  zoomToBox() {
    const { center_angstrom: center, size_angstrom: size } = this.spec.box;
    const holds = (atom) => [atom.x, atom.y, atom.z].every((at, i) => Math.abs(at - center[i]) <= size[i] / 2);
    const index = this.shown.selectedAtoms({}).filter(holds).map((atom) => atom.index);
    if (!index.length) return false;
    this.#viewer.zoomTo({ model: this.shown, index });
    this.#viewer.zoom(0.7);
    this.#viewer.render();
    return true;
  }

  /** Whether it lies along the line of sight, as a diatomic on the axis of z does. */
  #isSeenEndOn() {
    const wide = ([...values]) => Math.max(...values) - Math.min(...values);
    const [x, y, z] = ["x", "y", "z"].map((axis) => wide(this.#told.map((atom) => atom[axis])));
    return this.spec.kind === "molecule" && z > 1.5 * Math.max(x, y);
  }

  #findHome(models) {
    if (this.spec.kind === "docking") {
      this.#viewer.zoomTo({ model: models[0] });
      this.#viewer.zoom(0.55);
    } else {
      if (this.#isSeenEndOn()) this.#viewer.rotate(90, "y");
      this.#viewer.zoomTo(this.spec.kind === "dynamics" ? WATER : {});
      this.#viewer.zoom(this.#told.length < 4 ? 1.6 : 1.1);
      // 3Dmol fits the height: in a box that is narrower the sides would be cut.
      const { clientWidth, clientHeight } = this.#stage;
      if (clientWidth < clientHeight) this.#viewer.zoom(clientWidth / clientHeight);
    }
    this.#home = this.#viewer.getView();
    if (this.#view) this.#viewer.setView(this.#view);
    this.#view = null;
  }
}
