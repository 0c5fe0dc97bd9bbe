import { Press } from '../press.js';

const UNFINISHED = new Set(['queued', 'running']);

/**
 * The cards of tasks on their page, always as the server renders them; only how far a task is changes here.
 *
 * Promise: what is newer by its version is never replaced by what is older, whichever way it came. A bar that is there
 * stays the same element, and so moves on from where it is. Who has the focus in a card has it there still.
 */
export class TaskCards {
  /**
   * @param {Document} document
   * @param {import('../timers.js').Timers} timers
   */
  constructor(document, timers) {
    this.document = document;
    this.press = new Press(document, timers);
    this.press.bind();
  }

  /** Find the elements of the page, also of one that has replaced another. */
  bind() {
    this.place = /** @type {HTMLElement} */ (this.document.querySelector('[data-tasks]'));
  }

  /** @param {number} id @returns {HTMLElement | null} */
  find(id) {
    return this.document.getElementById(`task-${id}`);
  }

  /** @returns {number[]} the tasks that wait or run */
  get unfinished() {
    const cards = /** @type {HTMLElement[]} */ ([...this.place.querySelectorAll('[data-task]')]);
    return cards.filter(isUnfinished).map(({ dataset }) => Number(dataset.task));
  }

  /**
   * @param {number} id
   * @param {{state: string, progress: number}} data
   * @param {number} version
   * @returns {boolean} whether it says more than how far a task is: the card must come anew
   */
  take(id, { state, progress }, version) {
    const card = this.find(id);
    if (!card || version <= versionOf(card)) return false;
    if (state !== card.dataset.state) return true;
    card.dataset.version = String(version);
    showProgress(card, String(progress));
    return false;
  }

  /**
   * Show these in place of what is shown.
   *
   * @param {Element} part its children
   */
  async put(part) {
    const { place } = this;
    await this.press.over(place);
    const focused = /** @type {HTMLElement | null} */ (this.document.activeElement);
    const card = focused?.closest('[data-task]');
    const isHere = focused !== null && place.contains(focused);
    this.#fill(place, [...part.children], (shown, fresh) => this.#renew(shown, fresh));
    if (isHere && !focused.isConnected) this.#giveBack(card, focused.dataset.act);
  }

  /** @param {Element | null} card where the focus was @param {string} [act] on what */
  #giveBack(card, act) {
    const there = /** @type {HTMLElement | null} */ (card?.isConnected ? card : this.place);
    const same = /** @type {HTMLElement | null} */ (act ? there.querySelector(`[data-act="${act}"]`) : null);
    (same ?? there).focus({ preventScroll: true });
  }

  /**
   * Have these children in a place, without moving those that are there already.
   *
   * @param {Element} place
   * @param {Element[]} children
   * @param {(shown: Element, fresh: Element) => void} renew one that is there
   */
  #fill(place, children, renew) {
    const names = new Set(children.map(nameOf));
    for (const old of [...place.children]) if (!nameOf(old) || !names.has(nameOf(old))) old.remove();
    let at = place.firstElementChild;
    for (const child of children) {
      if (at && nameOf(at) === nameOf(child)) {
        renew(at, child);
        at = at.nextElementSibling;
      } else place.insertBefore(this.document.adoptNode(child), at);
    }
  }

  /** @param {any} card @param {any} fresh */
  #renew(card, fresh) {
    if (versionOf(fresh) <= versionOf(card)) return;
    card.dataset.state = fresh.dataset.state;
    card.dataset.version = fresh.dataset.version;
    const bar = fresh.querySelector('.bar');
    this.#fill(card, [...fresh.children], () => showProgress(card, bar.getAttribute('value')));
  }
}

/** By which an element is the same in what is shown and what has come: a card, and the bar in it; '' for all others. */
function nameOf(element) {
  return element.dataset.task || (element.classList.contains('task__bar') ? 'bar' : '');
}

function versionOf({ dataset }) {
  return Number(dataset.version);
}

function isUnfinished({ dataset }) {
  return UNFINISHED.has(dataset.state);
}

/** @param {HTMLElement} card @param {string} percent */
function showProgress(card, percent) {
  const bar = card.querySelector('.bar');
  if (!bar || bar.getAttribute('value') === percent) return;
  bar.setAttribute('value', percent);
  card.querySelector('[data-percent]').textContent = `${percent}%`;
}
