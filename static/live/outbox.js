import { isCutOff, isTemporary } from './api.js';
import { Outage } from './outage.js';
import { Pause } from './pause.js';

/**
 * @typedef {object} Entry a message on its way, or whatever else one has written
 * @property {string} key the same for every try, so that it is stored once
 * @property {string} [to] of a message
 * @property {string} body
 * @property {string} [path] where it is sent to, if it is no message
 */

/** @returns {string} 128 random bits; crypto.randomUUID exists only on https pages */
export function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Sends what one has written, one after the other, in the order they were written, each until it is stored or refused.
 */
export class Outbox {
  /** @type {Entry[]} the first one is being sent */
  #entries = [];
  #isRunning = false;
  #isCutOff = false;

  /**
   * @param {object} parts
   * @param {import('./api.js').Api} parts.api
   * @param {import('./timers.js').Timers} parts.timers
   * @param {() => number} parts.random
   */
  constructor({ api, timers, random }) {
    this.api = api;
    this.outage = new Outage(timers, random);
    this.pause = new Pause(timers);
    /** @type {(entry: Entry, message: Record<string, any>) => void} the message as the server has it */
    this.onStored = () => {};
    /** @type {(entry: Entry, answer: import('./api.js').Answer) => void} it will not become better */
    this.onRefused = () => {};
    /** @type {(entry: Entry) => void} it could not be sent yet, and will be tried again */
    this.onWaiting = () => {};
  }

  /** @returns {readonly Entry[]} what is not stored yet */
  get entries() {
    return this.#entries;
  }

  /**
   * @param {string} body
   * @returns {boolean} whether a message with this text is on its way
   */
  isSending(body) {
    return this.#entries.some((entry) => entry.body === body);
  }

  /** Whether what is on its way has failed to arrive at least once. */
  get isStuck() {
    return this.outage.failures > 0;
  }

  /** Whether it waits for the network, and not for its turn at a server that is asked too often. */
  get isCutOff() {
    return this.#isCutOff;
  }

  /** @param {Entry} entry */
  send(entry) {
    this.#entries.push(entry);
    this.#run();
  }

  /** The server can be reached again: do not wait for the timer. */
  hurry() {
    this.pause.hurry();
  }

  async #run() {
    if (this.#isRunning) return;
    this.#isRunning = true;
    while (this.#entries.length > 0) {
      const [entry] = this.#entries;
      const { path = '/messages', to, body, key } = entry;
      const answer = await this.api.post(path, { to, body, key });
      this.#isCutOff = isCutOff(answer);
      if (isTemporary(answer)) {
        const ms = this.outage.failed();
        this.onWaiting(entry);
        await this.pause.wait(answer.after ?? ms, !this.#isCutOff);
        continue;
      }
      this.outage.end();
      this.#entries.shift();
      if (answer.status < 300) this.onStored(entry, answer.body.message ?? answer.body);
      else this.onRefused(entry, answer);
    }
    this.#isRunning = false;
  }
}
