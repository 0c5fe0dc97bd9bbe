/** Between two looks, in milliseconds. */
const EVERY = 1000;

/**
 * Keeps up `<progress data-progress="/address">`, whose address answers {state, reached, total}, until it is done.
 */
export class Progress {
  /**
   * @param {object} parts
   * @param {Document} parts.document
   * @param {typeof fetch} parts.fetch
   * @param {import('./timers.js').Timers} parts.timers
   * @param {(name: string) => string} parts.text what a state is called
   */
  constructor({ document, fetch, timers, text }) {
    Object.assign(this, { document, fetch, timers, text });
  }

  keepUp() {
    const bars = [...this.document.querySelectorAll('progress[data-progress]')];
    if (bars.length === 0) return;
    this.timers.set(async () => {
      await Promise.all(bars.map((bar) => this.#look(/** @type {HTMLProgressElement} */ (bar))));
      this.keepUp();
    }, EVERY);
  }

  /** @param {HTMLProgressElement} bar */
  async #look(bar) {
    try {
      const response = await this.fetch(bar.dataset.progress, { headers: { Accept: 'application/json' } });
      if ([401, 403, 404].includes(response.status)) delete bar.dataset.progress; // nobody here is told any more
      if (!response.ok) return;
      const { state, reached, total } = await response.json();
      const row = bar.parentElement;
      row.querySelector('[data-reached]').textContent = String(reached);
      bar.max = total || 1;
      bar.value = state === 'done' ? bar.max : reached;
      if (state !== 'done') return;
      delete bar.dataset.progress;
      row.querySelector('[data-state]').textContent = this.text('done');
    } catch (error) {
      console.warn(`live: progress could not be loaded: ${error}`);
    }
  }
}
