import { cloneTemplate, field, setMessage, setTime } from '../templates.js';
import { arrangeDays } from './days.js';
import { MessageItems } from './message-items.js';
import { Roving } from './roving.js';

/**
 * The messages of one conversation on the page: each id once, in order, those on their way at the end; before the first
 * of a day its name.
 */
export class MessageList {
  /**
   * @param {object} parts
   * @param {Document} parts.document
   * @param {HTMLElement} parts.list `<ol data-chat>`
   * @param {string} parts.user
   * @param {import('../strings.js').Strings} parts.strings
   * @param {import('../times.js').Times} parts.times
   */
  constructor({ document, list, user, strings, times }) {
    this.document = document;
    this.list = list;
    this.user = user;
    this.times = times;
    this.items = new MessageItems({ document, user, strings, times });
    this.stops = new Roving(list, '[data-field="more"]');
    this.log = list.closest('[role=log]');
    this.empty = document.getElementById('no-messages');
    this.arrange();
  }

  #isTogether = false;

  /**
   * Several changes, arranged once when all are made.
   *
   * @param {() => void} run
   */
  together(run) {
    this.#isTogether = true;
    try {
      run();
    } finally {
      this.#isTogether = false;
    }
    this.arrange();
  }

  /** @returns {number} the other side has read up to here; one's own message may be stored, read, and only then answered */
  get seen() {
    return Number(this.list.dataset.seen ?? 0);
  }

  /** @returns {HTMLElement[]} those that are stored, in order */
  get stored() {
    return [.../** @type {NodeListOf<HTMLElement>} */ (this.list.querySelectorAll('[data-message-id]'))];
  }

  /** @returns {number} id of the oldest message on the page, 0 when there is none */
  get oldest() {
    return Number(this.stored[0]?.dataset.messageId ?? 0);
  }

  /** @returns {number} id of the newest message on the page, 0 when there is none */
  get newest() {
    return Number(this.stored.at(-1)?.dataset.messageId ?? 0);
  }

  /** @param {number} id */
  find(id) {
    return this.list.querySelector(`[data-message-id="${Number(id)}"]`);
  }

  /**
   * @param {Record<string, any>} message as in a `message` event, with `at`
   * @returns {HTMLElement | null} null when it is on the page already
   */
  add(message) {
    if (this.find(message.id)) return null;
    const element = this.items.make(message);
    this.#place(element, message.id);
    this.arrange();
    return element;
  }

  /** @param {Record<string, any>[]} messages from before those on the page, the newest first */
  addOlder(messages) {
    this.log?.setAttribute('aria-busy', 'true'); // what is older is no news to read out
    for (const message of messages) {
      if (this.find(message.id)) continue;
      const element = this.items.make(message);
      setMessage(element, message.id);
      this.list.insertBefore(element, this.list.firstElementChild);
    }
    this.arrange();
    this.log?.removeAttribute('aria-busy');
  }

  /** @param {import('../outbox.js').Entry & {at: string}} entry */
  addPending(entry) {
    const element = this.items.make({ ...entry, from: this.user });
    element.dataset.key = entry.key;
    element.classList.add('message--pending');
    this.items.mark(element, 'sending');
    this.list.append(element);
    this.arrange();
  }

  /**
   * @param {string} key
   * @param {string} name of the text that says how it stands
   */
  markPending(key, name) {
    const element = this.#pending(key);
    if (element) this.items.mark(element, name);
  }

  /**
   * A message on its way has been stored: it becomes a message like any other.
   *
   * @param {string} key
   * @param {Record<string, any>} message
   */
  settle(key, message) {
    const element = this.#pending(key);
    if (!element || this.find(message.id)) {
      this.drop(key);
      this.add(message);
      return;
    }
    delete element.dataset.key;
    element.classList.remove('message--pending');
    this.items.mark(element, 'sent');
    this.items.show(element, message);
    this.#place(element, message.id);
    this.arrange();
  }

  /** @param {string} key */
  drop(key) {
    this.#pending(key)?.remove();
    this.arrange();
  }

  /** @param {number} upto the other side has read up to here */
  markSeen(upto) {
    if (upto <= this.seen) return;
    this.list.dataset.seen = String(upto);
    this.#showSeen();
  }

  /** @param {number} upto the user has read up to here */
  markRead(upto) {
    for (const element of this.list.querySelectorAll('.message--unread')) {
      if (Number(element.dataset.messageId) <= upto) element.classList.remove('message--unread');
    }
  }

  /** @param {number} id of a message that has lost its content */
  markDeleted(id) {
    this.items.deleted.add(id);
    const element = this.find(id);
    if (!element) return;
    this.items.empty(element);
    this.arrange();
  }

  get hasUnread() {
    return this.list.querySelector('.message--unread') !== null;
  }

  /** @param {HTMLElement} element before which a line says that all from here on is new */
  drawLine(element) {
    if (this.line) return;
    this.list.insertBefore(cloneTemplate(this.document, 'tpl-unread-line'), element);
    this.arrange();
  }

  eraseLine() {
    this.line?.remove();
  }

  get line() {
    return this.list.querySelector('.unread');
  }

  #place(element, id) {
    setMessage(element, id);
    let before = null;
    for (let other = this.list.lastElementChild; other; other = other.previousElementSibling) {
      if (other.dataset.messageId && Number(other.dataset.messageId) < id) break;
      if (other !== element && (other.dataset.messageId || other.dataset.key)) before = other;
    }
    let next = element.nextElementSibling; // days are arranged later
    while (next && !next.dataset.messageId && !next.dataset.key) next = next.nextElementSibling;
    const isInPlace = element.parentNode === this.list && next === before;
    if (!isInPlace) this.list.insertBefore(element, before); // moved, it would be read out again
  }

  /** After something was added, moved or taken away: days, the mark of what was seen, the words for an empty list. */
  arrange() {
    if (this.#isTogether) return;
    arrangeDays(this.list, (day) => this.#makeDay(day));
    this.stops.arrange();
    this.#showSeen();
    if (!this.empty) return;
    if (this.list.firstElementChild) this.empty.remove();
    else if (!this.empty.parentNode) this.log.parentNode.insertBefore(this.empty, this.log);
  }

  /** The last of one's own messages that the other side has read says so, and no other. */
  #showSeen() {
    const own = [...this.list.querySelectorAll('.message--own[data-message-id]')].filter(
      (element) => !element.classList.contains('message--deleted'),
    );
    const last = own.findLast((element) => Number(element.dataset.messageId) <= this.seen);
    for (const element of own) {
      const mark = element === last ? 'seen' : 'sent';
      if (field(element, 'mark').dataset.mark !== mark) this.items.mark(element, mark);
    }
  }

  #makeDay(day) {
    const divider = cloneTemplate(this.document, 'tpl-day');
    divider.dataset.day = day;
    setTime(divider, day);
    this.times.localize(divider);
    return divider;
  }

  #pending(key) {
    return this.list.querySelector(`[data-key="${key}"]`);
  }
}
