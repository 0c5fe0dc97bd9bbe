/** A world without time or network: tests move the clock, answer questions and speak for the server. */
import { Cursor } from '../../../static/live/cursor.js';
import { Watched } from '../../../static/live/watched.js';

/** Let everything that waits on a promise go on. */
export async function settle() {
  for (let turn = 0; turn < 20; turn += 1) await null;
}

export class FakeTimers {
  #time = 1_000_000;
  #next = 1;
  #planned = new Map();

  set = (run, ms) => {
    const id = this.#next++;
    this.#planned.set(id, { run, at: this.#time + Math.max(0, ms) });
    return id;
  };

  clear = (id) => this.#planned.delete(id);

  now = () => this.#time;

  get pending() {
    return this.#planned.size;
  }

  /** @param {number} ms run everything that falls due within, in order */
  async advance(ms) {
    await settle();
    const end = this.#time + ms;
    for (;;) {
      const due = [...this.#planned].filter(([, { at }]) => at <= end).sort(([a, x], [b, y]) => x.at - y.at || a - b)[0];
      if (!due) break;
      const [id, { run, at }] = due;
      this.#planned.delete(id);
      this.#time = at;
      run();
      await settle();
    }
    this.#time = end;
    await settle();
  }
}

/** A WebSocket class whose instances are kept in `made`. */
export function fakeWebSocket() {
  return class FakeSocket {
    static made = [];

    static get last() {
      return this.made.at(-1);
    }

    constructor(url) {
      this.url = url;
      this.sent = [];
      this.isClosed = false;
      FakeSocket.made.push(this);
    }

    send(text) {
      this.sent.push(JSON.parse(text));
    }

    close() {
      this.isClosed = true;
    }

    /** The server sends a frame. */
    frame(frame) {
      this.onmessage?.({ data: typeof frame === 'string' ? frame : JSON.stringify(frame) });
    }

    hello(more = {}) {
      this.frame({ type: 'hello', protocol: 1, epoch: 'e', seq: 0, latest: 0, badges: {}, heartbeat: 25, ...more });
    }

    events(...seqs) {
      this.frame({ type: 'events', events: seqs.map(event), seq: seqs.at(-1), latest: seqs.at(-1), badges: {} });
    }

    /** The connection ends; 1006 is what a browser reports when nobody said why. */
    end(code = 1006, reason = '') {
      this.onclose?.({ code, reason });
    }
  };
}

/** A fetch whose questions are kept in `asked`, and answered by the test. */
export function fakeFetch() {
  const asked = [];
  const fetch = (url, options = {}) =>
    new Promise((resolve, reject) => {
      let stream = null;
      const question = {
        url,
        options,
        body: options.body ? JSON.parse(options.body) : undefined,
        isAborted: false,
        answer: (body, status = 200, headers = {}) => resolve(response(body, status, headers)),
        fail: () => reject(new TypeError('network')),
        get isStreaming() {
          return stream !== null && !question.isAborted;
        },
        /** The headers of a stream; what it says comes by `say`. */
        stream: (status = 200, type = 'text/event-stream; charset=utf-8') => {
          const headers = new Headers({ 'Content-Type': type });
          const body = new ReadableStream({ start: (controller) => void (stream = controller) });
          resolve({ status, ok: status < 300, headers, body });
        },
        /** @param {string | Uint8Array} part of what the stream says */
        say: (part) => stream.enqueue(typeof part === 'string' ? new TextEncoder().encode(part) : part),
        end: () => {
          stream.close();
          stream = null;
        },
        break: () => {
          stream.error(new TypeError('network'));
          stream = null;
        },
      };
      options.signal?.addEventListener('abort', () => {
        question.isAborted = true;
        const error = new DOMException('aborted', 'AbortError');
        reject(error);
        stream?.error(error);
      });
      asked.push(question);
    });
  fetch.asked = asked;
  Object.defineProperty(fetch, 'last', { get: () => asked.at(-1) });
  return fetch;
}

function response(body, status, headers) {
  return {
    status,
    ok: status >= 200 && status < 300,
    headers: new Headers(headers),
    json: async () => {
      if (body === undefined) throw new SyntaxError('not JSON');
      return structuredClone(body);
    },
    text: async () => String(body),
  };
}

/** One block of an event stream. */
export function block(type, data) {
  return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** What a stream says of these events, and of the badges behind them. */
export function blocks(seqs, badges = {}) {
  return seqs.map((seq) => `id: ${seq}\n${block('message', event(seq))}`).join('') + block('badges', badges);
}

/** @param {number} seq */
export function event(seq) {
  return { seq, kind: 'message', at: '2026-01-02T03:04:05.000Z', data: { id: seq } };
}

/** The answer of a poll with these events. */
export function answer(seqs, more = {}) {
  const seq = seqs.at(-1) ?? 0;
  return { epoch: 'e', events: seqs.map(event), seq, latest: seq, badges: {}, snapshots: {}, reset: false, next: 5, ...more };
}

export function world(more = {}) {
  return {
    cursor: new Cursor(0, 'e'),
    watched: new Watched(),
    timers: new FakeTimers(),
    fetch: fakeFetch(),
    WebSocket: fakeWebSocket(),
    random: () => 0.5,
    base: 'https://example.test',
    ...more,
  };
}

/** Callbacks that write down what they are told. */
export function recorder() {
  const told = [];
  return {
    told,
    onOpen: () => told.push('open'),
    onBatch: (batch) => told.push({ batch }),
    onSnapshots: (snapshots) => told.push({ snapshots }),
    onReset: async () => void told.push('reset'),
    onClose: (closing) => told.push({ closing }),
  };
}
