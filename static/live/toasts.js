import { announce } from './dom-events.js';
import { filledCopy, isFor, safeAddress, textAt } from './filling.js';

/** What is shown where the region does not name kinds. */
const KINDS = 'notification announcement';
/** Of so many at once the oldest goes. */
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
  const address = textAt(event, 'url') || own;
  return address.startsWith('/') ? root + address : address;
}

/**
 * Shows events in the page's `[data-live-toasts]`, if it has one when they come: by its `<template data-live-toast>`, else
 * by elements with class names and no styles.
 *
 * Promise: one that is hovered, has the focus, or lies in a hidden tab does not go by itself.
 */
export class Toasts {
  /**
   * @param {object} parts
   * @param {Document} parts.document
   * @param {import('./timers.js').Timers} parts.timers
   * @param {(event: import('./cursor.js').LiveEvent) => string} [parts.addressOf] where one leads
   */
  constructor({ document, timers, addressOf = (event) => textAt(event, 'url') }) {
    this.document = document;
    this.timers = timers;
    this.addressOf = addressOf;
  }

  /** @param {import('./cursor.js').LiveEvent} event that has happened since the page was rendered */
  show(event) {
    const region = this.find();
    if (!region || !isFor(region, region.dataset.liveToasts || KINDS, event)) return;
    const url = safeAddress(this.addressOf(event), this.document.baseURI);
    const detail = { event, title: textAt(event, 'title'), body: textAt(event, 'body'), url };
    if (!announce(this.document, 'live:toast', detail, true)) return;
    const toast = this.#copy(event) ?? this.#make(event, detail, region);
    region.append(toast);
    this.#bind(toast, Number(region.dataset.liveTimeout ?? STAY) * 1000);
    const shown = [...region.children];
    for (const old of shown.slice(0, Math.max(0, shown.length - MOST))) old.remove();
  }

  /** @returns {HTMLElement | null} the region, in which each one is read out as it comes, and only that one */
  find() {
    const region = /** @type {HTMLElement | null} */ (this.document.querySelector('[data-live-toasts]'));
    if (region && !region.getAttribute('role') && !region.getAttribute('aria-live')) {
      region.setAttribute('role', 'status');
      region.setAttribute('aria-atomic', 'false');
    }
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

  /** @param {HTMLElement} toast @param {number} ms how long it stays; no time, no end */
  #bind(toast, ms) {
    const { document, timers } = this;
    let timer = null;
    const wait = () => {
      timers.clear(timer);
      if (ms > 0) timer = timers.set(() => (document.visibilityState === 'hidden' ? wait() : toast.remove()), ms);
    };
    const hold = () => timers.clear(timer);
    for (const name of ['pointerenter', 'focusin']) toast.addEventListener(name, hold);
    for (const name of ['pointerleave', 'focusout']) toast.addEventListener(name, wait);
    const dismiss = () => {
      hold();
      const next = toast.nextElementSibling ?? toast.previousElementSibling;
      const hadFocus = toast.contains(document.activeElement);
      toast.remove();
      if (hadFocus) /** @type {HTMLElement | null} */ (next?.querySelector('[data-live-dismiss]'))?.focus();
    };
    toast.querySelector('[data-live-dismiss]')?.addEventListener('click', dismiss);
    toast.addEventListener('keydown', (key) => key.key === 'Escape' && dismiss());
    wait();
  }
}
