import { isTemporary } from '../api.js';
import { Outage } from '../outage.js';
import { cloneTemplate, field } from '../templates.js';
import { sleep } from '../timers.js';

/** A reaction that cannot be sent is tried again so often, before it is given back. */
const TRIES = 4;
const NAMES = ['likes', 'dislikes', 'replies'];

/**
 * @typedef {object} Stand of a post, as the server has it
 * @property {number} version a greater one is newer
 * @property {number} likes
 * @property {number} dislikes
 * @property {number} replies
 */

/**
 * The posts on a page: their counts, and what the user thinks of them.
 *
 * Promise: what is newer by its version is never replaced by what is older, whichever way it came: with the page, by an
 * answer, or as the post's topic. While a reaction is on its way the counts show how they would be with it; then they are
 * as the server says. In other windows of the same browser the buttons show what was pressed in this one.
 */
export class PostItems {
  /**
   * By post: what the user wants to think of it, what the server knows of that and the counts with it, and the newest
   * counts. These may have in them already what is still on its way.
   *
   * @type {Map<number, {wanted: string | null, known: string | null, stand: Stand, newest: Stand}>}
   */
  #pending = new Map();
  /** By post: the version of the counts with which the server has answered last what the user thinks of it. */
  #answered = new Map();
  #windows;

  /**
   * @param {object} parts
   * @param {Document} parts.document
   * @param {string} parts.user
   * @param {string} parts.base
   * @param {import('../api.js').Api} parts.api
   * @param {import('../strings.js').Strings} parts.strings
   * @param {import('../timers.js').Timers} parts.timers
   * @param {() => number} parts.random
   */
  constructor(parts) {
    this.parts = parts;
    const { BroadcastChannel } = parts.document.defaultView ?? {};
    if (!BroadcastChannel) return;
    this.#windows = new BroadcastChannel(`reactions of ${parts.user} at ${parts.base}`);
    this.#windows.addEventListener('message', ({ data }) => this.#hear(data));
  }

  /** @param {number} id @returns {HTMLElement | null} */
  find(id) {
    return this.parts.document.getElementById(`post-${id}`);
  }

  /**
   * @param {number} id
   * @param {Stand} stand
   */
  take(id, stand) {
    const pending = this.#pending.get(id);
    if (pending) {
      if (stand.version > pending.newest.version) pending.newest = stand;
      return;
    }
    const item = this.find(id);
    if (item && stand.version > Number(item.dataset.version)) showStand(item, stand);
  }

  /**
   * @param {HTMLElement} item of a post of which nothing is left but that there was one
   * @param {number} version
   * @returns {boolean} whether it was shown until now
   */
  empty(item, version) {
    const { document } = this.parts;
    item.dataset.version = String(Math.max(version, Number(item.dataset.version)));
    if (item.classList.contains('post--gone')) return false;
    const hadFocus = item.contains(document.activeElement);
    item.replaceChildren(cloneTemplate(document, item.closest('[data-thread]') ? 'tpl-gone-reply' : 'tpl-gone-post'));
    item.classList.add('post--gone');
    if (hadFocus) item.focus({ preventScroll: true });
    return true;
  }

  /** The page was loaded anew: what is on its way is shown there too. */
  bind() {
    for (const [id, pending] of this.#pending) {
      const item = this.find(id);
      if (item) showPending(item, pending);
    }
  }

  /** @param {HTMLElement} button of a reaction, which takes it back where it is pressed */
  async press(button) {
    const item = /** @type {HTMLElement} */ (button.closest('[data-post]'));
    const id = Number(item.dataset.post);
    const wanted = button.getAttribute('aria-pressed') === 'true' ? null : button.dataset.reaction;
    const running = this.#pending.get(id);
    const stand = standOf(item);
    const pending = running ?? { wanted, known: pressed(item), stand, newest: stand };
    pending.wanted = wanted;
    say(item, '');
    showPending(item, pending);
    if (running) return; // it goes on with what is wanted now
    this.#pending.set(id, pending);
    const failure = await this.#send(id, pending);
    this.#pending.delete(id);
    this.#settle(id, pending, failure);
  }

