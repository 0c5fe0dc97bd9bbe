/** Kinds of events that change nothing in the lists of notices. */
const ELSEWHERE = new Set(['message', 'read']);
/** What comes within this time is shown by one request, in milliseconds. */
const GATHER = 150;
/** An announcement comes to everybody at once: they do not all ask in the same moment. */
const SPREAD = 2000;

/**
 * The bell of the page's head, and lists of notices in the page: always as the server renders them. They are fetched
 * anew when something has happened; a bell that is closed asks for nothing.
 *
 *   <a id="bell" href="/notifications">            opens what follows
 *   <div id="bell-panel" hidden></div>
 *   <div data-notices>...</div>                    a part of the page that is fetched anew with it
 */
export class Notices {
  #wait = null;
  #isAsking = false;
  #isStale = false;

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
   * @param {(badges: Record<string, number>, latest: number) => void} parts.onBadges
   * @param {(root: ParentNode) => void} parts.onShown what was put into the page
   */
  constructor({ document, location, fetch, DOMParser, timers, random, base, api, onBadges, onShown }) {
    Object.assign(this, { document, location, fetch, DOMParser, timers, random, base, api, onBadges, onShown });
  }

  /** Listen to the page's clicks and forms. */
  bind() {
    const { document } = this;
    this.bell?.addEventListener('click', (event) => this.#clickBell(event));
    document.addEventListener('submit', (event) => this.#submit(event));
    document.addEventListener('click', (event) => this.#click(event));
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.isOpen) this.close({ focus: true });
    });
  }

  /** @returns {HTMLElement | null} */
  get bell() {
    return this.document.getElementById('bell');
  }

  /** @returns {HTMLElement | null} */
  get panel() {
    return this.document.getElementById('bell-panel');
  }

  get isOpen() {
    return this.panel !== null && !this.panel.hidden;
  }

  /** @param {{kind: string}} event */
  apply({ kind }) {
    if (ELSEWHERE.has(kind)) return;
    this.refresh(kind === 'announcement' ? GATHER + this.random() * SPREAD : GATHER);
  }

  /**
   * Show soon what the server has now, if anything that shows it is on the page.
   *
   * @param {number} [wait] milliseconds
   */
  refresh(wait = 0) {
    if (this.#wait !== null) return;
    this.#wait = this.timers.set(() => {
      this.#wait = null;
      this.#ask();
    }, wait);
  }

  /** @param {MouseEvent} event */
  #clickBell(event) {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (this.isOpen) {
      this.close({});
      return;
    }
    this.panel.hidden = false;
    this.bell.setAttribute('aria-expanded', 'true');
    this.#ask();
  }

  /** @param {{focus?: boolean}} how whether the keyboard's place goes back to the bell */
  close({ focus = false }) {
    this.panel.hidden = true;
    this.bell.setAttribute('aria-expanded', 'false');
    if (focus) this.bell.focus();
  }

  async #ask() {
    if (this.#isAsking) {
      this.#isStale = true; // what is on its way may be from before
      return;
    }
    this.#isAsking = true;
    try {
      do {
        this.#isStale = false;
        await Promise.all([this.#fillPanel(), this.#fillPage()]);
      } while (this.#isStale);
    } catch (error) {
      console.warn(`live: notices could not be loaded: ${error}`);
    } finally {
      this.#isAsking = false;
    }
  }

  async #fillPanel() {
    if (!this.isOpen) return;
    const fresh = await this.#load(`${this.base}/notifications/panel`);
    if (fresh) this.#put(this.panel, fresh.body);
  }

  async #fillPage() {
    if (!this.document.querySelector('[data-notices]')) return;
    const fresh = await this.#load(this.location.href);
    const shown = this.document.querySelector('[data-notices]'); // the page may have been loaded anew meanwhile
    const part = fresh?.querySelector('[data-notices]');
    if (shown && part) this.#put(shown, part);
  }

  /**
   * @param {string} url
   * @returns {Promise<Document | null>} null: signed out, which others tell
   */
  async #load(url) {
    const response = await this.fetch(url, {
      credentials: 'same-origin',
      cache: 'no-store',
      headers: { Accept: 'text/html' },
    });
    if (response.redirected) return null;
    if (!response.ok) throw new Error(`status ${response.status}`);
    return new this.DOMParser().parseFromString(await response.text(), 'text/html');
  }

  /**
   * @param {Element} place
   * @param {Element} fresh whose children come into it
   */
  #put(place, fresh) {
    const focused = place.contains(this.document.activeElement) ? pathTo(this.document.activeElement) : '';
    place.replaceChildren(...[...fresh.childNodes].map((node) => this.document.adoptNode(node)));
    if (focused) /** @type {HTMLElement | null} */ (place.querySelector(focused))?.focus({ preventScroll: true });
    this.onShown(place);
  }

  /** A button that marks as seen does so without leaving the page. */
  #submit(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (!form.matches('.notice__mark, .notices__all')) return;
    event.preventDefault();
    const { seqs, upto } = Object.fromEntries(new FormData(form));
    this.#mark(seqs ? { seqs: numbers(seqs) } : { upto: Number(upto) });
  }

  /** Where an item leads, it has been seen; elsewhere a click closes the panel. */
  #click(event) {
    const target = /** @type {Element} */ (event.target);
    const link = target.closest('.notice--new .notice__link[data-seqs]');
    if (link) this.#mark({ seqs: numbers(/** @type {HTMLElement} */ (link).dataset.seqs) });
    // what was clicked may have been replaced by now, and then is nowhere
    if (this.isOpen && target.isConnected && !this.panel.contains(target) && !this.bell.contains(target)) this.close({});
  }

  async #mark(what) {
    const answer = await this.api.post('/notifications/seen', what);
    if (answer.body) this.onBadges(answer.body.badges, answer.body.seq);
    this.refresh();
  }
}

/** @param {string} text numbers separated by blanks */
function numbers(text) {
  return text.split(' ').map(Number);
}

/**
 * What finds the focused element again after its list was loaded anew.
 *
 * @param {Element} element
 */
function pathTo(element) {
  const notice = /** @type {HTMLElement | null} */ (element.closest('[data-notice]'));
  const tag = element.tagName.toLowerCase();
  return notice ? `[data-notice="${notice.dataset.notice}"] ${tag}` : tag;
}
