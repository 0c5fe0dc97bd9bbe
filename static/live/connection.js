import { Ladder } from './ladder.js';
import { Outage } from './outage.js';
import { Renewal } from './renewal.js';

/** A connection that held this long was not a failure, in milliseconds. */
const STEADY = 5_000;
/** How often `auto` tries a better transport, beside the one that works. */
const UPGRADE = 60_000;
/** How soon it does so when the better one has worked on this page: then it was an outage that took it away. */
const UPGRADE_SOON = 5_000;
/** Holes in a row at one place, after which the page is loaded anew. */
const HOLES = 3;

/** @typedef {'connecting' | 'live' | 'polling' | 'offline' | 'signed-out' | 'off'} State */
/**
 * @typedef {object} Attempt
 * @property {number} index of its rung on the ladder
 * @property {import('./transports.js').Handle | null} handle
 * @property {number | null} openedAt
 */

/**
 * Keeps a page connected: chooses a transport, opens it at the cursor, notices when it ends, comes back.
 *
 * Promise: at most one attempt (`current`) and one that may replace it (`candidate`) are alive; what a dead one still
 * has to say is ignored. Events reach `onBatch` once and in order, over whatever transports they came.
 */
export class Connection {
  #ladder = new Ladder([], 'auto');
  /** @type {Attempt | null} */
  #current = null;
  /** @type {Attempt | null} a better transport, opened beside the current one */
  #candidate = null;
  /** Grows with everything that makes an earlier plan void. */
  #turn = 0;
  /** @type {{id: any, isAsked: boolean} | null} the next try; isAsked: the server named the time */
  #waiting = null;
  #upgrade = null;
  #hasProvenTop = false;
  /** The last seq that came while the page was loaded anew. */
  #missed = 0;

