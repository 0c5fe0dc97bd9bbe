import { cloneTemplate, field, fill, setAvatar, setTime } from '../templates.js';
import { localizeTimes } from '../times.js';

/** The list of conversations, newest first, each with its last message and what is unread in it. */
export class ConversationsPage {
  /** @type {Map<string, number[]>} by name, ids of the unread messages that came since the page was loaded */
  #arrived = new Map();
  /** Grows with every count that is asked for, so that only the latest answer counts. */
  #asked = 0;

  /**
   * @param {object} parts
   * @param {Document} parts.document
   * @param {string} parts.user
   * @param {import('../strings.js').Strings} parts.strings
   * @param {typeof fetch} parts.fetch
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
    this.empty = document.getElementById('no-conversations');
    this.#arrived.clear();
    this.#asked += 1; // what was asked for the page before counts no more
  }

  /** @param {import('../cursor.js').LiveEvent} event */
  apply(event) {
    if (event.kind === 'message') this.#applyMessage({ ...event.data, at: event.data.at ?? event.at });
    else if (event.kind === 'read' && event.data.by === this.parts.user) this.#applyRead(event.data);
  }

  #applyMessage(message) {
    const { user, strings } = this.parts;
    const isOwn = message.from === user;
    const other = isOwn ? message.to : message.from;
    const found = this.#find(other);
    if (found && Number(found.dataset.lastId) >= message.id) return;
    const item = found ?? this.#make(other, message, isOwn);
    item.dataset.lastId = String(message.id);
    fill(item, { body: message.body, you: isOwn ? `${strings.get('you')} ` : '' });
    setTime(item, message.at);
    localizeTimes(item);
    if (!isOwn) {
      this.#arrived.set(other, [...(this.#arrived.get(other) ?? []), message.id]);
      this.#showUnread(item);
    }
    this.#raise(item);
  }

  #applyRead({ with: other, upto }) {
    const item = this.#find(other);
    if (!item) return;
    if (upto >= Number(item.dataset.loadedId)) item.dataset.loadedUnread = '0';
    else if (item.dataset.loadedUnread !== '0') this.#recount();
    this.#arrived.set(other, (this.#arrived.get(other) ?? []).filter((id) => id > upto));
    this.#showUnread(item);
  }

  /** Some of what was unread when the page was loaded has been read; only the server knows how much. */
  async #recount() {
    this.#asked += 1;
    const asked = this.#asked;
    const found = await this.#askAgain();
    if (asked !== this.#asked) return;
    for (const { with: name, last, unread } of found) {
      const item = this.#find(name);
      if (!item) continue;
      Object.assign(item.dataset, { loadedId: String(last.id), loadedUnread: String(unread) });
      this.#showUnread(item);
    }
  }

  /** @returns {Promise<any[]>} the conversations as they are now; none where there is no answer, and nothing changes */
  async #askAgain() {
    const { fetch, base } = this.parts;
    const options = { credentials: 'same-origin', cache: 'no-store', headers: { Accept: 'application/json' } };
    try {
      const response = await fetch(`${base}/messages/conversations`, options);
      return response.ok ? (await response.json()).conversations : [];
    } catch {
      return [];
    }
  }

  /** To the top; one that is there already is left alone, and with it the keyboard's focus. */
  #raise(item) {
    if (this.list.firstElementChild !== item) {
      const focused = item.contains(this.parts.document.activeElement) ? this.parts.document.activeElement : null;
      this.list.insertBefore(item, this.list.firstElementChild);
      focused?.focus({ preventScroll: true });
    }
    if (this.empty) this.empty.hidden = true;
  }

  #make(other, message, isOwn) {
    const item = cloneTemplate(this.parts.document, 'tpl-conversation');
    const name = isOwn ? other : (message.from_name ?? other);
    Object.assign(item.dataset, { conversation: other, loadedId: '0', loadedUnread: '0' });
    item.querySelector('a').href = this.list.dataset.conversations.replace('__name__', encodeURIComponent(other));
    fill(item, { name });
    setAvatar(item, name, isOwn ? null : message.avatar);
    return item;
  }

  #showUnread(item) {
    const { conversation, loadedId, loadedUnread } = item.dataset;
    const arrived = (this.#arrived.get(conversation) ?? []).filter((id) => id > Number(loadedId));
    const unread = Number(loadedUnread) + arrived.length;
    const badge = field(item, 'unread');
    badge.textContent = String(unread);
    badge.hidden = unread === 0;
    item.classList.toggle('conversation--unread', unread > 0);
  }

  #find(name) {
    return [...this.list.children].find((item) => item.dataset.conversation === name);
  }
}
