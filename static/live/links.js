/**
 * Addresses in a text that somebody wrote: found, and shown as links that are safe to show.
 *
 * The same rules as in myapp/links.py; tests/links.json holds both to them. Only http and https are linked, and only
 * where the host is plain to see: no user name in front of it, no invisible characters within.
 */

/** What ends an address: see myapp/links.py. */
const ENDS =
  '\\x00-\\x20\\x7f-\\xa0\\xad\\u061c\\u1680\\u180e\\u2000-\\u200f\\u2018-\\u201f\\u2028-\\u202f\\u205f-\\u206f' +
  '\\u3000-\\u3003\\u3008-\\u301f\\ufe00-\\ufe0f\\ufeff\\uff00-\\uff0f\\uff1a-\\uff20\\uff3b-\\uff40\\uff5b-\\uff65' +
  '\\ufff9-\\uffff<>"`{}|\\\\^';
const ADDRESS = new RegExp(
  `(?<![A-Za-z0-9_])[Hh][Tt][Tt][Pp][Ss]?://` +
    `(?:\\[[0-9A-Fa-f:.]+\\]|[^${ENDS}/?#@:\\[\\]()'!,;&=+$*~%_]{1,255})` +
    `(?::[0-9]{1,5}(?![0-9]))?(?![^${ENDS}/?#]{0,255}@)` +
    `(?:[/?#][^${ENDS}]*)?`,
  'gu', // by code points, as in Python
);
/** What belongs to the sentence around it when it stands at the end. */
const TRAILING = ".,;:!?'*_~";
const PAIRS = { ')': '(', ']': '[' };
const REL = 'noopener noreferrer nofollow ugc';

/**
 * @param {string} text
 * @returns {{start: number, end: number}[]} each address in the text, in order
 */
export function findLinks(text) {
  const found = [];
  for (const match of text.matchAll(ADDRESS)) {
    const address = trim(match[0]);
    if (/:\/\/[^/?#.]*[^/?#.]/.test(address)) found.push({ start: match.index, end: match.index + address.length });
  }
  return found;
}

/** The address without the sentence's punctuation; a bracket counts when it was opened within. */
function trim(address) {
  const count = (char) => address.split(char).length - 1;
  const tooMany = Object.fromEntries(Object.entries(PAIRS).map(([close, open]) => [close, count(close) - count(open)]));
  let end = address.length;
  for (; end > 0; end -= 1) {
    const last = address[end - 1];
    if (tooMany[last] > 0) tooMany[last] -= 1;
    else if (!TRAILING.includes(last)) break;
  }
  return address.slice(0, end);
}

/**
 * @param {string} text
 * @returns {string} with its line ends as an HTML parser leaves them, so that it looks as if the server had rendered it
 */
export function asShown(text) {
  return text.replace(/\r\n?/g, '\n');
}

/**
 * Show a text, its addresses as links. It is never parsed as HTML.
 *
 * @param {HTMLElement} element
 * @param {string} text
 */
export function setLinkedText(element, text) {
  text = asShown(text);
  const document = element.ownerDocument;
  const parts = [];
  let at = 0;
  for (const { start, end } of findLinks(text)) {
    const link = document.createElement('a');
    link.setAttribute('href', text.slice(start, end));
    link.setAttribute('target', '_blank');
    link.setAttribute('rel', REL);
    link.textContent = text.slice(start, end);
    if (start > at) parts.push(text.slice(at, start));
    parts.push(link);
    at = end;
  }
  if (at < text.length) parts.push(text.slice(at));
  element.replaceChildren(...parts);
}
