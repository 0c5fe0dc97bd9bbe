/** So many posts are watched beside what the page itself is about, and ten tasks: the server takes 50 topics. */
const MOST = 39;
/** So many are watched from the start, before it is known which of them are on the screen. */
const FIRST = 10;
/** What is so near to the screen is watched too. */
const NEAR = '400px 0px';
/** One who scrolls on does not ask for each part, in milliseconds. */
const REST = 300;

/**
 * Which posts are watched: those that are, or were last, on the screen. One that was watched stays it as long as there is
 * room, since most ways of following have to ask anew when anything changes.
 */
export class Watching {
  /** The ids, the one that came on the screen last at the end. @type {number[]} */
  #ids = [];
  #timer = null;

  /**
   * @param {object} parts
   * @param {Document} parts.document
   * @param {import('../timers.js').Timers} parts.timers
   * @param {() => void} parts.onChange
   */
  constructor({ document, timers, onChange }) {
    this.document = document;
    this.timers = timers;
    this.onChange = onChange;
    const Observer = document.defaultView?.IntersectionObserver;
    this.observer = Observer && new Observer((entries) => this.#see(entries), { rootMargin: NEAR });
  }

  /** Look after the posts that are on the page now. */
  bind() {
    const items = /** @type {HTMLElement[]} */ ([...this.document.querySelectorAll('[data-post]')]);
    const there = new Set(items.map(idOf));
    this.#ids = this.#ids.filter((id) => there.has(id));
    const some = this.observer ? items.slice(0, FIRST) : items.slice(0, MOST);
    if (this.#ids.length === 0) this.#begin(some.map(idOf));
    this.observer?.disconnect();
    for (const item of items) this.observer?.observe(item);
  }

  /** @returns {string[]} */
  get topics() {
    return this.#ids.map((id) => `post:${id}`);
  }

  #begin(ids) {
    this.#ids = ids;
    if (ids.length > 0) this.#tell();
  }

  #see(entries) {
    const seen = entries.filter(({ isIntersecting }) => isIntersecting).map(({ target }) => idOf(target));
    const isNews = seen.some((id) => !this.#ids.includes(id));
    this.#ids = [...this.#ids.filter((id) => !seen.includes(id)), ...seen].slice(-MOST);
    if (isNews) this.#tell();
  }

  #tell() {
    this.#timer ??= this.timers.set(() => {
      this.#timer = null;
      this.onChange();
    }, REST);
  }
}

/** @param {HTMLElement} item */
function idOf(item) {
  return Number(item.dataset.post);
}
