import { openPoll } from './poll.js';

/** How long the server may keep a question, in seconds: below what proxies cut. */
export const HOLD = 25;

/** @type {import('../transports.js').Transport['open']} */
export function openLongPoll(world, callbacks) {
  return openPoll(world, callbacks, { path: '/messages/long-poll', hold: HOLD });
}
