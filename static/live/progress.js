import { fetchWithin, sameOrigin } from './http.js';
import { Outage } from './outage.js';

/** Between two looks, in milliseconds; more where the server is away. */
const EVERY = 1000;

/**
 * Keeps up `<progress data-progress="/address">`, whose address answers {state, reached, total}, until it is done.
 * Nothing is asked for in a hidden tab.
 */
export class Progress {
  /**
   * @param {object} parts
   * @param {Document} parts.document
   * @param {typeof fetch} parts.fetch
   * @param {import('./timers.js').Timers} parts.timers
   * @param {() => number} parts.random
   * @param {(name: string) => string} parts.text what a state is called
   */
  constructor({ document, fetch, timers, random, text }) {
    this.document = document;
    this.fetch = fetch;
    this.timers = timers;
    this.text = text;
    this.outage = new Outage(timers, random);
  }

  /** @param {number} [wait] milliseconds until the first look */
  keepUp(wait = EVERY) {
    const bars = [...this.document.querySelectorAll('progress[data-progress]')];
    if (bars.length > 0) this.timers.set(async () => this.keepUp(await this.#look(bars)), wait);
  }

  /** @param {Element[]} bars @returns {Promise<number>} milliseconds until the next look */
  async #look(bars) {
    if (this.document.visibilityState === 'hidden') return EVERY;
    const asked = bars.map((bar) => this.#ask(/** @type {HTMLProgressElement} */ (bar)));
    const failed = (await Promise.allSettled(asked)).find(({ status }) => status === 'rejected');
    if (!failed) {
      this.outage.end();
      return EVERY;
    }
    console.warn(`live: progress could not be loaded: ${/** @type {PromiseRejectedResult} */ (failed).reason}`);
    return Math.max(EVERY, this.outage.failed());
  }

  /** @param {HTMLProgressElement} bar */
  async #ask(bar) {
    const answer = await fetchWithin(this, bar.dataset.progress, sameOrigin('application/json'), (response) => {
      if ([401, 403, 404].includes(response.status)) return null; // nobody here is told any more
      if (!response.ok) throw new Error(`status ${response.status}`);
      return response.json();
    });
    if (answer) this.#show(bar, answer);
    else delete bar.dataset.progress;
  }

  /** @param {HTMLProgressElement} bar @param {{state: string, reached: number, total: number}} answer */
  #show(bar, { state, reached, total }) {
    const row = bar.parentElement;
    row.querySelector('[data-reached]').textContent = String(reached);
    bar.max = total || 1;
    bar.value = state === 'done' ? bar.max : reached;
    if (state !== 'done') return;
    delete bar.dataset.progress;
    row.querySelector('[data-state]').textContent = this.text('done');
  }
}
