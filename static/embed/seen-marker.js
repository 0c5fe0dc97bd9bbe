import { isTemporary } from '../live/api.js';
import { Outage } from '../live/outage.js';

/** Marks gather for so long, and are at least that far apart, in milliseconds. */
const REST = 1_000;

/**
 * Marks badges as seen: those of each `[data-live-seen=<names>]` while it is on screen in a tab that is looked at, or, if
 * it is a button, when it is pressed.
 *
 * Promise: a badge is marked only where it counts something that has come since it was last marked.
 */
export class SeenMarker {
  /** @type {Set<HTMLElement>} */
  #onScreen = new Set();
  /** Up to which seq each badge was marked. @type {Map<string, number>} */
  #marked = new Map();
  #timer = null;
  #isRunning = false;

  /**
   * @param {object} parts
   * @param {Document} parts.document
   * @param {import('./inbox.js').Inbox} parts.inbox
   * @param {typeof IntersectionObserver} parts.IntersectionObserver
   * @param {import('../live/timers.js').Timers} parts.timers
   * @param {() => number} parts.random
   */
  constructor({ document, inbox, IntersectionObserver, timers, random }) {
    this.document = document;
    this.inbox = inbox;
    this.timers = timers;
    this.outage = new Outage(timers, random);
    this.observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) this.#onScreen.add(/** @type {HTMLElement} */ (target));
        else this.#onScreen.delete(/** @type {HTMLElement} */ (target));
      }
      this.settle();
    });
    document.addEventListener('click', ({ target }) => this.#press(/** @type {Element} */ (target)));
  }

  /** Look after the elements that are in the page now. */
  find() {
    for (const element of this.#onScreen) if (!element.isConnected) this.#onScreen.delete(element);
    for (const element of this.document.querySelectorAll('[data-live-seen]')) {
      if (!isButton(element)) this.observer.observe(element); // again does nothing
    }
  }

  /** A seq means something else from now on. */
  reset() {
    this.#marked.clear();
  }

  /** Something changed that may mean that somebody sees something new. */
  settle() {
    if (this.#timer !== null || this.#isRunning || this.#due().length === 0) return;
    this.#timer = this.timers.set(() => this.#run(), REST);
  }

  async #run() {
    this.#timer = null;
    const names = this.#due();
    if (names.length === 0) return;
    this.#isRunning = true;
    const answer = await this.#mark(names);
    this.#isRunning = false;
    if (!isTemporary(answer)) return this.settle();
    const ms = this.outage.failed();
    this.#timer = this.timers.set(() => this.#run(), Math.max(REST, answer.after ?? ms));
  }

  /** @param {Element | null} target */
  #press(target) {
    const element = /** @type {HTMLElement | null} */ (target?.closest?.('[data-live-seen]'));
    if (element && isButton(element)) this.#mark(namesOf(element));
  }

  async #mark(names) {
    const { seq } = this.inbox.cursor;
    const answer = await this.inbox.markSeen(names, seq);
    if (isTemporary(answer)) return answer;
    this.outage.end();
    if (answer.status !== 200) console.warn(`live: ${names.join(', ')} could not be marked as seen: ${answer.detail}`);
    for (const name of names) this.#marked.set(name, seq); // also when refused: it would be refused again
    return answer;
  }

  /** The badges that somebody sees now, and that count something new. @returns {string[]} */
  #due() {
    if (this.document.visibilityState === 'hidden') return [];
    const names = new Set([...this.#onScreen].filter((element) => element.isConnected).flatMap(namesOf));
    const { seq } = this.inbox.cursor;
    return [...names].filter((name) => this.inbox.badges[name] > 0 && seq > (this.#marked.get(name) ?? -1));
  }
}

/** @param {HTMLElement} element */
function namesOf(element) {
  return (element.dataset.liveSeen ?? '').split(/\s+/).filter(Boolean);
}

/** @param {Element} element */
function isButton(element) {
  return element.matches('button, input[type=button], input[type=submit], a[href], summary, [role=button]');
}
