import { randomKey } from '../outbox.js';

/** How long it says that it was sent, in milliseconds. */
const SAID_FOR = 4_000;

/**
 * The form in which one writes a post or a reply. What was written stays in it until it is stored, so nothing is lost,
 * and it goes with the form's own key, by whichever way it is sent: it is stored once.
 */
export class Writing {
  /**
   * @param {object} parts
   * @param {Document} parts.document
   * @param {import('../outbox.js').Outbox} parts.outbox
   * @param {import('../strings.js').Strings} parts.strings
   * @param {import('../timers.js').Timers} parts.timers
   */
  constructor({ document, outbox, strings, timers }) {
    this.timers = timers;
    this.outbox = outbox;
    this.strings = strings;
    this.form = /** @type {HTMLFormElement | null} */ (document.getElementById('write'));
    if (!this.form) return;
    this.input = this.form.querySelector('textarea');
    this.key = /** @type {HTMLInputElement} */ (this.form.querySelector('[name="key"]'));
    this.button = this.form.querySelector('button');
    this.error = document.getElementById('write-error');
    this.status = document.getElementById('write-status');
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.input.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    });
    const [entry] = outbox.entries; // the page was loaded anew meanwhile
    if (entry) this.#show(entry);
  }

  /** Nothing can be written here any more; what has been is kept, to be taken elsewhere. */
  end() {
    if (this.form && !this.input.value) this.form.remove();
  }

  get isSending() {
    return this.outbox.entries.length > 0;
  }

  #submit() {
    const body = this.input.value;
    if (this.isSending) return;
    this.#complain('');
    if (!body.trim()) {
      this.input.value = ''; // so that the browser itself says at the field that something is missing
      this.form.reportValidity();
      return;
    }
    const entry = { path: this.form.dataset.send, body, key: this.key.value };
    this.#show(entry);
    this.outbox.send(entry);
  }

  /** It is on its way, and cannot be changed any more. */
  #show({ body, key }) {
    this.input.value = body;
    this.key.value = key;
    this.input.setAttribute('readonly', '');
    this.button.setAttribute('aria-disabled', 'true');
    this.waits();
  }

  /** Say what it waits for. */
  waits() {
    this.status.textContent = this.strings.get(this.outbox.isCutOff ? 'waiting' : 'sending');
  }

  stored() {
    this.#free();
    this.input.value = '';
    this.key.value = randomKey();
    this.status.textContent = this.strings.get('sent');
    this.timers.set(() => this.isSending || (this.status.textContent = ''), SAID_FOR);
  }

  /** @param {string} reason it stays in the form, to be changed or sent again */
  refused(reason) {
    this.#free();
    this.key.value = randomKey();
    const problem = reason.replace(/^body[:：]\s*/, ''); // said at the field, as the server says it there
    this.#complain(problem === reason ? reason : this.form.dataset.wrong.replace('{problem}', () => problem));
  }

  #free() {
    this.input.removeAttribute('readonly');
    this.button.removeAttribute('aria-disabled');
    this.status.textContent = '';
  }

  /** @param {string} text what is wrong; '' for nothing */
  #complain(text) {
    this.error.textContent = text;
    this.error.hidden = !text;
    if (text) this.input.setAttribute('aria-invalid', 'true');
    else this.input.removeAttribute('aria-invalid');
  }
}
