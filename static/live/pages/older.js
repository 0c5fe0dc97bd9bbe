import { fetchWithin, sameOrigin } from '../http.js';

/** How far from the top of what is shown the next part is asked for, as a root margin. */
const EARLY = '800px 0px 0px 0px';
const PART = 50;

/**
 * Loads what is older than the page, a part at a time, as one scrolls towards it. The link that leads there without a
 * script stays, for the keyboard and for when the network fails.
 */
export class OlderMessages {
  #isLoading = false;

  /**
   * @param {object} parts
   * @param {Document} parts.document
   * @param {typeof fetch} parts.fetch
   * @param {import('../timers.js').Timers} parts.timers
   * @param {string} parts.base
   * @param {string} parts.other whose conversation
   * @param {import('./message-list.js').MessageList} parts.messages
   * @param {import('./scroller.js').Scroller} parts.scroller
   */
  constructor(parts) {
    this.parts = parts;
    this.holder = parts.document.getElementById('older');
    this.link = this.holder?.querySelector('a');
    this.link?.addEventListener('click', (event) => {
      event.preventDefault();
      this.load();
    });
    const Observer = parts.document.defaultView?.IntersectionObserver;
    if (!this.holder || !Observer) return;
    this.observer = new Observer((entries) => entries.some((entry) => entry.isIntersecting) && this.load(), {
      root: parts.scroller.element,
      rootMargin: EARLY,
    });
    this.observer.observe(this.holder);
  }

  /** One part more. What fails changes nothing: the link is still there. */
  async load() {
    if (this.#isLoading || !this.holder) return;
    this.#isLoading = true;
    const { base, other, messages } = this.parts;
    const path = `/messages/with/${encodeURIComponent(other)}?before=${messages.oldest}&limit=${PART}`;
    try {
      const read = async (response) => (response.ok ? response.json() : null);
      const found = await fetchWithin(this.parts, base + path, sameOrigin('application/json'), read);
      if (found) this.#show(found);
    } catch {
      // no network: one scrolls or clicks again
    }
    this.#isLoading = false;
  }

  #show({ messages: found, more }) {
    const { messages } = this.parts;
    messages.addOlder(found);
    this.link.setAttribute('href', this.link.getAttribute('href').replace(/before=\d+/, `before=${messages.oldest}`));
    if (!more) {
      this.observer?.disconnect();
      if (this.holder.contains(this.holder.ownerDocument.activeElement)) this.parts.scroller.takeFocus();
      this.holder.remove();
    } else if (this.observer) {
      this.observer.unobserve(this.holder); // observed anew, it says whether it is still near
      this.observer.observe(this.holder);
    }
  }
}
