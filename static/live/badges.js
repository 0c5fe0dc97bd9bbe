/**
 * The badges of a page: absolute numbers by name, shown in every `[data-badge=name]`, and the messages in the title.
 *
 * Promise: a number that was counted earlier never replaces one that was counted later, whichever way it came.
 */
export class Badges {
  #numbers = new Map();
  #latest;

  /**
   * @param {Document} document
   * @param {number} latest the seq at which the page's numbers were counted
   */
  constructor(document, latest) {
    this.document = document;
    this.#latest = latest;
    for (const element of this.#elements()) {
      this.#numbers.set(element.dataset.badge, Number(element.textContent) || 0);
    }
  }

  /** @param {string} name */
  get(name) {
    return this.#numbers.get(name);
  }

  /**
   * @param {Record<string, unknown> | undefined} numbers names that are not on the page are ignored
   * @param {number | undefined} latest the seq at which they were counted
   * @returns {boolean} whether they were taken
   */
  apply(numbers, latest) {
    if (!numbers || !Number.isSafeInteger(latest) || latest < this.#latest) return false;
    this.reset(numbers, latest);
    return true;
  }

  /**
   * Take numbers whatever came before: the page was loaded anew.
   *
   * @param {Record<string, unknown>} numbers
   * @param {number} latest
   */
  reset(numbers, latest) {
    this.#latest = latest;
    for (const [name, number] of Object.entries(numbers)) {
      if (Number.isSafeInteger(number) && number >= 0) this.#numbers.set(name, number);
    }
    this.show();
  }

  /** Write the numbers into the page; also after a part of it was replaced. */
  show() {
    for (const element of this.#elements()) {
      const number = this.#numbers.get(element.dataset.badge);
      if (number === undefined) continue;
      element.textContent = String(number);
      element.hidden = number === 0;
    }
    const title = this.document.title.replace(/^\(\d+\) /, '');
    const messages = this.#numbers.get('messages') ?? 0;
    this.document.title = messages > 0 ? `(${messages}) ${title}` : title;
  }

  #elements() {
    return /** @type {NodeListOf<HTMLElement>} */ (this.document.querySelectorAll('[data-badge]'));
  }
}
