import { isTemporary } from '../api.js';
import { offer } from '../contents.js';
import { loadPage } from '../http.js';
import { randomKey } from '../outbox.js';
import { ReadMarker } from '../read-marker.js';
import { TaskCards } from './task-cards.js';
import { TaskToasts } from './task-toasts.js';

/** What comes within this time is shown by one request, in milliseconds. */
const GATHER = 150;

/**
 * One's tasks: how far each is, and what one does with them without leaving the page. What one is told of a task while one
 * looks at the page is seen.
 */
export class TasksPage {
  #wait = null;
  #isLoading = false;
  #isStale = false;
  #hasFailed = false;
  /** The task that one has started here or done something with, to be led to when it is shown. */
  #asked = 0;
  /** By form: the task that was started last with its key. @type {WeakMap<HTMLFormElement, number>} */
  #started = new WeakMap();

  /**
   * @param {object} parts
   * @param {Document} parts.document
   * @param {import('../strings.js').Strings} parts.strings
   * @param {import('../times.js').Times} parts.times
   * @param {import('../api.js').Api} parts.api
   * @param {import('../timers.js').Timers} parts.timers
   * @param {typeof fetch} parts.fetch
   * @param {{new (): DOMParser}} parts.DOMParser
   * @param {string} parts.base
   * @param {() => number} parts.random
   * @param {(badges: any, latest: any) => void} parts.onBadges
   * @param {() => void} parts.onTopics they have changed
   */
  constructor(parts) {
    this.parts = parts;
    const { document, timers } = parts;
    this.cards = new TaskCards(document, timers);
    this.toasts = new TaskToasts(document, timers, this.cards);
    this.reading = this.#marker();
    document.addEventListener('submit', (event) => this.#submit(event));
    document.addEventListener('live:state', ({ detail }) => detail.transport && this.#hasFailed && this.load());
    this.bind();
  }

  #marker() {
    const { api, document, onBadges, random, timers } = this.parts;
    const reading = new ReadMarker({
      timers,
      random,
      mark: (upto) => api.post('/badges/seen', { badges: ['tasks'], upto }),
      isLooking: () => document.visibilityState === 'visible' && document.hasFocus(),
      onMarked: (_upto, answer) => onBadges(answer?.badges, answer?.seq),
    });
    for (const happening of ['visibilitychange', 'focusin', 'pointerdown', 'keydown']) {
      document.addEventListener(happening, () => reading.settle());
    }
    document.defaultView?.addEventListener('focus', () => reading.settle());
    return reading;
  }

  /** Find the elements of the page, also of one that has replaced another. */
  bind() {
    this.cards.bind();
  }

  /** How far those are that wait or run. */
  get topics() {
    return this.cards.unfinished.map((id) => `task:${id}`);
  }

  /**
   * @param {string} topic
   * @param {any} data
   * @param {number} version
   */
  snapshot(topic, data, version) {
    if (this.cards.take(Number(topic.replace('task:', '')), data, version)) this.load();
  }

  /** @param {() => void} run */
  together(run) {
    run();
  }

  /** @param {import('../cursor.js').LiveEvent} event */
  apply({ kind, data, seq }) {
    if (kind !== 'task') return;
    this.load();
    if (data.state === 'done' || data.state === 'failed') this.reading.show(seq);
  }

  /** Show soon what the server has now. */
  load() {
    this.#isStale = true;
    this.#wait ??= this.parts.timers.set(() => {
      this.#wait = null;
      this.#load();
    }, GATHER);
  }

  async #load() {
    if (this.#isLoading) return; // what is on its way may be from before: it asks again
    this.#isLoading = true;
    while (this.#isStale) {
      this.#isStale = false;
      await this.#loadOnce();
    }
    this.#isLoading = false;
  }

  async #loadOnce() {
    const { base, document, onTopics, times } = this.parts;
    const { place } = this.cards;
    const { search } = document.location;
    this.#hasFailed = false;
    try {
      const fresh = await loadPage(this.parts, `${base}/tasks/part${search}`, '.part');
      const part = fresh?.querySelector('.part');
      if (!part || place !== this.cards.place) return; // the page was loaded anew meanwhile
      await this.cards.put(part);
      times.localize(place);
      this.#lead();
      onTopics();
    } catch (error) {
      this.#hasFailed = true;
      console.warn(`live: tasks could not be loaded: ${error}`);
    }
  }

  /** To what one has asked for. */
  #lead() {
    const card = this.cards.find(this.#asked);
    if (!card) return;
    this.#asked = 0;
    if (!card.contains(this.parts.document.activeElement)) card.focus({ preventScroll: true });
    card.scrollIntoView({ block: 'nearest' });
  }

  /** @param {SubmitEvent} event */
  #submit(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    const what = form.dataset.do;
    if (!what) return;
    event.preventDefault();
    if (what === 'start') this.#start(form);
    else this.#do(form, what);
  }

  /**
   * The same key as long as the task is at work that it has started: pressed again it is the same task.
   *
   * @param {HTMLFormElement} form
   */
  async #start(form) {
    const { started, wasDone } = this.#last(form);
    const [kind, key] = ['kind', 'key'].map((name) => /** @type {HTMLInputElement} */ (form.querySelector(`[name=${name}]`)));
    if (started && wasDone) {
      key.value = randomKey();
      this.#started.delete(form); // so that a second press before the answer has this key, too
    }
    const answer = await this.parts.api.post('/tasks', { kind: kind.value, params: {}, key: key.value });
    if (!answer.body) return this.#fail(form, answer);
    this.#started.set(form, answer.body.id);
    this.#succeed(form, answer.body.id);
  }

  /** @param {HTMLFormElement} form what it has started last, and whether that is over as far as the page knows */
  #last(form) {
    const started = this.#started.get(form) ?? 0;
    return { started, wasDone: this.cards.find(started) !== null && !this.cards.unfinished.includes(started) };
  }

  /** @param {HTMLFormElement} form @param {string} what `cancel` or `retry` */
  async #do(form, what) {
    const id = Number(/** @type {HTMLElement} */ (form.closest('[data-task]')).dataset.task);
    const answer = await this.parts.api.post(`/tasks/${id}/${what}`, {});
    if (answer.body) this.#succeed(form, id);
    else this.#fail(form, answer);
  }

  #succeed(form, id) {
    say(form, '');
    this.#asked = id;
    this.load();
  }

  /** @param {HTMLFormElement} form @param {import('../api.js').Answer} answer */
  #fail(form, answer) {
    const { strings } = this.parts;
    if (answer.status === 401) say(form, strings.get('state-signed-out'));
    else say(form, (!isTemporary(answer) && answer.detail) || strings.get('not-done'));
    if (answer.status === 404 || answer.status === 409) this.load(); // it is otherwise by now
  }
}

/** @param {HTMLFormElement} form @param {string} text what went wrong with it */
function say(form, text) {
  const line = /** @type {HTMLElement | null} */ (
    (form.closest('[data-task]') ?? form).querySelector('[data-field=error]')
  );
  if (!line) return;
  line.textContent = text;
  line.hidden = !text;
}

offer('[data-tasks]', TasksPage);
