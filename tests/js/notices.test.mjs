import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Notices } from '../../static/live/notices.js';
import { FakeDocument, h } from './support/dom.mjs';
import { FakeTimers, fakeFetch, settle } from './support/world.mjs';

const GATHER = 150;

function start({ page = false } = {}) {
  const bell = h('a', { id: 'bell', 'aria-expanded': 'false' });
  const panel = h('div', { id: 'bell-panel', hidden: '' });
  const list = h('div', { 'data-notices': '' }, [h('p', {}, 'old')]);
  const document = new FakeDocument({ body: h('body', {}, [bell, panel, ...(page ? [list] : [])]) });
  const fetch = fakeFetch();
  const timers = new FakeTimers();
  const posted = [];
  const api = {
    post: async (path, data) => {
      posted.push({ path, data });
      return { status: 200, body: { badges: { notifications: 0 }, seq: 9 }, detail: '' };
    },
  };
  const badges = [];
  const DOMParser = class {
    parseFromString(text) {
      const item = h('p', { 'data-notice': '1' }, text);
      const body = h('body', {}, [item]);
      const part = h('div', { 'data-notices': '' }, [h('p', {}, text)]);
      return { body: { childNodes: body.children }, querySelector: () => ({ childNodes: part.children }) };
    }
  };
  const notices = new Notices({
    document,
    location: { href: 'https://example.test/notifications' },
    fetch,
    DOMParser,
    timers,
    random: () => 0.5,
    base: 'https://example.test',
    api,
    onBadges: (numbers, latest) => badges.push({ numbers, latest }),
    onShown: () => {},
  });
  notices.bind();
  return { notices, bell, panel, list, document, fetch, timers, posted, badges };
}

test('a bell that is closed asks for nothing, whatever happens', async () => {
  const { notices, fetch, timers } = start();
  notices.apply({ kind: 'notification' });
  await timers.advance(10_000);
  assert.equal(fetch.asked.length, 0);
});

test('opened, it shows what the server has', async () => {
  const { bell, panel, fetch } = start();
  assert.ok(bell.fire('click', { button: 0 }).isPrevented);
  await settle();
  assert.equal(panel.hidden, false);
  assert.equal(bell.getAttribute('aria-expanded'), 'true');
  assert.equal(fetch.last.url, 'https://example.test/notifications/panel');
  fetch.last.answer('news');
  await settle();
  assert.equal(panel.textContent, 'news');
});

test('a click for a new tab is left to the browser', () => {
  const { bell, panel } = start();
  for (const key of ['metaKey', 'ctrlKey', 'shiftKey', 'altKey']) {
    assert.equal(bell.fire('click', { button: 0, [key]: true }).isPrevented, undefined);
  }
  assert.equal(bell.fire('click', { button: 1 }).isPrevented, undefined);
  assert.equal(panel.hidden, true);
});

test('a second click and Escape close it', () => {
  const { bell, panel, document } = start();
  bell.focus = () => (bell.isFocused = true);
  bell.fire('click', { button: 0 });
  bell.fire('click', { button: 0 });
  assert.equal(panel.hidden, true);
  bell.fire('click', { button: 0 });
  document.fire('keydown', { key: 'Escape' });
  assert.equal(panel.hidden, true);
  assert.ok(bell.isFocused);
});

test('what comes together is shown by one request', async () => {
  const { notices, bell, fetch, timers } = start();
  bell.fire('click', { button: 0 });
  fetch.last.answer('first');
  await settle();
  for (let number = 0; number < 5; number += 1) notices.apply({ kind: 'like' });
  await timers.advance(GATHER);
  assert.equal(fetch.asked.length, 2);
});

test('messages change nothing in it', async () => {
  const { notices, fetch, timers } = start({ page: true });
  notices.apply({ kind: 'message' });
  notices.apply({ kind: 'read' });
  await timers.advance(10_000);
  assert.equal(fetch.asked.length, 0);
});

test('an announcement is not asked for by everybody in the same moment', async () => {
  const { notices, fetch, timers } = start({ page: true });
  notices.apply({ kind: 'announcement' });
  await timers.advance(GATHER);
  assert.equal(fetch.asked.length, 0);
  await timers.advance(1000);
  assert.equal(fetch.asked.length, 1);
});

test('what happens while an answer is on its way is asked for again', async () => {
  const { notices, list, fetch, timers } = start({ page: true });
  notices.apply({ kind: 'like' });
  await timers.advance(GATHER);
  notices.apply({ kind: 'like' });
  await timers.advance(GATHER);
  assert.equal(fetch.asked.length, 1);
  fetch.last.answer('one');
  await settle();
  assert.equal(fetch.asked.length, 2);
  fetch.last.answer('two');
  await settle();
  assert.equal(list.textContent, 'two');
});

test('a failure leaves what is shown, and the next event tries again', async (t) => {
  t.mock.method(console, 'warn', () => {});
  const { notices, list, fetch, timers } = start({ page: true });
  notices.apply({ kind: 'like' });
  await timers.advance(GATHER);
  fetch.last.answer('', 503);
  await settle();
  assert.equal(list.textContent, 'old');
  notices.apply({ kind: 'like' });
  await timers.advance(GATHER);
  fetch.last.answer('new');
  await settle();
  assert.equal(list.textContent, 'new');
});

test('where an item leads, it has been seen', async () => {
  const { document, posted, badges } = start();
  const link = { dataset: { seqs: '4 3' } };
  const target = { closest: () => link, isConnected: true };
  document.fire('click', { target });
  await settle();
  assert.deepEqual(posted, [{ path: '/notifications/seen', data: { seqs: [4, 3] } }]);
  assert.deepEqual(badges, [{ numbers: { notifications: 0 }, latest: 9 }]);
});
