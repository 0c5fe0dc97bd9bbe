/** What a page's own scripts, htmx and Turbo can listen to on `document`. */

/**
 * @param {Document} document
 * @param {string} name
 * @param {any} detail
 * @param {boolean} [isCancelable] whether a listener's `preventDefault()` means anything
 * @returns {boolean} whether nobody has prevented it
 */
export function announce(document, name, detail, isCancelable = false) {
  return document.dispatchEvent(new CustomEvent(name, { detail, cancelable: isCancelable }));
}

/**
 * An event of the inbox, as `live:event` and as `live:event:<kind>`.
 *
 * @param {Document} document
 * @param {import('./cursor.js').LiveEvent} event
 */
export function announceEvent(document, event) {
  announce(document, 'live:event', event);
  announce(document, `live:event:${event.kind}`, event);
}
