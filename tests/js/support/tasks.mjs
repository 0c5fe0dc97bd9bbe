/** The page of tasks as the server renders it, as far as its scripts look at it. */
import { Api } from '../../../static/live/api.js';
import { TasksPage } from '../../../static/live/pages/tasks.js';
import { Strings } from '../../../static/live/strings.js';
import { timesOf } from './chat.mjs';
import { FakeDocument, h } from './dom.mjs';
import { settle, world } from './world.mjs';

const strings = new Strings({ 'not-done': 'Not done', 'state-signed-out': 'Signed out' });
const UNFINISHED = ['queued', 'running'];

export function card({ id, state = 'running', progress = 0, version = 10 }) {
  const act = UNFINISHED.includes(state) ? 'cancel' : 'retry';
  const bar = h('div', { class: 'task__bar' }, [
    h('progress', { class: 'bar', max: '100', value: progress }), h('span', { 'data-percent': '' }, `${progress}%`),
  ]);
  const form = h('form', { 'data-do': act }, [h('button', { 'data-act': act }, act)]);
  return h('article', { id: `task-${id}`, tabindex: '-1', 'data-task': id, 'data-state': state, 'data-version': version }, [
    h('p', { class: 'task__state' }, state), ...(act === 'cancel' ? [bar] : []), form, h('p', { 'data-field': 'error', hidden: '' }),
  ]);
}

export function tasksPage({ tasks = [], search = '' } = {}) {
  const place = h('section', { id: 'tasks', 'data-tasks': '', tabindex: '-1' }, tasks.map(card));
  const start = h('form', { 'data-do': 'start' }, [
    h('input', { name: 'key' }), h('input', { name: 'kind' }), h('button', {}), h('p', { 'data-field': 'error', hidden: '' }),
  ]);
  const [key, kind] = start.querySelectorAll('input');
  [key.value, kind.value] = ['k', 'export-messages'];
  const document = new FakeDocument({ body: h('body', { 'data-user': 'ann' }, [h('main', {}, [start, place])]) });
  document.location.search = search;
  const around = world();
  const told = { badges: [], topics: 0 };
  // what the server says is `{user, tasks}`, as JSON
  const DOMParser = class {
    parseFromString(text) {
      const { user = 'ann', tasks: fresh = [] } = JSON.parse(text);
      const part = h('div', { class: 'part', 'data-user': user }, fresh.map(card));
      part.setDocument(document);
      return { querySelector: () => part };
    }
  };
  const page = new TasksPage({
    ...around, document, strings, times: timesOf(around), api: new Api({ ...around, csrfToken: () => 'token' }), DOMParser,
    onBadges: (...args) => told.badges.push(args),
    onTopics: () => (told.topics += 1),
  });
  const find = (id) => document.getElementById(`task-${id}`);
  return {
    ...around, page, document, place, start, key, told, find,
    bar: (id) => find(id).querySelector('.bar'),
    percent: (id) => find(id).querySelector('[data-percent]').textContent,
    states: () => Object.fromEntries(place.children.map(({ dataset }) => [dataset.task, dataset.state])),
    complaint: (element) => element.querySelector('[data-field="error"]').textContent,
    happens: (state, id = 7, seq = 1) => page.apply({ seq, kind: 'task', data: { id, state } }),
    topic: (id, version, state, progress) => page.snapshot(`task:${id}`, { state, progress }, version),
    submit: (form) => document.fire('submit', { target: form }),
    /** What came within a moment is asked for. */
    gather: () => around.timers.advance(150),
    async answer(body, status = 200) {
      around.fetch.last.answer(body, status);
      await settle();
    },
    /** The server gives the tasks of the page. */
    async part(content) {
      around.fetch.last.answer(JSON.stringify(content));
      await settle();
    },
  };
}
