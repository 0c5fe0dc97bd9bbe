import { delay } from './backoff.js';

/** A run of failures: how many there were, since when, and so how long to wait. */
export class Outage {
  failures = 0;
  #since = 0;

  /**
   * @param {import('./timers.js').Timers} timers
   * @param {() => number} random
   */
  constructor(timers, random) {
    this.timers = timers;
    this.random = random;
  }

  /** @returns {number} milliseconds until the next try, after one more failure */
  failed() {
    const now = this.timers.now();
    if (this.failures === 0) this.#since = now;
    this.failures += 1;
    return delay(this.failures - 1, now - this.#since, this.random);
  }

  /** It works again. */
  end() {
    this.failures = 0;
  }
}
