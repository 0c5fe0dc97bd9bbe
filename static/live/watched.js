/** The server takes no more topics than this, and no longer text of them. */
const MOST_TOPICS = 50;
const LONGEST = 3_000;

/**
 * @typedef {object} Snapshot what is current of a topic
 * @property {number} version a greater one is newer
 * @property {any} data
 */

/**
 * The topics that this page watches, and the newest version it has of each.
 *
 * Promise: of each topic `take` lets through what is newer than all before it, whichever transport brought it.
 */
export class Watched {
  /** @type {readonly string[]} */
  topics = [];
  /** @type {Map<string, number>} of each topic, in the same order; 0 where nothing has come, or never will */
  #versions = new Map();
  #isVoid = false;
  #warned = new Set();

  /** @param {() => readonly string[]} [read] the topics of the page as it is now */
  constructor(read = () => []) {
    this.read = read;
  }

  /**
   * Read the page's topics anew.
   *
   * @returns {boolean} whether a connection that is open has to ask for them anew
   */
  refresh() {
    const topics = limited(this.read());
    const isSame = topics.length === this.topics.length && topics.every((topic) => this.#versions.has(topic));
    const isVoid = this.#isVoid && topics.length > 0;
    this.#isVoid = false;
    if (isSame) return isVoid;
    this.topics = topics;
    this.#versions = new Map(topics.map((topic) => [topic, this.#versions.get(topic) ?? 0]));
    return true;
  }

  /** The page was loaded anew: it shows nothing of what has come so far. */
  forget() {
    this.#isVoid = true;
    for (const topic of this.#versions.keys()) this.#versions.set(topic, 0);
  }

  /** @returns {string} for the query of polls and streams; '' where nothing is watched */
  get query() {
    if (this.topics.length === 0) return '';
    return `&watch=${this.topics.map(encodeURIComponent).join(',')}&have=${[...this.#versions.values()].join(',')}`;
  }

  /**
   * @param {Record<string, Snapshot>} [snapshots] by topic
   * @returns {[string, any][]} topic and data of those that are news to this page
   */
  take(snapshots = {}) {
    const fresh = [];
    for (const [topic, snapshot] of Object.entries(snapshots)) {
      const known = this.#versions.get(topic);
      if (known === undefined || !Number.isSafeInteger(snapshot?.version) || snapshot.version <= known) continue;
      this.#versions.set(topic, snapshot.version);
      fresh.push([topic, snapshot.data]);
    }
    return fresh;
  }

  /** @param {unknown} detail what the server says of topics that it refuses, with each answer; said once */
  warn(detail) {
    if (!detail || this.#warned.has(detail)) return;
    this.#warned.add(detail);
    console.warn(`live: ${detail}`);
  }
}

/** @param {readonly string[]} topics */
function limited(topics) {
  const kept = [];
  let length = 0;
  for (const topic of new Set(topics)) {
    length += topic.length + 3;
    if (kept.length === MOST_TOPICS || length > LONGEST) break;
    kept.push(topic);
  }
  return kept;
}
