/**
 * What on a page changes with events, as a class by the element that such a page has. A page loads only the module of its
 * own, by a script before live.js.
 *
 * @type {Map<string, new (parts: any) => any>}
 */
const offered = new Map();

/**
 * @param {string} selector
 * @param {new (parts: any) => any} Content with `bind()`, `together(run)`, `apply(event)`, `snapshot(topic, data, version)`
 *   and `topics`
 */
export function offer(selector, Content) {
  offered.set(selector, Content);
}

/**
 * @param {Document} document
 * @param {any} parts
 * @returns {any} null: nothing on this page changes with events
 */
export function createContent(document, parts) {
  for (const [selector, Content] of offered) {
    if (document.querySelector(selector)) return new Content({ ...parts, document });
  }
  return null;
}
