import { offer } from '../contents.js';
import { fetchWithin, sameOrigin } from '../http.js';
import { asShown } from '../links.js';
import { cloneTemplate, field, fill, setAvatar, setTime } from '../templates.js';

/** The most of a message's text that the list shows, in code points; the server cuts as well. */
const EXCERPT = 200;

/** The list of conversations, newest first, each with its last message and what is unread in it. */
export class ConversationsPage {
  /**
   * What is unread, by name: how many there were when the server last counted, up to which id it counted, and the ids
   * that came since.
   *
   * @type {Map<string, {counted: number, upto: number, arrived: number[]}>}
   */
  #unread = new Map();
  /** Grows with every count that is asked for, so that only the latest answer counts. */
  #asked = 0;

  topics = [];

  /**
   * @param {object} parts
   * @param {Document} parts.document
   * @param {string} parts.user
   * @param {import('../strings.js').Strings} parts.strings
   * @param {import('../times.js').Times} parts.times
   * @param {typeof fetch} parts.fetch
   * @param {import('../timers.js').Timers} parts.timers
   * @param {string} parts.base
   */
  constructor(parts) {
    this.parts = parts;
    this.bind();
  }

  /** Find the elements of the page, also of one that has replaced another. */
  bind() {
    const { document } = this.parts;
    this.list = document.querySelector('[data-conversations]');
    this.#unread.clear();
    for (const item of this.list.children) {
      const counted = Number(field(item, 'unread')?.textContent ?? 0);
      this.#unread.set(item.dataset.conversation, { counted, upto: Number(item.dataset.lastId), arrived: [] });
    }
    this.#asked += 1; // what was asked for the page before counts no more
  }

  /** Events that came at once need no more care here than one. @param {() => void} run */
  together(run) {
    run();
  }

  /** It watches nothing. */
  snapshot() {}

  /** @param {import('../cursor.js').LiveEvent} event */
  apply(event) {
    if (event.kind === 'message') this.#applyMessage({ ...event.data, at: event.data.at ?? event.at });
    else if (event.kind === 'read' && event.data.by === this.parts.user) this.#applyRead(event.data);
    else if (event.kind === 'deleted' && event.data.kind === 'message') this.#applyDeleted(event.data);
  }

  #applyMessage(message) {
    const { user, strings, times } = this.parts;
    const isOwn = message.from === user;
    const other = isOwn ? message.to : message.from;
    const found = this.#find(other);
    if (found && Number(found.dataset.lastId) >= message.id) return;
    const item = found ?? this.#make(other, isOwn);
    item.dataset.lastId = String(message.id);
    const body = asShown([...message.body].slice(0, EXCERPT).join('')) || strings.get('deleted');
    fill(item, { body, you: isOwn ? strings.get('you') : '' });
    setTime(item, message.at);
    times.localize(item);
    if (!isOwn) {
      this.#introduce(item, other, message.from_name ?? other, message.avatar);
      this.#unread.get(other).arrived.push(message.id);
      this.#showUnread(item);
    }
    this.#raise(item);
  }

  #applyRead({ with: other, upto }) {
    const item = this.#find(other);
    if (!item) return;
    const unread = this.#unread.get(other);
    if (upto >= unread.upto) unread.counted = 0;
    else if (unread.counted > 0) this.#recount();
    unread.arrived = unread.arrived.filter((id) => id > upto);
    this.#showUnread(item);
  }

  #applyDeleted({ with: other, id }) {
    const item = this.#find(other);
    if (!item) return;
    if (Number(item.dataset.lastId) === id) fill(item, { body: this.parts.strings.get('deleted') });
    const unread = this.#unread.get(other);
    if (unread.arrived.includes(id)) unread.arrived = unread.arrived.filter((one) => one !== id);
    else if (unread.counted > 0) this.#recount();
    this.#showUnread(item);
  }

  /** Some of what was unread when the page was loaded has been read; only the server knows how much. */
  async #recount() {
    this.#asked += 1;
    const asked = this.#asked;
    const { conversations } = (await this.#ask('/messages/conversations')) ?? { conversations: [] };
    if (asked !== this.#asked) return;
    for (const { with: name, last, unread } of conversations) {
      const item = this.#find(name);
      if (!item) continue;
      this.#unread.set(name, { ...this.#unread.get(name), counted: unread, upto: last.id });
      this.#showUnread(item);
    }
  }

  /** @returns {Promise<any>} what is there now; null where there is no answer, and nothing changes */
  async #ask(path) {
    const read = async (response) => (response.ok ? response.json() : null);
    return fetchWithin(this.parts, this.parts.base + path, sameOrigin('application/json'), read).catch(() => null);
  }

  /** To the top; one that is there already is left alone, and with it the keyboard's focus. */
  #raise(item) {
    const { document } = this.parts;
    if (this.list.firstElementChild !== item) {
      const focused = item.contains(document.activeElement) ? document.activeElement : null;
      this.list.insertBefore(item, this.list.firstElementChild);
      focused?.focus({ preventScroll: true });
    }
    document.getElementById('no-conversations')?.remove();
  }

  #make(other, isOwn) {
    const item = cloneTemplate(this.parts.document, 'tpl-conversation');
    item.dataset.conversation = other;
    const address = this.list.dataset.conversations.replace('__name__', encodeURIComponent(other));
    item.querySelector('a').setAttribute('href', address);
    this.#unread.set(other, { counted: 0, upto: 0, arrived: [] });
    this.#introduce(item, other, other, null);
    if (isOwn) this.#askWho(item, other); // the event says only whom it was for
    return item;
  }

  async #askWho(item, name) {
    const person = await this.#ask(`/users/${encodeURIComponent(name)}`);
    if (person) this.#introduce(item, name, person.display_name, person.avatar);
  }

  /** What somebody is called, by which name they are found where that is another one, and their picture. */
  #introduce(item, name, displayName, avatar) {
    fill(item, { name: displayName, login: name });
    field(item, 'login').hidden = name === displayName;
    setAvatar(item, avatar);
  }

  #showUnread(item) {
    const { counted, upto, arrived } = this.#unread.get(item.dataset.conversation);
    const unread = counted + arrived.filter((id) => id > upto).length; // a count may hold what comes only now
    const badge = field(item, 'unread');
    if (unread === 0) badge?.remove();
    else if (badge) fill(item, { unread });
    else this.#addBadge(item, unread);
    item.classList.toggle('conversation--unread', unread > 0);
  }

  #addBadge(item, unread) {
    const badge = cloneTemplate(this.parts.document, 'tpl-badge');
    badge.textContent = String(unread);
    field(item, 'last').append(badge);
  }

  #find(name) {
    return [...this.list.children].find((item) => item.dataset.conversation === name);
  }
}

offer('[data-conversations]', ConversationsPage);
