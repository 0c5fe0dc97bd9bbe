/** Whether the other side is there, or typing: one place, so that nothing moves when it changes. */
export class Presence {
  #isTyping = false;

  /**
   * @param {object} parts
   * @param {HTMLElement | null} parts.element
   * @param {import('../strings.js').Strings} parts.strings
   */
  constructor({ element, strings }) {
    this.element = element;
    this.strings = strings;
  }

  /** @param {boolean} isOnline */
  setOnline(isOnline) {
    if (!this.element) return;
    this.element.dataset.presence = isOnline ? 'online' : 'offline';
    this.#show();
  }

  /** @param {boolean} isTyping until it is said otherwise */
  setTyping(isTyping) {
    if (isTyping === this.#isTyping || !this.element) return;
    this.#isTyping = isTyping;
    this.#show();
  }

  #show() {
    const text = this.strings.get(this.#isTyping ? 'typing' : this.element.dataset.presence);
    this.element.classList.toggle('chat__presence--typing', this.#isTyping);
    if (this.element.textContent !== text) this.element.textContent = text;
  }
}
