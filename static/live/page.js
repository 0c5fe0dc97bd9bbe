import { fetchWithin, sameOrigin } from './http.js';

/**
 * The page that the server rendered: whose it is, where its data stands, and how to load it anew.
 */
export class Page {
  /**
   * @param {object} parts
   * @param {Document} parts.document
   * @param {Location} parts.location
   * @param {typeof fetch} parts.fetch
   * @param {{new (): DOMParser}} parts.DOMParser
   * @param {import('./timers.js').Timers} parts.timers
   */
  constructor({ document, location, fetch, DOMParser, timers }) {
    this.document = document;
    this.location = location;
    this.fetch = fetch;
    this.DOMParser = DOMParser;
    this.timers = timers;
  }

  /** Whether it belongs to someone, and so has something to follow. */
  get isSignedIn() {
    return this.document.body.dataset.seq !== undefined;
  }

  get user() {
    return this.document.body.dataset.user ?? '';
  }

  /** The path under which the application lives: '' or `/live`. */
  get root() {
    return this.document.body.dataset.root ?? '';
  }

  get base() {
    return this.location.origin + this.root;
  }

  get place() {
    return placeOf(this.document);
  }

  get csrfToken() {
    return csrfMeta(this.document)?.content ?? '';
  }

  /**
   * Replace what is out of date by what the server has now, and keep what the user was typing. A page that shows
   * nothing live stays as it is and only learns its new place and badges.
   *
   * @returns {Promise<{seq: number, epoch: string, badges: Record<string, number>} | null>} null: signed out
   * @throws {Error} when the server did not give the page
   */
  async reload() {
    const main = this.document.querySelector('main');
    const isLive = main.dataset.live !== undefined;
    const url = isLive ? this.location.href : `${this.base}/`;
    const html = await fetchWithin(this, url, sameOrigin('text/html'), (response) => {
      if (response.status === 401) return null;
      if (!response.ok) throw new Error(`status ${response.status}`);
      return response.text();
    });
    if (html === null) return null;
    const fresh = new this.DOMParser().parseFromString(html, 'text/html');
    if (fresh.body.dataset.seq === undefined) return null;
    if (fresh.body.dataset.user !== this.user) {
      this.location.reload(); // someone else signed in in this browser: nothing here is theirs
      throw new Error('another user is signed in');
    }
    if (isLive) this.#replace(main, fresh.querySelector('main'));
    const token = csrfMeta(fresh)?.content;
    if (token) csrfMeta(this.document).content = token;
    const { seq, epoch, badges, atWork = '[]' } = fresh.body.dataset;
    Object.assign(this.document.body.dataset, { seq, epoch, badges, atWork });
    return { ...placeOf(fresh), badges: badgesOf(fresh) };
  }

  #replace(main, fresh) {
    const typed = [...main.querySelectorAll('textarea, input:not([type=hidden])')]
      .filter((input) => input.id)
      .map(({ id, value, selectionStart, selectionEnd }) => ({ id, value, selectionStart, selectionEnd }));
    const { activeElement } = this.document;
    const focus = main.contains(activeElement) ? selectorOf(activeElement) : '';
    const scroll = main.querySelector('[data-scroller]')?.scrollTop;
    main.replaceWith(this.document.adoptNode(fresh));
    for (const { id, value, selectionStart, selectionEnd } of typed) {
      const input = this.document.getElementById(id);
      if (!input) continue;
      input.value = value;
      if (`#${id}` === focus && selectionStart !== null) input.setSelectionRange(selectionStart, selectionEnd);
    }
    if (focus) this.document.querySelector(focus)?.focus({ preventScroll: true });
    const scroller = fresh.querySelector('[data-scroller]');
    if (scroller && scroll !== undefined) scroller.scrollTop = scroll;
  }
}

/**
 * What finds an element again on the page loaded anew: its id, or what it is of, or both of what it is in.
 *
 * @param {HTMLElement} element
 * @returns {string}
 */
function selectorOf(element) {
  const { id, tagName, dataset, parentNode } = element;
  if (id) return `#${id}`;
  if (dataset.scroller !== undefined) return '[data-scroller]';
  if (dataset.conversation) return `[data-conversation="${dataset.conversation}"]`;
  if (dataset.seqs) return `[data-seqs="${dataset.seqs}"]`;
  if (dataset.reaction) return `${selectorOf(/** @type {HTMLElement} */ (parentNode))} [data-reaction="${dataset.reaction}"]`;
  if (dataset.messageId) return `[data-message-id="${dataset.messageId}"]`;
  const tag = tagName.toLowerCase();
  return tag === 'main' ? tag : `${selectorOf(/** @type {HTMLElement} */ (parentNode))} ${tag}`;
}

/** @param {Document} document */
function placeOf({ body }) {
  return { seq: Number(body.dataset.seq), epoch: body.dataset.epoch ?? '' };
}

/** @param {Document} document */
function badgesOf({ body }) {
  return JSON.parse(body.dataset.badges ?? '{}');
}

/**
 * @param {Document} document
 * @returns {HTMLMetaElement | null}
 */
function csrfMeta(document) {
  return document.querySelector('meta[name="csrf-token"]');
}
