/** What each end is called. */
const TITLES = { done: 'task-done', failed: 'task-failed' };

/**
 * @typedef {object} TaskData
 * @property {number} id
 * @property {string} title
 * @property {string} state
 * @property {string | null} result_url
 * @property {string | null} error
 */

/** What toasts say of tasks, on every page; of other events nothing: null. */
export class TaskTelling {
  /**
   * @param {import('./strings.js').Strings} strings
   * @param {string} root '' or `/live`
   */
  constructor(strings, root) {
    this.strings = strings;
    this.root = root;
  }

  /**
   * @param {import('./cursor.js').LiveEvent} event
   * @param {Record<string, number> | undefined} badges as they came with it
   * @returns {boolean} whether there is anything to say: of a task, that it is over by itself and counted, so that it is
   *   not muted, and nobody has seen it elsewhere
   */
  tells({ kind, data }, badges) {
    return kind !== 'task' || (Object.hasOwn(TITLES, data.state) && Number(badges?.tasks) > 0);
  }

  /** @param {import('./cursor.js').LiveEvent} event @returns {string | null} where its item in the bell leads, too */
  addressOf({ kind, data }) {
    if (kind !== 'task') return null;
    const address = data.result_url || `/tasks#task-${data.id}`;
    return address.startsWith('/') ? this.root + address : address;
  }

  /** @param {import('./cursor.js').LiveEvent} event @returns {string | null} */
  titleOf({ kind, data }) {
    return kind === 'task' ? this.strings.get(TITLES[data.state], { title: this.strings.own(data.title) }) : null;
  }

  /** @param {import('./cursor.js').LiveEvent} event @returns {string | null} why it failed */
  bodyOf({ kind, data }) {
    return kind === 'task' ? this.strings.own(data.error ?? '') : null;
  }
}
