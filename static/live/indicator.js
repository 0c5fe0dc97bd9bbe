import { PATIENCE } from './backoff.js';
import { Countdown } from './countdown.js';

/**
 * Shows how the page is connected: on `<html>` for styles and tests, in words for people, and in the switch; and offers
 * what can be done about it.
 *
 * The words are in a live region. What it says changes with each try and not with each second of waiting for it.
 */
export class Indicator {
  /** What the region says; null while it says how long it waits. @type {string | null} */
  #said = '';
  /** @type {HTMLElement | null} where it says how long */
  #number = null;

  /**
   * @param {object} parts
   * @param {Document} parts.document
   * @param {import('./strings.js').Strings} parts.strings
   * @param {import('./timers.js').Timers} parts.timers
   */
  constructor({ document, strings, timers }) {
    this.document = document;
    this.strings = strings;
    this.timers = timers;
    this.countdown = new Countdown(timers);
    this.status = document.getElementById('live-status');
    this.actions = document.getElementById('live-actions');
    this.retry = document.getElementById('live-retry');
    this.reload = document.getElementById('live-reload');
    this.login = document.getElementById('live-login');
    this.switch = /** @type {HTMLSelectElement | null} */ (document.getElementById('live-transport'));
    this.auto = this.switch?.querySelector('[value=auto]');
    this.automatic = this.auto?.textContent ?? '';
  }

  /**
   * Offer the choice, which makes no sense without this program.
   *
   * @param {string} choice
   * @param {{onChoice: (choice: string) => void, onRetry: () => void}} callbacks
   */
  offer(choice, { onChoice, onRetry }) {
    this.retry?.addEventListener('click', onRetry);
    if (!this.switch) return;
    this.switch.value = choice;
    this.switch.addEventListener('change', () => onChoice(this.switch.value));
    const holder = this.document.getElementById('live');
    if (holder) holder.hidden = false;
  }

  /**
   * @param {import('./status.js').State} state
   * @param {string | null} transport
   * @param {import('./status.js').More} more
   */
  show(state, transport, more) {
    const { dataset } = this.document.documentElement;
    if (transport) dataset.liveTransport = transport;
    else delete dataset.liveTransport;
    dataset.liveState = state;
    this.#offerActions(state, more);
    this.#nameAutomatic(transport);
    if (state === 'offline' && more.retryAt !== null) return this.#countDown(more);
    this.countdown.stop();
    this.#say(this.#words(state, more.detail));
  }

  #words(state, detail) {
    if (state !== 'offline') return this.strings.get(`state-${state}`);
    return detail ? this.strings.get('state-stopped', { detail }) : this.strings.get('state-trying');
  }

  /** @param {string} text */
  #say(text) {
    if (!this.status || this.#said === text) return;
    this.#said = text;
    this.status.textContent = text;
  }

  /** @param {import('./status.js').More} more */
  #countDown({ retryAt, since }) {
    if (!this.status) return;
    const isNew = this.#said !== null;
    if (isNew) {
      this.#number = this.document.createElement('span');
      this.#number.setAttribute('aria-live', 'off');
    }
    this.countdown.start(retryAt, (seconds) => {
      this.#number.textContent = String(seconds);
      this.#offerReload(since);
    });
    if (!isNew) return;
    this.#said = null;
    const [before, after] = this.strings.get('state-offline').split('{seconds}');
    this.status.replaceChildren(before, this.#number, after ?? '');
  }

  #offerActions(state, { detail, retryAt, since }) {
    const { activeElement } = this.document; // before it is hidden, as it is no longer active then
    if (this.retry) {
      this.retry.hidden = state !== 'offline' || detail !== '';
      this.retry.setAttribute('aria-disabled', String(retryAt === null)); // hidden, it would lose the focus
    }
    if (this.login) this.login.hidden = state !== 'signed-out';
    this.#offerReload(state === 'offline' ? since : null);
    if (this.actions) this.actions.hidden = state !== 'signed-out' && (state !== 'offline' || detail !== '');
    this.#keepFocus(/** @type {HTMLElement | null} */ (activeElement));
  }

  /** Who was on a button that is gone now is beside it, and not at the page's beginning. @param {HTMLElement | null} on */
  #keepFocus(on) {
    if (!on || !this.actions?.contains(on) || (!on.hidden && !this.actions.hidden)) return;
    (this.login?.hidden === false ? this.login : this.switch)?.focus();
  }

  /** An outage that is old may be a fault of this page. @param {number | null} since */
  #offerReload(since) {
    if (this.reload) this.reload.hidden = since === null || this.timers.now() - since < PATIENCE;
  }

  /** @param {string | null} transport */
  #nameAutomatic(transport) {
    if (!this.auto) return;
    this.switch.disabled = this.document.documentElement.dataset.liveState === 'signed-out';
    const isAuto = transport !== null && this.switch.value === 'auto';
    const way = isAuto && this.switch.querySelector(`[value=${transport}]`)?.textContent;
    this.auto.textContent = way ? this.strings.get('automatic', { way }) : this.automatic;
  }
}
