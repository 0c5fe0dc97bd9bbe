/** Where one of the links is gone to from another one. */
const STEPS = new Map([['ArrowUp', -1], ['ArrowDown', 1]]);

/**
 * One stop for the keyboard among many links: Tab comes to the last that is in view, and arrows lead on. Without it each
 * link would be a stop, and the way back from the form would lead through all messages.
 */
export class Roving {
  /**
   * @param {HTMLElement} list
   * @param {string} selector of the links
   */
  constructor(list, selector) {
    this.list = list;
    this.view = list.closest('[data-scroller]');
    this.selector = selector;
    list.addEventListener('keydown', (event) => this.#go(event));
  }

  /** Links have come or gone: the newest is the stop, or the one where one is. */
  arrange() {
    const links = this.#links();
    this.#stopAt(this.#current(links) ?? links.at(-1), links);
  }

  /** Tab was pressed: the stop is in view, so that nothing moves when it gets the focus. */
  aim() {
    const links = this.#links();
    const end = this.view?.getBoundingClientRect().bottom;
    const shown = links.findLast((link) => link.getBoundingClientRect().bottom <= end);
    this.#stopAt(this.#current(links) ?? shown ?? links.at(-1), links);
  }

  #current(links) {
    const { activeElement } = this.list.ownerDocument;
    return links.find((link) => link === activeElement);
  }

  #go(event) {
    const links = this.#links();
    const at = links.indexOf(event.target);
    const next = at < 0 ? undefined : links[at + (STEPS.get(event.key) ?? links.length)];
    if (!next) return;
    event.preventDefault();
    this.#stopAt(next, links);
    next.focus();
  }

  #stopAt(stop, links) {
    for (const link of links) {
      if (link === stop) link.removeAttribute('tabindex');
      else if (link.getAttribute('tabindex') === null) link.setAttribute('tabindex', '-1');
    }
  }

  /** @returns {HTMLElement[]} those that are shown */
  #links() {
    return [.../** @type {NodeListOf<HTMLElement>} */ (this.list.querySelectorAll(this.selector))].filter((link) => !link.hidden);
  }
}
