import { isFor } from '../live/filling.js';

/** How long events are gathered before a section is fetched, and how often that may be, in milliseconds. */
const GATHER = 100;
const OFTEN = 1_000;
/** Beyond that a random part of this, since others get the same event; an announcement everybody gets at once. */
const JITTER = 400;
const WIDE_JITTER = 4_000;

/**
 * @typedef {object} Section
 * @property {any} timer of the fetch that is planned; null where none is
 * @property {boolean} isRunning
 * @property {boolean} isStale something has happened since the last fetch began
 * @property {number} fetchedAt when the last fetch began
 */

/**
 * Sections that the page's own server renders: each `[data-live-refresh=<kinds>]` is fetched anew from its
 * `data-live-src` after such an event, and what it holds replaced.
 *
 * Promise: each has one fetch at a time and at most one a second; the last one begins after the last event. Nothing is
 * fetched while the tab is hidden, and what was missed then is when it is looked at again.
 */
export class Refresher {
  /** @type {WeakMap<HTMLElement, Section>} */
  #sections = new WeakMap();

  /**
   * @param {object} parts
   * @param {Document} parts.document
   * @param {typeof fetch} parts.fetch
   * @param {{new (): DOMParser}} parts.DOMParser
   * @param {import('../live/timers.js').Timers} parts.timers
   * @param {() => number} parts.random
   */
  constructor({ document, fetch, DOMParser, timers, random }) {
    this.document = document;
    this.fetch = fetch;
    this.DOMParser = DOMParser;
    this.timers = timers;
    this.random = random;
  }

  /** @param {import('../live/cursor.js').LiveEvent} event */
  apply(event) {
    const jitter = event.kind === 'announcement' ? WIDE_JITTER : JITTER;
    for (const element of this.#elements()) {
      if (isFor(element, element.dataset.liveRefresh, event)) this.#want(element, jitter);
    }
  }

  /** Nothing that is shown can be trusted. */
  all() {
    for (const element of this.#elements()) this.#want(element, JITTER);
  }

  /** The tab is looked at. */
  look() {
    for (const element of this.#elements()) {
      if (this.#sections.get(element)?.isStale) this.#want(element, JITTER);
    }
  }

  /** @returns {HTMLElement[]} */
  #elements() {
    return [...this.document.querySelectorAll('[data-live-refresh]')];
  }

  #want(element, jitter) {
    const section = this.#sections.get(element) ?? { timer: null, isRunning: false, isStale: false, fetchedAt: -Infinity };
    this.#sections.set(element, section);
    section.isStale = true;
    if (section.timer !== null || section.isRunning || this.document.visibilityState === 'hidden') return;
    const rest = Math.max(GATHER, section.fetchedAt + OFTEN - this.timers.now());
    section.timer = this.timers.set(() => this.#refresh(element, section), rest + jitter * this.random());
  }

  async #refresh(element, section) {
    Object.assign(section, { timer: null, isRunning: true, isStale: false, fetchedAt: this.timers.now() });
    try {
      const html = await this.#get(element.dataset.liveSrc ?? this.document.location.href);
      if (html !== null && element.isConnected) this.#swap(element, html);
    } catch (error) {
      console.warn(`live: a section could not be refreshed: ${error}`);
    }
    section.isRunning = false;
    if (section.isStale && element.isConnected) this.#want(element, JITTER);
  }

  /** @returns {Promise<string | null>} null where there is nothing to show: signed out, for example */
  async #get(address) {
    const url = new URL(address, this.document.baseURI);
    if (url.origin !== new URL(this.document.location.href).origin) {
      throw new Error(`data-live-src is ${url.origin}'s, give an address of the page's own origin`);
    }
    const response = await this.fetch(url.href, {
      credentials: 'same-origin',
      cache: 'no-store',
      redirect: 'manual', // to a page where one signs in
      headers: { Accept: 'text/html' },
    });
    if (response.status >= 500) throw new Error(`status ${response.status}`);
    return response.status === 200 ? response.text() : null;
  }

  /** What the answer is of, by the section's id; else all of it. Templates of the section stay if none comes. */
  #swap(element, html) {
    const fresh = new this.DOMParser().parseFromString(html, 'text/html');
    const source = (element.id && fresh.getElementById(element.id)) || fresh.body;
    const { activeElement } = this.document;
    const focused = element.contains(activeElement) ? activeElement.id : '';
    const hasTemplate = [...source.children].some((child) => child.tagName === 'TEMPLATE');
    const kept = hasTemplate ? [] : [...element.children].filter((child) => child.tagName === 'TEMPLATE');
    element.replaceChildren(...kept, ...source.childNodes);
    if (source.dataset.liveSeq !== undefined) element.dataset.liveSeq = source.dataset.liveSeq;
    if (focused) this.document.getElementById(focused)?.focus({ preventScroll: true });
    element.dispatchEvent(new CustomEvent('live:refreshed', { bubbles: true }));
  }
}
