/** How often a user may insist on a try, in milliseconds. */
const INSIST = 1_000;

/** When a connection tries again, if that is planned. */
export class NextTry {
  /** Milliseconds since 1970; null where nothing is planned. @type {number | null} */
  at = null;
  /** Whether the server named the time. */
  isAsked = false;
  #timer = null;
  #insistedAt = -Infinity;

  /**
   * @param {import('./timers.js').Timers} timers
   * @param {() => void} run
   */
  constructor(timers, run) {
    this.timers = timers;
    this.run = run;
  }

  /**
   * Try after so many milliseconds, and not as planned before.
   *
   * @param {number} ms
   * @param {boolean} isAsked
   */
  plan(ms, isAsked) {
    this.cancel();
    this.at = this.timers.now() + ms;
    this.isAsked = isAsked;
    this.#timer = this.timers.set(() => {
      this.at = null;
      this.run();
    }, ms);
  }

  /** The user insists: now, or a second after they last did. */
  insist() {
    const now = this.timers.now();
    const ms = Math.max(0, this.#insistedAt + INSIST - now);
    if (this.at === null || this.at <= now + ms) return;
    this.#insistedAt = now + ms;
    if (ms > 0) return this.plan(ms, true);
    this.cancel();
    this.run();
  }

  cancel() {
    this.timers.clear(this.#timer);
    this.at = null;
  }
}
