import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Notices } from '../../static/live/notices.js';
import { Strings } from '../../static/live/strings.js';
import { FakeDocument, h } from './support/dom.mjs';
import { FakeTimers, fakeFetch, settle } from './support/world.mjs';

const GATHER = 150;

globalThis.FormData = class {
  /** What a form has that marks all. */
  *[Symbol.iterator]() {
    yield ['upto', '7'];
  }
};

function start({ page = false } = {}) {
  const bell = h('a', { id: 'bell', 'aria-expanded': 'false' });
  const panel = h('div', { id: 'bell-panel', hidden: '' });
  const list = h('div', { 'data-notices': '' }, [h('p', {}, 'old')]);
  const document = new FakeDocument({ body: h('body', { 'data-user': 'ann' }, [bell, panel, ...(page ? [list] : [])]) });
  const fetch = fakeFetch();
  const timers = new FakeTimers();
  const posted = [];
  const api = {
    answer: { status: 200, body: { badges: { notifications: 0 }, seq: 9 }, detail: '' },
    post: async (path, data) => {
      posted.push({ path, data });
      return api.answer;
    },
  };
  const badges = [];
  // what the server says is `user: text`: an item of that user's list
  const DOMParser = class {
    parseFromString(answer) {
      const [user, text] = answer.includes(': ') ? answer.split(': ') : ['ann', answer];
      const list = h('div', { class: 'panel__body', 'data-user': user }, [h('p', {}, text)]);
      const part = h('div', { 'data-notices': '' }, [h('p', {}, text)]);
      const body = h('body', { 'data-user': user }, [list]);
      const found = { body, '.panel__body': list, '[data-notices]': part };
      return { body, querySelector: (selector) => found[selector] };
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
    strings: new Strings({}),
    onBadges: (numbers, latest) => badges.push({ numbers, latest }),
    onShown: () => {},
  });
  notices.bind();
  return { notices, bell, panel, list, document, fetch, timers, posted, badges, api };
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

test('who has marked something sees it at once, also while an announcement waits', async () => {
  const { notices, list, document, panel, fetch, timers } = start({ page: true });
  notices.apply({ kind: 'announcement' });
  const link = h('a', { class: 'notice__link', href: '/orders' }, 'Order');
  panel.append(h('li', { class: 'notice notice--new', 'data-seqs': '4' }, [link]));
  document.fire('click', { target: link, button: 0 });
  await settle();
  await timers.advance(0);
  fetch.last.answer('seen');
  await settle();
  assert.equal(list.textContent, 'seen');
  await timers.advance(10_000);
  assert.equal(fetch.asked.length, 1);
});

test('a server that does not answer is given up, and asked again by what happens next', async (t) => {
  t.mock.method(console, 'warn', () => {});
  const { notices, list, fetch, timers } = start({ page: true });
  notices.apply({ kind: 'like' });
  await timers.advance(GATHER + 15_000);
  assert.ok(fetch.last.isAborted);
  notices.apply({ kind: 'like' });
  await timers.advance(GATHER);
  fetch.last.answer('new');
  await settle();
  assert.equal(list.textContent, 'new');
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

test('what somebody presses on is put anew only after their click', async () => {
  const { notices, bell, panel, list, document, fetch, timers } = start({ page: true });
  bell.fire('click', { button: 0, target: bell });
  for (const question of fetch.asked) question.answer('first');
  await settle();
  for (const place of [panel, list]) {
    document.fire('pointerdown', { button: 0, target: place.children[0] });
    notices.apply({ kind: 'like' });
    await timers.advance(GATHER);
    for (const question of fetch.asked.slice(-2)) question.answer(`after ${place.id}`);
    await settle();
    assert.notEqual(place.textContent, `after ${place.id}`);
    document.fire('pointerup');
    await timers.advance(0);
    await settle();
    assert.deepEqual([panel.textContent, list.textContent], Array(2).fill(`after ${place.id}`));
  }
});

test('who presses elsewhere, or opens a menu, keeps nothing back', async () => {
  const { notices, list, document, fetch, timers } = start({ page: true });
  const show = async (text) => {
    notices.apply({ kind: 'like' });
    await timers.advance(GATHER);
    fetch.last.answer(text);
    await settle();
  };
  document.fire('pointerdown', { button: 2, target: list.children[0] });
  await show('one');
  assert.equal(list.textContent, 'one');
  document.fire('pointerdown', { button: 0, target: list.children[0] });
  document.fire('contextmenu');
  await show('two');
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

test('what could not be loaded is when the server can be reached again, and only then', async (t) => {
  t.mock.method(console, 'warn', () => {});
  const { notices, bell, panel, fetch, timers } = start();
  bell.fire('click', { button: 0, target: bell });
  assert.equal(panel.textContent, 'loading');
  fetch.last.fail();
  await settle();
  assert.equal(panel.textContent, 'not-loaded');
  notices.recover();
  await timers.advance(0);
  fetch.last.answer('news');
  await settle();
  assert.equal(panel.textContent, 'news');
  notices.recover();
  await timers.advance(1000);
  assert.equal(fetch.asked.length, 2);
});

test('who is signed out by now is told so, and sees no list', async () => {
  const { bell, panel, fetch } = start();
  bell.fire('click', { button: 0, target: bell });
  fetch.last.answer('news');
  await settle();
  bell.fire('click', { button: 0, target: bell });
  bell.fire('click', { button: 0, target: bell });
  assert.equal(panel.textContent, 'news');
  fetch.last.answer('', 401);
  await settle();
  assert.equal(panel.textContent, 'state-signed-out');
});

test('what is of somebody else, who has signed in meanwhile, is not shown', async () => {
  const { notices, bell, panel, list, fetch, timers } = start({ page: true });
  bell.fire('click', { button: 0, target: bell });
  for (const question of fetch.asked) question.answer('bob: secret');
  await settle();
  assert.deepEqual([panel.textContent, list.textContent], ['state-signed-out', 'old']);
  notices.recover();
  await timers.advance(1000);
  assert.equal(fetch.asked.length, 2);
});

test('where an item leads, it has been seen, also in a new tab', async () => {
  const { document, panel, posted, badges } = start();
  const link = h('a', { class: 'notice__link', href: '/orders' }, 'Order');
  panel.append(h('ul', {}, [h('li', { class: 'notice notice--new', 'data-seqs': '4 3' }, [link])]));
  document.fire('click', { target: link, button: 0 });
  document.fire('auxclick', { target: link, button: 1 });
  document.fire('auxclick', { target: link, button: 2 });
  await settle();
  assert.deepEqual(posted, Array(2).fill({ path: '/notifications/seen', data: { seqs: [4, 3] } }));
  assert.deepEqual(badges[0], { numbers: { notifications: 0 }, latest: 9 });
});

test('so it is where a toast leads; what was seen before is not marked again', async () => {
  const { document, panel, posted } = start();
  const link = h('a', { class: 'notice__link', href: '/orders' }, 'Order');
  const inToast = h('a', { href: '/orders' }, 'Order');
  panel.append(h('li', { class: 'notice', 'data-seqs': '4' }, [link]));
  panel.append(h('div', { class: 'live-toast', 'data-live-seq': '7' }, [inToast]));
  for (const target of [link, inToast]) document.fire('click', { target, button: 0 });
  await settle();
  assert.deepEqual(posted.map(({ data }) => data), [{ seqs: [7] }]);
});

for (const [answer, words] of [
  [{ status: 0, body: null, detail: '' }, 'not-marked'],
  [{ status: 503, body: null, detail: 'The database is away' }, 'not-marked'],
  [{ status: 401, body: null, detail: 'Sign in' }, 'state-signed-out'],
  [{ status: 403, body: null, detail: 'The CSRF token is wrong.' }, 'The CSRF token is wrong.'],
]) {
  test(`a press of the button that came to nothing (${answer.status}) is told: ${words}`, async () => {
    const { document, panel, api } = start();
    api.answer = answer;
    const form = h('form', { class: 'notices__all' }, []);
    form.matches = () => true;
    const part = h('section', { class: 'notices__part' }, [form]);
    panel.append(part);
    for (let press = 0; press < 2; press += 1) {
      assert.ok(document.fire('submit', { target: form }).isPrevented);
      await settle();
    }
    const errors = part.querySelectorAll('.error').map((line) => [line.textContent, line.getAttribute('role')]);
    assert.deepEqual(errors, [[words, 'alert']]);
  });
}
