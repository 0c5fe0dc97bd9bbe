import { setLinkedText } from '../links.js';
import { cloneTemplate, field, fill, setAvatar, setTime } from '../templates.js';

/** How one message is shown, as the server would show it. */
export class MessageItems {
  /** Ids of what was deleted, also of what comes to the page only later. */
  deleted = new Set();

  /**
   * @param {object} parts
   * @param {Document} parts.document
   * @param {string} parts.user
   * @param {import('../strings.js').Strings} parts.strings
   * @param {import('../times.js').Times} parts.times
   */
  constructor({ document, user, strings, times }) {
    this.document = document;
    this.user = user;
    this.strings = strings;
    this.times = times;
  }

  /**
   * @param {Record<string, any>} message as in a `message` event, with `at`
   * @returns {HTMLElement}
   */
  make(message) {
    const element = cloneTemplate(this.document, 'tpl-message');
    const isOwn = message.from === this.user;
    setLinkedText(field(element, 'body'), message.body);
    element.classList.add(isOwn ? 'message--own' : 'message--other');
    if (!isOwn && !message.read) element.classList.add('message--unread');
    if (isOwn) this.mark(element, 'sent');
    this.show(element, message);
    return element;
  }

  /**
   * Whose it is, and of when; of one that is stored also what can be done with it, and whether it was deleted.
   *
   * @param {HTMLElement} element
   * @param {Record<string, any>} message
   */
  show(element, message) {
    const { id, body, from, from_name: name, avatar, at } = message;
    fill(element, { from: name ?? from });
    for (const part of ['from', 'avatar']) field(element, part).dataset.person = from;
    setAvatar(element, avatar);
    setTime(element, at);
    this.times.localize(element);
    if (!id) return;
    if (!body || this.deleted.has(id)) this.empty(element);
    else this.#offer(element, id, from === this.user);
  }

  /** The way to the page where it can be deleted, or reported. */
  #offer(element, id, isOwn) {
    const more = field(element, 'more');
    const root = this.document.body.dataset.root ?? '';
    more.setAttribute('href', root + (isOwn ? `/messages/${id}/delete` : `/reports/new?message=${id}`));
    more.setAttribute('title', this.strings.get(isOwn ? 'delete' : 'report'));
    more.hidden = false;
  }

  /** @param {HTMLElement} element becomes what the server shows of one that was deleted */
  empty(element) {
    // what is within it goes: from there the keyboard scrolls on
    if (element.contains(this.document.activeElement)) element.closest('[data-scroller]')?.focus({ preventScroll: true });
    element.classList.add('message--deleted');
    element.classList.remove('message--unread');
    field(element, 'body').textContent = this.strings.get('deleted');
    const mark = field(element, 'mark');
    mark.removeAttribute('data-mark');
    mark.textContent = '';
    mark.hidden = true;
    const more = field(element, 'more');
    for (const name of ['href', 'title', 'tabindex']) more.removeAttribute(name);
    more.hidden = true;
  }

  /**
   * @param {HTMLElement} element
   * @param {string} name of the text that says how it stands
   */
  mark(element, name) {
    const mark = field(element, 'mark');
    mark.dataset.mark = name;
    mark.textContent = this.strings.get(name);
    mark.hidden = false;
  }
}
