/**
 * Where a pointer is pressed. Something that is put anew under it would lose the click, which comes only where both the
 * press and its end were.
 */
export class Press {
  /** @type {Element | null} */
  #target = null;
  /** @type {(() => void)[]} */
  #waiting = [];

  /**
   * @param {Document} document
   * @param {import('./timers.js').Timers} timers
   */
  constructor(document, timers) {
    this.document = document;
    this.timers = timers;
  }

  bind() {
    this.document.addEventListener('pointerdown', ({ button, target }) => {
      if (button === 0) this.#target = /** @type {Element} */ (target);
    });
    // a drag and a menu take the pointer away
    for (const name of ['pointerup', 'pointercancel', 'contextmenu']) {
      this.document.addEventListener(name, () => this.timers.set(() => this.#end(), 0)); // the click comes first
    }
  }

  /**
   * @param {Element} place
   * @returns {Promise<void>} resolves when nobody presses on anything in it
   */
  async over(place) {
    if (!this.#target || !place.contains(this.#target)) return;
    await new Promise((resolve) => this.#waiting.push(() => resolve(undefined)));
  }

  #end() {
    this.#target = null;
    for (const go of this.#waiting.splice(0)) go();
  }
}
