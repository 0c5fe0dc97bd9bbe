import { loadPage } from '../http.js';

/** The topic of the feed names so many posts, if there are so many. */
const RECENT = 20;

/**
 * What is newer than the posts or replies in a list: a button says how much there is, and puts it in as the server renders
 * it. Everything else on the page stays as it is, and where it is.
 */
export class NewerPosts {
  /** What the topics have said last: of the feed its newest posts, of a thread the number of replies. */
  #recent = [];
  #replies = 0;
  #isLoading = false;
  #isStale = false;

  /**
   * @param {object} parts
   * @param {Document} parts.document
   * @param {string} parts.user
   * @param {import('../strings.js').Strings} parts.strings
   * @param {typeof fetch} parts.fetch
   * @param {{new (): DOMParser}} parts.DOMParser
   * @param {import('../timers.js').Timers} parts.timers
   * @param {string} parts.base
   * @param {() => boolean} parts.isSending whether the user has just written something, which comes by itself
   * @param {() => void} parts.onShown posts have come, or gone
   */
  constructor(parts) {
    this.parts = parts;
  }

  /** Find the elements of the page, also of one that has replaced another. */
  bind() {
    const { document } = this.parts;
    this.list = document.querySelector('[data-posts]');
    this.thread = Number(this.list.dataset.thread ?? 0);
    this.blocked = new Set((this.list.dataset.blocked ?? '').split(' '));
    /** Where there is none, the page does not show the newest, and what is new has no place on it. */
    this.button = document.getElementById('news');
    this.button?.addEventListener('click', () => this.load());
    this.offer();
  }

  /** @param {{id: number, by: string}[]} recent the newest posts of the feed, the newest first */
  know(recent) {
    this.#recent = recent;
    this.offer();
  }

  /** @param {number} replies how many there are in the thread */
  count(replies) {
    this.#replies = replies;
    if (replies < this.#known) this.#known = replies; // of those that are shown one was deleted
    this.offer();
  }

  /** Say how much there is that is not shown. */
  offer() {
    const { document, strings } = this.parts;
    if (!this.button || this.#isLoading) return;
    const count = this.thread ? this.#replies - this.#known : this.#fresh();
    const name = this.thread ? ['new-reply', 'new-replies'] : ['new-post', 'new-posts'];
    const shown = count < RECENT || this.thread ? count : `${RECENT}+`;
    const text = count > 0 ? strings.get(name[Number(count !== 1)], { count: shown }) : '';
    if (!text && document.activeElement === this.button) this.list.focus({ preventScroll: true });
    if (this.button.textContent !== text) this.button.textContent = text;
    this.button.hidden = !text;
  }

  /** How many posts are newer than those in the feed, as far as one sees them. */
  #fresh() {
    const { user, isSending } = this.parts;
    const newest = this.#newest;
    const isMine = ({ by }) => by === user && isSending();
    return this.#recent.filter((post) => post.id > newest && !this.blocked.has(post.by) && !isMine(post)).length;
  }

  /** The id of the newest post or reply in the list. */
  get #newest() {
    return Math.max(0, ...[...this.list.children].map((item) => Number(item.dataset.post)));
  }

  /** How many replies there were when those on the page were read. */
  get #known() {
    return Number(this.list.dataset.replies);
  }

  set #known(count) {
    this.list.dataset.replies = String(count);
  }

  /** Put in what is new. */
  async load() {
    if (!this.button) return;
    this.#isStale = this.#isLoading; // what is on its way may be from before
    if (this.#isLoading) return;
    this.#isLoading = true;
    try {
      let isMore = true;
      while (isMore) {
        this.#isStale = false;
        const part = await this.#fetch();
        isMore = part !== null && (this.#put(part) || this.#isStale);
      }
    } catch (error) {
      console.warn(`live: posts could not be loaded: ${error}`);
    }
    this.#isLoading = false;
    this.offer();
  }

  /** @returns {Promise<HTMLElement | null>} null: nobody is signed in any more */
  async #fetch() {
    const path = this.thread ? `/posts/${this.thread}/newer` : '/posts/newer';
    const fresh = await loadPage(this.parts, `${this.parts.base}${path}?after=${this.#newest}`, '.part');
    return fresh && fresh.querySelector('.part');
  }

  /** @param {HTMLElement} part @returns {boolean} whether there is more behind it */
  #put(part) {
    const { document, onShown } = this.parts;
    const { list, thread } = this;
    const children = /** @type {HTMLElement[]} */ ([...part.children]);
    const items = children.filter((item) => !document.getElementById(item.id));
    const isMore = part.dataset.more !== undefined;
    if (!thread && isMore) {
      list.replaceChildren(); // between these and those that are shown others would be missing
      document.getElementById('older').hidden = false;
    }
    const before = thread ? null : list.firstElementChild;
    for (const item of items) list.insertBefore(document.adoptNode(item), before);
    if (thread) this.#known = Number(part.dataset.replies);
    if (document.activeElement === this.button) items[0]?.focus({ preventScroll: true });
    onShown();
    return thread > 0 && isMore;
  }
}
