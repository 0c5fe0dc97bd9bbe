import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Progress } from '../../static/live/progress.js';
import { FakeDocument, h } from './support/dom.mjs';
import { FakeTimers, fakeFetch, settle } from './support/world.mjs';

function start() {
  const bar = h('progress', { 'data-progress': '/admin/announcements/7' });
  const row = h('span', {}, [bar, h('span', { 'data-reached': '' }, '0'), h('span', { 'data-state': '' }, 'running')]);
  const document = new FakeDocument({ body: h('body', {}, [row]) });
  const fetch = fakeFetch();
  const timers = new FakeTimers();
  new Progress({ document, fetch, timers, random: () => 0.5, text: (name) => `${name}!` }).keepUp();
  return { document, bar, row, fetch, timers };
}

test('a bar is kept up until it is done, and then asks no more', async () => {
  const { bar, row, fetch, timers } = start();
  await timers.advance(1000);
  fetch.last.answer({ state: 'running', reached: 3, total: 10 });
  await settle();
  assert.deepEqual([bar.value, bar.max, row.textContent], [3, 10, '3running']);
  await timers.advance(1000);
  fetch.last.answer({ state: 'done', reached: 9, total: 10 });
  await settle();
  assert.deepEqual([bar.value, bar.max, row.textContent], [10, 10, '9done!']);
  await timers.advance(10_000);
  assert.equal(fetch.asked.length, 2);
});

test('a failure is tried again, and who may not know any more asks no more', async (t) => {
  t.mock.method(console, 'warn', () => {});
  const { fetch, timers } = start();
  await timers.advance(1000);
  fetch.last.fail();
  await settle();
  await timers.advance(1000);
  fetch.last.answer({}, 503);
  await settle();
  await timers.advance(1000);
  assert.equal(fetch.asked.length, 3);
  fetch.last.answer({}, 401);
  await settle();
  await timers.advance(10_000);
  assert.equal(fetch.asked.length, 3);
});

test('a server that is away, or says nothing, is asked less and less', async (t) => {
  t.mock.method(console, 'warn', () => {});
  const { fetch, timers } = start();
  await timers.advance(15_900);
  assert.equal(fetch.asked.length, 1);
  await timers.advance(100); // it is given up
  assert.equal(fetch.last.isAborted, true);
  for (let count = 0; count < 100; count += 1) {
    await timers.advance(1000);
    fetch.last.answer({}, 502);
  }
  const before = fetch.asked.length;
  assert.ok(before < 60, String(before));
  await timers.advance(2_000);
  fetch.last.answer({ state: 'running', reached: 3, total: 10 });
  await timers.advance(1_000);
  assert.equal(fetch.asked.length, before + 2, 'back again, it is asked as before');
});

test('a hidden tab asks for nothing until it is looked at', async () => {
  const { document, fetch, timers } = start();
  document.visibilityState = 'hidden';
  await timers.advance(60_000);
  assert.equal(fetch.asked.length, 0);
  document.visibilityState = 'visible';
  await timers.advance(1_000);
  assert.equal(fetch.asked.length, 1);
});
