import { delay } from './backoff.js';
import { sleep } from './timers.js';

/** Renewals closer together than this wait for each other: a server that resets every answer is not to be flooded. */
const CLOSE = 10_000;

/**
 * Loads a page's state anew after a reset, however often it takes, and puts the cursor where the new state stands.
 */
export class Renewal {
  /** The page's state is void until a renewal has succeeded. */
  isDue = false;
  isPaused = false;
  #running = null;
  #lastAt = -Infinity;
  #inARow = 0;

  /**
   * @param {object} parts
   * @param {import('./transports.js').World} parts.world
   * @param {() => Promise<{seq: number, epoch: string} | null>} parts.reload
   * @param {() => void} parts.onSignedOut
   */
  constructor({ world, reload, onSignedOut }) {
    this.world = world;
    this.reload = reload;
    this.onSignedOut = onSignedOut;
  }

  /**
   * @returns {Promise<void>} resolves when the state is right again, or, `isDue` still being true, when the user is
   *   signed out or the page paused; never rejects
   */
  run() {
    this.isDue = true;
    this.#running ??= this.#loop().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #loop() {
    const { timers, random, cursor, watched } = this.world;
    this.#inARow = timers.now() - this.#lastAt < CLOSE ? this.#inARow + 1 : 0;
    for (let tries = this.#inARow; this.isDue && !this.isPaused; tries += 1) {
      if (tries > 0) await sleep(timers, delay(tries, 0, random));
      if (!this.isDue) return; // the place was said meanwhile
      try {
        const place = await this.reload();
        if (place === null) return this.onSignedOut();
        cursor.moveTo(place.seq, place.epoch);
        watched.forget();
        this.isDue = false;
        this.#lastAt = timers.now();
      } catch (error) {
        console.warn(`live: where the page stands could not be found out, trying again: ${error}`);
      }
    }
  }
}
