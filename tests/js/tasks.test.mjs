import assert from 'node:assert/strict';
import { test } from 'node:test';
import { h } from './support/dom.mjs';
import { tasksPage } from './support/tasks.mjs';
import { settle } from './support/world.mjs';

const RUNNING = { id: 7, state: 'running', progress: 10, version: 10 };

test('a task that waits or runs is watched, and one that is over is not', () => {
  const tasks = [RUNNING, { id: 6, state: 'queued' }, { id: 5, state: 'done' }];
  assert.deepEqual(tasksPage({ tasks }).page.topics, ['task:7', 'task:6']);
});

test('how far a task is moves its bar, and nothing is asked for', async () => {
  const page = tasksPage({ tasks: [RUNNING] });
  page.topic(7, 11, 'running', 40);
  await page.gather();
  assert.equal(page.bar(7).getAttribute('value'), '40');
  assert.equal(page.percent(7), '40%');
  assert.equal(page.fetch.asked.length, 0);
});

test('what is older than the page does not move a bar', () => {
  const page = tasksPage({ tasks: [RUNNING] });
  page.topic(7, 10, 'running', 5);
  page.topic(7, 9, 'done', 100);
  assert.equal(page.bar(7).getAttribute('value'), '10');
});

test('a new state brings the cards anew, as the server renders them', async () => {
  const page = tasksPage({ tasks: [RUNNING] });
  page.happens('cancelled');
  page.topic(7, 12, 'cancelled', 10);
  await page.gather();
  assert.deepEqual(page.fetch.asked.map(({ url }) => url), ['https://example.test/tasks/part']);
  await page.part({ tasks: [{ id: 7, state: 'cancelled', version: 12 }] });
  assert.deepEqual(page.states(), { 7: 'cancelled' });
  assert.deepEqual(page.page.topics, []);
  assert.equal(page.told.topics, 1);
});

test('a new task has its card above the others', async () => {
  const page = tasksPage({ tasks: [RUNNING] });
  page.happens('queued', 8);
  await page.gather();
  await page.part({ tasks: [{ id: 8, state: 'queued' }, RUNNING] });
  assert.deepEqual(page.place.children.map(({ id }) => id), ['task-8', 'task-7']);
});

test('older tasks are asked for as such', async () => {
  const page = tasksPage({ tasks: [RUNNING], search: '?before=9' });
  page.happens('done');
  await page.gather();
  assert.equal(page.fetch.last.url, 'https://example.test/tasks/part?before=9');
});

test('what happens while the cards are on their way has them asked for once more', async () => {
  const page = tasksPage({ tasks: [RUNNING] });
  page.happens('running');
  await page.gather();
  page.happens('cancelled');
  await page.gather();
  assert.equal(page.fetch.asked.length, 1);
  await page.part({ tasks: [RUNNING] });
  assert.equal(page.fetch.asked.length, 2);
});

test('a bar that is there stays the same element when its card comes anew, so that it moves on', async () => {
  const page = tasksPage({ tasks: [{ ...RUNNING, state: 'queued', progress: 0 }] });
  const bar = page.bar(7);
  page.happens('running');
  await page.gather();
  await page.part({ tasks: [{ id: 7, state: 'running', progress: 20, version: 11 }] });
  assert.equal(page.bar(7), bar);
  assert.equal(bar.getAttribute('value'), '20');
  assert.deepEqual(page.states(), { 7: 'running' });
  assert.equal(page.find(7).querySelector('.task__state').textContent, 'running');
});

test('cards that were on their way longer than what is shown change nothing', async () => {
  const page = tasksPage({ tasks: [RUNNING] });
  page.happens('running');
  await page.gather();
  page.topic(7, 15, 'running', 60);
  await page.part({ tasks: [{ ...RUNNING, version: 12, progress: 30 }] });
  assert.equal(page.bar(7).getAttribute('value'), '60');
});

test('who has the focus on a button that goes has it on the card', async () => {
  const page = tasksPage({ tasks: [RUNNING] });
  page.find(7).querySelector('button').focus();
  page.happens('done');
  await page.gather();
  await page.part({ tasks: [{ id: 7, state: 'failed', version: 12 }] });
  assert.equal(page.document.activeElement, page.find(7));
});

test('who has the focus on a button that comes anew has it there', async () => {
  const page = tasksPage({ tasks: [{ ...RUNNING, state: 'queued' }] });
  page.find(7).querySelector('button').focus();
  page.happens('running');
  await page.gather();
  await page.part({ tasks: [{ ...RUNNING, version: 12 }] });
  assert.equal(page.document.activeElement, page.find(7).querySelector('button'));
});

test('cards that cannot be loaded are when the server is back', async () => {
  const page = tasksPage({ tasks: [RUNNING] });
  page.happens('cancelled');
  await page.gather();
  page.fetch.last.fail();
  await settle();
  page.document.fire('live:state', { detail: { transport: 'websocket' } });
  await page.gather();
  assert.equal(page.fetch.asked.length, 2);
});

test('cards of somebody else are not shown', async () => {
  const page = tasksPage({ tasks: [RUNNING] });
  page.happens('done');
  await page.gather();
  await page.part({ user: 'bob', tasks: [{ id: 9, state: 'done' }] });
  assert.deepEqual(page.states(), { 7: 'running' });
});

// -- what one does

