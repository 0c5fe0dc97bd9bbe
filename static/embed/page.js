import { showBadges } from '../live/badges.js';
import { announce, announceEvent } from '../live/dom-events.js';
import { Toasts } from '../live/toasts.js';
import { readPlace, readWho } from './config.js';
import { Inbox } from './inbox.js';
import { Lists } from './lists.js';
import { Refresher } from './refresher.js';
import { SeenMarker } from './seen-marker.js';
import { ticketsFrom } from './tickets.js';

/** The page is looked over at most this often while its elements change, in milliseconds. */
const OFTEN = 50;
/** A page that is loaded anew at a reset is so after a random part of this, and not again for a while. */
const RELOAD_WITHIN = 2_000;
const RELOAD_SELDOM = 30_000;
const RELOADED_AT = 'live:reloaded-at';

/**
 * Another application's page, made live by its attributes. What it has is looked for whenever something happens, so
 * elements, and also its whole `<body>`, may come and go.
 */
export class EmbeddedPage {
  #timer = null;
  /** What the page was when it was last looked at, or when it was told that nobody is signed in. */
  #before;

  /**
   * @param {object} parts
   * @param {Window & typeof globalThis} parts.window
   * @param {import('./config.js').Config} parts.config
   * @param {import('../live/timers.js').Timers} parts.timers
   */
  constructor({ window, config, timers }) {
    const { document } = window;
    const fetch = window.fetch.bind(window);
    const world = { document, fetch, timers, random: Math.random };
    this.window = window;
    this.document = document;
    this.timers = timers;
    this.#before = this.#now;
    const { ticketUrl, ...options } = config;
    const getTicket = ticketUrl ? ticketsFrom(ticketUrl, world) : undefined;
    this.inbox = new Inbox({ ...options, getTicket, fetch, timers, WebSocket: window.WebSocket });
    this.lists = new Lists(document);
    this.toasts = new Toasts(world);
    this.refresher = new Refresher({ ...world, DOMParser: window.DOMParser });
    this.seen = new SeenMarker({ ...world, inbox: this.inbox, IntersectionObserver: window.IntersectionObserver });
    this.#follow();
    this.#listen();
    this.#look();
  }

  #follow() {
    const { document, inbox, lists, refresher, toasts, seen } = this;
    inbox.on('event', (event) => lists.apply(event));
    inbox.on('event', (event) => refresher.apply(event));
    inbox.on('event', (event) => toasts.show(event));
    inbox.on('event', (event) => announceEvent(document, event));
    inbox.on('badges', (detail) => {
      showBadges(document, inbox.counts);
      announce(document, 'live:badges', detail);
      seen.settle();
    });
    inbox.on('snapshot', (detail) => announce(document, 'live:snapshot', detail));
    inbox.on('state', (detail) => this.#show(detail));
    inbox.on('reset', (detail) => this.#reset(detail));
  }

  #show(detail) {
    const { dataset } = this.document.documentElement;
    dataset.liveState = detail.state;
    if (detail.transport) dataset.liveTransport = detail.transport;
    else delete dataset.liveTransport;
    if (detail.state === 'signed-out') {
      this.#before = this.#now;
      this.lists.forget(); // who comes next may be somebody else
    }
    announce(this.document, 'live:state', detail);
  }

  #reset(detail) {
    this.lists.reset();
    this.seen.reset();
    if (!announce(this.document, 'live:reset', detail, true)) return;
    if (this.document.querySelector('[data-live-reload-on-reset]') && this.#mayReload()) {
      this.timers.set(() => this.window.location.reload(), RELOAD_WITHIN * Math.random());
    } else this.refresher.all();
  }

  /** A page that does not know its place meets a reset each time. */
  #mayReload() {
    try {
      const { sessionStorage } = this.window;
      const now = this.timers.now();
      if (now - Number(sessionStorage.getItem(RELOADED_AT)) < RELOAD_SELDOM) return false;
      sessionStorage.setItem(RELOADED_AT, String(now));
      return true;
    } catch {
      return false; // there is no storage: nothing would end it
    }
  }

  /** What the browser says about the network, the tab, the page's life, and its elements. */
  #listen() {
    const { window, document, inbox } = this;
    window.addEventListener('online', () => inbox.online());
    window.addEventListener('offline', () => inbox.offline());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState !== 'visible') return;
      inbox.hurry();
      this.refresher.look();
      this.seen.settle();
    });
    document.addEventListener('live:refreshed', ({ target }) => this.lists.again(/** @type {HTMLElement} */ (target)));
    window.addEventListener('pagehide', () => inbox.pause());
    window.addEventListener('pageshow', (event) => {
      if (event.persisted) inbox.resume();
    });
    new window.MutationObserver((records) => {
      const isElement = (node) => node.nodeType === 1; // a text that changes is none of ours
      if (!records.some(({ addedNodes }) => [...addedNodes].some(isElement))) return;
      this.#meet();
      this.#timer ??= this.timers.set(() => {
        this.#timer = null;
        this.#look();
      }, OFTEN);
    }).observe(document, { childList: true, subtree: true });
  }

  /** Look after what is in the page now. */
  #look() {
    const { document, inbox } = this;
    showBadges(document, inbox.counts);
    this.lists.find();
    this.seen.find();
    this.seen.settle();
    this.toasts.find();
    inbox.watch([...document.querySelectorAll('[data-live-watch]')].flatMap(topicsOf));
  }

  /** Another page has come by Turbo, or a new script tag: somebody may be signed in now, or somebody else. */
  #meet() {
    const { inbox } = this;
    const before = this.#before;
    const now = (this.#before = this.#now);
    const isOthers = now.user !== before.user && now.user !== undefined && now.user !== inbox.user;
    if (inbox.state === 'signed-out') {
      if (now.ticket !== before.ticket) inbox.signIn(now.ticket, now.user, readPlace(this.document));
      else if (now.body !== before.body) inbox.signIn();
    } else if (isOthers) {
      this.lists.forget();
      this.seen.reset();
      inbox.become(now.user, now.ticket, readPlace(this.document));
    }
  }

  /** Which page it is, and who is asking. */
  get #now() {
    return { body: this.document.body, ...readWho(this.document) };
  }
}

/** @param {HTMLElement} element */
function topicsOf(element) {
  return element.dataset.liveWatch.split(/\s+/).filter(Boolean);
}
