import { offer } from '../contents.js';
import { ReadMarker } from '../read-marker.js';
import { showPerson } from '../templates.js';
import { Composer } from './composer.js';
import { MessageList } from './message-list.js';
import { OlderMessages } from './older.js';
import { Presence } from './presence.js';
import { Scroller } from './scroller.js';

/** How long the line above what was new stays when all is read, in milliseconds. */
const LINE_STAYS = 10_000;

/**
 * One conversation. Its outbox outlives a page that is loaded anew; everything else is found again by `bind`.
 */
export class ChatPage {
  /** Own messages that may be answers still on their way to this tab: they wait until the answer says so. */
  #held = [];
  #lineEnd = null;
  /**
   * What comes at once is shown at once: how the page stood before, and what is to be done after all of it.
   *
   * @type {{wasAtEnd: boolean, isLooking: boolean, isLonger: boolean, newest: number, people: Map<string, any>} | null}
   */
  #together = null;

  /**
   * @param {object} parts
   * @param {Document} parts.document
   * @param {string} parts.user
   * @param {import('../strings.js').Strings} parts.strings
   * @param {import('../times.js').Times} parts.times
   * @param {import('../api.js').Api} parts.api
   * @param {import('../outbox.js').Outbox} parts.outbox
   * @param {import('../timers.js').Timers} parts.timers
   * @param {typeof fetch} parts.fetch
   * @param {string} parts.base
   * @param {() => number} parts.random
   * @param {(badges: any, latest: any) => void} parts.onBadges
   */
  constructor(parts) {
    this.parts = parts;
    const { document, outbox } = parts;
    outbox.onStored = (entry, message) => this.#stored(entry, message);
    outbox.onRefused = (entry, answer) => this.#wasRefused(entry, answer);
    outbox.onWaiting = (entry) => this.messages.markPending(entry.key, outbox.isCutOff ? 'waiting' : 'sending');
    for (const happening of ['visibilitychange', 'focusin', 'pointerdown', 'keydown']) {
      document.addEventListener(happening, () => this.settle());
    }
    document.addEventListener('keydown', ({ key }) => key === 'Tab' && this.messages.stops.aim());
    document.defaultView?.addEventListener('focus', () => this.settle());
    document.addEventListener('live:state', ({ detail }) => detail.transport || this.presence.setTyping(false));
    this.bind();
  }

  /** Find the elements of the page, also of one that has replaced another. */
  bind() {
    const { document, user, strings, times, outbox, fetch, timers, base } = this.parts;
    const list = document.querySelector('[data-chat]');
    this.other = list.dataset.chat;
    /** A page of older messages shows these only; new ones do not belong under them. */
    this.isHistory = list.dataset.history !== undefined;
    this.messages = new MessageList({ document, list, user, strings, times });
    this.presence = new Presence({ element: document.getElementById('presence'), strings });
    this.scroller = new Scroller(list.closest('[data-scroller]'));
    this.below = document.getElementById('below');
    const isPlain = this.isHistory || !document.getElementById('send'); // older ones; or one has blocked the other
    this.composer = isPlain ? null : this.#compose();
    for (const entry of outbox.entries) this.messages.addPending(entry);
    const { other, messages, scroller } = this;
    this.older = new OlderMessages({ document, fetch, timers, base, other, messages, scroller });
    scroller.element?.addEventListener('scroll', () => this.settle());
    this.below?.addEventListener('click', () => scroller.goToEnd());
    if (!this.reading) scroller.goUpTo(messages.line); // read is what one has come past
    this.#bindReading();
  }

  /** What is only ever current, and shown here. */
  get topics() {
    return [`presence:${this.other}`, `typing:${this.other}`];
  }

  /**
   * @param {string} topic
   * @param {{state?: string}} data
   */
  snapshot(topic, { state }) {
    if (topic === `presence:${this.other}`) this.presence.setOnline(state === 'online');
    else if (topic === `typing:${this.other}`) this.presence.setTyping(state === 'typing');
  }

