/**
 * What the bell of the page's head opens. Without scripts the bell is a link to the page of the same; here it is a button.
 *
 *   <a id="bell" href="/notifications">
 *   <div id="bell-panel" hidden></div>
 *
 * Promise: it closes by Escape, which gives the focus back to the bell, by a click elsewhere, and for who goes on by the
 * keyboard: nobody is behind it.
 */
export class BellPanel {
  /**
   * @param {object} parts
   * @param {Document} parts.document
   * @param {() => void} parts.onOpen
   */
  constructor({ document, onOpen }) {
    this.document = document;
    this.onOpen = onOpen;
    this.bell = document.getElementById('bell');
    this.panel = document.getElementById('bell-panel');
  }

  bind() {
    const { bell, panel, document } = this;
    if (!bell || !panel) return;
    bell.setAttribute('role', 'button');
    bell.setAttribute('aria-controls', panel.id);
    bell.setAttribute('aria-expanded', 'false');
    bell.addEventListener('click', (event) => {
      if (isForNewTab(event)) return;
      event.preventDefault();
      this.#toggle();
    });
    bell.addEventListener('keydown', (event) => {
      if (event.key !== ' ') return; // a link knows Enter only
      event.preventDefault();
      this.#toggle();
    });
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.isOpen) this.close({ focus: true });
    });
    document.addEventListener('focusin', (event) => this.#leave(event.target));
    document.addEventListener('click', (event) => this.#leave(event.target));
  }

  get isOpen() {
    return this.panel !== null && !this.panel.hidden;
  }

  #toggle() {
    if (this.isOpen) {
      this.close();
      return;
    }
    this.panel.hidden = false;
    this.bell.setAttribute('aria-expanded', 'true');
    this.onOpen();
  }

  /** @param {{focus?: boolean}} [how] whether the keyboard's place goes back to the bell */
  close({ focus = false } = {}) {
    this.panel.hidden = true;
    this.bell.setAttribute('aria-expanded', 'false');
    if (focus) this.bell.focus();
  }

  /** Somebody has gone there. @param {Element} target may have been replaced by now, and then is nowhere */
  #leave(target) {
    if (!this.isOpen || !target.isConnected || this.bell.contains(target) || this.panel.contains(target)) return;
    this.close();
  }

  /** @param {string} text in place of what it lists */
  say(text) {
    const line = this.document.createElement('p');
    line.setAttribute('class', 'panel__say');
    line.textContent = text;
    this.panel.replaceChildren(line);
  }
}

/** @param {MouseEvent} event */
export function isForNewTab({ button, metaKey, ctrlKey, shiftKey, altKey }) {
  return button !== 0 || metaKey || ctrlKey || shiftKey || altKey;
}
