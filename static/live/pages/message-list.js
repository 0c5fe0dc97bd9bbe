import { cloneTemplate, field, fill, setAvatar, setTime } from '../templates.js';
import { localizeTimes } from '../times.js';

/** How far from the end still counts as being there, in pixels. */
const NEAR = 48;

/**
 * The messages of one conversation on the page: each id once, in order, those on their way at the end.
 *
 * The scroller is a reversed column: its position 0 is the end, and the browser holds it there by itself.
 */
export class MessageList {
  /**
   * @param {object} parts
   * @param {Document} parts.document
   * @param {HTMLElement} parts.list `<ol data-chat>`
   * @param {string} parts.user
   * @param {import('../strings.js').Strings} parts.strings
   */
  constructor({ document, list, user, strings }) {
    this.document = document;
    this.list = list;
    this.user = user;
    this.strings = strings;
    this.scroller = list.closest('[data-scroller]');
    this.empty = document.getElementById('no-messages');
    /** The other side has read up to here; one's own message may be stored, read, and only then answered. */
    this.seen = 0;
  }

  get isAtEnd() {
    return !this.scroller || Math.abs(this.scroller.scrollTop) <= NEAR;
  }

  goToEnd() {
    if (this.scroller) this.scroller.scrollTop = 0;
  }

  /** @param {number} id */
  has(id) {
    return this.list.querySelector(`[data-message-id="${Number(id)}"]`) !== null;
  }

  /**
   * @param {Record<string, any>} message as in a `message` event, with `at`
   * @returns {boolean} false when it is on the page already
   */
  add(message) {
    if (this.has(message.id)) return false;
    this.#place(this.#make(message), message.id);
    return true;
  }

  /** @param {import('../outbox.js').Entry & {at: string}} entry */
  addPending(entry) {
    const element = this.#make({ ...entry, from: this.user });
    element.dataset.key = entry.key;
    element.classList.add('message--pending');
    this.#mark(element, 'sending');
    this.list.append(element);
    this.#showWhetherEmpty();
  }

  /**
   * @param {string} key
   * @param {string} name of the text that says how it stands
   */
  markPending(key, name) {
    const element = this.#pending(key);
    if (element) this.#mark(element, name);
  }

  /**
   * A message on its way has been stored: it becomes a message like any other.
   *
   * @param {string} key
   * @param {Record<string, any>} message
   */
  settle(key, message) {
    const element = this.#pending(key);
    if (!element || this.has(message.id)) {
      this.drop(key);
      this.add(message);
      return;
    }
    delete element.dataset.key;
    element.classList.remove('message--pending');
    setTime(element, message.at);
    localizeTimes(element);
    const isSeen = message.read || message.id <= this.seen;
    if (isSeen) this.#mark(element, 'seen');
    else field(element, 'mark').hidden = true;
    this.#place(element, message.id);
  }

  /** @param {string} key */
  drop(key) {
    this.#pending(key)?.remove();
    this.#showWhetherEmpty();
  }

  /** @param {number} upto the other side has read up to here */
  markSeen(upto) {
    this.seen = Math.max(this.seen, upto);
    for (const element of this.list.querySelectorAll('.message--own[data-message-id]')) {
      if (Number(element.dataset.messageId) <= upto) this.#mark(element, 'seen');
    }
  }

  /** @param {number} upto the user has read up to here */
  markRead(upto) {
    for (const element of this.list.querySelectorAll('.message--unread')) {
      if (Number(element.dataset.messageId) <= upto) element.classList.remove('message--unread');
    }
  }

  /** @returns {number} id of the newest unread message on the page, 0 when there is none */
  get newestUnread() {
    const unread = [...this.list.querySelectorAll('.message--unread')];
    return unread.reduce((newest, element) => Math.max(newest, Number(element.dataset.messageId)), 0);
  }

  #make(message) {
    const element = cloneTemplate(this.document, 'tpl-message');
    const isOwn = message.from === this.user;
    const name = message.from_name ?? message.from;
    fill(element, { from: name, body: message.body });
    setAvatar(element, name, message.avatar);
    setTime(element, message.at);
    localizeTimes(element);
    element.classList.add(isOwn ? 'message--own' : 'message--other');
    if (!isOwn && !message.read) element.classList.add('message--unread');
    if (isOwn && (message.read || message.id <= this.seen)) this.#mark(element, 'seen');
    return element;
  }

  #place(element, id) {
    element.dataset.messageId = String(id);
    let before = null;
    for (let other = this.list.lastElementChild; other; other = other.previousElementSibling) {
      if (other.dataset.messageId && Number(other.dataset.messageId) < id) break;
      if (other !== element) before = other;
    }
    const isInPlace = element.parentNode === this.list && element.nextElementSibling === before;
    if (!isInPlace) this.list.insertBefore(element, before); // moved, it would be read out again
    this.#showWhetherEmpty();
  }

  #mark(element, name) {
    const mark = field(element, 'mark');
    mark.textContent = this.strings.get(name);
    mark.hidden = false;
  }

  #pending(key) {
    return this.list.querySelector(`[data-key="${key}"]`);
  }

  #showWhetherEmpty() {
    if (this.empty) this.empty.hidden = this.list.children.length > 0;
  }
}
