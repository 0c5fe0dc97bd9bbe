/** Counts the seconds to a moment, aloud. */
export class Countdown {
  #timer = null;

  /** @param {import('./timers.js').Timers} timers */
  constructor(timers) {
    this.timers = timers;
  }

  /**
   * Count from now on, and nothing else.
   *
   * @param {number} until milliseconds since 1970
   * @param {(seconds: number) => void} say called at once, and with each second that is over; never with less than 1
   */
  start(until, say) {
    this.stop();
    const left = until - this.timers.now();
    say(Math.max(1, Math.ceil(left / 1000)));
    if (left > 1000) this.#timer = this.timers.set(() => this.start(until, say), left % 1000 || 1000);
  }

  stop() {
    this.timers.clear(this.#timer);
    this.#timer = null;
  }
}
