/** A wait for the next try, which ends at once when the server can be reached again. */
export class Pause {
  /** @type {{id: any, resume: () => void, isAsked: boolean} | null} */
  #running = null;

  /** @param {import('./timers.js').Timers} timers */
  constructor(timers) {
    this.timers = timers;
  }

  /**
   * @param {number} ms
   * @param {boolean} isAsked the server can be reached, and has asked to wait so long
   */
  async wait(ms, isAsked) {
    await new Promise((resume) => {
      this.#running = { id: this.timers.set(resume, ms), resume, isAsked };
    });
    this.#running = null;
  }

  /** The server can be reached again: do not wait for the timer. */
  hurry() {
    if (!this.#running?.isAsked) this.end();
  }

  /** There is nothing to wait for any more. */
  end() {
    if (!this.#running) return;
    this.timers.clear(this.#running.id);
    this.#running.resume();
  }
}
