import { Intake } from './intake.js';
import { Ladder } from './ladder.js';
import { NextTry } from './next-try.js';
import { Outage } from './outage.js';
import { Renewal } from './renewal.js';
import { Status } from './status.js';
import { Upgrade } from './upgrade.js';

/** A connection that held this long was not a failure, in milliseconds. */
const STEADY = 5_000;
/** Holes in a row at one place, after which the page is loaded anew. */
const HOLES = 3;

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
 * has to say is ignored. Events reach `onBatch` once and in order, over whatever transports they came; snapshots reach
 * `onSnapshot` if they are newer than those before.
 */
export class Connection {
  #ladder = new Ladder([], 'auto');
  /** @type {Attempt | null} */
  #current = null;
  /** @type {Attempt | null} a better transport, opened beside the current one */
  #candidate = null;
  /** Grows with everything that makes an earlier plan void. */
  #turn = 0;

  /**
   * @param {object} parts
   * @param {import('./transports.js').World} parts.world
   * @param {import('./transports.js').Transport[]} parts.transports best first
   * @param {() => Promise<{seq: number, epoch: string} | null>} parts.reload loads the page's state anew; null: signed
   *   out; rejects when it could not, and is called again
   * @param {(events: import('./cursor.js').LiveEvent[], batch: import('./transports.js').Batch) => void} parts.onBatch
   * @param {(topic: string, data: any, version: number) => void} [parts.onSnapshot]
   * @param {import('./status.js').OnState} parts.onState
   */
  constructor({ world, transports, reload, onBatch, onSnapshot = () => {}, onState }) {
    this.world = world;
    this.transports = transports;
    this.outage = new Outage(world.timers, world.random);
    this.renewal = new Renewal({ world, reload, onSignedOut: () => this.#stop('signed-out') });
    this.next = new NextTry(world.timers, () => this.#connect());
    this.upgrade = new Upgrade(world, () => this.#probe(0));
    this.intake = new Intake({ world, renewal: this.renewal, onBatch, onSnapshot });
    this.status = new Status(world.timers, this.next, onState);
    this.choice = 'auto';
  }

  /**
   * Follow by this choice from now on, at once; what was there is closed. A page that is signed out stays it.
   *
   * @param {string} choice a transport's name, `auto` or `off`
   */
  choose(choice) {
    this.choice = choice;
    if (this.status.state === 'signed-out') return;
    this.#drop();
    this.renewal.isPaused = false;
    this.#ladder = new Ladder(this.transports, choice);
    this.outage.end();
    if (choice === 'off') return this.status.set('off');
    this.status.set('connecting');
    this.#connect();
  }

  /** The network is back: try at once, the best way first. */
  online() {
    if (this.#current?.openedAt != null) this.#probe(0);
    else if (this.next.at !== null && !this.next.isAsked) this.#ladder.moveTo(0);
    this.hurry();
  }

  /** There is no network, says the browser: what is open is dead, and not by its own fault. */
  offline() {
    if (this.status.isOver) return;
    if (this.next.at === null) {
      this.#judge(this.#current);
      this.#drop();
      this.next.plan(this.outage.failed(), false);
    }
    this.status.set('offline');
  }

  /** The user is looking: do not wait for a timer. A wait that the server asked for is kept. */
  hurry() {
    if (this.next.at === null) this.#current?.handle?.check();
    else if (!this.next.isAsked) this.#connect();
  }

  /** The user insists on a try: not even a wait that the server asked for is kept. */
  insist() {
    this.next.insist();
    if (this.next.at !== null) this.status.set(this.status.state);
  }

  /** Ask for what the page watches, if that is not what was asked for. */
  watch() {
    if (!this.world.watched.refresh()) return;
    for (const attempt of [this.#current, this.#candidate]) attempt?.handle?.watch?.();
  }

  /** End everything, for instance as the page goes into the browser's cache. `resume()` goes on from the cursor. */
  close() {
    this.#drop();
    this.renewal.isPaused = true;
    if (this.status.state !== 'signed-out') this.status.set('off');
  }

  resume() {
    if (this.renewal.isPaused) this.choose(this.choice);
  }

  async #connect() {
    this.#drop();
    if (this.status.state === 'offline') this.status.set('offline');
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
    this.watch();
    const isAlive = () => attempt === this.#current || attempt === this.#candidate;
    attempt.handle = this.#ladder.rungs[index].open(this.world, {
      onOpen: () => isAlive() && this.#opened(attempt),
      onBatch: (batch) => isAlive() && this.intake.take(batch) && this.#askAgain(),
      onSnapshots: (snapshots) => isAlive() && this.intake.show(snapshots),
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
    this.upgrade.hasProven ||= attempt.index === 0;
    const { state, name } = this.#ladder.rung;
    this.status.set(state, name);
    if (!this.#ladder.isAtTop) this.upgrade.plan();
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
    this.#judge(attempt);
    const wasOpen = attempt.openedAt !== null;
    const isOffline = !wasOpen && (this.status.state === 'offline' || !this.#ladder.hasHope);
    if (closing.next === 'poll') this.upgrade.hasProven = false;
    const isMiss = closing.next === 'poll' || !wasOpen || (this.outage.failures > 0 && closing.after === undefined);
    const after = isMiss ? this.#ladder.failed(closing) : closing.after;
    const ms = this.outage.failed();
    this.next.plan(after ?? ms, after !== undefined);
    if (wasOpen || isOffline) this.status.set(isOffline ? 'offline' : 'connecting');
  }

  /** @param {Attempt | null} attempt it has ended: had it held, earlier failures say nothing any more */
  #judge(attempt) {
    if (attempt?.openedAt == null || this.world.timers.now() - attempt.openedAt < STEADY) return;
    this.outage.end();
    this.#ladder.held();
  }

  /**
   * Try a better transport beside the one that works, which goes on until the better one has proved itself.
   *
   * @param {number} index
   */
  #probe(index) {
    this.upgrade.cancel();
    if (this.#candidate) return;
    if (index < this.#ladder.index) this.#candidate = this.#open(index);
    else if (!this.#ladder.isAtTop) this.upgrade.planAgain();
  }

  /** A transport said reset. It goes on meanwhile; if it brought anything that the new state lacks, it asks again. */
  async #renew() {
    const hasMissed = await this.intake.renew();
    this.watch();
    if (hasMissed && this.#current) this.#connect();
  }

  /**
   * @param {import('./status.js').State} state
   * @param {string} [detail]
   */
  #stop(state, detail = '') {
    this.#drop();
    if (state === 'signed-out') this.renewal.isPaused = true;
    this.status.set(state, null, detail);
  }

  /** Nothing is open and nothing planned after this. */
  #drop() {
    this.#turn += 1;
    this.next.cancel();
    this.upgrade.cancel();
    for (const attempt of [this.#current, this.#candidate]) attempt?.handle?.close();
    this.#current = this.#candidate = null;
  }
}
