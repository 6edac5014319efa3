// The events of one job, each once and in order: by socket, by polls while the socket is down.
const BACK_OFF_S = [0.5, 1, 2, 4, 8, 15];
const SILENCE_S = 15;
const POLL_S = 2.5;
const FIRST_POLL_S = 1.5;
const REFUSALS = { 4401: "signed out", 4404: "no such job" };
const IN_SIGHT_HZ = 10;
const HIDDEN_HZ = 0.2;
const TOO_MANY = 4000; // so far behind, the page as it is now is had sooner than all that led there

export class Live {
  #socket = null;
  #tries = 0;
  #opening = 0;
  #polling = 0;
  #ended = false;

  /** @param handlers `{event(event), link(state), lost()}`: `lost` where events are of another log, or
   *  too many; `goOn(seq, epoch)` is waited for then. `end()` closes it for good. */
  constructor({ socket, poll, seq, epoch }, handlers) {
    this.socketUrl = new URL(socket, location.href);
    this.socketUrl.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    this.pollUrl = poll;
    this.seq = seq;
    this.epoch = epoch;
    this.handlers = handlers;
    this.link = "connecting";
    this.heardAt = Date.now();
    addEventListener("online", () => this.#openNow());
    addEventListener("offline", () => this.#socket?.close());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.#openNow();
      this.#sayRate();
    });
    this.#watch = setInterval(() => this.#closeIfSilent(), 1000);
    this.#open();
  }

  #watch;

  get age() {
    return Math.round((Date.now() - this.heardAt) / 1000);
  }

  end(link = "ended") {
    this.#ended = true;
    clearInterval(this.#watch);
    clearTimeout(this.#opening);
    this.#stopPolling();
    this.#socket?.close();
    this.#setLink(link);
  }

  /** The page was drawn anew and knows all up to `seq`. */
  goOn(seq, epoch) {
    if (this.#ended || !this.#isLost) return;
    this.#isLost = false;
    this.seq = seq;
    this.epoch = epoch;
    this.#open();
  }

  #isLost = false;

  #lose() {
    this.#isLost = true;
    const socket = this.#socket;
    this.#socket = null;
    socket.close();
    this.#setLink("reconnecting");
    this.handlers.lost();
  }

  #say(words) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(words));
  }

  #sayRate() {
    this.#say({ t: "rate", hz: document.hidden ? HIDDEN_HZ : IN_SIGHT_HZ });
  }

  #setLink(link) {
    if (link === this.link) return;
    this.link = link;
    this.handlers.link(link);
  }

  #openNow() {
    if (this.#ended || this.#socket || this.#isLost) return;
    this.#tries = 0;
    this.#open();
  }

  #open() {
    clearTimeout(this.#opening);
    if (this.#ended || this.#socket || this.#isLost) return;
    this.socketUrl.searchParams.set("after", this.seq);
    const socket = new WebSocket(this.socketUrl);
    this.#socket = socket;
    this.heardFromSocketAt = Date.now();
    socket.onopen = () => socket === this.#socket && this.#isUp();
    socket.onmessage = (message) => socket === this.#socket && this.#hear(JSON.parse(message.data));
    socket.onclose = (closing) => socket === this.#socket && this.#lost(closing.code);
  }

  #isUp() {
    this.heardAt = this.heardFromSocketAt = Date.now();
    this.#stopPolling();
    this.#setLink("live");
  }

  #hear(message) {
    this.#isUp();
    this.#tries = 0;
    if (message.t === "hello") this.#greet(message);
    if (message.t === "ev" && !this.#take(message.events)) this.#reopen();
    else if (message.t === "ev") this.#say({ t: "ack", seq: this.seq });
    if (message.t === "end") this.end();
  }

  #greet({ epoch, seq }) {
    if (epoch !== this.epoch || seq - this.seq > TOO_MANY) this.#lose();
    else if (document.hidden) this.#sayRate();
  }

  /** Hand on what is new. False if something in between is missing: then ask for it again. */
  #take(events) {
    for (const event of events) {
      if (this.#ended) return true;
      if (event.seq <= this.seq) continue;
      if (event.seq > this.seq + 1) return false;
      this.seq = event.seq;
      this.handlers.event(event);
    }
    return true;
  }

  #reopen() {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    this.#open();
  }

  #lost(code) {
    this.#socket = null;
    if (this.#ended) return;
    if (code in REFUSALS) {
      this.refusal = REFUSALS[code];
      this.end("refused");
      return;
    }
    if (this.link !== "polling") this.#setLink("reconnecting");
    const wait = BACK_OFF_S[Math.min(this.#tries++, BACK_OFF_S.length - 1)];
    this.#opening = setTimeout(() => this.#open(), wait * 1000 * (0.5 + Math.random()));
    this.#pollIn(FIRST_POLL_S);
  }

  #pollIn(seconds) {
    if (!this.#ended && !this.#isLost) this.#polling ||= setTimeout(() => this.#poll(), seconds * 1000);
  }

  #stopPolling() {
    clearTimeout(this.#polling);
    this.#polling = 0;
  }

  async #poll() {
    this.#polling = 0;
    if (this.#ended || this.link === "live") return;
    try {
      const answer = await fetch(`${this.pollUrl}?after=${this.seq}`, {
        headers: { Accept: "application/json" },
        signal: AbortSignal.timeout(10_000),
      });
      if (!answer.ok) throw new Error(`polling answered ${answer.status}`);
      const { events } = await answer.json();
      if (this.#ended || this.link === "live") return;
      this.heardAt = Date.now();
      this.#tries = Math.min(this.#tries, 2);
      this.#setLink("polling");
      this.#take(events);
    } catch {
      this.#setLink("reconnecting");
    }
    if (this.link !== "live") this.#pollIn(POLL_S);
  }

  #closeIfSilent() {
    if (!this.#socket || Date.now() - this.heardFromSocketAt < SILENCE_S * 1000) return;
    // A dead network may take minutes to confirm a close, so do not wait for it.
    const socket = this.#socket;
    this.#lost(1006);
    socket.close();
  }
}
