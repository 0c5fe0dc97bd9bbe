/** How far from the end still counts as being there, in pixels. */
const NEAR = 48;
/** What one sees above the line where the new begins, in pixels. */
const ABOVE_LINE = 16;

/**
 * What a conversation scrolls in: a reversed column, whose position 0 is the end, where the browser holds it by itself.
 */
export class Scroller {
  /** @param {HTMLElement | null} element a page without one is always at its end */
  constructor(element) {
    this.element = element;
  }

  get isAtEnd() {
    return !this.element || Math.abs(this.element.scrollTop) <= NEAR;
  }

  goToEnd() {
    if (this.element) this.element.scrollTop = 0;
  }

  /** @param {Element | null} line where the new begins: to it, if it is further up than what one sees */
  goUpTo(line) {
    if (!line || !this.element) return;
    const above = this.element.getBoundingClientRect().top - line.getBoundingClientRect().top;
    if (above > 0) this.element.scrollTop -= above + ABOVE_LINE;
  }

  /** For what goes away while it has the focus: from here the keyboard scrolls on. */
  takeFocus() {
    this.element?.focus({ preventScroll: true });
  }
}
