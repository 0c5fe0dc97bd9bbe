import assert from 'node:assert/strict';
import { test } from 'node:test';
import { announceEvent } from '../../static/live/dom-events.js';
import { Strings } from '../../static/live/strings.js';
import { Toasts, addressOf, titleOf } from '../../static/live/toasts.js';
import { FakeDocument, FakeElement, h, template } from './support/dom.mjs';
import { FakeTimers } from './support/world.mjs';

const note = (seq, data = {}) => ({ seq, kind: 'notification', at: '2026-01-02T03:04:05.000Z', data: { title: `n${seq}`, body: 'more', url: '/o', ...data } });

function start(attributes = {}, ...more) {
  const region = h('div', { 'data-live-toasts': '', ...attributes });
  const document = new FakeDocument({ body: h('body', {}, [region, ...more]) });
  const timers = new FakeTimers();
  return { region, document, timers, toasts: new Toasts({ document, timers }) };
}

test('a toast has title, body, link and a button, and goes after a while', async () => {
  const { region, timers, toasts } = start({ 'data-live-timeout': 3, 'data-live-dismiss-label': 'Zu' });
  toasts.show(note(1));
  const [toast] = region.children;
  assert.deepEqual([toast.querySelector('a').getAttribute('href'), toast.querySelector('a').textContent], ['/o', 'n1']);
  assert.equal(toast.querySelector('.live-toast__body').textContent, 'more');
  assert.equal(toast.querySelector('button').getAttribute('aria-label'), 'Zu');
  assert.deepEqual([region.getAttribute('role'), region.getAttribute('aria-atomic')], ['status', 'false']);
  await timers.advance(2_900);
  assert.equal(region.children.length, 1);
  await timers.advance(200);
  assert.equal(region.children.length, 0);
});

test('it waits under the pointer, with the focus, and in a hidden tab', async () => {
  const { region, document, timers, toasts } = start();
  toasts.show(note(1));
  for (const [hold, leave] of [['pointerenter', 'pointerleave'], ['focusin', 'focusout']]) {
    region.children[0].fire(hold);
    await timers.advance(60_000);
    assert.equal(region.children.length, 1);
    region.children[0].fire(leave);
  }
  for (const away of [60_000, 7_900]) {
    document.visibilityState = 'hidden';
    document.fire('visibilitychange');
    await timers.advance(away);
    document.visibilityState = 'visible';
    document.fire('visibilitychange');
    await timers.advance(7_900);
    assert.equal(region.children.length, 1, 'it has all of its time to be read');
  }
  await timers.advance(100);
  assert.equal(region.children.length, 0);
});

test('it waits for both, the pointer and the focus, to leave', async () => {
  for (const [first, second] of [['pointerleave', 'focusout'], ['focusout', 'pointerleave']]) {
    const { region, timers, toasts } = start();
    toasts.show(note(1));
    const [toast] = region.children;
    for (const name of ['pointerenter', 'focusin', first]) toast.fire(name);
    await timers.advance(60_000);
    assert.equal(region.children.length, 1);
    toast.fire(second);
    await timers.advance(8_000);
    assert.equal(region.children.length, 0);
  }
});

test('one that is held does not go for being the oldest', () => {
  const { region, toasts } = start();
  toasts.show(note(1));
  region.children[0].fire('focusin');
  for (let seq = 2; seq <= 7; seq += 1) toasts.show(note(seq));
  assert.deepEqual(region.children.map((toast) => toast.dataset.liveSeq), ['1', '4', '5', '6', '7']);
});

test('a region with a role of its own reads out what comes, and only that, unless it says otherwise', () => {
  for (const [attributes, role, isAtomic] of [[{ role: 'status' }, 'status', 'false'], [{ 'aria-live': 'polite' }, null, 'false'], [{ role: 'alert', 'aria-atomic': 'true' }, 'alert', 'true']]) {
    const { region, toasts } = start(attributes);
    toasts.find();
    assert.deepEqual([region.getAttribute('role'), region.getAttribute('aria-atomic')], [role, isAtomic]);
  }
});

test('a timeout of 0 is no end, and of many the oldest goes', async () => {
  const { region, timers, toasts } = start({ 'data-live-timeout': 0 });
  for (let seq = 1; seq <= 7; seq += 1) toasts.show(note(seq));
  await timers.advance(600_000);
  assert.deepEqual(region.children.map((toast) => toast.dataset.liveSeq), ['3', '4', '5', '6', '7']);
});

test('dismissed, it leaves the focus to the next one, and the last one to the region', () => {
  const { region, document, toasts } = start();
  FakeElement.prototype.focus = function focus() {
    document.activeElement = this;
  };
  for (const seq of [1, 2]) toasts.show(note(seq));
  const [first, second] = region.children;
  first.querySelector('button').focus();
  first.querySelector('button').fire('click');
  assert.deepEqual(region.children, [second]);
  assert.equal(document.activeElement, second.querySelector('button'));
  second.fire('keydown', { key: 'Escape' });
  assert.deepEqual([region.children.length, document.activeElement, region.getAttribute('tabindex')], [0, region, '-1']);
  delete FakeElement.prototype.focus;
});

