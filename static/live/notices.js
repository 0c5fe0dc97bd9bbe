import { isTemporary } from './api.js';
import { BellPanel, isForNewTab } from './bell-panel.js';
import { loadPage } from './http.js';
import { Press } from './press.js';
import { WayBack, numbers } from './way-back.js';

/** Kinds of events that change nothing in the lists of notices. */
const ELSEWHERE = new Set(['message', 'read']);
/** What comes within this time is shown by one request, in milliseconds. */
const GATHER = 150;
/** An announcement comes to everybody at once: they do not all ask in the same moment. */
const SPREAD = 2000;

/**
 * Lists of notices, in what the bell opens and in `<div data-notices>` of the page: always as the server renders them.
 * They are fetched anew when something has happened; a bell that is closed asks for nothing.
 *
 * Promise: what is shown is of who is signed in on this page; who has the focus in a list that is put anew has it there
 * still, and who presses on something in it has pressed that: it is put anew afterwards.
 */
export class Notices {
  #wait = null;
  #due = 0;
  #isAsking = false;
  #isStale = false;
  #hasFailed = false;

  /**
   * @param {object} parts
   * @param {Document} parts.document
   * @param {Location} parts.location
   * @param {typeof fetch} parts.fetch
   * @param {{new (): DOMParser}} parts.DOMParser
   * @param {import('./timers.js').Timers} parts.timers
   * @param {() => number} parts.random
   * @param {string} parts.base
   * @param {import('./api.js').Api} parts.api
   * @param {import('./strings.js').Strings} parts.strings
   * @param {(badges: Record<string, number>, latest: number) => void} parts.onBadges
   * @param {(root: ParentNode) => void} parts.onShown what was put into the page
   */
  constructor({ document, location, fetch, DOMParser, timers, random, base, api, strings, onBadges, onShown }) {
    this.document = document;
    this.location = location;
    this.fetch = fetch;
    this.DOMParser = DOMParser;
    this.timers = timers;
    this.random = random;
    this.base = base;
    this.api = api;
    this.strings = strings;
    this.onBadges = onBadges;
    this.onShown = onShown;
    this.bell = new BellPanel({ document, onOpen: () => this.#open() });
    this.press = new Press(document, timers);
  }

  /** Listen to the page's clicks and forms. */
  bind() {
    const { document } = this;
    document.addEventListener('submit', (event) => this.#submit(event));
    document.addEventListener('click', (event) => this.#click(event));
    document.addEventListener('auxclick', (event) => event.button === 1 && this.#follow(event.target));
    this.bell.bind();
    this.press.bind();
  }

  /** @param {{kind: string, data: any}} event */
  apply({ kind, data }) {
    if (ELSEWHERE.has(kind) || (kind === 'deleted' && data.kind === 'message')) return;
    this.refresh(kind === 'announcement' ? GATHER + this.random() * SPREAD : GATHER);
  }

  /** The server can be reached again: what could not be loaded is. */
  recover() {
    if (this.#hasFailed) this.refresh();
  }

  /**
   * Show soon what the server has now, if anything that shows it is on the page.
   *
   * @param {number} [wait] milliseconds
   */
  refresh(wait = 0) {
    const due = this.timers.now() + wait;
    if (this.#wait !== null) {
      if (this.#due <= due) return;
      this.timers.clear(this.#wait); // who has marked something does not wait for an announcement
    }
    this.#due = due;
    this.#wait = this.timers.set(() => {
      this.#wait = null;
      this.#ask();
    }, wait);
  }

  #open() {
    if (!this.#hasList) this.bell.say(this.strings.get('loading'));
    this.#ask();
  }

  get #hasList() {
    return this.bell.panel.querySelector('.panel__body') !== null;
  }

  async #ask() {
    if (this.#isAsking) {
      this.#isStale = true; // what is on its way may be from before
      return;
    }
    this.#isAsking = true;
    do {
      this.#isStale = false;
      this.#hasFailed = false;
      await Promise.all([this.#fillPanel(), this.#fillPage()]);
    } while (this.#isStale);
    this.#isAsking = false;
  }

  async #fillPanel() {
    if (!this.bell.isOpen) return;
    try {
      const fresh = await loadPage(this, `${this.base}/notifications/panel`, '.panel__body');
      if (fresh) await this.#put(this.bell.panel, fresh.body);
      else this.bell.say(this.strings.get('state-signed-out'));
    } catch (error) {
      this.#fail(error);
      if (!this.#hasList) this.bell.say(this.strings.get('not-loaded'));
    }
  }

  async #fillPage() {
    if (!this.document.querySelector('[data-notices]')) return;
    try {
      const fresh = await loadPage(this, this.location.href, 'body');
      const shown = this.document.querySelector('[data-notices]'); // the page may have been loaded anew meanwhile
      const part = fresh?.querySelector('[data-notices]');
      if (shown && part) await this.#put(shown, part);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error) {
    this.#hasFailed = true;
    console.warn(`live: notices could not be loaded: ${error}`);
  }

  /**
   * @param {HTMLElement} place
   * @param {Element} fresh whose children come into it
   */
  async #put(place, fresh) {
    await this.press.over(place);
    const back = new WayBack(place, this.document.activeElement);
    const { scrollTop } = place;
    place.replaceChildren(...[...fresh.childNodes].map((node) => this.document.adoptNode(node)));
    place.scrollTop = scrollTop;
    back.go();
    this.onShown(place);
  }

  /** A button that marks as seen does so without leaving the page. */
  #submit(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (!form.matches('.notice__mark, .notices__all')) return;
    event.preventDefault();
    const { seqs, upto } = Object.fromEntries(new FormData(form));
    this.#mark(seqs ? { seqs: numbers(seqs) } : { upto: Number(upto) }, form);
  }

  /** Who follows a link leaves what the bell has opened. @param {MouseEvent} event */
  #click(event) {
    const isFollowed = this.#follow(/** @type {Element} */ (event.target));
    if (isFollowed && this.bell.isOpen && !isForNewTab(event)) this.bell.close();
  }

  /** Where an item or a toast leads, it has been seen. @param {Element} target @returns {boolean} whether it is one's link */
  #follow(target) {
    const item = /** @type {HTMLElement | null} */ (target.closest('a[href]')?.closest('.notice, .live-toast') ?? null);
    if (!item) return false;
    const seqs = item.classList.contains('notice--new') ? item.dataset.seqs : item.dataset.liveSeq;
    if (seqs) this.#mark({ seqs: numbers(seqs) });
    return true;
  }

  /**
   * @param {object} what
   * @param {HTMLElement} [form] whose button was pressed: who did that is told of a failure
   */
  async #mark(what, form) {
    const answer = await this.api.post('/notifications/seen', what);
    if (answer.body) {
      this.onBadges(answer.body.badges, answer.body.seq);
      this.refresh();
    } else if (form) this.#tellFailure(form, answer);
  }

  /** Until the list comes anew. @param {HTMLElement} form @param {import('./api.js').Answer} answer */
  #tellFailure(form, answer) {
    const part = form.closest('.notices__part');
    if (!part) return; // it has come anew
    part.querySelector('.error')?.remove();
    const line = this.document.createElement('p');
    line.setAttribute('class', 'error');
    line.setAttribute('role', 'alert');
    if (answer.status === 401) line.textContent = this.strings.get('state-signed-out');
    else line.textContent = (!isTemporary(answer) && answer.detail) || this.strings.get('not-marked');
    part.insertBefore(line, part.firstElementChild);
  }
}
