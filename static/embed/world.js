import { Cursor } from '../live/cursor.js';
import { systemTimers } from '../live/timers.js';
import { Watched } from '../live/watched.js';
import { Tickets } from './tickets.js';

/**
 * What an inbox works with: its own cursor, topics and tickets, and of the browser what it is not given.
 *
 * @param {import('./options.js').Options} options
 * @param {object} parts
 * @param {() => string[]} parts.topics that are watched now
 * @param {() => void} parts.onOthers the newest ticket is somebody else's than the one before
 * @returns {import('../live/transports.js').World & {access: Tickets}}
 */
export function worldOf(options, { topics, onOthers }) {
  const { ticket, getTicket, user, seq = 0, epoch = '' } = options;
  const { timers = systemTimers, random = Math.random, WebSocket = globalThis.WebSocket } = options;
  const base = new URL(options.base, globalThis.location?.href).href.replace(/\/+$/, '');
  const fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
  const isSameOrigin = new URL(base).origin === globalThis.location?.origin;
  const access = new Tickets({ base, ticket, getTicket, user, onOthers, isSameOrigin, fetch, timers, random });
  return { cursor: new Cursor(seq, epoch), watched: new Watched(topics), access, WebSocket, base, fetch, timers, random };
}
