import { BY_COOKIE } from '../access.js';
import { refusalOf } from '../closing.js';
import { wait } from '../http.js';

/** Until the server names its own figure, in seconds. */
const NEXT = 5;
/** A server that has nothing to say may not be asked more often than this, in milliseconds. */
const SHORTEST = 500;
/** What an answer may take beyond the time that it was asked to wait. */
const SLACK = 10_000;
/** The first answer proves that it works, so it comes at once or not. */
const FIRST_DEADLINE = 5_000;

/**
 * Follows the inbox by asking, over and over. The first question never waits: its answer is the proof that this way
 * works, and brings what was missed.
 *
 * @param {import('../transports.js').World} world
 * @param {import('../transports.js').Callbacks} callbacks
 * @param {{path: string, hold: number}} options `hold`: seconds that the server may keep a question, 0 for none
 * @returns {import('../transports.js').Handle}
 */
export function openPoll(world, callbacks, options) {
  const poll = new Poll(world, callbacks, options);
  poll.ask();
  return { close: () => poll.close(), check: () => poll.check(), watch: () => poll.watch() };
}

class Poll {
  constructor(world, callbacks, { path, hold }) {
    this.world = world;
    this.callbacks = callbacks;
    this.path = path;
    this.hold = hold;
    this.isOver = false;
    this.isOpen = false;
    /** The last held question was answered at once, and without events. */
    this.wasQuick = false;
    this.pause = null;
    this.deadline = null;
    /** @type {AbortController | null} the question that is out */
    this.question = null;
  }

  async ask() {
    const { timers } = this.world;
    this.pause = null;
    const hold = this.isOpen ? this.hold : 0;
    const asked = timers.now();
    const answer = await this.fetch(hold);
    if (this.isOver || answer === null) return;
    if (!this.isOpen) {
      this.isOpen = true;
      this.callbacks.onOpen();
      if (this.isOver) return;
    }
    const took = timers.now() - asked;
    let isNews = true;
    if (answer.reset) await this.callbacks.onReset();
    else isNews = this.receive(answer);
    if (this.isOver) return; // a hole: the connection begins anew
    const isCut = answer.events?.length > 0 && answer.seq < answer.latest;
    this.pause = timers.set(() => this.ask(), isCut ? 0 : this.rest(answer, hold > 0 && took < SHORTEST, isNews));
  }

  /**
   * @param {any} answer
   * @returns {boolean} whether it brought anything
   */
  receive(answer) {
    this.callbacks.onBatch(answer);
    const isNews = answer.events?.length > 0;
    if (this.isOver || this.world.watched.topics.length === 0) return isNews;
    this.world.watched.warn(answer.errors?.watch);
    return this.callbacks.onSnapshots(answer.snapshots ?? {}) || isNews;
  }

  /**
   * @param {{next?: number, events?: unknown[]}} answer
   * @param {boolean} isAtOnce the server was allowed to keep the question, and did not
   * @param {boolean} isNews
   * @returns {number} milliseconds until the next question
   */
  rest(answer, isAtOnce, isNews) {
    if (this.hold === 0) return Math.max(SHORTEST, wait(answer.next ?? NEXT));
    // A server that drains answers held questions at once and empty; asking again in the same instant would spin. So
    // would one whose snapshots were always new: that is believed once.
    const isQuick = isAtOnce && !answer.events?.length;
    const isHurried = isQuick && (!isNews || this.wasQuick);
    this.wasQuick = isQuick;
    return Math.max(wait(answer.next ?? 0), isHurried ? SHORTEST * (1 + this.world.random()) : 0);
  }

  /**
   * @param {number} hold seconds
   * @returns {Promise<any>} null when it failed, which has been reported then, or when another question took its place
   */
  async fetch(hold) {
    const { timers, cursor, watched, base, fetch, access = BY_COOKIE } = this.world;
    const question = new AbortController();
    this.question = question;
    const timeout = this.hold ? `&timeout=${hold}` : '';
    let isLate = false;
    const deadline = timers.set(() => {
      isLate = true;
      question.abort();
    }, this.isOpen ? wait(hold) + SLACK : FIRST_DEADLINE);
    this.deadline = deadline;
    try {
      const response = await fetch(`${base}${this.path}?${cursor.query}${timeout}${watched.query}${access.query}`, {
        credentials: access.credentials,
        cache: 'no-store',
        headers: { Accept: 'application/json', ...access.headers },
        signal: question.signal,
      });
      if (!response.ok) {
        const closing = await refusalOf(response, timers.now());
        if (this.question === question) this.end(closing);
        return null;
      }
      const answer = await response.json();
      if (this.question !== question) return null;
      if (typeof answer?.seq === 'number') return answer;
      this.end({ next: 'retry' }); // whoever wrote this is not our server
    } catch {
      if (this.question === question) this.end({ next: 'retry', isTimeout: isLate && !this.isOpen });
    } finally {
      timers.clear(deadline);
      if (this.question === question) this.question = null;
    }
    return null;
  }

  check() {
    if (this.isOver || this.pause === null) return;
    this.world.timers.clear(this.pause);
    this.ask();
  }

  /** A question that waits for changes does not know of these topics: another one takes its place. */
  watch() {
    if (this.isOver || !this.isOpen) return;
    if (this.question === null) this.check();
    else if (this.hold > 0) {
      this.question.abort();
      this.ask();
    }
  }

  /** @param {import('../transports.js').Closing} closing */
  end(closing) {
    if (this.isOver) return;
    this.close();
    this.callbacks.onClose(closing);
  }

  close() {
    if (this.isOver) return;
    this.isOver = true;
    this.world.timers.clear(this.pause);
    this.world.timers.clear(this.deadline);
    this.question?.abort();
  }
}
