/** So many are watched: a client can watch 50 topics, and a page has its own. */
const MOST = 10;
const UNFINISHED = new Set(['queued', 'running']);
const TOPIC = /^task:(\d+)$/;

/**
 * The bar in the head of every page: how far the user's tasks are that run, together; with nothing in it while they only
 * wait, and hidden where there are none.
 *
 *   <body data-at-work='[[7, "running", 40]]'>    as of when the page was rendered
 *   <progress id="at-work" max="100" value="40">
 *   <span id="at-work-words">
 */
export class AtWork {
  /** By number, in the order in which they were asked for. @type {Map<number, {state: string, progress: number, isTold: boolean}>} */
  #tasks = new Map();

  /** @param {Document} document */
  constructor(document) {
    this.document = document;
    this.bind();
  }

  /** Take what the page says, also of one that was loaded anew. */
  bind() {
    const listed = JSON.parse(this.document.body.dataset.atWork ?? '[]');
    this.#tasks = new Map(listed.map(([id, state, progress]) => [id, { state, progress, isTold: false }]));
    this.#show();
  }

  /** Those that run first. @returns {string[]} */
  get topics() {
    const ids = [...this.#tasks.keys()];
    const runs = (id) => this.#tasks.get(id).state === 'running';
    return [...ids.filter(runs), ...ids.filter((id) => !runs(id))].slice(0, MOST).map((id) => `task:${id}`);
  }

  /** @param {import('./cursor.js').LiveEvent} event */
  apply({ kind, data }) {
    if (kind !== 'task') return;
    const known = this.#tasks.get(data.id);
    if (!UNFINISHED.has(data.state)) this.#tasks.delete(data.id);
    else if (!known) this.#tasks.set(data.id, { state: data.state, progress: 0, isTold: false });
    else if (!known.isTold) known.state = data.state; // else its topic tells, and may be ahead of the event
    this.#show();
  }

  /**
   * @param {string} topic
   * @param {{state: string, progress: number}} data
   */
  snapshot(topic, { state, progress }) {
    const id = Number(TOPIC.exec(topic)?.[1]);
    if (!id) return;
    if (UNFINISHED.has(state)) this.#tasks.set(id, { state, progress, isTold: true });
    else this.#tasks.delete(id);
    this.#show();
  }

  #show() {
    const bar = this.document.getElementById('at-work');
    if (!bar) return;
    const running = [...this.#tasks.values()].filter(({ state }) => state === 'running').map(({ progress }) => progress);
    const mean = Math.floor(running.reduce((sum, progress) => sum + progress, 0) / running.length);
    if (running.length > 0) bar.setAttribute('value', String(mean));
    else bar.removeAttribute('value');
    for (const element of [bar, this.document.getElementById('at-work-words')]) element.hidden = this.#tasks.size === 0;
  }
}
