/** What is said of a task where one is not on its page. */

const TITLES = { done: 'task-done', failed: 'task-failed' };

/**
 * @param {import('./cursor.js').LiveEvent} event
 * @param {Record<string, number> | undefined} badges as they came with it
 * @returns {boolean} whether there is anything to say: it is over by itself, and counted, so not muted and not seen yet
 */
export function isTold({ kind, data }, badges) {
  return kind !== 'task' || (Object.hasOwn(TITLES, data.state) && Number(badges?.tasks) > 0);
}

/**
 * @param {{state: string, title: string, source?: string | null}} data
 * @param {import('./strings.js').Strings} strings
 */
export function titleOfTask(data, strings) {
  return strings.get(TITLES[data.state] ?? 'task-done', { title: wordsOf(data, data.title, strings) });
}

/**
 * @param {{error: string | null, source?: string | null}} data
 * @param {import('./strings.js').Strings} strings
 */
export function reasonOf(data, strings) {
  return wordsOf(data, data.error ?? '', strings);
}

/** Where its item in the bell leads, too. @param {{id: number, result_url: string | null}} data */
export function addressOfTask({ id, result_url: address }) {
  return address || `/tasks#task-${id}`;
}

/** Another system's words are its own. */
function wordsOf({ source }, text, strings) {
  return source ? text : strings.own(text);
}
