import { BY_COOKIE } from './access.js';
import { fetchWithin, problemDetail, retryAfter } from './http.js';

/** Statuses after which the same request may succeed; 502 and 504 are a proxy's while the server restarts. */
const TEMPORARY = new Set([0, 429, 502, 503, 504]);

/**
 * @typedef {object} Answer
 * @property {number} status 0: no answer
 * @property {any} body what a 2xx brought
 * @property {string} detail what a problem says
 * @property {number} [after] milliseconds that the server asks to wait
 */

/**
 * @param {Answer} answer
 * @returns {boolean} whether the same request, sent again, may succeed
 */
export function isTemporary(answer) {
  return TEMPORARY.has(answer.status);
}

/**
 * @param {Answer} answer
 * @returns {boolean} whether the server could not be reached, or not be asked; one that is asked too often is there
 */
export function isCutOff(answer) {
  return isTemporary(answer) && answer.status !== 429;
}

/** Sends JSON with the page's CSRF token, or with what `access` says instead. Never throws: a failure is an answer too. */
export class Api {
  /**
   * @param {object} parts
   * @param {typeof fetch} parts.fetch
   * @param {import('./timers.js').Timers} parts.timers
   * @param {string} parts.base where the application lives, without a slash at the end
   * @param {() => string} [parts.csrfToken] read at each request: a page loaded anew brings a new one
   * @param {import('./access.js').Access} [parts.access]
   */
  constructor({ fetch, timers, base, csrfToken, access = BY_COOKIE }) {
    this.fetch = fetch;
    this.timers = timers;
    this.base = base;
    this.csrfToken = csrfToken;
    this.access = access;
  }

  /**
   * @param {string} path
   * @param {object} data
   * @returns {Promise<Answer>}
   */
  post(path, data) {
    return this.#send('POST', path, data);
  }

  /**
   * @param {string} path
   * @param {object} data
   * @returns {Promise<Answer>}
   */
  put(path, data) {
    return this.#send('PUT', path, data);
  }

  /** @returns {Promise<Answer>} */
  async #send(method, path, data) {
    const question = {
      method,
      credentials: this.access.credentials,
      headers: {
        Accept: 'application/json',
        'Content-Type': 'application/json',
        ...(this.csrfToken ? { 'X-CSRFToken': this.csrfToken() } : this.access.bearer),
      },
      body: JSON.stringify(data),
      keepalive: true, // a message sent just before leaving the page still arrives
    };
    try {
      return await fetchWithin(this, this.base + path, question, (response) => this.#read(response));
    } catch {
      return { status: 0, body: null, detail: '' };
    }
  }

  /** @param {Response} response @returns {Promise<Answer>} */
  async #read(response) {
    const { status, headers } = response;
    if (response.ok) return { status, body: status === 204 ? null : await response.json(), detail: '' };
    return { status, body: null, detail: await problemDetail(response), after: retryAfter(headers, this.timers.now()) };
  }
}
