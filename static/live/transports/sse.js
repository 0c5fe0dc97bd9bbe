import { BY_COOKIE } from '../access.js';
import { refusalOf } from '../closing.js';
import { InboxStream } from '../inbox-stream.js';

/**
 * How long the first bytes may take, in milliseconds. A proxy that gathers an answer before it passes it on keeps
 * them back, and everything after them too: the answer's headers prove nothing.
 */
export const FIRST_DEADLINE = 5_000;
/** Half of the silence after which a stream is dead, in milliseconds: the server says something every 15 s. */
export const QUIET = 20_000;

/**
 * Follows the inbox over one answer that never ends: server-sent events. By `fetch` and not by EventSource, which
 * hides statuses and signs of life, and comes back by itself without asking the cursor.
 *
 * @type {import('../transports.js').Transport['open']}
 */
export function openEventStream(world, callbacks) {
  const stream = new EventStream(world, callbacks);
  stream.ask();
  return { close: () => stream.close(), check: () => stream.check(), watch: () => stream.watch() };
}

class EventStream {
  /**
   * @param {import('../transports.js').World} world
   * @param {import('../transports.js').Callbacks} callbacks
   */
  constructor(world, callbacks) {
    this.world = world;
    this.callbacks = callbacks;
    this.isOver = false;
    this.isOpen = false;
    /**
     * The requests that are out: one, or two while the first is doubted. The one that brings something first is kept.
     *
     * @type {AbortController[]}
     */
    this.requests = [];
    this.patience = null;
    this.quiet = null;
  }

  async ask() {
    const request = new AbortController();
    this.requests.push(request);
    this.patience = this.world.timers.set(() => this.end({ next: 'retry', isTimeout: !this.isOpen }), FIRST_DEADLINE);
    const inbox = new InboxStream(this.world.cursor.seq);
    const reader = await this.fetch(request);
    while (reader) {
      const bytes = await next(reader);
      if (request.signal.aborted) return;
      if (bytes === null) return this.end({ next: 'retry' });
      this.keep(request);
      this.listen();
      this.receive(inbox.push(bytes));
    }
  }

  /**
   * @param {AbortController} request
   * @returns {Promise<ReadableStreamDefaultReader<Uint8Array> | null>} null when it failed; that has been seen to
   */
  async fetch(request) {
    const { cursor, watched, base, fetch, access = BY_COOKIE } = this.world;
    try {
      const response = await fetch(`${base}/messages/stream?${cursor.query}${watched.query}${access.query}`, {
        credentials: access.credentials,
        cache: 'no-store',
        headers: { Accept: 'text/event-stream', ...access.headers },
        signal: request.signal,
      });
      if (isEventStream(response)) return response.body.getReader();
      this.refuse(request, response.ok ? { next: 'retry' } : await this.refusal(response));
    } catch {
      if (!request.signal.aborted) this.end({ next: 'retry' });
    }
    return null;
  }

  /**
   * @param {Response} response
   * @returns {Promise<import('../transports.js').Closing>}
   */
  async refusal(response) {
    const closing = await refusalOf(response, this.world.timers.now());
    return response.status === 429 ? { ...closing, next: 'poll' } : closing; // as 4429 is
  }

  /**
   * A server that has no place for a second stream does not end the first by that.
   *
   * @param {AbortController} request
   * @param {import('../transports.js').Closing} closing
   */
  refuse(request, closing) {
    if (request.signal.aborted) return;
    const first = this.requests.find((other) => other !== request);
    if (first && closing.next !== 'signed-out') this.keep(first);
    else this.end(closing);
  }

  /**
   * This request is the one; what else was asked is given up.
   *
   * @param {AbortController} request
   */
  keep(request) {
    for (const other of this.requests) if (other !== request) other.abort();
    this.requests = [request];
    this.world.timers.clear(this.patience);
  }

  /** Silence counts from now, in two halves: a tab that was frozen has the second to read what waits for it. */
  listen() {
    const { timers } = this.world;
    timers.clear(this.quiet);
    this.quiet = timers.set(() => {
      this.quiet = timers.set(() => this.end({ next: 'retry' }), QUIET);
    }, QUIET);
  }

  /** @param {import('../inbox-stream.js').Step[]} steps none where the bytes were a comment, or a part of something */
  receive(steps) {
    if (!this.isOpen) {
      const closing = steps.at(-1)?.closing;
      if (closing) return this.end(closing); // it was let in to be told why not
      this.isOpen = true;
      this.callbacks.onOpen();
    }
    for (const { batch, snapshots, warning, isReset, closing } of steps) {
      if (this.isOver) return;
      if (batch) this.callbacks.onBatch(batch);
      else if (snapshots) this.callbacks.onSnapshots(snapshots);
      else if (warning) this.world.watched.warn(warning);
      else if (isReset) this.callbacks.onReset();
      else this.end(closing);
    }
  }

  /** Nothing can be sent here, so doubt means to ask once more from the cursor; whichever of the two speaks lives. */
  check() {
    if (this.isOpen && !this.isOver && this.requests.length === 1) this.ask();
  }

  /** A stream cannot be told what to watch: another one takes its place, from the cursor. */
  watch() {
    if (!this.isOpen || this.isOver) return;
    for (const request of this.requests.splice(0)) request.abort();
    this.world.timers.clear(this.patience);
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
    this.world.timers.clear(this.patience);
    this.world.timers.clear(this.quiet);
    for (const request of this.requests) request.abort();
  }
}

/** @param {Response} response */
function isEventStream({ status, headers }) {
  const type = headers.get('Content-Type')?.split(';')[0].trim().toLowerCase();
  return status === 200 && type === 'text/event-stream';
}

/**
 * @param {ReadableStreamDefaultReader<Uint8Array>} reader
 * @returns {Promise<Uint8Array | null>} null at the end, whether it was reached or the connection broke
 */
async function next(reader) {
  try {
    const { done, value } = await reader.read();
    return done ? null : value;
  } catch {
    return null;
  }
}
