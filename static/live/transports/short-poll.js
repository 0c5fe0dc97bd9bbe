import { openPoll } from './poll.js';

/** @type {import('../transports.js').Transport['open']} */
export function openShortPoll(world, callbacks) {
  return openPoll(world, callbacks, { path: '/messages/poll', hold: 0 });
}
