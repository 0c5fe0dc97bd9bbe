/** Milliseconds for which a button says that it has copied. */
const SAID = 2000;

/**
 * Buttons that copy the text of an element: `<button data-copy="its-id" hidden>`, hidden where nothing can be copied.
 */
export class Copying {
  /**
   * @param {object} parts
   * @param {Document} parts.document
   * @param {Clipboard | undefined} parts.clipboard there on https and on this machine only
   * @param {import('./timers.js').Timers} parts.timers
   * @param {import('./strings.js').Strings} parts.strings
   */
  constructor({ document, clipboard, timers, strings }) {
    this.document = document;
    this.clipboard = clipboard;
    this.timers = timers;
    this.strings = strings;
  }

  bind() {
    if (!this.clipboard) return;
    for (const button of this.document.querySelectorAll('[data-copy]')) {
      const words = button.textContent;
      button.addEventListener('click', () => this.#copy(/** @type {HTMLElement} */ (button), words));
      /** @type {HTMLElement} */ (button).hidden = false;
    }
  }

  /** @param {HTMLElement} button @param {string} words what it says otherwise */
  async #copy(button, words) {
    const source = this.document.getElementById(button.dataset.copy);
    try {
      await this.clipboard.writeText(source.textContent);
    } catch {
      this.document.getSelection().selectAllChildren(source); // the browser does not let us: by hand it is one key
      return;
    }
    button.textContent = this.strings.get('copied');
    this.timers.set(() => (button.textContent = words), SAID);
  }
}
