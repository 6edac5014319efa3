// The frames of a run that goes on, as they come.
import { framesOf, placeOf } from "./mol_frames.js";

const MOST_CHARS = 20_000_000; // of a run that is watched for long, every other older frame goes

/** Does what takes a while now and then: a machine that is slow at it has three quarters of its time free. */
class Pace {
  #timer = 0;
  #freeAt = 0;

  soon(act) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const from = performance.now();
      act();
      this.#freeAt = performance.now() + 3 * (performance.now() - from);
    }, Math.max(0, this.#freeAt - performance.now()));
  }
}

/** A page that nobody looks at asks for nothing, and for all that was missed once somebody does. */
async function seen() {
  if (document.hidden) await new Promise((go) => document.addEventListener("visibilitychange", go, { once: true }));
}

/** The frames so far, and those that are newer whenever there is news; one request at a time. */
export class Following {
  #file;
  #isWanted = false;
  #isBusy = false;

  constructor({ files: [file] }) {
    this.#file = file;
    this.frames = [];
    this.isOn = true;
    this.pace = new Pace();
  }

  async begin() {
    await this.catchUp();
    return this.frames;
  }

  /** @param shown a frame that is looked at, and stays. */
  async catchUp(shown = null) {
    this.#isWanted = true;
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      while (this.#isWanted) {
        await seen();
        this.#isWanted = false;
        await this.#fetch();
      }
    } finally {
      this.#isBusy = false;
    }
    this.#thin(shown);
  }

  async #fetch() {
    const url = new URL(this.#file.url, location.href);
    const newest = this.frames.at(-1);
    if (newest) url.searchParams.set("after", placeOf(newest));
    const answer = await fetch(url);
    // None yet; or the run has ended meanwhile, and the page is about to be drawn with its files.
    if (answer.status === 204) return;
    if (!answer.ok) throw new Error(`the frames cannot be had (${answer.status})`);
    this.frames.push(...framesOf(await answer.text(), this.#file.format));
  }

  #thin(shown) {
    const { frames } = this;
    while (frames.length > 2 && frames.length * frames[0].text.length > MOST_CHARS) {
      const last = frames.length - 1;
      frames.splice(0, frames.length, ...frames.filter((each, i) => i % 2 === 0 || i === last || each === shown));
    }
  }
}
