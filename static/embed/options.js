import { TRANSPORTS } from '../live/transports.js';

/** What one may follow by. */
export const CHOICES = ['auto', 'off', ...TRANSPORTS.map(({ name }) => name)];

/**
 * @param {any} options of an Inbox
 * @throws {TypeError} naming the one that is wrong
 */
export function checkOptions({ base, ticket, getTicket, seq, transport = 'auto' }) {
  const wrong = (what) => {
    throw new TypeError(`Inbox: ${what}`);
  };
  if (typeof base !== 'string') wrong('give base, the address where the application lives');
  if (!ticket && !getTicket) wrong('give ticket, getTicket, or both');
  if (seq !== undefined && !(Number.isSafeInteger(seq) && seq >= 0)) wrong('seq is a whole number from 0');
  if (!CHOICES.includes(transport)) wrong(`transport is one of ${CHOICES.join(', ')}`);
}
