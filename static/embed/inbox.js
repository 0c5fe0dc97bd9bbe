import { Api } from '../live/api.js';
import { Connection } from '../live/connection.js';
import { Counts } from '../live/counts.js';
import { Cursor } from '../live/cursor.js';
import { systemTimers } from '../live/timers.js';
import { TRANSPORTS } from '../live/transports.js';
import { Watched } from '../live/watched.js';
import { Listeners } from './listeners.js';
import { checkOptions } from './options.js';
import { whatAnotherOriginNeeds } from './origins.js';
import { Tickets } from './tickets.js';

const NAMES = ['event', 'badges', 'state', 'reset', 'snapshot'];

/**
 * Follows one user's inbox from anywhere, without a page.
 *
 * Promise: `event` is told once for each event after the place that it began at, in order, and `badges` after the events
 * that they count. After a `reset` both go on from a new place; what was shown until then may be out of date.
 */
export class Inbox {
  #listeners = new Listeners();
  #watched = [];
  #state = 'off';
  #transport = null;
  /** A new ticket is asked for, so that nobody is signed out yet. */
  #isAsking = false;
  #isOver = false;
  #hasPlace;
  #tickets;
  #connection;

  /**
   * @param {object} options
   * @param {string} options.base where the application lives, for example `https://live.example` or `/live`
   * @param {string} [options.ticket]
   * @param {import('./tickets.js').GetTicket} [options.getTicket] for a first ticket, and when one is refused
   * @param {string} [options.user] whose `ticket` is, by any name: where `getTicket` then names another one, that is a reset
   * @param {number} [options.seq] the last event that is had already; without it, begins with what happens from now on
   * @param {string} [options.epoch] in which `seq` means something
   * @param {string} [options.transport] `auto`, `websocket`, `sse`, `long-poll`, `short-poll`, `off`
   * @param {typeof fetch} [options.fetch]
   * @param {typeof WebSocket} [options.WebSocket]
   * @param {import('../live/timers.js').Timers} [options.timers]
   * @param {() => number} [options.random]
   */
  constructor(options) {
    checkOptions(options);
    const { ticket, getTicket, user, seq, epoch = '', transport = 'auto' } = options;
    const { timers = systemTimers, random = Math.random } = options;
    const base = new URL(options.base, globalThis.location?.href).href.replace(/\/+$/, '');
    const fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    const isSameOrigin = new URL(base).origin === globalThis.location?.origin;
    const onOthers = () => this.#changeHands();
    this.#tickets = new Tickets({ base, ticket, getTicket, user, onOthers, isSameOrigin, fetch, timers, random });
    this.#hasPlace = seq !== undefined;
    this.counts = new Counts(seq ?? -1);
    this.world = {
      cursor: new Cursor(seq ?? 0, epoch),
      watched: new Watched(() => this.#watched),
      access: this.#tickets,
      WebSocket: options.WebSocket ?? globalThis.WebSocket,
      base, fetch, timers, random,
    };
    this.api = new Api(this.world);
    this.choice = transport;
    this.#connection = this.#connect();
    Promise.resolve().then(() => this.#start()); // who listens from the start hears everything
  }

  get badges() {
    return this.counts.all;
  }

  /** Where it stands: everything up to `seq` has been told. */
  get cursor() {
    const { seq, epoch } = this.world.cursor;
    return { seq, epoch };
  }

  /** @returns {import('../live/status.js').State} */
  get state() {
    return this.#state;
  }

  /** The transport that works now. @returns {string | null} */
  get transport() {
    return this.#transport;
  }

  /**
   * @param {'event' | 'badges' | 'state' | 'reset' | 'snapshot'} name
   * @param {(detail: any) => void} listener
   * @returns {() => void} takes the listener away again
   */
  on(name, listener) {
    if (!NAMES.includes(name)) throw new TypeError(`there is no "${name}": listen to one of ${NAMES.join(', ')}`);
    return this.#listeners.add(name, listener);
  }

  /**
   * What these badges count and what happened at or before `upto` is seen.
   *
   * @param {string | string[]} names
   * @param {number} [upto] by default everything that has been told
   * @returns {Promise<import('../live/api.js').Answer>} status 0: no answer; never rejects
   */
  async markSeen(names, upto = this.world.cursor.seq) {
    const post = () => this.api.post('/badges/seen', { badges: [names].flat(), upto });
    let answer = await post();
    const { user } = this.#tickets;
    if (answer.status === 401 && (await this.#tickets.replace()) && user === this.#tickets.user) answer = await post();
    if (answer.status === 200) this.#count(answer.body.badges, answer.body.seq);
    return answer;
  }

  /** Watch these topics from now on, and no others. @param {string[]} topics */
  watch(topics) {
    this.#watched = [...topics];
    this.#connection.watch();
  }

  /** Nothing is told after this. */
  close() {
    this.#isOver = true;
    this.#listeners = new Listeners();
    this.#tickets.close();
    this.#connection.close();
    this.#state = 'off';
  }

  /** The network is back. */
  online() {
    this.#connection.online();
  }

  /** There is no network. */
  offline() {
    this.#connection.offline();
  }

  /** Somebody looks: do not wait for a timer. */
  hurry() {
    this.#connection.hurry();
  }

  /** End the connection until `resume()`, for instance as the page goes into the browser's cache. */
  pause() {
    this.#connection.close();
  }

  resume() {
    this.#connection.resume();
  }

  /** Somebody, whoever it is, may be signed in again after nobody was. @param {string} [ticket] theirs, if it is known */
  async signIn(ticket) {
    if (this.#state !== 'signed-out' || this.#isOver) return;
    if (ticket) this.#tickets.use(ticket);
    else if (!(await this.#tickets.replace())) return;
    this.#connection.renewal.isDue = true;
    this.#begin();
  }

  #connect() {
    return new Connection({
      world: this.world,
      transports: TRANSPORTS,
      reload: () => this.#findPlace(),
      onBatch: (events, batch) => {
        for (const event of events) this.#listeners.tell('event', event);
        this.#count(batch.badges, batch.latest);
        this.#connection.watch(); // what has come may bring other topics
      },
      onSnapshot: (topic, data) => this.#listeners.tell('snapshot', { topic, data }),
      onState: (state, transport, more) => this.#show(state, transport, more),
    });
  }

  async #start() {
    if (this.#isOver) return;
    if (this.choice === 'off') return this.#tell('off', null);
    if (this.#tickets.hasOne) return this.#begin();
    this.#tell('connecting', null);
    if (await this.#tickets.replace()) this.#begin();
    else this.#tell('signed-out', null);
  }

  #begin() {
    if (this.#isOver) return;
    this.#connection.renewal.isDue ||= !this.#hasPlace;
    this.#connection.status.state = 'off'; // somebody is signed in, whatever was before
    this.#connection.choose(this.choice);
  }

  /** Another user's inbox has a place of its own. */
  #changeHands() {
    this.#connection.renewal.isDue = true;
    this.#connection.choose(this.choice);
  }

  #count(badges, latest) {
    if (!this.counts.apply(badges, latest)) return;
    this.#listeners.tell('badges', { badges, latest });
  }

  /** What is refused may only be a ticket that was too old. */
  async #show(state, transport, more) {
    if (state !== 'signed-out') return this.#tell(state, transport, more);
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#tell('connecting', null);
    const isRenewed = await this.#tickets.replace();
    this.#isAsking = false;
    if (isRenewed) this.#begin();
    else this.#tell('signed-out', null);
  }

  #tell(state, transport, more = { detail: '', retryAt: null }) {
    this.#state = state;
    this.#transport = transport;
    this.#listeners.tell('state', { state, transport, detail: more.detail, retryAt: more.retryAt });
  }

  /**
   * Where the inbox stands now: at the beginning, if that was not said, and after a reset. By a header, also to another
   * origin: the address is always the same, so a browser asks once in ten minutes whether it may.
   */
  async #findPlace() {
    const { fetch, base, access } = this.world;
    const response = await fetch(`${base}/badges`, {
      credentials: access.credentials,
      cache: 'no-store',
      headers: { Accept: 'application/json', ...access.bearer },
    }).catch((error) => {
      throw access.isSameOrigin ? error : new Error(`${error}; ${whatAnotherOriginNeeds(base)}`);
    });
    if (response.status === 401) return null;
    if (!response.ok) throw new Error(`status ${response.status}`);
    const { badges, seq, epoch } = await response.json();
    if (!Number.isSafeInteger(seq)) throw new Error('this is not our server');
    const isReset = this.#hasPlace;
    this.#hasPlace = true;
    this.counts.reset(badges, seq);
    this.world.cursor.moveTo(seq, epoch);
    if (isReset) this.#listeners.tell('reset', { seq, epoch });
    this.#listeners.tell('badges', { badges, latest: seq });
    return { seq, epoch };
  }
}
