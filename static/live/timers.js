/**
 * @typedef {object} Timers time, as something that a test can hold in its hand
 * @property {(run: () => void, ms: number) => any} set
 * @property {(id: any) => void} clear
 * @property {() => number} now milliseconds since 1970
 */

/** @type {Timers} */
export const systemTimers = {
  set: (run, ms) => globalThis.setTimeout(run, ms),
  clear: (id) => globalThis.clearTimeout(id),
  now: () => Date.now(),
};

/**
 * @param {Timers} timers
 * @param {number} ms
 * @returns {Promise<void>}
 */
export function sleep(timers, ms) {
  return new Promise((resolve) => {
    timers.set(resolve, ms);
  });
}
