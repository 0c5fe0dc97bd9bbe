/**
 * Shows how the page is connected: on `<html>` for styles and tests, in words for people, and in the switch.
 */
export class Indicator {
  /**
   * @param {Document} document
   * @param {import('./strings.js').Strings} strings
   */
  constructor(document, strings) {
    this.document = document;
    this.strings = strings;
    this.status = document.getElementById('live-status');
    this.login = document.getElementById('live-login');
    this.switch = /** @type {HTMLSelectElement | null} */ (document.getElementById('live-transport'));
  }

  /**
   * Offer the choice, which makes no sense without this program.
   *
   * @param {string} choice
   * @param {(choice: string) => void} onChoice
   */
  offer(choice, onChoice) {
    if (!this.switch) return;
    this.switch.value = choice;
    this.switch.addEventListener('change', () => onChoice(this.switch.value));
    const holder = this.document.getElementById('live');
    if (holder) holder.hidden = false;
  }

  /**
   * @param {import('./connection.js').State} state
   * @param {string | null} transport
   * @param {string} detail
   */
  show(state, transport, detail) {
    const { dataset } = this.document.documentElement;
    if (transport) dataset.liveTransport = transport;
    else delete dataset.liveTransport;
    dataset.liveState = state;
    if (this.status) this.status.textContent = this.#words(state, detail);
    if (this.login) this.login.hidden = state !== 'signed-out';
  }

  #words(state, detail) {
    if (state === 'offline' && detail) return this.strings.get('state-stopped', { detail });
    return this.strings.get(`state-${state}`);
  }
}
