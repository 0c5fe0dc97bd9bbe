/** @typedef {'connecting' | 'live' | 'polling' | 'offline' | 'signed-out' | 'off'} State */
/**
 * @typedef {object} More what else there is to say of a state
 * @property {string} detail why it has stopped, until the user chooses again; '' where it has not
 * @property {number | null} retryAt of the next try, milliseconds since 1970; null while one runs and where none comes
 * @property {number | null} since when nothing has worked; null where something works, or nothing is meant to
 */
/** @typedef {(state: State, transport: string | null, more: More) => void} OnState transport: the one that works */

/** What a connection says of itself. */
export class Status {
  /** @type {State} */
  state = 'off';
  #detail = '';
  /** @type {number | null} */
  #since = null;

  /**
   * @param {import('./timers.js').Timers} timers
   * @param {import('./next-try.js').NextTry} next
   * @param {OnState} onState
   */
  constructor(timers, next, onState) {
    this.timers = timers;
    this.next = next;
    this.onState = onState;
  }

  /** Whether nothing goes on by itself any more. */
  get isOver() {
    return this.state === 'off' || this.state === 'signed-out' || this.#detail !== '';
  }

  /**
   * @param {State} state
   * @param {string | null} [transport] that works
   * @param {string} [detail]
   */
  set(state, transport = null, detail = '') {
    this.state = state;
    this.#detail = detail;
    const isDown = !this.isOver && transport === null;
    this.#since = isDown ? (this.#since ?? this.timers.now()) : null;
    this.onState(state, transport, { detail, retryAt: this.next.at, since: this.#since });
  }
}
