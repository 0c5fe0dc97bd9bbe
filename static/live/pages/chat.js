import { randomKey } from '../outbox.js';
import { ReadMarker } from '../read-marker.js';
import { MessageList } from './message-list.js';

/**
 * One conversation. Its outbox outlives a page that is loaded anew; everything else is found again by `bind`.
 */
export class ChatPage {
  /** Own messages that may be answers still on their way to this tab: they wait until the answer says so. */
  #held = [];
  /** What the server gave back: sent again unchanged, it keeps its key. */
  #refused = { body: '', key: '' };

  /**
   * @param {object} parts
   * @param {Document} parts.document
   * @param {string} parts.user
   * @param {import('../strings.js').Strings} parts.strings
   * @param {import('../api.js').Api} parts.api
   * @param {import('../outbox.js').Outbox} parts.outbox
   * @param {import('../timers.js').Timers} parts.timers
   * @param {() => number} parts.random
   * @param {(badges: any, latest: any) => void} parts.onBadges
   */
  constructor(parts) {
    this.parts = parts;
    const { document, outbox } = parts;
    outbox.onStored = (entry, message) => this.#stored(entry, message);
    outbox.onRefused = (entry, answer) => this.#wasRefused(entry, answer);
    outbox.onWaiting = (entry) => this.messages.markPending(entry.key, 'waiting');
    for (const happening of ['visibilitychange', 'focusin', 'pointerdown', 'keydown']) {
      document.addEventListener(happening, () => this.settle());
    }
    document.defaultView?.addEventListener('focus', () => this.settle());
    this.bind();
  }

  /** Find the elements of the page, also of one that has replaced another. */
  bind() {
    const { document, user, strings } = this.parts;
    const list = document.querySelector('[data-chat]');
    this.other = list.dataset.chat;
    /** A page of older messages shows these only; new ones do not belong under them. */
    this.isHistory = list.dataset.history !== undefined;
    this.messages = new MessageList({ document, list, user, strings });
    this.form = document.getElementById('send');
    this.error = document.getElementById('send-error');
    this.below = document.getElementById('below');
    this.#bindForm();
    for (const entry of this.parts.outbox.entries) this.messages.addPending(entry);
    this.messages.scroller?.addEventListener('scroll', () => this.settle());
    this.below?.addEventListener('click', () => this.messages.goToEnd());
    this.#bindReading();
  }

  /** @param {import('../cursor.js').LiveEvent} event */
  apply(event) {
    if (event.kind === 'message') this.#applyMessage({ ...event.data, at: event.data.at ?? event.at });
    else if (event.kind === 'read') this.#applyRead(event.data);
  }

  #applyMessage(message) {
    const { user, outbox } = this.parts;
    const isOwn = message.from === user;
    if (this.isHistory || (isOwn ? message.to : message.from) !== this.other) return;
    if (isOwn && outbox.isSending(message.body)) this.#held.push(message);
    else this.#show(message);
  }

  #applyRead({ by, with: side, upto }) {
    if (by === this.other && side === this.parts.user) this.messages.markSeen(upto);
    if (by === this.parts.user && side === this.other) this.#wasRead(upto);
  }

  #show(message) {
    const { messages } = this;
    const wasAtEnd = messages.isAtEnd;
    if (!messages.add(message)) return;
    if (wasAtEnd) messages.goToEnd();
    const isOwn = message.from === this.parts.user;
    if (!wasAtEnd && !isOwn && this.below) this.below.hidden = false;
    if (!isOwn) this.reading.show(message.id);
  }

  #bindReading() {
    const { document, api, timers, random, onBadges } = this.parts;
    this.reading = new ReadMarker({
      api,
      timers,
      random,
      with: this.other,
      isLooking: () =>
        document.visibilityState === 'visible' && document.hasFocus() && (this.isHistory || this.messages.isAtEnd),
      onMarked: (upto, answer) => {
        this.#wasRead(upto);
        onBadges(answer?.badges, answer?.latest ?? answer?.seq);
      },
    });
    const button = document.getElementById('mark-read');
    if (button) button.hidden = true;
    // Unread ones may be older than this page: its newest id covers them.
    const upto = this.messages.newestUnread || (button ? Number(this.messages.list.dataset.upto) : 0);
    if (upto) this.reading.show(upto);
  }

  #wasRead(upto) {
    this.reading.markedBefore(upto);
    this.messages.markRead(upto);
  }

  /** The user may be looking now. */
  settle() {
    if (this.below && this.messages.isAtEnd) this.below.hidden = true;
    this.reading.settle();
  }

  #bindForm() {
    if (!this.form || this.isHistory) return; // sent as a form, it leads to the newest messages
    this.input = this.form.querySelector('textarea');
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
  }

  #submit() {
    const body = this.input.value;
    if (!body.trim()) return;
    const key = body === this.#refused.body ? this.#refused.key : randomKey();
    const entry = { key, to: this.other, body, at: new Date(this.parts.timers.now()).toISOString() };
    this.#refused = { body: '', key: '' };
    this.input.value = '';
    this.#say('');
    this.messages.addPending(entry);
    this.messages.goToEnd();
    this.parts.outbox.send(entry);
  }

  #stored(entry, message) {
    const { body, at } = entry;
    this.messages.settle(entry.key, { at, ...message, body, from: this.parts.user });
    this.#release();
  }

  #wasRefused(entry, answer) {
    const { strings } = this.parts;
    this.messages.drop(entry.key);
    this.#refused = { body: entry.body, key: entry.key };
    this.input.value = this.input.value ? `${entry.body}\n${this.input.value}` : entry.body;
    this.#say(answer.status === 401 ? strings.get('state-signed-out') : answer.detail || strings.get('not-sent'));
    this.#release();
  }

  /** An answer came: what was held and is not on the page by now was sent somewhere else. */
  #release() {
    const held = this.#held;
    this.#held = [];
    for (const message of held) this.#applyMessage(message);
  }

  #say(text) {
    this.error.textContent = text;
    this.error.hidden = !text;
  }
}
