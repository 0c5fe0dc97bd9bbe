import { Api } from '../live/api.js';
import { Connection } from '../live/connection.js';
import { Counts } from '../live/counts.js';
import { TRANSPORTS } from '../live/transports.js';
import { Listeners } from './listeners.js';
import { checkOptions } from './options.js';
import { askForPlace } from './place.js';
import { worldOf } from './world.js';

/** @typedef {import('./config.js').Place} Place of what is shown already: what happened since is told, without a reset */

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
  /** The one that the connection began with: when it is refused, that may be for this one still. */
  #firstTicket = '';
  #isOver = false;
  #hasPlace;
  #tickets;
  #connection;

  /** @param {import('./options.js').Options} options */
  constructor(options) {
    checkOptions(options);
    this.world = worldOf(options, { topics: () => this.#watched, onOthers: () => this.#changeHands() });
    this.#tickets = this.world.access;
    this.#hasPlace = options.seq !== undefined;
    this.counts = new Counts(options.seq ?? -1);
    this.api = new Api(this.world);
    this.choice = options.transport ?? 'auto';
    this.#connection = this.#connect();
    Promise.resolve().then(() => this.#start()); // who listens from the start hears everything
  }

  get badges() {
    return this.counts.all;
  }

  /** Whose inbox it is, by any name; undefined where that was not said. */
  get user() {
    return this.#tickets.user;
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
    const { user, newest } = this.#tickets;
    let answer = await post();
    if (answer.status === 401 && (await this.#tickets.replace(newest)) && user === this.user) answer = await post();
    if (answer.status === 200 && user === this.user) this.#count(answer.body.badges, answer.body.seq);
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

  /** Somebody may be signed in again after nobody was. @param {string} [ticket] @param {string} [user] @param {Place} [place] */
  async signIn(ticket, user, place) {
    if (this.#state !== 'signed-out' || this.#isOver) return;
    if (ticket) this.#tickets.use(ticket, user);
    else if (!(await this.#tickets.replace())) return;
    this.#forget(place);
    this.#begin();
  }

  /** Somebody else is signed in now. @param {string} user by any name @param {string} [ticket] @param {Place} [place] */
  become(user, ticket, place) {
    if (this.#isOver || this.choice === 'off') return;
    this.#tickets.use(ticket, user);
    this.#forget(place);
    if (ticket) return this.#begin();
    this.#connection.close();
    this.#askAndBegin();
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
      onState: (state, transport, more) => {
        if (state === 'signed-out') this.#askAndBegin(this.#firstTicket);
        else this.#tell(state, transport, more);
      },
    });
  }

  #start() {
    if (this.#isOver) return;
    if (this.choice === 'off') this.#tell('off', null);
    else if (this.#tickets.newest) this.#begin();
    else this.#askAndBegin();
  }

  /** @param {string} [refused] may only have been too old; where there is a newer one, it begins with that */
  async #askAndBegin(refused) {
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#tell('connecting', null);
    const isGiven = await this.#tickets.replace(refused);
    this.#isAsking = false;
    if (isGiven) this.#begin();
    else this.#tell('signed-out', null);
  }

  #begin() {
    if (this.#isOver) return;
    this.#connection.renewal.isDue ||= !this.#hasPlace;
    this.#firstTicket = this.#tickets.newest;
    this.#connection.status.state = 'off'; // somebody is signed in, whatever was before
    this.#connection.choose(this.choice);
  }

  /** The newest ticket is somebody else's; who asked for it, so as to begin, does that. */
  #changeHands() {
    this.#forget();
    if (!this.#isAsking && !this.#connection.renewal.isPaused) this.#begin();
  }

  /**
   * Another inbox has a place and numbers of its own: until they are known, nothing is told.
   *
   * @param {Place} [place] if known; asking for it would skip what has happened since
   */
  #forget(place) {
    this.counts.reset({}, place?.seq ?? -1);
    this.#hasPlace ||= place !== undefined;
    this.#connection.renewal.isDue = place === undefined;
    if (!place) return;
    this.world.cursor.moveTo(place.seq, place.epoch);
    this.world.watched.forget();
  }

  #count(badges, latest) {
    if (this.counts.apply(badges, latest)) this.#listeners.tell('badges', { badges, latest });
  }

  #tell(state, transport, more = { detail: '', retryAt: null }) {
    this.#state = state;
    this.#transport = transport;
    this.#listeners.tell('state', { state, transport, detail: more.detail, retryAt: more.retryAt });
  }

  /** Where the inbox stands now: at the beginning, if that was not said, and after a reset. */
  async #findPlace() {
    const { newest } = this.#tickets;
    const place = await askForPlace(this.world);
    if (!this.#connection.renewal.isDue) return this.cursor; // it was said meanwhile
    if (newest !== this.#tickets.newest) return this.#findPlace(); // it may be the place of the one before
    if (place === null) return null;
    const { badges, seq, epoch } = place;
    const isReset = this.#hasPlace;
    this.#hasPlace = true;
    this.counts.reset(badges, seq);
    this.world.cursor.moveTo(seq, epoch);
    if (isReset) this.#listeners.tell('reset', { seq, epoch });
    this.#listeners.tell('badges', { badges, latest: seq });
    return { seq, epoch };
  }
}
