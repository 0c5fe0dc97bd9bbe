import { announce } from './dom-events.js';
import { filledCopy, isFor, safeAddress, textAt } from './filling.js';
import { isTakingBack, mentionIn, takesBack } from './taken-back.js';

/** What is shown where the region does not name kinds. */
const KINDS = 'notification announcement';
/** Of more than so many the oldest goes that nobody is at. */
const MOST = 5;
/** How long one stays where the region does not say it, in seconds. */
const STAY = 8;

/**
 * Where an event leads on our own pages, as its item in the bell does: a path is below the application's root, and an
 * announcement without an address has a place of its own.
 *
 * @param {import('./cursor.js').LiveEvent} event
 * @param {string} root '' or `/live`
 */
export function addressOf(event, root) {
  const own = event.kind === 'announcement' ? `/announcements#announcement-${textAt(event, 'id')}` : '';
  const reply = mentionIn(event)?.reply;
  const address = (reply ? `/posts/${reply}` : textAt(event, 'url')) || own;
  return address.startsWith('/') ? root + address : address;
}

/**
 * What an event says first; of a mention in the page's language, which the server does not know when it tells of it.
 *
 * @param {import('./cursor.js').LiveEvent} event
 * @param {import('./strings.js').Strings} strings
 */
export function titleOf(event, strings) {
  const mention = mentionIn(event)?.mention;
  return mention ? strings.get('mentioned', { name: mention.by_name }) : textAt(event, 'title');
}

/**
 * Shows events in the page's `[data-live-toasts]`, if it has one when they come: by its `<template data-live-toast>`, else
 * by elements with class names and no styles.
 *
 * Promise: one that is hovered, has the focus, or lies in a hidden tab does not go by itself.
 */
export class Toasts {
  /** @type {WeakMap<Element, Stay>} */
  #stays = new WeakMap();
  /** What each tells. @type {WeakMap<Element, import('./cursor.js').LiveEvent>} */
  #events = new WeakMap();

  /**
   * @param {object} parts
   * @param {Document} parts.document
   * @param {import('./timers.js').Timers} parts.timers
   * @param {(event: import('./cursor.js').LiveEvent) => string} [parts.addressOf] where one leads
   * @param {(event: import('./cursor.js').LiveEvent) => string} [parts.titleOf] what one says first
   * @param {(event: import('./cursor.js').LiveEvent) => string} [parts.bodyOf] and then
   */
  constructor({ document, timers, addressOf = at('url'), titleOf = at('title'), bodyOf = at('body') }) {
    this.document = document;
    this.timers = timers;
    this.addressOf = addressOf;
    this.titleOf = titleOf;
    this.bodyOf = bodyOf;
    document.addEventListener('visibilitychange', () => {
      for (const toast of this.find()?.children ?? []) this.#stays.get(toast)?.settle();
    });
  }

  /** @param {import('./cursor.js').LiveEvent} event that has happened since the page was rendered */
  show(event) {
    const region = this.find();
    if (!region) return;
    if (isTakingBack(event)) return this.#takeBack(region, event);
    if (!isFor(region, region.dataset.liveToasts || KINDS, event)) return;
    const url = safeAddress(this.addressOf(event), this.document.baseURI);
    const detail = { event, title: this.titleOf(event), body: this.bodyOf(event), url };
    if (!announce(this.document, 'live:toast', detail, true)) return;
    const toast = this.#copy(event) ?? this.#make(event, detail, region);
    const before = [...region.children];
    region.append(toast);
    this.#events.set(toast, event);
    this.#bind(toast, region);
    const tooMany = Math.max(0, before.length + 1 - MOST);
    for (const old of before.filter((other) => !this.#stays.get(other)?.isHeld).slice(0, tooMany)) old.remove();
  }

  /** What does not stand any more is not shown any longer. */
  #takeBack(region, event) {
    for (const toast of [...region.children]) {
      const told = this.#events.get(toast);
      if (told && takesBack(event, told)) this.#remove(toast, region);
    }
  }

  /** @returns {HTMLElement | null} the region, in which each one is read out as it comes, and only that one */
  find() {
    const region = /** @type {HTMLElement | null} */ (this.document.querySelector('[data-live-toasts]'));
    if (!region) return null;
    if (!region.getAttribute('role') && !region.getAttribute('aria-live')) region.setAttribute('role', 'status');
    // a status would be read out as a whole
    if (!region.getAttribute('aria-atomic')) region.setAttribute('aria-atomic', 'false');
    return region;
  }

  #copy(event) {
    const template = /** @type {HTMLTemplateElement | null} */ (
      this.document.querySelector('template[data-live-toast]')
    );
    return template && filledCopy(template, event);
  }