test('a task is started without leaving the page, and one is led to its card', async () => {
  const page = tasksPage();
  const { isPrevented } = page.submit(page.start);
  assert.ok(isPrevented);
  assert.deepEqual(page.fetch.last.body, { kind: 'export-messages', params: {}, key: 'k' });
  await page.answer({ id: 8 }, 202);
  await page.gather();
  await page.part({ tasks: [{ id: 8, state: 'queued' }] });
  assert.equal(page.document.activeElement, page.find(8));
});

test('pressed again while the task is at work it is the same key, and afterwards another', async () => {
  const page = tasksPage();
  const keys = [];
  for (const state of ['running', 'done', 'done']) {
    page.submit(page.start);
    keys.push(page.fetch.last.body.key);
    await page.answer({ id: 8 }, 202);
    await page.gather();
    await page.part({ tasks: [{ id: 8, state, version: 10 + keys.length }] });
  }
  assert.deepEqual(keys.slice(0, 2), ['k', 'k']);
  assert.match(keys[2], /^[0-9a-f]{32}$/);
});

test('two presses in a row after a task is over are one task', async () => {
  const page = tasksPage();
  page.submit(page.start);
  await page.answer({ id: 8 }, 202);
  await page.gather();
  await page.part({ tasks: [{ id: 8, state: 'done', version: 11 }] });
  page.submit(page.start);
  const first = page.fetch.last.body.key;
  page.submit(page.start);
  assert.notEqual(first, 'k');
  assert.equal(page.fetch.last.body.key, first);
});

test('what cannot be started says why', async () => {
  const page = tasksPage();
  page.submit(page.start);
  await page.answer({ detail: 'You may not.' }, 403);
  assert.equal(page.complaint(page.start), 'You may not.');
  page.submit(page.start);
  page.fetch.last.fail();
  await settle();
  assert.equal(page.complaint(page.start), 'Not done');
});

for (const [name, state] of [['cancel', 'running'], ['retry', 'failed']]) {
  test(`${name} is asked for without leaving the page`, async () => {
    const page = tasksPage({ tasks: [{ id: 7, state }] });
    page.submit(page.find(7).querySelector('form'));
    assert.equal(page.fetch.last.url, `https://example.test/tasks/7/${name}`);
    assert.deepEqual(page.fetch.last.body, {});
    await page.answer({ id: 7 });
    await page.gather();
    assert.equal(page.fetch.last.url, 'https://example.test/tasks/part');
  });
}

test('what is too late for a task says so, and shows how it stands', async () => {
  const page = tasksPage({ tasks: [RUNNING] });
  page.submit(page.find(7).querySelector('form'));
  await page.answer({ detail: 'The task is over.' }, 409);
  assert.equal(page.complaint(page.find(7)), 'The task is over.');
  await page.gather();
  assert.equal(page.fetch.last.url, 'https://example.test/tasks/part');
});

// -- what was seen

const marked = ({ fetch }) => fetch.asked.filter(({ url }) => url.endsWith('/badges/seen')).map(({ body }) => body);

test('what one is told of a task while one looks is seen', async () => {
  const page = tasksPage({ tasks: [RUNNING] });
  page.happens('done', 7, 18);
  assert.deepEqual(marked(page), [{ badges: ['tasks'], upto: 18 }]);
  await page.answer({ badges: { tasks: 0 }, seq: 19 });
  assert.deepEqual(page.told.badges, [[{ tasks: 0 }, 19]]);
});

test('what one is told while one looks elsewhere is seen when one looks again', async () => {
  const page = tasksPage({ tasks: [RUNNING] });
  page.document.isFocused = false;
  page.happens('failed', 7, 18);
  assert.deepEqual(marked(page), []);
  page.document.isFocused = true;
  page.document.fire('focusin');
  assert.deepEqual(marked(page), [{ badges: ['tasks'], upto: 18 }]);
});

test('that a task begins is nothing to be seen', () => {
  const page = tasksPage();
  page.happens('queued');
  page.happens('cancelled');
  assert.deepEqual(marked(page), []);
});

// -- toasts

/** What is told by a toast unless somebody prevents it, and the region that it comes into. */
function toast(page, id) {
  const region = h('div', { 'data-live-toasts': '' });
  region.setDocument(page.document);
  page.document.querySelector('body').append(region);
  page.document.documentElement.clientHeight = 600;
  const event = new CustomEvent('live:toast', {
    detail: { event: { kind: 'task', data: { id } }, title: 'Failed: A', body: 'Why' }, cancelable: true,
  });
  return { region, isShown: page.document.dispatchEvent(event) };
}

test('a toast of a task whose card is in sight is only read out', async () => {
  const page = tasksPage({ tasks: [RUNNING] });
  page.find(7).getBoundingClientRect = () => ({ top: 500, bottom: 700 });
  const { region, isShown } = toast(page, 7);
  assert.equal(isShown, false);
  assert.deepEqual(region.children.map((line) => [line.className, line.textContent]), [['visually-hidden', 'Failed: A. Why']]);
  await page.timers.advance(5000);
  assert.equal(region.children.length, 0);
});

test('a toast of a task that is not in sight, or not on the page, is shown', () => {
  for (const [id, top] of [[7, 600], [7, -200], [8, 0]]) {
    const page = tasksPage({ tasks: [RUNNING] });
    page.find(7).getBoundingClientRect = () => ({ top, bottom: top + 200 });
    const { region, isShown } = toast(page, id);
    assert.deepEqual([isShown, region.children.length], [true, 0]);
  }
});
