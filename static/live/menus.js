const OPEN = 'details[data-menu][open]';

/**
 * Menus that lie over the page, `<details data-menu>`: without scripts they close only as they were opened.
 *
 * Promise: one closes by Escape, which gives the focus back to what opened it, by a click elsewhere, and for who goes on
 * by the keyboard: nobody is behind it.
 */
export class Menus {
  /** @param {Document} document */
  constructor(document) {
    this.document = document;
  }

  /** Listen to the page. */
  bind() {
    const { document } = this;
    document.addEventListener('click', ({ target }) => this.#leave(target));
    document.addEventListener('focusin', ({ target }) => this.#leave(target));
    document.addEventListener('keydown', ({ key, target }) => key === 'Escape' && this.#close(target.closest(OPEN)));
  }

  /** Somebody has gone there. @param {Element} target may have been replaced by now, and then is nowhere */
  #leave(target) {
    if (!target.isConnected) return;
    for (const menu of this.document.querySelectorAll(OPEN)) if (!menu.contains(target)) menu.removeAttribute('open');
  }

  /** @param {HTMLElement | null} menu in which the focus is */
  #close(menu) {
    menu?.removeAttribute('open');
    menu?.querySelector('summary').focus();
  }
}
