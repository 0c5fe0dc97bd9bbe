import { isTemporary } from './api.js';
import { Outage } from './outage.js';
import { sleep } from './timers.js';

/**
 * Tells the server what the user has read, in one conversation or of one post: only what is on the page, only while they
 * look, and only ever forward.
 */
export class ReadMarker {
  /** The newest id on the page that the user has not read. */
  #shown = 0;
  #marked = 0;
  #isRunning = false;

  /**
   * @param {object} parts
   * @param {import('./timers.js').Timers} parts.timers
   * @param {() => number} parts.random
   * @param {(upto: number) => Promise<import('./api.js').Answer>} parts.mark tells the server
   * @param {() => boolean} parts.isLooking
   * @param {(upto: number, answer: any) => void} parts.onMarked
   */
  constructor(parts) {
    this.parts = parts;
  }

  /** @param {number} id of an unread message that is on the page now, or the seq of what was told of it */
  show(id) {
    this.#shown = Math.max(this.#shown, id);
    this.settle();
  }

  /** @param {number} upto it was read already, here or elsewhere */
  markedBefore(upto) {
    this.#marked = Math.max(this.#marked, upto);
  }

  /** Something changed that may mean that the user looks. */
  async settle() {
    if (this.#isRunning) return;
    this.#isRunning = true;
    const { mark, timers, random, isLooking, onMarked } = this.parts;
    const outage = new Outage(timers, random);
    while (this.#shown > this.#marked && isLooking()) {
      const upto = this.#shown;
      const answer = await mark(upto);
      if (isTemporary(answer)) {
        const ms = outage.failed();
        await sleep(timers, answer.after ?? ms);
        continue;
      }
      this.markedBefore(upto); // also when refused: it would be refused again
      if (answer.status < 300) onMarked(upto, answer.body);
    }
    this.#isRunning = false;
  }
}
