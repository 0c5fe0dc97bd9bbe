/**
 * Takes over what transports bring: events once and in order, snapshots if they are newer than those before. While the
 * page is loaded anew it takes nothing, since the page as it will be has it or asks for it again.
 */
export class Intake {
  /** The last seq that came while the page was loaded anew. */
  #missed = 0;

  /**
   * @param {object} parts
   * @param {import('./transports.js').World} parts.world
   * @param {import('./renewal.js').Renewal} parts.renewal
   * @param {(events: import('./cursor.js').LiveEvent[], batch: import('./transports.js').Batch) => void} parts.onBatch
   * @param {(topic: string, data: any, version: number) => void} parts.onSnapshot
   */
  constructor({ world, renewal, onBatch, onSnapshot }) {
    this.world = world;
    this.renewal = renewal;
    this.onBatch = onBatch;
    this.onSnapshot = onSnapshot;
  }

  /**
   * @param {import('./transports.js').Batch} batch
   * @returns {boolean} whether something is missing, from the cursor on
   */
  take(batch) {
    if (this.renewal.isDue) {
      this.#missed = Math.max(this.#missed, batch.seq ?? 0);
      return false;
    }
    const { fresh, hasGap } = this.world.cursor.take(batch.events ?? [], batch.seq);
    this.onBatch(fresh, batch);
    return hasGap;
  }

  /**
   * @param {Record<string, import('./watched.js').Snapshot>} snapshots
   * @returns {boolean} whether anything was news
   */
  show(snapshots) {
    if (this.renewal.isDue) return false;
    const fresh = this.world.watched.take(snapshots);
    for (const [topic, data] of fresh) this.onSnapshot(topic, data, snapshots[topic].version);
    return fresh.length > 0;
  }

  /**
   * Have the page loaded anew.
   *
   * @returns {Promise<boolean>} whether something came meanwhile that it lacks
   */
  async renew() {
    this.#missed = 0;
    await this.renewal.run();
    const hasMissed = this.#missed > this.world.cursor.seq;
    this.#missed = 0;
    return hasMissed;
  }
}
