/** How often `auto` tries a better transport, beside the one that works, in milliseconds. */
const SELDOM = 60_000;
/** How soon it does so when the better one has worked on this page: then it was an outage that took it away. */
const SOON = 5_000;

/** When `auto` tries a better transport, if that is planned. */
export class Upgrade {
  /** The best one has worked on this page. */
  hasProven = false;
  #timer = null;

  /**
   * @param {{timers: import('./timers.js').Timers, random: () => number}} world
   * @param {() => void} run
   */
  constructor({ timers, random }, run) {
    this.timers = timers;
    this.random = random;
    this.run = run;
  }

  /** A transport works that is not the best. */
  plan() {
    this.#set(this.hasProven ? SOON : SELDOM);
  }

  /** No better one works now. */
  planAgain() {
    this.#set(SELDOM);
  }

  cancel() {
    this.timers.clear(this.#timer);
  }

  /** @param {number} ms about */
  #set(ms) {
    this.cancel();
    this.#timer = this.timers.set(this.run, ms * (0.8 + 0.4 * this.random()));
  }
}
