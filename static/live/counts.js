/**
 * Badges as numbers: absolute, by name.
 *
 * Promise: a number that was counted earlier never replaces one that was counted later, whichever way it came.
 */
export class Counts {
  #numbers = new Map();
  #latest;

  /** @param {number} latest the seq at which what is known was counted; below 0: nothing is known */
  constructor(latest) {
    this.#latest = latest;
  }

  /** @param {string} name */
  get(name) {
    return this.#numbers.get(name);
  }

  /** @returns {Record<string, number>} a copy */
  get all() {
    return Object.fromEntries(this.#numbers);
  }

  /**
   * @param {string} names separated by spaces
   * @returns {number | undefined} their sum; undefined where none of them is known
   */
  sum(names) {
    const known = names.split(/\s+/).map((name) => this.#numbers.get(name)).filter((number) => number !== undefined);
    return known.length > 0 ? known.reduce((sum, number) => sum + number, 0) : undefined;
  }

  /** A number that the page itself shows. @param {string} name @param {number} number */
  know(name, number) {
    this.#numbers.set(name, number);
  }

  /**
   * @param {Record<string, unknown> | undefined} numbers
   * @param {number | undefined} latest the seq at which they were counted
   * @returns {boolean} whether they were taken
   */
  apply(numbers, latest) {
    if (!numbers || !Number.isSafeInteger(latest) || latest < this.#latest) return false;
    this.#take(numbers, latest);
    return true;
  }

  /**
   * Take numbers whatever came before: the page was loaded anew. A name that is not among them counts nothing any more.
   *
   * @param {Record<string, unknown>} numbers
   * @param {number} latest
   */
  reset(numbers, latest) {
    for (const name of this.#numbers.keys()) this.#numbers.set(name, 0);
    this.#take(numbers, latest);
  }

  #take(numbers, latest) {
    this.#latest = latest;
    for (const [name, number] of Object.entries(numbers)) {
      if (Number.isSafeInteger(number) && number >= 0) this.#numbers.set(name, number);
    }
  }
}
