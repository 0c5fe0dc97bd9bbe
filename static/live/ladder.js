/**
 * Which transport to try next. A fixed choice is a ladder with one rung: it never becomes another.
 */
export class Ladder {
  /**
   * @param {import('./transports.js').Transport[]} transports best first
   * @param {string} choice a transport's name, or `auto`
   */
  constructor(transports, choice) {
    const fixed = transports.filter(({ name }) => name === choice);
    this.isAuto = fixed.length === 0;
    this.rungs = this.isAuto ? transports : fixed;
    this.index = 0;
    this.misses = 0;
  }

  get rung() {
    return this.rungs[this.index];
  }

  get isAtTop() {
    return this.index === 0;
  }

  /** Whether a failure here leaves something to try that may work where this does not. */
  get hasHope() {
    return this.isAuto && !this.rung.isPlain;
  }

  /**
   * The current rung failed. After the last comes the first again: where nothing works, nothing is known of any.
   *
   * @param {import('./transports.js').Closing} closing
   * @returns {number | undefined} what the server asks to wait, unless another way is next: it asked for this one
   */
  failed(closing) {
    if (closing.next === 'poll') {
      this.moveTo(this.rungs.length - 1);
      return closing.after;
    }
    this.misses += 1;
    if (this.misses < this.rung.tries && !closing.isTimeout) return closing.after;
    this.moveTo((this.index + 1) % this.rungs.length);
    return this.isAtTop ? closing.after : undefined;
  }

  /** The current rung has worked for a while: earlier misses say nothing any more. */
  held() {
    this.misses = 0;
  }

  /** @param {number} index */
  moveTo(index) {
    this.index = index;
    this.misses = 0;
  }
}