test('a listener can refuse it, and is told what it would show', () => {
  const { region, document, toasts } = start();
  document.addEventListener('live:toast', (event) => event.preventDefault());
  toasts.show(note(1, { url: 'javascript:1' }));
  assert.equal(region.children.length, 0);
  const [[name, detail]] = document.dispatched;
  assert.deepEqual([name, detail.title, detail.body, detail.url, detail.event.seq], ['live:toast', 'n1', 'more', '', 1]);
});

test('the page\'s own template is used', () => {
  const own = template({ 'data-live-toast': '' }, h('p', { class: 'mine' }, [h('b', { 'data-live-text': 'title' })]));
  const { region, toasts } = start({}, own);
  toasts.show(note(1));
  assert.deepEqual([region.children[0].getAttribute('class'), region.children[0].textContent], ['mine', 'n1']);
});

test('only kinds that the region names, and only where there is one', () => {
  const { region, toasts } = start();
  toasts.show({ ...note(1), kind: 'message' });
  assert.equal(region.children.length, 0);
  region.dataset.liveToasts = 'message';
  toasts.show({ ...note(1), kind: 'message' });
  toasts.show(note(2));
  assert.equal(region.children.length, 1);
  region.remove();
  toasts.show({ ...note(3), kind: 'message' });
});

test('an event is announced as such and by its kind', () => {
  const document = new FakeDocument({ body: h('body') });
  announceEvent(document, note(1));
  assert.deepEqual(document.dispatched.map(([name, { seq }]) => [name, seq]), [['live:event', 1], ['live:event:notification', 1]]);
});

test('on our own pages a path is below the root, and an announcement has a place of its own', () => {
  const announcement = { seq: 1, kind: 'announcement', at: '', data: { id: 7, title: 'Maintenance', url: null } };
  assert.equal(addressOf(announcement, '/live'), '/live/announcements#announcement-7');
  assert.equal(addressOf({ ...announcement, data: { id: 7, url: 'https://example.org/' } }, '/live'), 'https://example.org/');
  assert.equal(addressOf(note(1), '/live'), '/live/o');
  assert.equal(addressOf(note(1, { url: null }), '/live'), '');
});

test('what was taken back is no news, and takes what it was told by away', () => {
  const { region, toasts, timers } = start({ 'data-live-toasts': 'like dislike' });
  const react = (seq, by, post = 5, kind = 'like', withdrawn = false) =>
    toasts.show({ seq, kind, at: '2026-01-02T03:04:05.000Z', data: { post, by, withdrawn, title: `${by} ${kind} ${post}` } });
  react(1, 'bob');
  react(2, 'eve');
  react(3, 'bob', 6);
  react(4, 'bob', 5, 'dislike');
  react(5, 'bob', 5, 'like', true);
  assert.deepEqual(region.children.map((toast) => toast.querySelector('a, span').textContent), ['eve like 5', 'bob like 6', 'bob dislike 5']);
  assert.equal(timers.pending, 3, 'nothing waits for one that is gone');
});

test('what was deleted is not shown any longer', () => {
  const { region, toasts } = start();
  const mention = (seq, post, reply) => note(seq, { source: null, data: { post, reply, mention: { by: 'bob', by_name: 'Bob' } } });
  for (const event of [mention(1, 5, null), mention(2, 5, 7), mention(3, 6, null), note(4, { data: { post: 5 } })]) toasts.show(event);
  const gone = (seq, data) => toasts.show({ seq, kind: 'deleted', data });
  gone(5, { kind: 'message', id: 5 });
  gone(6, { kind: 'post', id: 5, post: 5 });
  assert.deepEqual(region.children.map((toast) => toast.dataset.liveSeq), ['2', '3', '4']);
  gone(7, { kind: 'reply', id: 7, post: 5 });
  assert.deepEqual(region.children.map((toast) => toast.dataset.liveSeq), ['3', '4']);
});

test('a mention is told in the page\'s language and leads to where it stands; a system\'s own data are no mention', () => {
  const strings = new Strings({ mentioned: '{name} hat dich erwähnt' });
  const data = { post: 5, reply: 7, mention: { by: 'bob', by_name: 'Bob' } };
  const mention = note(1, { source: null, url: '/posts/5#post-7', data });
  assert.deepEqual([titleOf(mention, strings), addressOf(mention, '/live')], ['Bob hat dich erwähnt', '/live/posts/7']);
  const post = note(1, { source: null, url: '/posts/5#post-5', data: { ...data, reply: null } });
  assert.equal(addressOf(post, '/live'), '/live/posts/5#post-5');
  for (const other of [note(1, { source: 'shop', data }), note(1, { data: { mention: 'Bob' } }), note(1, { data: null })]) {
    assert.deepEqual([titleOf(other, strings), addressOf(other, '')], ['n1', '/o']);
  }
});
