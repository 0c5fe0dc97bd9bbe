import { filledCopy, isFor } from '../live/filling.js';
import { isTakingBack, takesBack } from '../live/taken-back.js';

/** So many events are kept for lists that come into the page later. */
const KEPT = 200;

/**
 * Lists that show events: each `[data-live-list=<kinds>]` gets a filled copy of its template for each event.
 *
 * Promise: an event is in a list once, in the order of seq among those that say theirs (`data-live-seq`), whoever put it
 * there. A list that comes into the page later, and says where it stands, gets what it lacks. What was taken back or
 * deleted leaves the lists.
 */
export class Lists {
  /** The newest events, oldest first. @type {import('../live/cursor.js').LiveEvent[]} */
  #kept = [];
  #known = new WeakSet();

  /** @param {Document} document */
  constructor(document) {
    this.document = document;
  }

  /** @param {import('../live/cursor.js').LiveEvent} event */
  apply(event) {
    this.find();
    if (isTakingBack(event)) this.#takeBack(event);
    if (isTakingBack(event) && event.kind !== 'deleted') return; // it is no news by itself
    this.#kept.push(event);
    if (this.#kept.length > KEPT) this.#kept.shift();
    for (const list of this.#lists()) add(list, event);
  }

  /** Of events from before the page only their server knows what they were. */
  #takeBack(event) {
    const gone = this.#kept.filter((told) => takesBack(event, told));
    this.#kept = this.#kept.filter((told) => !gone.includes(told));
    const seqs = new Set(gone.map(({ seq }) => seq));
    for (const list of this.#lists()) {
      for (const item of itemsOf(list)) if (seqs.has(seqOf(item))) item.remove();
    }
  }

  /** Give new lists what has happened since they were rendered. */
  find() {
    for (const list of this.#lists()) {
      if (this.#known.has(list)) continue;
      this.#known.add(list);
      const place = placeOf(list);
      if (place === undefined) continue;
      for (const event of this.#kept) if (event.seq > place) add(list, event);
    }
  }

  /** A list was filled anew by the page's server. @param {HTMLElement} list */
  again(list) {
    this.#known.delete(list);
    this.find();
  }

  /** What has happened so far is none of the lists' that come later. */
  forget() {
    this.#kept = [];
  }

  /** From now on a seq means something else than before. */
  reset() {
    this.forget();
    for (const list of this.#lists()) {
      for (const element of [list, ...list.children]) delete element.dataset.liveSeq;
    }
  }

  /** @returns {HTMLElement[]} */
  #lists() {
    return [...this.document.querySelectorAll('[data-live-list]')];
  }
}

/** @param {HTMLElement} list @param {import('../live/cursor.js').LiveEvent} event */
function add(list, event) {
  const { liveList, liveSeq, liveMax, liveAppend } = list.dataset;
  if (!isFor(list, liveList, event) || Number(liveSeq) >= event.seq) return;
  if (itemsOf(list).some((item) => seqOf(item) === event.seq)) return;
  const template = templateOf(list);
  const item = template && filledCopy(template, event);
  if (!item) return;
  const isLast = liveAppend !== undefined;
  const isBehind = isLast ? (other) => seqOf(other) > event.seq : (other) => !(seqOf(other) > event.seq);
  list.insertBefore(item, itemsOf(list).find(isBehind) ?? null);
  const items = itemsOf(list);
  const tooMany = Math.max(0, items.length - (Number(liveMax) || Infinity));
  for (const old of isLast ? items.slice(0, tooMany) : items.slice(items.length - tooMany)) old.remove();
}

/** @param {HTMLElement} list @returns {HTMLTemplateElement | null} its own, or the one that it names */
function templateOf(list) {
  const { liveTemplate } = list.dataset;
  const found = liveTemplate
    ? list.ownerDocument.getElementById(liveTemplate)
    : [...list.children].find((child) => child.tagName === 'TEMPLATE');
  if (!found) console.error('live: a list has no <template> of its own, nor does data-live-template name one', list);
  return /** @type {HTMLTemplateElement | null} */ (found ?? null);
}

/** @returns {HTMLElement[]} */
function itemsOf(list) {
  return [...list.children].filter((child) => child.tagName !== 'TEMPLATE');
}

/** @returns {number} NaN where it does not say it */
function seqOf(item) {
  return Number(item.dataset.liveSeq ?? NaN);
}

/** The seq of the newest event that a list has; undefined where it does not say it. @returns {number | undefined} */
function placeOf(list) {
  const seqs = [list, ...itemsOf(list)].map(seqOf).filter((seq) => !Number.isNaN(seq));
  return seqs.length > 0 ? Math.max(...seqs) : undefined;
}
