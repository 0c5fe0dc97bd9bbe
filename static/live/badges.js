import { Counts } from './counts.js';

/**
 * The badges of a page: absolute numbers by name, shown in every `[data-badge=name]`, and the messages in the title.
 *
 * Promise: a number that was counted earlier never replaces one that was counted later, whichever way it came.
 */
export class Badges {
  /**
   * @param {Document} document
   * @param {number} latest the seq at which the page's numbers were counted
   */
  constructor(document, latest) {
    this.document = document;
    this.counts = new Counts(latest);
    for (const element of badgesOf(document)) {
      const { badge } = element.dataset;
      if (!/\s/.test(badge)) this.counts.know(badge, Number(element.textContent) || 0);
    }
  }

  /** @param {string} name */
  get(name) {
    return this.counts.get(name);
  }

  /**
   * @param {Record<string, unknown> | undefined} numbers names that are not on the page are ignored
   * @param {number | undefined} latest the seq at which they were counted
   * @returns {boolean} whether they were taken
   */
  apply(numbers, latest) {
    const isTaken = this.counts.apply(numbers, latest);
    if (isTaken) this.show();
    return isTaken;
  }

  /**
   * Take numbers whatever came before: the page was loaded anew.
   *
   * @param {Record<string, unknown>} numbers
   * @param {number} latest
   */
  reset(numbers, latest) {
    this.counts.reset(numbers, latest);
    this.show();
  }

  /** Write the numbers into the page; also after a part of it was replaced. */
  show() {
    showBadges(this.document, this.counts);
    const title = this.document.title.replace(/^\(\d+\) /, '');
    const messages = this.counts.get('messages') ?? 0;
    this.document.title = messages > 0 ? `(${messages}) ${title}` : title;
  }
}

/**
 * Write numbers into every `[data-badge]`: of several names their sum. One that is not known stays as it is, and what
 * is right already is not touched.
 *
 * @param {Document} document
 * @param {Counts} counts
 */
export function showBadges(document, counts) {
  for (const element of badgesOf(document)) {
    const number = counts.sum(element.dataset.badge);
    if (number === undefined) continue;
    if (element.textContent !== String(number)) element.textContent = String(number);
    if (element.hidden !== (number === 0)) element.hidden = number === 0;
  }
}

/** @param {Document} document */
function badgesOf(document) {
  return /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('[data-badge]'));
}