  /**
   * Events that came at once: whatever `run` does to the page, it is measured once before and arranged once after.
   *
   * @param {() => void} run
   */
  together(run) {
    if (this.#together) return run();
    const { messages, reading, scroller } = this;
    const batch = { wasAtEnd: scroller.isAtEnd, isLooking: this.#isLooking(), isLonger: false, newest: 0, people: new Map() };
    this.#together = batch;
    try {
      messages.together(run);
    } finally {
      this.#together = null;
    }
    for (const person of batch.people.values()) this.#showPerson(person);
    if (batch.isLonger && batch.wasAtEnd) scroller.goToEnd();
    if (batch.newest) reading.show(batch.newest);
  }

  /** @param {import('../cursor.js').LiveEvent} event */
  apply({ kind, at, data }) {
    if (kind === 'message') this.together(() => this.#applyMessage({ ...data, at: data.at ?? at }));
    else if (kind === 'read') this.#applyRead(data);
    else if (kind === 'deleted' && data.kind === 'message' && data.with === this.other) this.messages.markDeleted(data.id);
    this.#endLine();
  }

  #applyMessage(message) {
    const { user, outbox } = this.parts;
    const isOwn = message.from === user;
    if ((isOwn ? message.to : message.from) !== this.other) return;
    const { from: name, from_name: displayName, avatar } = message;
    this.#together.people.set(name, { name, displayName, avatar });
    if (this.isHistory) return;
    if (isOwn && outbox.isSending(message.body)) this.#held.push(message);
    else this.#show(message);
  }

  #applyRead({ by, with: side, upto }) {
    if (by === this.other && side === this.parts.user) this.messages.markSeen(upto);
    if (by === this.parts.user && side === this.other) this.#wasRead(upto);
  }

  #show(message) {
    const batch = this.#together;
    const element = this.messages.add(message);
    if (!element) return;
    batch.isLonger = true;
    if (message.from === this.parts.user) return;
    if (!batch.wasAtEnd) this.#sayBelow('new-messages');
    if (this.#lineEnd !== null) this.#eraseLine();
    if (!batch.isLooking) this.messages.drawLine(element);
    this.presence.setTyping(false);
    batch.newest = Math.max(batch.newest, message.id);
  }

  #showPerson({ name, displayName, avatar }) {
    const { document } = this.parts;
    showPerson(document.querySelector('main'), { name, displayName, avatar });
    const login = document.getElementById('login');
    if (login && name === this.other) login.hidden = name === displayName; // said once, where both are the same
  }

  #isLooking() {
    const { document } = this.parts;
    return document.visibilityState === 'visible' && document.hasFocus() && (this.isHistory || this.scroller.isAtEnd);
  }

  #bindReading() {
    const { api, timers, random, onBadges } = this.parts;
    const { messages, other } = this;
    this.reading = new ReadMarker({
      timers,
      random,
      mark: (upto) => api.post('/messages/read', { with: other, upto }),
      isLooking: () => this.#isLooking(),
      onMarked: (upto, answer) => {
        this.#wasRead(upto);
        onBadges(answer?.badges, answer?.latest ?? answer?.seq);
      },
    });
    // Unread ones may be older than this page: its newest id covers them.
    if (Number(messages.list.dataset.unread)) this.reading.show(messages.newest);
    delete messages.list.dataset.unread;
  }

  #wasRead(upto) {
    this.reading.markedBefore(upto);
    this.messages.markRead(upto);
    this.#endLine();
  }

  /** Where nothing is new any more, the line goes in a while. */
  #endLine() {
    const { messages, parts } = this;
    if (messages.line && !messages.hasUnread) {
      this.#lineEnd ??= parts.timers.set(() => this.#eraseLine(), LINE_STAYS);
    }
  }

  #eraseLine() {
    this.parts.timers.clear(this.#lineEnd);
    this.#lineEnd = null;
    this.messages.eraseLine();
  }

  /** The user may be looking now. */
  settle() {
    if (this.scroller.isAtEnd) this.#sayBelow('');
    else if (this.below?.hidden) this.#sayBelow('newest');
    this.reading.settle();
  }

  /** @param {string} name of what the button that leads to the end says; '' takes it away */
  #sayBelow(name) {
    if (!this.below) return;
    // hidden, it would lose the focus to nowhere
    if (!name && this.parts.document.activeElement === this.below) this.scroller.takeFocus();
    this.below.hidden = !name;
    this.below.firstElementChild.textContent = this.parts.strings.get(name || 'newest');
  }

  #compose() {
    const { document, api, timers } = this.parts;
    const onSend = (entry) => {
      this.#eraseLine();
      this.messages.addPending(entry);
      this.scroller.goToEnd();
      this.parts.outbox.send(entry);
    };
    return new Composer({ document, to: this.other, api, timers, onSend });
  }

  #stored(entry, message) {
    const { body, at } = entry;
    this.messages.settle(entry.key, { at, ...message, body, from: this.parts.user });
    this.#release();
  }

  #wasRefused(entry, answer) {
    const { strings } = this.parts;
    this.messages.drop(entry.key);
    const reason = answer.status === 401 ? strings.get('state-signed-out') : answer.detail || strings.get('not-sent');
    this.composer?.giveBack(entry, reason);
    this.#release();
  }

  /** An answer came: what was held and is not on the page by now was sent somewhere else. */
  #release() {
    const held = this.#held;
    this.#held = [];
    this.together(() => {
      for (const message of held) this.#applyMessage(message);
    });
  }
}

offer('[data-chat]', ChatPage);
