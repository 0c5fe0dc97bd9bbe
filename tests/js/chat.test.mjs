import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, chat, m } from './support/chat.mjs';
import { settle } from './support/world.mjs';

test('a message of this conversation is added as text, once, in order', () => {
  const page = chat({ messages: [m(1, 'bob')] });
  page.receive(3, 'bob', '<b>x</b>');
  page.receive(2, 'alice', 'from elsewhere');
  page.receive(3, 'bob', '<b>x</b>');
  page.receive(1, 'bob', 'm1');
  assert.deepEqual(page.shown(), [[1, 'm1'], [2, 'from elsewhere'], [3, '<b>x</b>']]);
});

test('other conversations and unknown kinds change nothing', () => {
  const page = chat();
  page.receive(1, 'carol', 'x');
  page.page.apply({ seq: 9, kind: 'from-the-future', at, data: {} });
  assert.deepEqual(page.shown(), []);
});

test('it stays at the end, and does not pull away one who reads above', () => {
  const page = chat();
  page.scroller.scrollTop = -10;
  page.receive(1, 'bob', 'x');
  assert.equal(page.scroller.scrollTop, 0);
  page.scroller.scrollTop = -500;
  page.receive(2, 'bob', 'y');
  assert.equal(page.scroller.scrollTop, -500);
  assert.equal(page.below.hidden, false);
  page.below.fire('click');
  page.scroller.fire('scroll');
  assert.equal(page.below.hidden, true);
});

test('a sent message is shown at once as on its way, then as stored', async () => {
  const page = chat();
  page.write('hello');
  assert.deepEqual(page.shown(), [['pending', 'hello']]);
  assert.equal(page.input.value, '');
  const [, element] = page.list.children;
  assert.equal(element.querySelector('[data-field="mark"]').textContent, 'Sending');
  page.posts('/messages')[0].answer({ id: 7, from: 'alice', body: 'hello', at, seq: 1 }, 201);
  await settle();
  assert.deepEqual(page.shown(), [[7, 'hello']]);
  assert.equal(page.list.children[1], element);
  assert.deepEqual([page.mark(7), element.classList.names()], ['', ['message', 'message--own']]);
  page.receive(7, 'alice', 'hello');
  assert.deepEqual(page.shown(), [[7, 'hello']]);
});

test('the event of a message that arrives before its answer does not show it twice', async () => {
  const page = chat();
  page.write('hello');
  page.receive(7, 'alice', 'hello');
  assert.deepEqual(page.shown(), [['pending', 'hello']]);
  page.posts('/messages')[0].answer({ id: 7, at, seq: 1 }, 201);
  await settle();
  assert.deepEqual(page.shown(), [[7, 'hello']]);
});

test('the same text from another tab at the same time is shown as its own message', async () => {
  const page = chat();
  page.write('ok');
  page.receive(7, 'alice', 'ok');
  page.receive(8, 'alice', 'ok');
  page.receive(9, 'alice', 'something else');
  assert.deepEqual(page.shown(), [[9, 'something else'], ['pending', 'ok']]);
  page.posts('/messages')[0].answer({ id: 8, at, seq: 2 }, 201);
  await settle();
  assert.deepEqual(page.shown(), [[7, 'ok'], [8, 'ok'], [9, 'something else']]);
});

test('a message that arrives meanwhile stands before the one on its way; stored, that one takes its place', async () => {
  const page = chat();
  page.write('mine');
  page.receive(6, 'bob', 'theirs');
  assert.deepEqual(page.shown(), [[6, 'theirs'], ['pending', 'mine']]);
  page.posts('/messages')[0].answer({ id: 5, at, seq: 1 }, 201);
  await settle();
  assert.deepEqual(page.shown(), [[5, 'mine'], [6, 'theirs']]);
});

test('a message that cannot be sent yet says so and keeps its key', async () => {
  const page = chat();
  page.write('hello');
  page.posts('/messages')[0].fail();
  await settle();
  assert.equal(page.list.children[1].querySelector('[data-field="mark"]').textContent, 'Waiting');
  page.outbox.hurry();
  await settle();
  const [first, second] = page.posts('/messages');
  assert.equal(second.body.key, first.body.key);
  second.answer({}, 429, { 'Retry-After': '5' });
  await settle();
  assert.equal(page.list.children[1].querySelector('[data-field="mark"]').textContent, 'Sending', 'it does not wait for the network');
});

