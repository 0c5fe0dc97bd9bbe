import { loadPage } from '../http.js';

/** The topic of the feed names so many posts, if there are so many. */
const RECENT = 20;

/**
 * What is newer than the posts or replies in a list: a button says how much there is, and puts it in as the server renders
 * it, and scrolls to it. Everything else stays as it is, and where nothing was pressed the page also stays where it is.
 */
export class NewerPosts {
  /** What the topics have said last: of the feed its newest posts, of a thread the number of replies. */
  #recent = [];
  #replies = 0;
  /** Of when that number is: what was on its way longer is not news. */
  #version = 0;
  /** Up to this id the server has given all posts that one sees: of others the page may not know that they are blocked. */
  #upto = 0;
  /** So many replies are shown that the number has no more: that they were deleted is told of each by itself, too. */
  #leaving = 0;
  #isLoading = false;
  #isStale = false;
  /** The button was pressed, and what is new not shown yet. */
  #isAsked = false;

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
    const head = document.getElementById(`post-${this.thread}`);
    this.#version = Number(head?.dataset.version ?? 0);
    this.#replies = this.#known;
    this.#upto = 0;
    this.#leaving = 0;
    /** Where there is none, the page does not show the newest, and what is new has no place on it. */
    this.button = document.getElementById('news');
    this.button?.addEventListener('click', () => this.#press());
    this.offer();
  }

  /** @param {{id: number, by: string}[]} recent the newest posts of the feed, the newest first */
  know(recent) {
    this.#recent = recent;
    this.offer();
  }

  /**
   * @param {number} replies how many there are in the thread
   * @param {number} version
   */
  count(replies, version) {
    if (version <= this.#version) return;
    this.#version = version;
    this.#replies = replies;
    const gone = Math.max(0, this.#known - replies); // of those that are shown so many were deleted
    this.#leaving += gone;
    this.#known -= gone;
    this.offer();
  }

  /** A reply that is shown was deleted. What is new is as much as before, whichever is told first. */
  lose() {
    if (this.#leaving > 0) this.#leaving -= 1;
    else this.#known -= 1;
    this.offer();
  }

  /** Say how much there is that is not shown. */
  offer() {
    const { document, strings } = this.parts;
    if (!this.button || this.#isLoading) return;
    const count = this.thread ? this.#replies - this.#known : this.#fresh();
    const name = this.thread ? ['new-reply', 'new-replies'] : ['new-post', 'new-posts'];
    const isAll = this.thread > 0 || this.#recent.length < RECENT || this.#recent.at(-1).id <= this.#given;
    const shown = isAll ? count : `${count}+`;
    const text = count > 0 ? strings.get(name[Number(shown !== 1)], { count: shown }) : '';
    if (!text && document.activeElement === this.button) this.list.focus({ preventScroll: true });
    if (this.button.textContent !== text) this.button.textContent = text;
    this.button.hidden = !text;
  }

  /** How many posts are newer than those in the feed, as far as one sees them. */
  #fresh() {
    const { user, isSending } = this.parts;
    const given = this.#given;
    const isMine = ({ by }) => by === user && isSending();
    return this.#recent.filter((post) => post.id > given && !this.blocked.has(post.by) && !isMine(post)).length;
  }

  /** The id up to which the feed has all posts that one sees. */
  get #given() {
    return Math.max(this.#newest, this.#upto);
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

  #press() {
    this.#isAsked = true;
    this.button.focus({ preventScroll: true }); // not every browser does so: who goes elsewhere meanwhile stays there
    this.load();
  }

  /** Put in what is new. */
  async load() {
    if (!this.button) return;
    this.#isStale = this.#isLoading; // what is on its way may be from before
    if (this.#isLoading) return;
    this.#isLoading = true;
    try {
      let isMore = true;
      while (isMore && this.button) {
        this.#isStale = false;
        const { list } = this;
        const upto = this.#recent[0]?.id ?? 0;
        const part = await this.#fetch();
        if (part && this.list !== list) continue; // the page was loaded anew meanwhile
        isMore = part !== null && (this.#put(part) || this.#isStale);
        if (part) this.#upto = upto;
      }
    } catch (error) {
      console.warn(`live: posts could not be loaded: ${error}`);
    }
    this.#isLoading = false;
    this.#isAsked = false;
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
    if (thread) this.#take(part, items.filter((item) => !item.classList.contains('post--gone')).length);
    if (items.length > 0 && document.activeElement === this.button) this.#lead(items[0]);
    onShown();
    return thread > 0 && isMore;
  }

  /** @param {HTMLElement} first of what is new */
  #lead(first) {
    first.focus({ preventScroll: true });
    if (!this.#isAsked) return;
    this.#isAsked = false;
    // further down the browser keeps in place what was there before, so "nearest" would be where the new one is not for long
    const isAtTop = this.parts.document.documentElement.scrollTop === 0;
    first.scrollIntoView({ block: isAtTop ? 'nearest' : 'start' });
  }

  /** How many replies there were when the part was read, and so many that stand have come with it. */
  #take({ dataset }, more) {
    const replies = Number(dataset.replies);
    this.#leaving += Math.max(0, this.#known + more - replies);
    this.#known = replies;
    if (Number(dataset.version) <= this.#version) return;
    this.#version = Number(dataset.version);
    this.#replies = replies;
  }
}
