import { TRANSPORTS } from '../live/transports.js';

/** What one may follow by. */
export const CHOICES = ['auto', 'off', ...TRANSPORTS.map(({ name }) => name)];

/**
 * @typedef {object} Options of an Inbox
 * @property {string} base where the application lives, for example `https://live.example` or `/live`
 * @property {string} [ticket]
 * @property {import('./tickets.js').GetTicket} [getTicket] for a first ticket, and when one is refused
 * @property {string} [user] whose `ticket` is, by any name: where `getTicket` then names another one, that is a reset
 * @property {number} [seq] the last event that is had already; without it, begins with what happens from now on
 * @property {string} [epoch] in which `seq` means something: given with it
 * @property {string} [transport] `auto`, `websocket`, `sse`, `long-poll`, `short-poll`, `off`
 * @property {typeof fetch} [fetch]
 * @property {typeof WebSocket} [WebSocket]
 * @property {import('../live/timers.js').Timers} [timers]
 * @property {() => number} [random]
 */

/**
 * @param {Options} options
 * @throws {TypeError} naming the one that is wrong
 */
export function checkOptions({ base, ticket, getTicket, seq, epoch, transport = 'auto' }) {
  const wrong = (what) => {
    throw new TypeError(`Inbox: ${what}`);
  };
  if (typeof base !== 'string') wrong('give base, the address where the application lives');
  if (!ticket && !getTicket) wrong('give ticket, getTicket, or both');
  if (seq !== undefined && !(Number.isSafeInteger(seq) && seq >= 0)) wrong('seq is a whole number from 0');
  if (seq !== undefined && !epoch) wrong('give epoch with seq: GET /badges answers both');
  if (!CHOICES.includes(transport)) wrong(`transport is one of ${CHOICES.join(', ')}`);
}
