import { offer } from '../contents.js';
import { ReadMarker } from '../read-marker.js';
import { mentionIn } from '../taken-back.js';
import { NewerPosts } from './newer-posts.js';
import { PostItems } from './post-items.js';
import { Watching } from './watching.js';
import { Writing } from './writing.js';

/** Kinds of events that tell of a post. */
const NEWS = new Set(['like', 'dislike', 'reply', 'notification']);

/**
 * The feed, or one post with the replies to it. New posts come when one asks for them, replies in a thread that one has a
 * part in at once. What one is told of a post while one looks at it is seen.
 */
export class PostsPage {
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
   * @param {{new (): DOMParser}} parts.DOMParser
   * @param {string} parts.base
   * @param {() => number} parts.random
   * @param {(badges: any, latest: any) => void} parts.onBadges
   * @param {() => void} parts.onTopics they have changed
   * @param {(address: string) => void} parts.go to another page
   */
  constructor(parts) {
    this.parts = parts;
    const { document, outbox, onTopics, timers, strings } = parts;
    this.items = new PostItems(parts);
    this.watching = new Watching({ document, timers, onChange: onTopics });
    this.newer = new NewerPosts({ ...parts, isSending: () => this.writing.isSending, onShown: () => this.#arrange() });
    outbox.onStored = (_entry, post) => this.#stored(post);
    outbox.onRefused = (_entry, answer) =>
      this.writing.refused(answer.status === 401 ? strings.get('state-signed-out') : answer.detail || strings.get('not-done'));
    outbox.onWaiting = () => this.writing.waits();
    for (const happening of ['visibilitychange', 'focusin', 'pointerdown', 'keydown']) {
      document.addEventListener(happening, () => this.reading?.settle());
    }
    document.defaultView?.addEventListener('focus', () => this.reading?.settle());
    document.addEventListener('click', (event) => this.#click(event));
    this.bind();
  }

  /** Find the elements of the page, also of one that has replaced another. */
  bind() {
    const { document, outbox, strings, timers } = this.parts;
    this.list = document.querySelector('[data-posts]');
    this.thread = Number(this.list.dataset.thread ?? 0);
    this.writing = new Writing({ document, outbox, strings, timers });
    this.newer.bind();
    this.watching.bind();
    this.items.bind();
    if (this.thread) this.#bindReading();
  }

  /** What is only ever current, and shown here; of the feed's older posts only they themselves. */
  get topics() {
    const own = this.thread ? [`post:${this.thread}`] : this.newer.button ? ['posts'] : [];
    return [...own, ...this.watching.topics];
  }

  /**
   * @param {string} topic
   * @param {any} data
   * @param {number} version
   */
  snapshot(topic, data, version) {
    if (topic === 'posts') return this.newer.know(data.recent);
    const id = Number(topic.replace('post:', ''));
    if (data.deleted) this.#empty(id, version);
    else this.items.take(id, { ...data, version });
    if (id === this.thread) this.newer.count(data.replies, version);
  }

  /** @param {() => void} run */
  together(run) {
    run();
  }

  /** @param {import('../cursor.js').LiveEvent} event */
  apply(event) {
    const { kind, data, seq } = event;
    if (kind === 'deleted' && data.kind !== 'message') this.#empty(data.id, 0);
    if (!this.thread || !NEWS.has(kind)) return;
    const about = kind === 'notification' ? mentionIn(event)?.post : data.post;
    if (about !== this.thread && !this.items.find(about)) return;
    this.reading.show(seq);
    if (kind === 'reply' || kind === 'notification') this.newer.load();
  }

  /** What was deleted is not in the feed any more; in its thread it says so. */
  #empty(id, version) {
    const item = this.items.find(id);
    if (!item) return;
    if (this.thread) {
      const isNews = this.items.empty(item, version);
      if (id === this.thread) this.writing.end();
      else if (isNews) this.newer.lose();
      return;
    }
    const next = /** @type {HTMLElement | null} */ (item.nextElementSibling ?? item.previousElementSibling);
    if (item.contains(this.parts.document.activeElement)) next?.focus({ preventScroll: true });
    item.remove();
    this.newer.offer();
    this.#arrange();
  }

  /** After posts have come or gone. */
  #arrange() {
    const { document, times } = this.parts;
    const last = /** @type {HTMLElement | null} */ (this.list.lastElementChild);
    const older = document.getElementById('older');
    const isEmpty = last === null && older?.hidden !== false; // else there are posts before those that have gone
    document.getElementById('no-posts').hidden = !isEmpty;
    if (last || isEmpty) older?.setAttribute('href', older.getAttribute('href').replace(/\d+$/, last?.dataset.post ?? '0'));
    times.localize(this.list);
    this.watching.bind();
  }

  /** @param {{id: number}} post */
  #stored({ id }) {
    this.writing.stored();
    if (this.newer.button) this.newer.load();
    else this.parts.go(this.thread ? `/posts/${id}` : '/posts'); // where it stands among the others
  }

  #click(event) {
    const button = event.target.closest('[data-reaction]');
    if (!button) return;
    event.preventDefault();
    this.items.press(button);
  }

  #bindReading() {
    const { api, timers, random, document, onBadges } = this.parts;
    const { thread } = this;
    this.reading = new ReadMarker({
      timers,
      random,
      mark: () => api.post(`/posts/${thread}/seen`, {}),
      isLooking: () => document.visibilityState === 'visible' && document.hasFocus(),
      onMarked: (_upto, answer) => onBadges(answer?.badges, answer?.seq),
    });
  }
}

offer('[data-posts]', PostsPage);
