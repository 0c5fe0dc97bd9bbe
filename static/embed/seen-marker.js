import { isTemporary } from '../live/api.js';
import { Outage } from '../live/outage.js';

/** Marks gather for so long, and are at least that far apart, in milliseconds. */
const REST = 1_000;

/**
 * @typedef {object} Mark
 * @property {string[]} names of badges
 * @property {number} seq up to which what they count is seen
 */

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
  /** What was pressed and could not be marked yet, by its names. @type {Map<string, Mark>} */
  #pressed = new Map();
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
    this.#pressed = new Map(); // what is pressed and not answered yet is none of the new one's
  }

  /** Something changed that may mean that somebody sees something new. */
  settle() {
    if (this.#next().names.length > 0) this.#plan(REST);
  }

  /** @param {number} ms until the next marks, unless that is settled already */
  #plan(ms) {
    if (!this.#isRunning) this.#timer ??= this.timers.set(() => this.#run(), ms);
  }

  async #run() {
    this.#timer = null;
    const mark = this.#next();
    if (mark.names.length === 0) return;
    this.#isRunning = true;
    const answer = await this.#mark(mark);
    this.#isRunning = false;
    if (isTemporary(answer)) return this.#planAgain(answer);
    this.settle();
  }

  /** @param {import('../live/api.js').Answer} answer that says nothing about the marks */
  #planAgain({ after }) {
    const ms = this.outage.failed();
    this.#plan(Math.max(REST, after ?? ms));
  }

  /** @param {Element | null} target */
  async #press(target) {
    const element = /** @type {HTMLElement | null} */ (target?.closest?.('[data-live-seen]'));
    if (!element || !isButton(element)) return;
    const mark = { names: namesOf(element), seq: this.inbox.cursor.seq };
    const pressed = this.#pressed;
    const answer = await this.#mark(mark);
    if (!isTemporary(answer)) return;
    pressed.set(keyOf(mark), mark);
    this.#planAgain(answer);
  }

  /** @returns {Mark} what was pressed, which needs nobody to look, before what is looked at */
  #next() {
    const [pressed] = this.#pressed.values();
    return pressed ?? { names: this.#due(), seq: this.inbox.cursor.seq };
  }

  /** @param {Mark} mark */
  async #mark(mark) {
    const { names, seq } = mark;
    const answer = await this.inbox.markSeen(names, seq);
    if (isTemporary(answer)) return answer;
    this.outage.end();
    if (answer.status !== 200) console.warn(`live: ${names.join(', ')} could not be marked as seen: ${answer.detail}`);
    for (const name of names) this.#marked.set(name, seq); // also when refused: it would be refused again
    if (this.#pressed.get(keyOf(mark)) === mark) this.#pressed.delete(keyOf(mark));
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

/** @param {Mark} mark */
function keyOf({ names }) {
  return names.join(' ');
}

/** @param {HTMLElement} element */
function namesOf(element) {
  return (element.dataset.liveSeen ?? '').split(/\s+/).filter(Boolean);
}

/** @param {Element} element */
function isButton(element) {
  return element.matches('button, input[type=button], input[type=submit], a[href], summary, [role=button]');
}
