import { randomKey } from '../outbox.js';

/** How often the other side is told that one types, in milliseconds; it holds for five seconds. */
const SAY_EVERY = 3_000;
/** How long one types before it is told, in milliseconds: who sends at once has said it by the message. */
const SAY_AFTER = 400;

/**
 * The form in which one writes: Enter sends, what was refused comes back into it, and the other side sees that one is
 * typing.
 */
export class Composer {
  /** What the server gave back: sent again unchanged, it keeps its key. */
  #refused = { body: '', key: '' };
  #saidAt = -Infinity;
  #planned = null;

  /**
   * @param {object} parts
   * @param {Document} parts.document
   * @param {string} parts.to
   * @param {import('../api.js').Api} parts.api
   * @param {import('../timers.js').Timers} parts.timers
   * @param {(entry: import('../outbox.js').Entry & {at: string}) => void} parts.onSend
   */
  constructor(parts) {
    this.parts = parts;
    this.form = parts.document.getElementById('send');
    this.error = parts.document.getElementById('send-error');
    this.input = /** @type {HTMLTextAreaElement} */ (this.form.querySelector('textarea'));
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.input.addEventListener('keydown', (event) => {
      // While an input method composes, Enter chooses a word.
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    });
    this.input.addEventListener('input', () => this.#sayTyping());
  }

  #submit() {
    const body = this.input.value;
    if (!body.trim()) return;
    const key = body === this.#refused.body ? this.#refused.key : randomKey();
    this.#refused = { body: '', key: '' };
    this.parts.timers.clear(this.#planned); // a message ends it on the other side
    this.#planned = null;
    this.#saidAt = -Infinity;
    this.input.value = '';
    this.say('');
    const { to, timers, onSend } = this.parts;
    onSend({ key, to, body, at: new Date(timers.now()).toISOString() });
  }

  /**
   * The text comes back, before whatever was typed since.
   *
   * @param {import('../outbox.js').Entry} entry
   * @param {string} reason
   */
  giveBack(entry, reason) {
    this.#refused = { body: entry.body, key: entry.key };
    this.input.value = this.input.value ? `${entry.body}\n${this.input.value}` : entry.body;
    this.say(reason);
  }

  /** @param {string} text what is wrong; '' for nothing */
  say(text) {
    this.error.textContent = text;
    this.error.hidden = !text;
  }

  #sayTyping() {
    const { timers } = this.parts;
    if (this.#planned !== null || timers.now() - this.#saidAt < SAY_EVERY) return;
    this.#planned = timers.set(() => {
      this.#planned = null;
      const { document, api, to } = this.parts;
      const { liveState } = document.documentElement.dataset;
      if ((liveState !== 'live' && liveState !== 'polling') || !this.input.value.trim()) return;
      this.#saidAt = timers.now();
      api.post('/messages/typing', { to }); // lost, it is said again in three seconds
    }, SAY_AFTER);
  }
}
