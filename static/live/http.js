/** Asking within a time, and what an HTTP answer says about coming back and what went wrong. */

/** A server that has not answered after this long is taken for gone, in milliseconds. */
const DEADLINE = 15_000;
/** A server that asks for more than this is taken to mean this, in milliseconds. */
const LONGEST = 600_000;

/**
 * Fetch, and read the answer to its end, or give it up.
 *
 * @template T
 * @param {{fetch: typeof fetch, timers: import('./timers.js').Timers}} world
 * @param {string} url
 * @param {RequestInit} options
 * @param {(response: Response) => Promise<T>} read what there is in an answer
 * @returns {Promise<T>} rejects where no answer comes, or not all of it in time, and where `read` does
 */
export async function fetchWithin({ fetch, timers }, url, options, read) {
  const controller = new AbortController();
  const deadline = timers.set(() => controller.abort(), DEADLINE);
  try {
    return await read(await fetch(url, { ...options, signal: controller.signal }));
  } finally {
    timers.clear(deadline);
  }
}

/**
 * A question to the page's own server, which knows by its cookies who asks: for what there is now.
 *
 * @param {string} type that is wanted
 * @returns {RequestInit}
 */
export function sameOrigin(type) {
  return { credentials: 'same-origin', cache: 'no-store', headers: { Accept: type } };
}

/**
 * A page of our own, or a part of one, as the server renders it now.
 *
 * @param {object} world
 * @param {Document} world.document
 * @param {typeof fetch} world.fetch
 * @param {{new (): DOMParser}} world.DOMParser
 * @param {import('./timers.js').Timers} world.timers
 * @param {string} url
 * @param {string} owned what says by `data-user` whose it is
 * @returns {Promise<Document | null>} null: signed out, which others tell, or somebody else is signed in; rejects where
 *   there is no answer
 */
export async function loadPage(world, url, owned) {
  const html = await fetchWithin(world, url, sameOrigin('text/html'), (response) => {
    if (response.redirected || response.status === 401) return null;
    if (!response.ok) throw new Error(`status ${response.status}`);
    return response.text();
  });
  if (html === null) return null;
  const fresh = new world.DOMParser().parseFromString(html, 'text/html');
  const { user } = /** @type {HTMLElement} */ (fresh.querySelector(owned)).dataset;
  return user === world.document.body.dataset.user ? fresh : null;
}

/**
 * @param {number} seconds
 * @returns {number} milliseconds, not negative and not absurd
 */
export function wait(seconds) {
  return Math.min(LONGEST, Math.max(0, seconds * 1000));
}

/**
 * `Retry-After` in either form of RFC 9110, section 10.2.3.
 *
 * @param {Headers} headers
 * @param {number} now milliseconds since 1970
 * @returns {number | undefined} milliseconds, undefined where the header is missing or unreadable
 */
export function retryAfter(headers, now) {
  const value = headers.get('Retry-After')?.trim();
  if (!value) return undefined;
  if (/^\d+(\.\d+)?$/.test(value)) return wait(Number(value));
  const date = /^\w{3},? /.test(value) ? Date.parse(value) : NaN; // Date.parse alone reads a date into anything
  return Number.isNaN(date) ? undefined : wait((date - now) / 1000);
}

/**
 * The `detail` of an RFC 9457 problem, else its title, else ''.
 *
 * @param {Response} response its body is read
 * @returns {Promise<string>}
 */
export async function problemDetail(response) {
  try {
    const problem = await response.json();
    return String(problem.detail ?? problem.title ?? '');
  } catch {
    return ''; // a proxy's own error page
  }
}
