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
  /** @type {Map<string, number>} of each topic; 0 where nothing has come yet */
  #versions = new Map();
  /** Topics that the server has refused: nothing is known of them, and nothing is missing. */
  #refused = new Set();
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
    this.#refused = new Set(topics.filter((topic) => this.#refused.has(topic)));
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
    return `&watch=${this.topics.map(encodeURIComponent).join(',')}&have=${this.#have}`;
  }

  /** The version up to which the page has everything; 0 as long as it lacks a topic. */
  get #have() {
    let newest = 0;
    for (const [topic, version] of this.#versions) {
      if (version === 0 && !this.#refused.has(topic)) return 0;
      newest = Math.max(newest, version);
    }
    return newest;
  }

  /**
   * @param {Record<string, Snapshot>} [snapshots] by topic
   * @param {boolean} [isAll] what is missing in here was refused
   * @returns {[string, any][]} topic and data of those that are news to this page
   */
  take(snapshots = {}, isAll = false) {
    if (isAll) this.#refused = new Set(this.topics.filter((topic) => !Object.hasOwn(snapshots, topic)));
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
