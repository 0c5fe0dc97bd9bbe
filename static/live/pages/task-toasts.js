/** For how long a text stays that is only read out, in milliseconds. */
const STAY = 5000;

/**
 * What a toast says of a task whose card is in sight is only read out: who sees the card needs it not twice, and it would
 * lie over other cards' buttons.
 */
export class TaskToasts {
  /**
   * @param {Document} document
   * @param {import('../timers.js').Timers} timers
   * @param {import('./task-cards.js').TaskCards} cards
   */
  constructor(document, timers, cards) {
    this.document = document;
    this.timers = timers;
    this.cards = cards;
    document.addEventListener('live:toast', (event) => this.#take(/** @type {CustomEvent} */ (event)));
  }

  /** @param {CustomEvent} toast */
  #take(toast) {
    const { event, title, body } = toast.detail;
    if (event.kind !== 'task' || !this.#isInSight(event.data.id)) return;
    toast.preventDefault();
    const line = this.document.createElement('p');
    line.className = 'visually-hidden';
    line.textContent = [title, body].filter(Boolean).join('. ');
    this.document.querySelector('[data-live-toasts]')?.append(line);
    this.timers.set(() => line.remove(), STAY);
  }

  /** @param {number} id */
  #isInSight(id) {
    const card = this.cards.find(id);
    if (!card) return false;
    const { top, bottom } = card.getBoundingClientRect();
    return bottom > 0 && top < this.document.documentElement.clientHeight;
  }
}
