import { problemDetail, retryAfter, wait } from './http.js';

/** Codes after which coming back would only repeat the mistake. */
const FINAL = new Set([1003, 1007, 1009, 4400]);
const SIGNED_OUT = 4401;
const TOO_MANY = 4429;

/**
 * What follows from a close code: that of a WebSocket, or the same one in an event stream's last event.
 *
 * @param {number} code
 * @param {unknown} retry seconds that the server asks to wait; anything else is no wish
 * @param {string} [detail]
 * @returns {import('./transports.js').Closing}
 */
export function closingFor(code, retry, detail) {
  if (code === SIGNED_OUT) return { next: 'signed-out' };
  if (FINAL.has(code)) return { next: 'stop', detail: detail || String(code) };
  const after = typeof retry === 'number' ? wait(retry) : undefined;
  return { next: code === TOO_MANY ? 'poll' : 'retry', after };
}

/**
 * What follows from an HTTP answer that is not a success.
 *
 * @param {Response} response
 * @param {number} now milliseconds since 1970
 * @returns {Promise<import('./transports.js').Closing>}
 */
export async function refusalOf(response, now) {
  if (response.status === 401) return { next: 'signed-out' };
  // Our own question is wrong: it will not become right by repetition.
  if (response.status === 400 || response.status === 422) {
    return { next: 'stop', detail: (await problemDetail(response)) || String(response.status) };
  }
  return { next: 'retry', after: retryAfter(response.headers, now) };
}
