/**
 * How long to wait before the next try.
 *
 * Full jitter: a random part of a bound that doubles, so that clients which lost the same server do not come back in
 * the same instant. The bound stays small for the first two minutes, in which most outages end, and grows only then.
 */

/** The bound of the first wait, in milliseconds. */
export const FIRST = 500;
/** The bound of every wait while the outage is young: the page has what it missed 5 s after the server's return. */
export const SOON = 4_000;
/** The bound of every wait once the outage is old. */
export const LATER = 15_000;
/** The age at which an outage is old. */
export const PATIENCE = 120_000;

/**
 * @param {number} failures how many tries have failed already, from 0
 * @param {number} age how long nothing has worked, in milliseconds
 * @param {() => number} [random] in [0, 1)
 * @returns {number} milliseconds
 */
export function delay(failures, age, random = Math.random) {
  const bound = age < PATIENCE ? SOON : LATER;
  return Math.round(random() * Math.min(bound, FIRST * 2 ** failures));
}
