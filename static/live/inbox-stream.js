import { closingFor } from './closing.js';
import { EventStreamParser } from './event-stream.js';

/**
 * @typedef {object} Step what to do next; one of these
 * @property {import('./transports.js').Batch} [batch] hand it over
 * @property {Record<string, import('./watched.js').Snapshot>} [snapshots] by topic
 * @property {string} [warning] what the server refuses
 * @property {boolean} [isReset] the page's state is void
 * @property {import('./transports.js').Closing} [closing] the end: nothing comes after it
 */

/**
 * What the bytes of one event stream say about an inbox.
 *
 * Promise: however the bytes are cut, the same events, badges, snapshots and resets come out in the same order. What
 * came in one piece becomes one batch, as long as nothing else stands in between.
 */
export class InboxStream {
  #parser = new EventStreamParser();
  #seq;

  /** @param {number} seq from where it was asked for */
  constructor(seq) {
    this.#seq = seq;
  }

  /**
   * @param {Uint8Array} bytes
   * @returns {Step[]}
   */
  push(bytes) {
    /** @type {Step[]} */
    const steps = [];
    for (const { type, data } of this.#parser.push(bytes)) {
      const value = read(data);
      if (value === undefined) return [...steps, { closing: { next: 'retry' } }]; // this is not our server
      if (type === 'close') return [...steps, { closing: closingFor(value?.code, value?.retry, value?.detail) }];
      if (type === 'reset') this.#reset(value, steps);
      else if (type === 'snapshot') steps.push({ snapshots: { [value?.topic]: value } });
      else if (type === 'error') steps.push({ warning: String(value?.detail) });
      else this.#add(type, value, steps);
    }
    return steps;
  }

  #reset(value, steps) {
    if (Number.isSafeInteger(value?.latest)) this.#seq = value.latest;
    steps.push({ isReset: true });
  }

  /** An event or badges; what a newer server adds is not ours. */
  #add(type, value, steps) {
    const isEvent = type !== 'badges' && Number.isSafeInteger(value?.seq);
    if (!isEvent && type !== 'badges') return;
    if (!steps.at(-1)?.batch) steps.push({ batch: { events: [] } });
    const { batch } = steps.at(-1);
    if (isEvent) {
      batch.events.push(value);
      batch.seq = this.#seq = value.seq;
    } else {
      // A stream does not say at which seq they were counted, but it was not before the last event that it brought.
      Object.assign(batch, { badges: value, latest: this.#seq });
    }
  }
}

/** @returns {any} undefined where the text is no JSON */
function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