test('a refused message gives the reason and the text back, and keeps its key while unchanged', async () => {
  const page = chat();
  page.write('too bad');
  page.posts('/messages')[0].answer({ detail: 'No such user.' }, 404);
  await settle();
  assert.deepEqual(page.shown(), []);
  assert.equal(page.error.textContent, 'No such user.');
  assert.equal(page.error.hidden, false);
  assert.equal(page.input.value, 'too bad');
  page.write('too bad');
  await settle();
  const [first, second] = page.posts('/messages');
  assert.equal(second.body.key, first.body.key);
  assert.equal(page.error.hidden, true);
});

test('a refused message does not destroy what was typed since', async () => {
  const page = chat();
  page.write('first');
  page.input.value = 'second';
  page.posts('/messages')[0].answer({ detail: 'no' }, 422);
  await settle();
  assert.equal(page.input.value, 'first\nsecond');
});

test('Enter sends, Shift+Enter and composing do not, blank is nothing', () => {
  const page = chat();
  page.input.value = 'a';
  assert.ok(!page.input.fire('keydown', { key: 'Enter', shiftKey: true }).isPrevented);
  assert.ok(!page.input.fire('keydown', { key: 'Enter', isComposing: true }).isPrevented);
  assert.ok(page.input.fire('keydown', { key: 'Enter' }).isPrevented);
  page.input.value = 'b';
  page.input.fire('keydown', { key: 'Enter', ctrlKey: true });
  page.write('  \n ');
  assert.deepEqual(page.shown().map(([, body]) => body), ['a', 'b']);
});

test('what is on its way survives a page that is loaded anew', async () => {
  const page = chat();
  page.write('hello');
  page.list.children = [];
  page.page.bind();
  assert.deepEqual(page.shown(), [['pending', 'hello']]);
  page.posts('/messages')[0].answer({ id: 7, at, seq: 1 }, 201);
  await settle();
  assert.deepEqual(page.shown(), [[7, 'hello']]);
});

test('shown messages are marked as read while the user looks, and only then', async () => {
  const page = chat();
  page.document.isFocused = false;
  page.receive(4, 'bob', 'x');
  await settle();
  assert.equal(page.posts('/read').length, 0);
  page.document.isFocused = true;
  page.document.fire('visibilitychange');
  assert.deepEqual(page.posts('/read')[0].body, { with: 'bob', upto: 4 });
  page.posts('/read')[0].answer({ badges: { messages: 0 }, seq: 12 });
  await settle();
  assert.deepEqual(page.badges, [[{ messages: 0 }, 12]]);
  assert.equal(page.list.querySelectorAll('.message--unread').length, 0);
  page.document.fire('keydown');
  await settle();
  assert.equal(page.posts('/read').length, 1);
});

test('own messages are never marked as read', async () => {
  const page = chat({ messages: [m(3, 'alice', 'x', false)] });
  page.receive(4, 'alice', 'x');
  await settle();
  assert.equal(page.posts('/read').length, 0);
});

test('messages that come while one is being marked are marked in one more request', async () => {
  const page = chat({ messages: [m(1, 'bob', 'x', false)], unread: 1 });
  for (const id of [2, 3, 4]) page.receive(id, 'bob', 'x');
  page.posts('/read')[0].answer({});
  await settle();
  assert.deepEqual(page.posts('/read').map(({ body }) => body.upto), [1, 4]);
});

test('marking is tried again after a failure, not after a refusal', async () => {
  const page = chat({ messages: [m(1, 'bob', 'x', false)], unread: 1 });
  page.posts('/read')[0].fail();
  await page.timers.advance(4_000);
  assert.equal(page.posts('/read').length, 2);
  page.posts('/read')[1].answer({ detail: 'no' }, 422);
  await page.timers.advance(60_000);
  assert.equal(page.posts('/read').length, 2);
});

test('unread ones that are older than the page are covered by its newest id', () => {
  const page = chat({ messages: [m(8, 'alice')], unread: 3 });
  assert.deepEqual(page.posts('/read')[0].body, { with: 'bob', upto: 8 });
});

test('read on another device, it is not marked again', async () => {
  const page = chat();
  page.document.isFocused = false;
  page.receive(4, 'bob', 'x');
  page.read('alice', 'bob', 4);
  page.document.isFocused = true;
  page.page.settle();
  assert.equal(page.posts('/read').length, 0);
});

