import { delay } from '../live/backoff.js';
import { fetchWithin, sameOrigin } from '../live/http.js';
import { sleep } from '../live/timers.js';

/** What a ticket lasts until the server says so, in milliseconds: one that the page brought is at most that old. */
const LIFE = 600_000;
/** A ticket that is refused this soon after it was given is not replaced: whoever gives them gives no better ones. */
const YOUNG = 5_000;

/**
 * @typedef {() => Promise<string | {ticket: string, user?: string} | null>} GetTicket a new one; null: nobody is signed in;
 *   rejects when it could not be found out, and is called again
 */

/**
 * The ticket by which a page says who is asking: kept fresh while it is good, asked for anew when it is refused.
 *
 * It goes in a header to the page's own origin, and in the query to another: there a header would cost a preflight for
 * each address, and each poll has another one.
 */
export class Tickets {
  /** @type {RequestCredentials} */
  credentials = 'omit';
  #ticket = '';
  #givenAt = -Infinity;
  #timer = null;
  #asking = null;
  #isOver = false;

  /**
   * @param {object} parts
   * @param {string} parts.base where the application lives, without a slash at the end
   * @param {string} [parts.ticket]
   * @param {GetTicket} [parts.getTicket]
   * @param {string} [parts.user] whose `ticket` is
   * @param {() => void} [parts.onOthers] the newest ticket is somebody else's than the one before
   * @param {boolean} parts.isSameOrigin
   * @param {typeof fetch} parts.fetch
   * @param {import('../live/timers.js').Timers} parts.timers
   * @param {() => number} parts.random
   */
  constructor({ base, ticket, getTicket, user, onOthers = () => {}, isSameOrigin, fetch, timers, random }) {
    this.base = base;
    this.getTicket = getTicket;
    this.onOthers = onOthers;
    this.isSameOrigin = isSameOrigin;
    this.fetch = fetch;
    this.timers = timers;
    this.random = random;
    this.use(ticket, user);
  }

  /** The newest; '' where there is none. */
  get newest() {
    return this.#ticket;
  }

  get bearer() {
    return { Authorization: `Bearer ${this.#ticket}` };
  }

  get headers() {
    return this.isSameOrigin ? this.bearer : {};
  }

  get query() {
    return this.isSameOrigin ? '' : this.socketQuery;
  }

  get socketQuery() {
    return `&ticket=${encodeURIComponent(this.#ticket)}`;
  }

  /**
   * The page is somebody's, whoever it was before.
   *
   * @param {string} [ticket] that the page got in some way of its own
   * @param {string} [user] whose it is, if that is known
   */
  use(ticket = '', user) {
    this.user = user;
    this.#take(ticket, LIFE, -Infinity);
  }

  /**
   * There is none, or it was refused: get another one, however often it takes to learn whether there is one.
   *
   * @param {string} [refused] by default the newest; where there is a newer one already, that is it
   * @returns {Promise<boolean>} whether there is one; never rejects
   */
  async replace(refused = this.#ticket) {
    if (this.#ticket && this.#ticket !== refused) return true;
    this.#asking ??= this.#ask().then((isGiven) => {
      if (!isGiven) this.timers.clear(this.#timer); // nobody is signed in: there is nothing to renew
      this.#asking = null;
      return isGiven;
    });
    return this.#asking;
  }

  close() {
    this.#isOver = true;
    this.timers.clear(this.#timer);
  }

  async #ask() {
    const { timers, random, getTicket } = this;
    const began = timers.now();
    if (!getTicket || began - this.#givenAt < YOUNG) return false;
    for (let tries = 0; !this.#isOver; tries += 1) {
      if (tries > 0) await sleep(timers, delay(tries, timers.now() - began, random));
      const { user } = this;
      try {
        const given = await getTicket();
        if (user === this.user) return this.#accept(given);
        if (this.#ticket) return true; // the page brought it with somebody else: what is given may be of the one before
      } catch (error) {
        console.warn(`live: no ticket could be had, trying again: ${error}`);
      }
    }
    return false;
  }

  /** @returns {boolean} whether it was given one */
  #accept(given) {
    const { ticket, user } = typeof given === 'string' ? { ticket: given, user: undefined } : (given ?? {});
    if (!ticket || this.#isOver) return false;
    const isOthers = user !== undefined && this.user !== undefined && this.user !== user;
    this.user = user ?? this.user;
    this.#take(ticket, LIFE, this.timers.now());
    if (isOthers) this.onOthers();
    return true;
  }

  /** @param {string} ticket @param {number} life milliseconds @param {number} givenAt by whoever gives new ones */
  #take(ticket, life, givenAt) {
    this.#ticket = ticket;
    this.#givenAt = givenAt;
    this.timers.clear(this.#timer);
    if (ticket) this.#plan(life * (0.6 + 0.2 * this.random()));
  }

  #plan(ms) {
    this.#timer = this.timers.set(() => this.#renew(), ms);
  }

  /** Change the ticket for a new one. What keeps it from that is found out when the ticket is used. */
  async #renew() {
    const { timers, random } = this;
    const old = this.#ticket;
    const [status, answer] = await this.#post();
    if (this.#isOver || old !== this.#ticket) return;
    if (status === 200 && typeof answer?.ticket === 'string') {
      const life = answer.expires_in > 0 ? answer.expires_in * 1000 : LIFE;
      this.#take(answer.ticket, life, this.#givenAt);
    } else if (status === 401 || status === 403) await this.replace(old);
    else this.#plan(LIFE * (0.03 + 0.03 * random()));
  }

  /** @returns {Promise<[number, any]>} status and body; 0 where there is no answer */
  async #post() {
    const question = {
      method: 'POST',
      credentials: this.credentials,
      headers: { Accept: 'application/json', ...this.bearer },
    };
    const read = async (response) => [response.status, response.ok ? await response.json() : null];
    return fetchWithin(this, `${this.base}/auth/ticket`, question, read).catch(() => [0, null]);
  }
}

/**
 * Tickets from the page's own application: `GET url`, with the page's cookies, answers `{"ticket": "...", "user": "..."}`;
 * the user, any name for whose it is, may be left out.
 *
 * @param {string} url
 * @param {{fetch: typeof fetch, timers: import('../live/timers.js').Timers}} world
 * @returns {GetTicket} what leads elsewhere or is no ticket is a way to sign in
 */
export function ticketsFrom(url, world) {
  const question = /** @type {RequestInit} */ ({ ...sameOrigin('application/json'), redirect: 'manual' });
  return () => fetchWithin(world, url, question, async (response) => {
    if (response.status === 429 || response.status >= 500) throw new Error(`status ${response.status} of ${url}`);
    if (!response.ok) return null;
    const answer = await response.json().catch(() => null);
    return typeof answer?.ticket === 'string' ? answer : null;
  });
}
