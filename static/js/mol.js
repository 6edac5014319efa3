// Figure 1: the structure of a job, drawn when it comes into view. The page works without.
import { number } from "./format.js";
import { fieldOf } from "./mol_extras.js";
import { fetchFiles, labelOf, WITH_WATER } from "./mol_frames.js";
import { Controls } from "./mol_controls.js";
import { hasWebGL, load3Dmol, Scene } from "./mol_scene.js";
import { fillTables } from "./mol_tables.js";

const MOST_CONTEXTS = 2;
const FRAME_MS = 90;
const drawn = []; // who has a WebGL context, the oldest first

class Molecule extends HTMLElement {
  #watch = null;
  #opening = null;
  #timer = null;
  following = null; // of a run that goes on
  #dmol = null;
  #files = null;
  #carriedTo = null;
  #dark = matchMedia("(prefers-color-scheme: dark)");
  #redraw = () => this.show();
  #isBehind = false;
  #isNear = false; // to what is in view
  #seen = () => this.#isBehind && this.news();

  connectedCallback() {
    if (this.scene || this.#watch) return; // moved, and still itself
    this.spec = JSON.parse(this.querySelector('script[type="application/json"]').textContent);
    this.stage = this.querySelector("[data-mol]");
    this.#watch = new IntersectionObserver((seen) => this.#look(seen.at(-1)), { rootMargin: "200px" });
    this.#watch.observe(this.stage);
    document.addEventListener("visibilitychange", this.#seen);
  }

  disconnectedCallback() {
    // Whoever redraws the page around us takes us out for a moment.
    setTimeout(() => this.isConnected || this.close(), 0);
  }

  #look({ isIntersecting }) {
    this.#isNear = isIntersecting;
    if (!isIntersecting) return;
    this.open();
    this.#seen();
  }

  /** Draw, once however many ask for it. */
  open() {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  async #open() {
    const slow = setTimeout(() => this.#say("Loading 3D, 0.2 MB."), 300);
    try {
      if (!hasWebGL()) throw new Error("this browser has no WebGL, or it is switched off");
      if (this.carried) this.#carriedTo = (await import("./mol_look.js")).carriedTo;
      if (this.spec.told_by) this.following = new (await import("./mol_follow.js")).Following(this.spec);
      [this.#dmol, this.#files] = await Promise.all([load3Dmol(this.dataset.vendor), fetchFiles(this.spec, this.following)]);
      if (this.following && !this.frames.length) this.#say(`The first ${this.spec.frame_word.toLowerCase()} is not there yet; it is shown as soon as it is.`);
      else this.#draw();
    } catch (error) {
      this.#goWithout(error);
    } finally {
      clearTimeout(slow);
    }
  }

  close() {
    this.pause();
    this.#watch?.disconnect();
    this.#watch = null;
    this.#dark.removeEventListener("change", this.#redraw);
    document.removeEventListener("visibilitychange", this.#seen);
    this.scene?.free();
    this.scene = null;
    this.#opening = null;
    const at = drawn.indexOf(this);
    if (at >= 0) drawn.splice(at, 1);
  }

  /** Draw what was chosen: a view by its button, or a frame of the slider. */
  show() {
    if (!this.scene) return;
    if (this.mode) {
      this.scene.vibrate(this.mode.text);
      this.rmsd = null;
      this.#tell();
      return;
    }
    const { frames, rank } = this.#chosen();
    const receptor = this.#files.receptor?.frames[0];
    this.rmsd = this.scene.show(frames, receptor, rank);
    this.#tell();
  }

  choose(view) {
    if (this.mode) this.dispatchEvent(new Event("modeover"));
    this.mode = null;
    // The steps of an optimisation lie in one place; other files need not.
    const isInPlace = this.spec.overlay || (this.#isWalk && this.frames.length > 0);
    const stays = view === this.view || isInPlace;
    if (!stays) this.scene.forgetView();
    this.view = view;
    this.show();
    this.controls.mark(view);
  }

  /** Colour the atoms by these charges; null takes their elements' colours. */
  async colourBy(charges) {
    if (!(await this.#ready(charges))) return;
    this.scene.extras.charges = charges;
    this.#showFor(charges);
  }

  /** Lobes of the field in a cube file, around the geometry that it belongs to; null takes them away. */
  async drawField(asked) {
    if (!(await this.#ready(asked))) return;
    const volume = asked && (await fieldOf(window.$3Dmol, asked.url));
    this.scene.extras.field = asked && { ...asked, volume };
    this.#showFor(asked);
  }

  /** Let the atoms go to and fro along a normal mode; null stops them. */
  async vibrate(mode) {
    if (!(await this.#ready(mode))) return;
    this.mode = mode;
    if (mode === null) return this.show();
    this.pause();
    this.#comeIntoView();
    this.show();
  }

  /** One of several frames, asked for from elsewhere on the page. */
  async showFrame(place) {
    if (!(await this.#ready(true))) return;
    this.goTo(place);
    this.#comeIntoView();
  }

  /** The geometry of this step of an optimisation, by its own number; the newest of that number. */
  async showStep(step) {
    if (!(await this.#ready(true))) return;
    const place = this.frames.findLastIndex(({ facts }) => facts.step === step);
    if (place < 0) return;
    this.pause();
    this.goTo(place);
  }

  /** Which step is shown; null where what is shown is none. */
  get step() {
    return (this.view === "frames" && !this.mode && this.frames[this.frame]?.facts.step) || null;
  }

  #showFor(asked) {
    if (asked && this.#files.views.length) this.choose(this.#files.views[0].name);
    else this.show();
    if (asked) this.#comeIntoView();
  }

  /** Figures speak to a viewer that may not be drawn yet, or cannot be. */
  async #ready(asked) {
    if (!this.scene && asked) await this.open();
    return Boolean(this.scene);
  }

  #comeIntoView() {
    const { top, bottom } = this.stage.getBoundingClientRect();
    if (top < innerHeight - 80 && bottom > 80) return;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.stage.scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
  }

  /** The reader's choice, so the newest frame is followed no longer. */
  goTo(frame) {
    if (this.following) this.#markFollowing(false);
    this.#at(frame);
  }

  #at(frame) {
    this.frame = Math.max(0, Math.min(frame, this.frames.length - 1));
    this.choose("frames");
  }

  /** Show each frame as soon as the run has it, or stay with the one that is shown. */
  follow(yes) {
    this.#markFollowing(yes);
    if (!yes) return;
    this.pause();
    this.#at(this.frames.length - 1);
  }

  #markFollowing(yes) {
    this.following.isOn = yes;
    this.controls.following(yes);
  }

  /** The run tells of newer frames; none is asked for before the figure came into view, nor while
   *  it is out of it. */
  async news() {
    if (!this.#files) return;
    this.#isBehind = document.hidden || !this.#isNear;
    if (this.#isBehind) return;
    const shown = this.frames[this.frame];
    try {
      await this.following.catchUp(shown);
    } catch (error) {
      this.querySelector("[data-frame]").textContent = `${error.message}; the next one is asked for as it comes`;
      return;
    }
    if (this.scene) this.#grow(shown);
    else if (this.isConnected && this.frames.length) this.#draw();
  }

  #grow(shown) {
    const place = this.frames.indexOf(shown);
    if (place >= 0) this.frame = place;
    this.controls.at(this.frame, this.frames.length);
    this.querySelector("[data-frame]").textContent = labelOf(this.frames, this.frame, this.spec.frame_word);
    if (this.following.isOn) this.following.pace.soon(() => this.scene && this.following.isOn && this.#at(this.frames.length - 1));
  }

  play() {
    if (this.#timer) return this.pause();
    if (this.frame === this.frames.length - 1 || this.view !== "frames") this.goTo(0);
    this.#timer = setInterval(() => {
      if (document.hidden) return;
      if (this.frame >= this.frames.length - 1 && this.loops) this.goTo(0);
      else if (this.frame >= this.frames.length - 1) this.pause();
      else this.goTo(this.frame + 1);
    }, FRAME_MS);
    return this.controls.playing(true);
  }

  pause() {
    clearInterval(this.#timer);
    this.#timer = null;
    this.controls?.playing(false);
  }

  /** The text of what is shown, as a file of its own. */
  get current() {
    return this.#chosen().frames[0];
  }

  get fileName() {
    const part = this.view === "frames" ? `${this.spec.frame_word.toLowerCase()}-${this.frame + 1}` : this.view;
    return `${this.spec.name}-${part}`.replaceAll(/[^\w.-]+/g, "-");
  }

  /** Atoms that another figure or a table speaks of; null for none. */
  highlight(what) {
    return this.scene?.highlight(what) ?? 0;
  }

  /** The first pose of a ranked ligand. */
  async showRank(rank) {
    if (!this.scene) await this.open();
    const place = this.frames.findIndex(({ facts }) => facts.rank === rank);
    if (!this.scene || place < 0) return;
    this.pause();
    this.goTo(place);
    this.scrollIntoView({ block: "nearest" });
  }

  /** Whether what is shown has water beside what it is about. */
  get hasWater() {
    return WITH_WATER.test(this.current.text);
  }

  get frames() {
    return this.#files?.frames?.frames ?? [];
  }

  #draw() {
    while (drawn.length >= MOST_CONTEXTS) drawn[0].#rest();
    drawn.push(this);
    const { top } = this.stage.getBoundingClientRect();
    this.stage.replaceChildren();
    this.scene = new Scene(this.#dmol, this.stage, this.spec);
    if (this.carried) this.scene.resemble(this.carried);
    this.#begin();
    this.controls = new Controls(this, this.#files);
    if (this.following) this.controls.following(this.following.isOn);
    this.#dark.addEventListener("change", this.#redraw);
    this.show();
    this.controls.mark(this.view);
    this.dataset.drawn = "";
    // Its buttons may have taken another row, above what somebody looks at.
    if (this.carried && top < innerHeight) scrollBy(0, this.stage.getBoundingClientRect().top - top);
  }

  /** What is shown first. */
  #begin() {
    const last = this.#isWalk || this.following ? this.frames.length - 1 : 0;
    this.frame = Math.max(0, last);
    this.view = (this.#isWalk && this.#files.views[0]?.name) || (this.frames.length ? "frames" : this.#files.views[0].name);
    if (this.spec.overlay) this.view = "overlay";
    const place = this.#carriedTo?.(this) ?? -1;
    if (place < 0) return;
    this.frame = place;
    this.view = "frames";
    if (this.following) this.following.isOn = false;
  }

  /** Whether its frames are of one thing in one place. */
  get #isWalk() {
    return this.spec.kind === "molecule" || this.spec.kind === "crystal";
  }

  #chosen() {
    const views = this.#files.views;
    if (this.view === "frames") {
      const frame = this.frames[this.frame];
      return { frames: [frame], rank: frame.facts.rank ?? this.frame + 1 };
    }
    if (this.view === "overlay") {
      const laid = this.spec.overlay ? views : views.slice(0, 2);
      const all = this.spec.kind === "conformers" ? this.frames : laid.map((each) => each.frames[0]);
      return { frames: all, rank: 0 };
    }
    return { frames: [views.find((each) => each.name === this.view).frames[0]], rank: 0 };
  }

  #tell() {
    const said = this.mode ? this.mode.title : this.view === "frames"
      ? labelOf(this.frames, this.frame, this.spec.frame_word)
      : this.controls.nameOf(this.view);
    const rmsd = this.#saidRmsd();
    const { atoms, bonds } = this.scene.describe();
    // A view's name is on its button already.
    const shown = this.view === "frames" || this.mode ? said : `${atoms.length} atoms${this.scene.options.water && this.hasWater ? " and water" : ""}`;
    this.querySelector("[data-frame]").textContent = `${shown}${rmsd}`;
    this.controls.at(this.frame, this.frames.length);
    const dipole = this.scene.hasDipole ? `; the arrow is its dipole, ${number(this.spec.dipole.dipole_debye, "fixed", 2)} debye from minus to plus` : "";
    const sentence = `${this.spec.subject}, ${atoms.length} atoms: ${said}${rmsd}${dipole}.`;
    this.stage.setAttribute("aria-label", sentence);
    this.dispatchEvent(new CustomEvent("stepshown", { bubbles: true, detail: this.step }));
    fillTables(this, { sentence, atoms, bonds, rank: this.spec.kind === "docking" ? this.#chosen().rank : 0 });
  }

  #saidRmsd() {
    // Two points fix no rotation: with so few heavy atoms it is of all.
    const of = this.scene.describe().atoms.filter(({ elem }) => elem !== "H").length > 2 ? "heavy atoms" : "atoms";
    if (this.spec.overlay && this.view === "overlay") {
      const each = this.scene.rmsds.map((rmsd) => (rmsd === null ? "not laid over" : rmsd.toFixed(3)));
      return `, RMSD of ${of} to the first: ${each.join(", ")} Å`;
    }
    return this.rmsd === null ? "" : `, RMSD ${this.rmsd.toFixed(3)} Å between ${of}`;
  }

  #say(text) {
    const line = this.stage.querySelector("[data-wait]");
    if (line) line.textContent = text;
  }

  /** Another viewer needs the context. */
  #rest() {
    this.close();
    this.#goWithout(new Error("two other structures are shown; reload the page to see this one"));
  }

  #goWithout(error) {
    const line = document.createElement("p");
    line.className = "mol-wait";
    line.textContent = `No 3D: ${error.message}. The numbers are under “Describe”.`;
    this.stage.replaceChildren(line);
    this.querySelector("[data-player]")?.remove();
    for (const button of this.querySelectorAll("[data-png], [data-save], [data-numbers-as]")) button.hidden = true;
    this.querySelector("[data-describe]").open = true;
    this.dataset.without = "";
  }
}

customElements.define("bp-mol", Molecule);
