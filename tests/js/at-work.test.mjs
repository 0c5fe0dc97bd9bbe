import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AtWork } from '../../static/live/at-work.js';
import { Strings } from '../../static/live/strings.js';
import { TaskTelling } from '../../static/live/task-telling.js';
import { FakeDocument, h } from './support/dom.mjs';

function head(listed = []) {
  const bar = h('progress', { id: 'at-work' });
  const words = h('span', { id: 'at-work-words' });
  const document = new FakeDocument({ body: h('body', { 'data-at-work': JSON.stringify(listed) }, [bar, words]) });
  const atWork = new AtWork(document);
  const shows = () => (bar.hidden ? 'nothing' : bar.getAttribute('value') ?? 'waiting');
  const happens = (id, state) => atWork.apply({ seq: 1, kind: 'task', at: '', data: { id, state } });
  return { atWork, document, words, shows, happens };
}

// -- the bar

test('without tasks there is no bar, and nothing is watched', () => {
  const { atWork, shows, words } = head();
  assert.equal(shows(), 'nothing');
  assert.ok(words.hidden);
  assert.deepEqual(atWork.topics, []);
});

test('it is the mean of those that run', () => {
  assert.equal(head([[7, 'running', 40], [8, 'running', 71], [9, 'queued', 0]]).shows(), '55');
});

test('where all only wait it has no value', () => {
  assert.equal(head([[7, 'queued', 0]]).shows(), 'waiting');
});

test('a task that is new, runs, and ends is followed by its events alone', () => {
  const { shows, happens } = head();
  happens(7, 'queued');
  assert.equal(shows(), 'waiting');
  happens(7, 'running');
  assert.equal(shows(), '0');
  happens(7, 'done');
  assert.equal(shows(), 'nothing');
});

test('its topic moves the bar, and ends it', () => {
  const { atWork, shows } = head([[7, 'running', 10]]);
  atWork.snapshot('task:7', { state: 'running', progress: 60 });
  assert.equal(shows(), '60');
  atWork.snapshot('task:7', { state: 'cancelled', progress: 60 });
  assert.equal(shows(), 'nothing');
});

test('an event that comes behind its topic does not take the bar back', () => {
  const { atWork, shows, happens } = head();
  happens(7, 'queued');
  atWork.snapshot('task:7', { state: 'running', progress: 60 });
  happens(7, 'queued');
  assert.equal(shows(), '60');
});

test('topics and events of anything else change nothing', () => {
  const { atWork, shows } = head([[7, 'running', 10]]);
  atWork.snapshot('post:7', { state: 'done', progress: 100 });
  atWork.apply({ seq: 1, kind: 'message', at: '', data: { id: 7, state: 'done' } });
  assert.equal(shows(), '10');
});

test('ten are watched, those that run before those that wait', () => {
  const { atWork } = head([...Array(12).keys()].map((id) => [id + 1, id === 11 ? 'running' : 'queued', 0]));
  assert.equal(atWork.topics.length, 10);
  assert.equal(atWork.topics[0], 'task:12');
});

test('a page that was loaded anew says it anew', () => {
  const { atWork, document, shows } = head([[7, 'running', 10]]);
  document.body.dataset.atWork = '[]';
  atWork.bind();
  assert.equal(shows(), 'nothing');
});

// -- what is said of them elsewhere

const strings = new Strings({ 'task-done': 'Done: {title}', 'task-failed': 'Failed: {title}', 'own-words': { Report: 'Bericht' } });
const task = (more) => ({ seq: 1, kind: 'task', at: '', data: { id: 7, title: 'Report', state: 'done', result_url: null, error: null, ...more } });
const telling = new TaskTelling(strings, '/live');

test('the end of a task is told, in the words of the page', () => {
  assert.equal(telling.titleOf(task({})), 'Done: Bericht');
  assert.equal(telling.titleOf(task({ state: 'failed' })), 'Failed: Bericht');
  assert.equal(telling.bodyOf(task({ error: 'No sales' })), 'No sales');
});

test('it leads to the result, or to the task', () => {
  assert.equal(telling.addressOf(task({})), '/live/tasks#task-7');
  assert.equal(telling.addressOf(task({ result_url: '/tasks/7/result' })), '/live/tasks/7/result');
  assert.equal(telling.addressOf(task({ result_url: 'https://shop.example/7' })), 'https://shop.example/7');
});

test('only the end is told, and only where it is counted', () => {
  assert.ok(telling.tells(task({}), { tasks: 1 }));
  assert.ok(!telling.tells(task({}), { tasks: 0 }), 'muted, or seen elsewhere');
  assert.ok(!telling.tells(task({}), undefined));
  assert.ok(!telling.tells(task({ state: 'running' }), { tasks: 1 }));
});

test('of other events it says nothing', () => {
  const other = { seq: 1, kind: 'notification', at: '', data: {} };
  assert.ok(telling.tells(other, { tasks: 0 }));
  assert.deepEqual([telling.titleOf(other), telling.bodyOf(other), telling.addressOf(other)], [null, null, null]);
});
