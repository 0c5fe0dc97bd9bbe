import { isFor } from '../live/filling.js';
import { fetchWithin, sameOrigin } from '../live/http.js';
import { Outage } from '../live/outage.js';

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
 * @property {boolean} isStale something has happened since the last fetch began, or that one failed
 * @property {number} fetchedAt when the last fetch began
 * @property {Outage} outage of where it comes from
 */

/**
 * Sections that the page's own server renders: each `[data-live-refresh=<kinds>]` is fetched anew from its
 * `data-live-src` after such an event, and what it holds replaced.
 *
 * Promise: each has one fetch at a time and at most one a second; the last one begins after the last event, and is
 * tried again until there is an answer. Nothing is fetched while the tab is hidden, and what was missed then is when it
 * is looked at again.
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

  /** @returns {Section} */
  #sectionOf(element) {
    const { timers, random } = this;
    const unknown = () => ({
      timer: null, isRunning: false, isStale: false, fetchedAt: -Infinity, outage: new Outage(timers, random),
    });
    if (!this.#sections.has(element)) this.#sections.set(element, unknown());
    return this.#sections.get(element);
  }

  #want(element, jitter, wait = GATHER) {
    const section = this.#sectionOf(element);
    section.isStale = true;
    if (section.timer !== null || section.isRunning || this.#isHidden) return;
    const rest = Math.max(wait, section.fetchedAt + OFTEN - this.timers.now());
    section.timer = this.timers.set(() => this.#refresh(element, section), rest + jitter * this.random());
  }

  get #isHidden() {
    return this.document.visibilityState === 'hidden';
  }

  async #refresh(element, section) {
    section.timer = null;
    const url = this.#addressOf(element);
    if (!url || this.#isHidden) return;
    Object.assign(section, { isRunning: true, isStale: false, fetchedAt: this.timers.now() });
    let html = null;
    let wait = GATHER;
    try {
      html = await this.#get(url);
      section.outage.end();
    } catch (error) {
      console.warn(`live: a section could not be refreshed, trying again: ${error}`);
      section.isStale = true;
      wait = section.outage.failed();
    }
    section.isRunning = false;
    if (!element.isConnected) return;
    if (section.isStale) this.#want(element, JITTER, wait);
    if (html !== null) this.#swap(element, html);
  }

  /** @returns {string} '' where there is none to be asked, which is said */
  #addressOf(element) {
    const { baseURI, location } = this.document;
    const { liveSrc } = element.dataset;
    if (liveSrc === undefined) {
      if (element.id) return location.href;
      console.warn('live: give a section that is refreshed an id, to be found in the page, or data-live-src', element);
      return '';
    }
    try {
      const url = new URL(liveSrc, baseURI);
      if (url.origin === new URL(location.href).origin) return url.href;
    } catch {
      // it is no address at all
    }
    console.warn(`live: data-live-src is "${liveSrc}": give an address of the page's own origin`);
    return '';
  }

  /** @returns {Promise<string | null>} null where there is nothing to show: signed out, for example */
  #get(url) {
    const question = /** @type {RequestInit} */ ({
      ...sameOrigin('text/html'),
      redirect: 'manual', // to a page where one signs in
    });
    return fetchWithin(this, url, question, (response) => {
      if (response.status === 429 || response.status >= 500) throw new Error(`status ${response.status}`);
      return response.status === 200 ? response.text() : null;
    });
  }

  /**
   * What the answer is of, by the section's id; else all of it, but nothing of a page that has no such section: it is
   * one where one signs in, for example. Templates of the section stay if none comes.
   */
  #swap(element, html) {
    const fresh = new this.DOMParser().parseFromString(html, 'text/html');
    const own = element.id ? fresh.getElementById(element.id) : null;
    if (!own && element.dataset.liveSrc === undefined) return;
    const source = own ?? fresh.body;
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
