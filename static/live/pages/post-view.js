/** How a post shows its counts, and what the user thinks of it. */
import { field } from '../templates.js';

const NAMES = ['likes', 'dislikes', 'replies'];

/**
 * @typedef {object} Stand of a post, as the server has it
 * @property {number} version a greater one is newer
 * @property {number} likes
 * @property {number} dislikes
 * @property {number} replies
 */

/** @param {HTMLElement} item @param {import('./post-items.js').Pending} pending how it would be with what the user wants */
export function showPending(item, { wanted, known, stand, isCutOff }) {
  const hoped = { ...stand };
  if (known !== wanted) {
    if (known) hoped[`${known}s`] -= 1;
    if (wanted) hoped[`${wanted}s`] += 1;
  }
  showStand(item, hoped);
  showReaction(item, wanted);
  for (const button of buttonsOf(item)) {
    button.setAttribute('aria-busy', 'true');
    button.classList.toggle('react--waiting', isCutOff && [wanted, known].includes(button.dataset.reaction));
  }
}

/** @param {HTMLElement} item @param {string | null} reaction with which nothing is on its way any more */
export function showSettled(item, reaction) {
  showReaction(item, reaction);
  for (const button of buttonsOf(item)) {
    button.removeAttribute('aria-busy');
    button.classList.remove('react--waiting');
  }
}

/** @param {HTMLElement} item @returns {HTMLElement[]} */
function buttonsOf(item) {
  return [.../** @type {NodeListOf<HTMLElement>} */ (item.querySelectorAll('[data-reaction]'))];
}

/** @param {HTMLElement} item @returns {string | null} the reaction that it shows as the user's */
export function pressed(item) {
  return buttonsOf(item).find((button) => button.getAttribute('aria-pressed') === 'true')?.dataset.reaction ?? null;
}

/** @param {HTMLElement} item @param {string | null} reaction */
export function showReaction(item, reaction) {
  for (const button of buttonsOf(item)) {
    const kind = button.dataset.reaction;
    button.setAttribute('aria-pressed', String(kind === reaction));
    button.setAttribute('value', kind === reaction ? '' : kind);
  }
}

/** @param {HTMLElement} item @returns {Stand} */
export function standOf(item) {
  const counts = NAMES.map((name) => [name, Number(item.querySelector(`[data-count="${name}"]`)?.textContent ?? 0)]);
  return { version: Number(item.dataset.version), ...Object.fromEntries(counts) };
}

/** @param {HTMLElement} item @param {Stand} stand */
export function showStand(item, stand) {
  item.dataset.version = String(stand.version);
  for (const name of NAMES) {
    const element = item.querySelector(`[data-count="${name}"]`);
    if (element && element.textContent !== String(stand[name])) element.textContent = String(stand[name]);
  }
}

/** @param {HTMLElement} item @param {string} text what is wrong; '' for nothing */
export function say(item, text) {
  const error = field(item, 'error');
  if (!error) return; // it was deleted
  error.textContent = text;
  error.hidden = !text;
}