  #make(event, { title, body, url }, region) {
    const toast = this.#element('div', 'live-toast');
    toast.dataset.liveSeq = String(event.seq);
    const link = this.#element(url ? 'a' : 'span', 'live-toast__link', title || body);
    if (url) link.setAttribute('href', url);
    const heading = this.#element('p', 'live-toast__title');
    heading.append(link);
    toast.append(heading);
    if (title && body) toast.append(this.#element('p', 'live-toast__body', body));
    const dismiss = this.#element('button', 'live-toast__dismiss', '×');
    dismiss.setAttribute('type', 'button');
    dismiss.setAttribute('aria-label', region.dataset.liveDismissLabel || 'Dismiss');
    dismiss.setAttribute('data-live-dismiss', '');
    toast.append(dismiss);
    return toast;
  }

  #element(tag, name, text = '') {
    const element = this.document.createElement(tag);
    element.setAttribute('class', name);
    if (text) element.textContent = text;
    return element;
  }

  /** @param {HTMLElement} toast @param {HTMLElement} region */
  #bind(toast, region) {
    const stay = new Stay(toast, Number(region.dataset.liveTimeout ?? STAY) * 1000, this);
    this.#stays.set(toast, stay);
    const dismiss = () => this.#remove(toast, region);
    toast.querySelector('[data-live-dismiss]')?.addEventListener('click', dismiss);
    toast.addEventListener('keydown', (key) => key.key === 'Escape' && dismiss());
  }

  #remove(toast, region) {
    this.#stays.get(toast).end();
    const next = toast.nextElementSibling ?? toast.previousElementSibling;
    const hadFocus = toast.contains(this.document.activeElement);
    toast.remove();
    if (hadFocus) focusIn(region, next);
  }
}

/** @param {string} path @returns {(event: import('./cursor.js').LiveEvent) => string} what is there in an event */
function at(path) {
  return (event) => textAt(event, path);
}

/** How long a toast stays: all of its time after it was hovered, had the focus, or lay in a hidden tab. */
class Stay {
  #isHovered = false;
  #hasFocus = false;
  #timer = null;

  /**
   * @param {HTMLElement} toast
   * @param {number} ms no time, no end
   * @param {{document: Document, timers: import('./timers.js').Timers}} world
   */
  constructor(toast, ms, { document, timers }) {
    this.toast = toast;
    this.ms = ms;
    this.document = document;
    this.timers = timers;
    const on = (name, change) => {
      toast.addEventListener(name, () => {
        change();
        this.settle();
      });
    };
    on('pointerenter', () => (this.#isHovered = true));
    on('pointerleave', () => (this.#isHovered = false));
    on('focusin', () => (this.#hasFocus = true));
    on('focusout', () => (this.#hasFocus = false));
    this.settle();
  }

  /** Somebody is at it. */
  get isHeld() {
    return this.#isHovered || this.#hasFocus;
  }

  /** Something changed that may mean that it stays, or goes. */
  settle() {
    this.end();
    if (!(this.ms > 0) || this.isHeld || this.document.visibilityState === 'hidden') return;
    this.#timer = this.timers.set(() => this.toast.remove(), this.ms);
  }

  end() {
    this.timers.clear(this.#timer);
  }
}

/**
 * Who dismisses a toast goes on where they were, and not from the page's beginning.
 *
 * @param {HTMLElement} region
 * @param {Element | null} toast the next one
 */
function focusIn(region, toast) {
  const button = /** @type {HTMLElement | null} */ (toast?.querySelector('[data-live-dismiss]') ?? null);
  if (!button && region.getAttribute('tabindex') === null) region.setAttribute('tabindex', '-1');
  (button ?? region).focus();
}
