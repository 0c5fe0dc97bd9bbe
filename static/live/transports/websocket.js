import { BY_COOKIE } from '../access.js';
import { closingFor } from '../closing.js';

/** A connection that has not said hello by then is taken for blocked, in milliseconds. */
export const HELLO_DEADLINE = 5_000;
/** How long a connection may take to answer when it is doubted. */
export const CHECK_DEADLINE = 5_000;
/** Between pings, until the hello names the server's own figure. */
const HEARTBEAT = 25_000;

/**
 * @param {number} code
 * @param {string} reason may carry `retry=<seconds>`
 * @returns {import('../transports.js').Closing}
 */
export function closingOf(code, reason) {
  const retry = /\bretry=(\d+(?:\.\d+)?)/.exec(reason)?.[1];
  return closingFor(code, retry && Number(retry), reason);
}

/**
 * Follows the inbox over one WebSocket. Its health is the hello: a proxy that lets the handshake through and then
 * nothing else never looks like a working connection.
 *
 * @type {import('../transports.js').Transport['open']}
 */
export function openWebSocket(world, callbacks) {
  const socket = new Socket(world, callbacks);
  socket.connect();
  return { close: () => socket.close(), check: () => socket.check(), watch: () => socket.watch() };
}

class Socket {
  /**
   * @param {import('../transports.js').World} world
   * @param {import('../transports.js').Callbacks} callbacks
   */
  constructor(world, callbacks) {
    this.world = world;
    this.callbacks = callbacks;
    this.heartbeat = HEARTBEAT;
    this.isOver = false;
    this.isOpen = false;
    /** A ping is out and no frame has come since. */
    this.isWaiting = false;
    this.beat = null;
    this.doubt = null;
  }

  connect() {
    const { world } = this;
    const { socketQuery } = world.access ?? BY_COOKIE;
    const url = `${world.base.replace(/^http/, 'ws')}/ws?${world.cursor.query}${socketQuery}`;
    this.doubt = world.timers.set(() => this.end({ next: 'retry', isTimeout: true }), HELLO_DEADLINE);
    try {
      this.socket = new world.WebSocket(url);
    } catch {
      // Callbacks come only after open() has returned.
      this.beat = world.timers.set(() => this.end({ next: 'retry' }), 0);
      return;
    }
    this.socket.onmessage = (message) => this.receive(message.data);
    this.socket.onclose = (close) => this.end(closingOf(close.code, close.reason ?? ''));
  }

  /** @param {string} text one frame */
  receive(text) {
    if (this.isOver) return;
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      this.end({ next: 'retry' }); // whoever wrote this is not our server
      return;
    }
    this.isWaiting = false;
    if (!this.isOpen && frame?.type !== 'hello') return;
    this.settle();
    switch (frame?.type) {
      case 'hello':
        this.greet(frame);
        break;
      case 'events':
        this.callbacks.onBatch(frame);
        break;
      case 'snapshot':
        this.callbacks.onSnapshots({ [frame.topic]: frame });
        break;
      case 'reset':
        this.callbacks.onReset();
        break;
      case 'error':
        console.warn(`live: ${frame.detail}`);
        break;
      default: // pong has done its work by arriving; what a newer server adds is not ours
    }
  }

  /** @param {{heartbeat?: number, badges?: Record<string, number>, latest?: number}} hello */
  greet({ heartbeat, badges, latest }) {
    if (this.isOpen) return;
    this.isOpen = true;
    if (typeof heartbeat === 'number' && heartbeat > 0) this.heartbeat = heartbeat * 1000;
    this.beat = this.world.timers.set(() => this.tick(), this.heartbeat);
    this.callbacks.onOpen();
    if (this.isOver) return;
    if (this.world.watched.topics.length > 0) this.watch();
    this.callbacks.onBatch({ events: [], badges, latest });
  }

  /** The server answers with what is current of each, and then tells of changes. */
  watch() {
    if (!this.isOpen || this.isOver) return;
    this.socket.send(JSON.stringify({ type: 'watch', topics: this.world.watched.topics }));
  }

  /**
   * Ping, or, when the last ping brought nothing, give up: at most two heartbeats after the last frame. Judged by
   * what came since the ping and not by the clock: a browser slows the timers of a hidden tab.
   */
  tick() {
    if (this.isWaiting) {
      this.end({ next: 'retry' });
      return;
    }
    this.ping();
    this.beat = this.world.timers.set(() => this.tick(), this.heartbeat);
  }

  ping() {
    this.isWaiting = true;
    this.socket.send(JSON.stringify({ type: 'ping', seq: this.world.cursor.seq }));
  }

  check() {
    if (!this.isOpen || this.isOver || this.doubt !== null) return;
    this.ping();
    this.doubt = this.world.timers.set(() => this.end({ next: 'retry' }), CHECK_DEADLINE);
  }

  /** A frame came: there is nothing to doubt. */
  settle() {
    this.world.timers.clear(this.doubt);
    this.doubt = null;
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
    this.settle();
    this.world.timers.clear(this.beat);
    if (!this.socket) return;
    this.socket.onmessage = null;
    this.socket.onclose = null;
    this.socket.close();
  }
}
