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
  return { close: () => poll.close(), check: () => poll.check() };
}

class Poll {
  constructor(world, callbacks, { path, hold }) {
    this.world = world;
    this.callbacks = callbacks;
    this.path = path;
    this.hold = hold;
    this.isOver = false;
    this.isOpen = false;
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
    if (answer.reset) await this.callbacks.onReset();
    else this.callbacks.onBatch(answer);
    if (this.isOver) return; // a hole: the connection begins anew
    const isCut = answer.events?.length > 0 && answer.seq < answer.latest;
    this.pause = timers.set(() => this.ask(), isCut ? 0 : this.rest(answer, hold, timers.now() - asked));
  }

  /**
   * @param {{next?: number, events?: unknown[]}} answer
   * @param {number} hold seconds that the server was allowed to keep the question
   * @param {number} took milliseconds that it did
   * @returns {number} milliseconds until the next question
   */
  rest(answer, hold, took) {
    if (this.hold === 0) return Math.max(SHORTEST, wait(answer.next ?? NEXT));
    // A server that drains answers held questions at once and empty; asking again in the same instant would spin.
    const isHurried = hold > 0 && took < SHORTEST && !answer.reset && !answer.events?.length;
    return Math.max(wait(answer.next ?? 0), isHurried ? SHORTEST * (1 + this.world.random()) : 0);
  }

  /**
   * @param {number} hold seconds
   * @returns {Promise<any>} null when it failed; it has been reported then
   */
  async fetch(hold) {
    const { timers, cursor, base, fetch } = this.world;
    const question = new AbortController();
    this.question = question;
    const timeout = this.hold ? `&timeout=${hold}` : '';
    let isLate = false;
    this.deadline = timers.set(() => {
      isLate = true;
      question.abort();
    }, this.isOpen ? wait(hold) + SLACK : FIRST_DEADLINE);
    try {
      const response = await fetch(`${base}${this.path}?${cursor.query}${timeout}`, {
        credentials: 'same-origin',
        cache: 'no-store',
        headers: { Accept: 'application/json' },
        signal: question.signal,
      });
      if (!response.ok) {
        this.end(await refusalOf(response, timers.now()));
        return null;
      }
      const answer = await response.json();
      if (typeof answer?.seq === 'number') return answer;
      this.end({ next: 'retry' }); // whoever wrote this is not our server
    } catch {
      this.end({ next: 'retry', isTimeout: isLate && !this.isOpen });
    } finally {
      timers.clear(this.deadline);
      this.question = null;
    }
    return null;
  }

  check() {
    if (this.isOver || this.pause === null) return;
    this.world.timers.clear(this.pause);
    this.ask();
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