  /** @returns {Promise<string>} what went wrong; '' for nothing */
  async #send(id, pending) {
    const { api, timers, random, strings } = this.parts;
    const outage = new Outage(timers, random);
    do {
      const { wanted } = pending;
      const answer = await api.put(`/posts/${id}/reaction`, { reaction: wanted });
      if (answer.body) {
        const { reaction, counts, version } = answer.body;
        pending.known = reaction;
        this.take(id, { ...counts, version });
        this.#answered.set(id, version);
        this.#windows?.postMessage({ id, reaction, stand: { ...counts, version } });
        pending.stand = pending.newest;
        outage.end();
      } else if (isTemporary(answer) && outage.failures + 1 < TRIES) {
        const ms = outage.failed();
        await sleep(timers, answer.after ?? ms);
      } else {
        pending.wanted = pending.known;
        if (answer.status === 401) return strings.get('state-signed-out');
        return (!isTemporary(answer) && answer.detail) || strings.get('not-done');
      }
    } while (pending.wanted !== pending.known);
    return '';
  }

  /** What another window was answered. What is on its way in this one is later, and its answer says how it ends. */
  #hear({ id, reaction, stand }) {
    const item = this.find(id);
    if (!item || this.#pending.has(id) || stand.version < (this.#answered.get(id) ?? 0)) return;
    this.#answered.set(id, stand.version);
    this.take(id, stand);
    showReaction(item, reaction);
  }

  #settle(id, { known, newest }, failure) {
    const item = this.find(id);
    if (!item) return;
    showStand(item, newest);
    showReaction(item, known);
    for (const button of buttonsOf(item)) button.removeAttribute('aria-busy');
    say(item, failure);
  }
}

/** @param {HTMLElement} item */
function showPending(item, { wanted, known, stand }) {
  const hoped = { ...stand };
  if (known !== wanted) {
    if (known) hoped[`${known}s`] -= 1;
    if (wanted) hoped[`${wanted}s`] += 1;
  }
  showStand(item, hoped);
  showReaction(item, wanted);
  for (const button of buttonsOf(item)) button.setAttribute('aria-busy', 'true');
}

/** @param {HTMLElement} item @returns {HTMLElement[]} */
function buttonsOf(item) {
  return [.../** @type {NodeListOf<HTMLElement>} */ (item.querySelectorAll('[data-reaction]'))];
}

/** @param {HTMLElement} item @returns {string | null} the reaction that it shows as the user's */
function pressed(item) {
  return buttonsOf(item).find((button) => button.getAttribute('aria-pressed') === 'true')?.dataset.reaction ?? null;
}

/** @param {HTMLElement} item @param {string | null} reaction */
function showReaction(item, reaction) {
  for (const button of buttonsOf(item)) {
    const kind = button.dataset.reaction;
    button.setAttribute('aria-pressed', String(kind === reaction));
    button.setAttribute('value', kind === reaction ? '' : kind);
  }
}

/** @param {HTMLElement} item @returns {Stand} */
function standOf(item) {
  const counts = NAMES.map((name) => [name, Number(item.querySelector(`[data-count="${name}"]`)?.textContent ?? 0)]);
  return { version: Number(item.dataset.version), ...Object.fromEntries(counts) };
}

/** @param {HTMLElement} item @param {Stand} stand */
function showStand(item, stand) {
  item.dataset.version = String(stand.version);
  for (const name of NAMES) {
    const element = item.querySelector(`[data-count="${name}"]`);
    if (element && element.textContent !== String(stand[name])) element.textContent = String(stand[name]);
  }
}

/** @param {HTMLElement} item @param {string} text what is wrong; '' for nothing */
function say(item, text) {
  const error = field(item, 'error');
  if (!error) return; // it was deleted
  error.textContent = text;
  error.hidden = !text;
}