  /**
   * @param {object} parts
   * @param {import('./transports.js').World} parts.world
   * @param {import('./transports.js').Transport[]} parts.transports best first
   * @param {() => Promise<{seq: number, epoch: string} | null>} parts.reload loads the page's state anew; null: signed
   *   out; rejects when it could not, and is called again
   * @param {(events: import('./cursor.js').LiveEvent[], batch: import('./transports.js').Batch) => void} parts.onBatch
   * @param {(state: State, transport: string | null, detail: string) => void} parts.onState
   */
  constructor({ world, transports, reload, onBatch, onState }) {
    this.world = world;
    this.transports = transports;
    this.onBatch = onBatch;
    this.onState = onState;
    this.outage = new Outage(world.timers, world.random);
    this.renewal = new Renewal({ world, reload, onSignedOut: () => this.#stop('signed-out') });
    /** @type {State} */
    this.state = 'off';
    this.choice = 'auto';
  }

  /**
   * Follow by this choice from now on, at once; what was there is closed. A page that is signed out stays it.
   *
   * @param {string} choice a transport's name, `auto` or `off`
   */
  choose(choice) {
    this.choice = choice;
    if (this.state === 'signed-out') return;
    this.#drop();
    this.renewal.isPaused = false;
    this.#ladder = new Ladder(this.transports, choice);
    this.outage.end();
    if (choice === 'off') return this.#setState('off');
    this.#setState('connecting');
    this.#connect();
  }

  /** The network is back: try at once, the best way first. */
  online() {
    if (this.#current?.openedAt != null) this.#probe(0);
    else if (this.#waiting?.isAsked === false) this.#ladder.moveTo(0);
    this.hurry();
  }

  /** The user is looking: do not wait for a timer. A wait that the server asked for is kept. */
  hurry() {
    if (this.#waiting === null) this.#current?.handle?.check();
    else if (!this.#waiting.isAsked) this.#connect();
  }

  /** End everything, for instance as the page goes into the browser's cache. `resume()` goes on from the cursor. */
  close() {
    this.#drop();
    this.renewal.isPaused = true;
    if (this.state !== 'signed-out') this.#setState('off');
  }

  resume() {
    if (this.renewal.isPaused) this.choose(this.choice);
  }

  async #connect() {
    this.#drop();
    const turn = this.#turn;
    if (this.renewal.isDue) {
      await this.renewal.run();
      if (turn !== this.#turn || this.renewal.isDue) return;
    }
    this.#current = this.#open(this.#ladder.index);
  }

  /**
   * @param {number} index
   * @returns {Attempt}
   */
  #open(index) {
    /** @type {Attempt} */
    const attempt = { index, handle: null, openedAt: null };
    const isAlive = () => attempt === this.#current || attempt === this.#candidate;
    attempt.handle = this.#ladder.rungs[index].open(this.world, {
      onOpen: () => isAlive() && this.#opened(attempt),
      onBatch: (batch) => isAlive() && this.#received(batch),
      onReset: async () => {
        if (isAlive()) await this.#renew();
      },
      onClose: (closing) => isAlive() && this.#closed(attempt, closing),
    });
    return attempt;
  }

  /** @param {Attempt} attempt */
  #opened(attempt) {
    if (attempt === this.#candidate) {
      this.#current?.handle?.close();
      this.#current = attempt;
      this.#candidate = null;
      this.#ladder.moveTo(attempt.index);
    }
    attempt.openedAt = this.world.timers.now();
    this.#hasProvenTop ||= attempt.index === 0;
    const { state, name } = this.#ladder.rung;
    this.#setState(state, name);
    this.#planUpgrade(this.#hasProvenTop ? UPGRADE_SOON : UPGRADE);
  }

  /** @param {import('./transports.js').Batch} batch */
  #received(batch) {
    if (this.renewal.isDue) {
      this.#missed = Math.max(this.#missed, batch.seq ?? 0);
      return;
    }
    const { fresh, hasGap } = this.world.cursor.take(batch.events ?? [], batch.seq);
    this.onBatch(fresh, batch);
    if (hasGap) this.#askAgain();
  }

  /** Something is missing: ask again from the cursor. Where asking does not help, the page itself brings it. */
  #askAgain() {
    const { holes } = this.world.cursor;
    if (holes >= HOLES) this.renewal.isDue = true;
    const after = holes === 1 ? 0 : undefined;
    if (this.#current) this.#closed(this.#current, { next: 'retry', after });
  }

  /**
   * @param {Attempt} attempt
   * @param {import('./transports.js').Closing} closing
   */
  #closed(attempt, closing) {
    if (closing.next === 'signed-out') return this.#stop('signed-out');
    if (attempt === this.#candidate) {
      this.#candidate = null;
      return this.#probe(attempt.index + 1);
    }
    if (closing.next === 'stop') return this.#stop('offline', closing.detail);
    this.#drop();
    const wasOpen = attempt.openedAt !== null;
    if (wasOpen && this.world.timers.now() - attempt.openedAt >= STEADY) {
      this.outage.end();
      this.#ladder.held();
    }
    if (closing.next === 'poll') this.#hasProvenTop = false;
    if (wasOpen) this.#setState('connecting');
    else if (this.state !== 'offline' && !this.#ladder.hasHope) this.#setState('offline');
    const isMiss = closing.next === 'poll' || !wasOpen || (this.outage.failures > 0 && closing.after === undefined);
    const after = isMiss ? this.#ladder.failed(closing) : closing.after;
    const ms = this.outage.failed();
    const id = this.world.timers.set(() => this.#connect(), after ?? ms);
    this.#waiting = { id, isAsked: after !== undefined };
  }

  /** @param {number} ms about */
  #planUpgrade(ms) {
    const { timers, random } = this.world;
    timers.clear(this.#upgrade);
    this.#upgrade = this.#ladder.isAtTop ? null : timers.set(() => this.#probe(0), ms * (0.8 + 0.4 * random()));
  }

  /**
   * Try a better transport beside the one that works, which goes on until the better one has proved itself.
   *
   * @param {number} index
   */
  #probe(index) {
    this.world.timers.clear(this.#upgrade);
    if (this.#candidate) return;
    if (index < this.#ladder.index) this.#candidate = this.#open(index);
    else this.#planUpgrade(UPGRADE);
  }

  /** A transport said reset. It goes on meanwhile; if it brought anything that the new state lacks, it asks again. */
  async #renew() {
    this.#missed = 0;
    await this.renewal.run();
    if (this.#missed > this.world.cursor.seq && this.#current) this.#connect();
    this.#missed = 0;
  }

  /**
   * @param {State} state
   * @param {string} [detail]
   */
  #stop(state, detail = '') {
    this.#drop();
    if (state === 'signed-out') this.renewal.isPaused = true;
    this.#setState(state, null, detail);
  }

  /** Nothing is open and nothing planned after this. */
  #drop() {
    this.#turn += 1;
    this.world.timers.clear(this.#waiting?.id);
    this.world.timers.clear(this.#upgrade);
    for (const attempt of [this.#current, this.#candidate]) attempt?.handle?.close();
    this.#waiting = this.#upgrade = this.#current = this.#candidate = null;
  }

  /**
   * @param {State} state
   * @param {string | null} [transport] that works
   * @param {string} [detail]
   */
  #setState(state, transport = null, detail = '') {
    this.state = state;
    this.onState(state, transport, detail);
  }
}
