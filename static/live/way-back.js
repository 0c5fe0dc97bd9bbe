/**
 * Where the focus goes when a list of notices is put anew under it: to the same control of the same item, else of the items
 * below and above it, then to the item's link, and in the end to the list itself.
 */
export class WayBack {
  /** @type {(() => HTMLElement | null)[]} the best first */
  #ways = [];

  /**
   * @param {HTMLElement} place before it is changed
   * @param {Element | null} focused
   */
  constructor(place, focused) {
    this.place = place;
    if (focused && place.contains(focused)) this.#ways = [...this.#find(focused), () => place];
  }

  /** The place has its new content: have the focus there, if it was there. */
  go() {
    const found = this.#ways.map((way) => way()).find(Boolean);
    found?.focus({ preventScroll: true });
  }

  /** @param {Element} focused */
  #find(focused) {
    const tag = focused.tagName.toLowerCase();
    const item = /** @type {HTMLElement | null} */ (focused.closest('[data-seqs]'));
    if (!item) {
      const around = ['.notices__all', '.panel__foot'].find((selector) => focused.closest(selector));
      return around ? [() => this.place.querySelector(around)?.querySelector(tag) ?? null] : [];
    }
    const items = this.#items();
    const at = items.indexOf(item);
    const near = [...items.slice(at), ...items.slice(0, at).reverse()].map(seqsOf);
    const same = near.map((seqs) => () => this.#itemOf(seqs)?.querySelector(tag) ?? null);
    return [...same, () => this.#itemOf(near[0])?.querySelector('a') ?? null];
  }

  /** An item that has grown by another of its group is the same. @param {number[]} seqs */
  #itemOf(seqs) {
    return this.#items().find((item) => seqsOf(item).some((seq) => seqs.includes(seq)));
  }

  /** @returns {HTMLElement[]} */
  #items() {
    return [...this.place.querySelectorAll('[data-seqs]')];
  }
}

/** @param {HTMLElement} item a line of the list @returns {number[]} of the notices that it shows */
export function seqsOf(item) {
  return numbers(item.dataset.seqs);
}

/** @param {string} text numbers separated by blanks */
export function numbers(text) {
  return text.split(' ').map(Number);
}
