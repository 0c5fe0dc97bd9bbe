/**
 * @typedef {object} LiveEvent one entry of the user's inbox
 * @property {number} seq
 * @property {string} kind
 * @property {string} at RFC 3339, UTC
 * @property {Record<string, any>} data
 */

/**
 * Where this page stands in its user's inbox: one integer, whatever the transport.
 *
 * Promise: `take` gives each event after the cursor exactly once and in order. What was had already is dropped; at a
 * hole it stops, so that nothing is ever skipped: the one who asked has to ask again from here.
 */
export class Cursor {
  /**
   * @param {number} seq the last event that the page's data contains
   * @param {string} epoch of the database that the page came from
   */
  constructor(seq, epoch) {
    this.seq = seq;
    this.epoch = epoch;
    /** How often in a row a hole was met right behind `seq`. */
    this.holes = 0;
  }

  /**
   * @param {LiveEvent[]} events as received: possibly doubled, stale, or with a hole
   * @param {number} [upto] the last seq that the sender says this batch reaches
   * @returns {{fresh: LiveEvent[], hasGap: boolean}} what to apply now, and whether something is missing behind it
   */
  take(events, upto = 0) {
    const fresh = [];
    let hasGap = false;
    for (const event of events) {
      if (event.seq <= this.seq) continue;
      hasGap = event.seq !== this.seq + 1;
      if (hasGap) break;
      this.seq = event.seq;
      fresh.push(event);
    }
    hasGap ||= upto > this.seq;
    if (fresh.length > 0) this.holes = 0;
    if (hasGap) this.holes += 1;
    return { fresh, hasGap };
  }

  /**
   * Stand where a page that was loaded anew stands; also backwards, after a backup was restored.
   *
   * @param {number} seq
   * @param {string} epoch
   */
  moveTo(seq, epoch) {
    this.seq = seq;
    this.epoch = epoch;
    this.holes = 0;
  }

  /** @returns {string} as the query parameters that every transport takes */
  get query() {
    return `seq=${this.seq}&epoch=${encodeURIComponent(this.epoch)}`;
  }
}
