import { isCutOff, isTemporary } from '../api.js';
import { Outage } from '../outage.js';
import { Pause } from '../pause.js';
import { cloneTemplate } from '../templates.js';
import { pressed, say, showPending, showReaction, showSettled, showStand, standOf } from './post-view.js';

/**
 * @typedef {object} Pending what the user thinks of a post, on its way
 * @property {string | null} wanted what the user wants to think of it: whatever was pressed last
 * @property {string | null} known what the server knows of that, as far as it has said
 * @property {import('./post-view.js').Stand} stand the counts with what is known
 * @property {import('./post-view.js').Stand} newest the newest counts; these may have in them already what is still on its way
 * @property {Pause} pause until the next try
 * @property {boolean} isCutOff it waits for the network
 * @property {boolean} isLeft the page has gone since
 */

/**
 * The posts on a page: their counts, and what the user thinks of them.
 *
 * Promise: what is newer by its version is never replaced by what is older, whichever way it came: with the page, by an
 * answer, or as the post's topic. While a reaction is on its way the counts show how they would be with it; then they are
 * as the server says. It is tried until the server has it or refuses it, or the page goes. In other windows of the same
 * browser the buttons show what was pressed in this one.
 */
export class PostItems {
  /** By post. @type {Map<number, Pending>} */
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
    const { document } = parts;
    document.addEventListener('live:state', ({ detail }) => detail.transport && this.#hurry());
    document.defaultView?.addEventListener('online', () => this.#hurry());
    document.defaultView?.addEventListener('pagehide', () => this.#leave());
    const { BroadcastChannel } = document.defaultView ?? {};
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
   * @param {import('./post-view.js').Stand} stand
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

  /** The page was loaded anew: what is on its way is shown there too, on top of what the server says by now. */
  bind() {
    for (const [id, pending] of this.#pending) {
      const item = this.find(id);
      if (!item) continue;
      const stand = standOf(item);
      if (stand.version > pending.newest.version) Object.assign(pending, { known: pressed(item), stand, newest: stand });
      showPending(item, pending);
    }
  }

  /** @param {HTMLElement} button of a reaction, which takes it back where it is pressed */
  async press(button) {
    const item = /** @type {HTMLElement} */ (button.closest('[data-post]'));
    const id = Number(item.dataset.post);
    const wanted = button.getAttribute('aria-pressed') === 'true' ? null : button.dataset.reaction;
    const running = this.#pending.get(id);
    const pending = running ?? this.#begin(item);
    pending.wanted = wanted;
    pending.isLeft = false;
    say(item, '');
    showPending(item, pending);
    if (running) return; // it goes on with what is wanted now
    this.#pending.set(id, pending);
    const failure = await this.#send(id, pending);
    this.#pending.delete(id);
    this.#settle(id, pending, failure);
  }

  /** @param {HTMLElement} item @returns {Pending} */
  #begin(item) {
    const stand = standOf(item);
    const known = pressed(item);
    const pause = new Pause(this.parts.timers);
    return { wanted: known, known, stand, newest: stand, pause, isCutOff: false, isLeft: false };
  }

  /** The server can be reached again. */
  #hurry() {
    for (const { pause } of this.#pending.values()) pause.hurry();
  }

  /** The page goes; should the browser show it again, it says what was not done. */
  #leave() {
    for (const pending of this.#pending.values()) {
      pending.isLeft = true;
      pending.pause.end();
    }
  }

  /** @returns {Promise<string>} what went wrong; '' for nothing */
  async #send(id, pending) {
    const { api, timers, random, strings } = this.parts;
    const outage = new Outage(timers, random);
    let isUnsure = false; // what no answer came to may have been stored all the same
    while (isUnsure || pending.wanted !== pending.known) {
      const answer = await api.put(`/posts/${id}/reaction`, { reaction: pending.wanted });
      pending.isCutOff = isCutOff(answer);
      isUnsure = !answer.body && (isUnsure || pending.isCutOff);
      if (answer.body) {
        this.#learn(id, pending, answer.body);
        outage.end();
        continue;
      }
      if (isTemporary(answer) && !pending.isLeft) {
        const ms = outage.failed();
        const item = this.find(id);
        if (item) showPending(item, pending);
        await pending.pause.wait(answer.after ?? ms, !pending.isCutOff);
        if (!pending.isLeft) continue;
      }
      if (answer.status === 401) return strings.get('state-signed-out');
      return (!isTemporary(answer) && answer.detail) || strings.get('not-done');
    }
    return '';
  }

  /** What the server says that the user thinks of it, and the counts with that. */
  #learn(id, pending, { reaction, counts, version }) {
    pending.known = reaction;
    this.take(id, { ...counts, version });
    this.#answered.set(id, version);
    this.#windows?.postMessage({ id, reaction, stand: { ...counts, version } });
    pending.stand = pending.newest;
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
    showSettled(item, known);
    say(item, failure);
  }
}