test('the other side reading marks the last own message up to there as seen, and no other', () => {
  const page = chat({ messages: [m(1, 'alice'), m(2, 'bob'), m(3, 'alice'), m(4, 'alice')] });
  page.read('bob', 'alice', 2);
  assert.deepEqual([page.mark(1), page.mark(2), page.mark(3)], ['Seen', '', '']);
  page.read('carol', 'alice', 99);
  assert.equal(page.mark(3), '');
  page.read('bob', 'alice', 3);
  page.read('bob', 'alice', 2);
  assert.deepEqual([page.mark(1), page.mark(3), page.mark(4)], ['', 'Seen', '']);
});

test('a message that is read before its answer arrives is shown as seen', async () => {
  const page = chat();
  page.write('hello');
  page.read('bob', 'alice', 7);
  page.posts('/messages')[0].answer({ id: 7, at, seq: 1, read: false }, 201);
  await settle();
  assert.equal(page.mark(7), 'Seen');
});

test('a page of older messages does not take new ones, and its form works as a form', () => {
  const page = chat({ messages: [m(1, 'bob')], history: true });
  page.receive(50, 'bob', 'new');
  assert.deepEqual(page.shown(), [[1, 'm1']]);
  page.input.value = 'x';
  assert.ok(!page.form.fire('submit').isPrevented);
});

test('a deleted message loses its text, its mark and what can be done with it', () => {
  const page = chat({ messages: [m(1, 'alice'), m(2, 'bob', 'yours', false)] });
  page.receive(3, 'alice', 'mine');
  page.read('bob', 'alice', 3);
  assert.equal(page.mark(3), 'Seen');
  for (const id of [3, 2]) page.remove(id);
  page.remove(1, 'carol');
  assert.deepEqual(page.shown(), [[1, 'm1'], [2, 'Deleted'], [3, 'Deleted']]);
  assert.deepEqual([page.mark(1), page.mark(3)], ['Seen', '']);
  assert.equal(page.list.querySelector('.message--unread'), null);
  assert.deepEqual(page.list.querySelectorAll('[data-field="more"]').map((more) => more.hidden), [true, true, true]);
});

test('what was deleted before it comes to the page, or comes blank, is shown as deleted', async () => {
  const page = chat();
  page.remove(5);
  page.receive(5, 'bob', 'late');
  page.receive(6, 'bob', '');
  page.write('hello');
  page.remove(7);
  page.posts('/messages')[0].answer({ id: 7, from: 'alice', body: 'hello', at, seq: 1 }, 201);
  await settle();
  assert.deepEqual(page.shown(), [[5, 'Deleted'], [6, 'Deleted'], [7, 'Deleted']]);
});

test('a stored message leads to where it can be deleted, or reported', () => {
  const page = chat();
  page.receive(1, 'bob', 'x');
  page.receive(2, 'alice', 'y');
  const more = page.list.querySelectorAll('[data-field="more"]');
  assert.deepEqual(more.map((link) => link.getAttribute('href')), ['/reports/new?message=1', '/messages/2/delete']);
  assert.deepEqual(more.map((link) => link.hidden), [false, false]);
});

test('of all the links one is a stop, the newest; arrows lead from one to the next', () => {
  const page = chat();
  for (const id of [1, 2, 3]) page.receive(id, 'bob', `m${id}`);
  const links = page.list.querySelectorAll('[data-field="more"]');
  let focused = null;
  for (const link of links) link.focus = () => (focused = link);
  const stops = () => links.filter((link) => !link.hidden && link.getAttribute('tabindex') === null);
  const press = (key, target) => page.list.fire('keydown', { key, target });
  assert.deepEqual(stops(), [links[2]]);
  assert.equal(press('ArrowUp', links[2]).isPrevented, true);
  assert.deepEqual([focused, stops()], [links[1], [links[1]]]);
  for (const [key, target] of [['Enter', links[1]], ['ArrowDown', links[2]], ['ArrowUp', page.list]]) assert.equal(press(key, target).isPrevented, undefined);
  page.document.activeElement = links[1];
  page.receive(4, 'bob', 'm4');
  assert.deepEqual(stops(), [links[1]]);
  page.document.activeElement = null;
  page.remove(4);
  assert.deepEqual(stops(), [links[2]]);
});
