import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Api } from '../../static/live/api.js';
import { Outbox } from '../../static/live/outbox.js';
import { ChatPage } from '../../static/live/pages/chat.js';
import { ConversationsPage } from '../../static/live/pages/conversations.js';
import { Strings } from '../../static/live/strings.js';
import { FakeDocument, h } from './support/dom.mjs';
import { settle, world } from './support/world.mjs';

const at = '2026-01-02T03:04:05.000Z';
const strings = new Strings({ seen: 'Seen', sending: 'Sending', waiting: 'Waiting', you: 'You:', 'not-sent': 'Not sent' });
const span = (name) => h('span', { 'data-field': name });

function item(message, isOwn) {
  const attributes = { class: 'message' };
  if (message) {
    attributes['data-message-id'] = message.id;
    attributes.class += isOwn ? ' message--own' : ` message--other${message.read ? '' : ' message--unread'}`;
  }
  const mark = h('span', { 'data-field': 'mark', hidden: '' });
  const body = h('p', { 'data-field': 'body' }, message?.body ?? '');
  return h('li', attributes, [span('avatar'), span('from'), body, h('time', { datetime: at }), mark]);
}

function chat({ messages = [], history = false, unread = 0 } = {}) {
  const list = h('ol', { 'data-chat': 'bob', 'data-upto': messages.at(-1)?.id ?? 0, ...(history && { 'data-history': '' }) },
    messages.map((message) => item(message, message.from === 'alice')));
  const form = h('form', { id: 'send' }, [h('textarea', { id: 'body' })]);
  const body = h('body', {}, [
    h('main', {}, [
      ...(unread ? [h('form', { id: 'mark-read' })] : []),
      h('div', { 'data-scroller': '' }, [list, h('p', { id: 'no-messages' })]),
      h('button', { id: 'below', hidden: '' }),
      form,
      h('p', { id: 'send-error', hidden: '' }),
    ]),
  ]);
  const document = new FakeDocument({ body, templates: { 'tpl-message': item() } });
  const around = world();
  const api = new Api({ ...around, csrfToken: () => 'token' });
  const outbox = new Outbox({ ...around, api });
  const badges = [];
  const parts = { ...around, document, user: 'alice', strings, api, outbox, onBadges: (...args) => badges.push(args) };
  const page = new ChatPage(parts);
  let seq = 0;
  return {
    ...around, page, document, list, form, badges, outbox,
    input: form.firstElementChild,
    error: document.getElementById('send-error'),
    below: document.getElementById('below'),
    scroller: document.querySelector('[data-scroller]'),
    shown: () => list.children.map((li) => [Number(li.dataset.messageId) || li.dataset.key && 'pending', text(li)]),
    receive: (id, from, body) => page.apply({ seq: ++seq, kind: 'message', at, data: { id, from, from_name: from, avatar: null, to: from === 'alice' ? 'bob' : 'alice', body } }),
    read: (by, side, upto) => page.apply({ seq: ++seq, kind: 'read', at, data: { by, with: side, upto } }),
    write(body) {
      form.firstElementChild.value = body;
      form.fire('submit');
    },
    posts: (path) => around.fetch.asked.filter(({ url }) => url.endsWith(path)),
    mark: (id) => {
      const mark = list.children.find((li) => li.dataset.messageId === String(id)).querySelector('[data-field="mark"]');
      return mark.hidden ? '' : mark.textContent;
    },
  };
}

const text = (li) => li.querySelector('[data-field="body"]').textContent;
const m = (id, from, body = `m${id}`, read = true) => ({ id, from, body, read });

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
  const [element] = page.list.children;
  assert.equal(element.querySelector('[data-field="mark"]').textContent, 'Sending');
  page.posts('/messages')[0].answer({ id: 7, from: 'alice', body: 'hello', at, seq: 1 }, 201);
  await settle();
  assert.deepEqual(page.shown(), [[7, 'hello']]);
  assert.equal(page.list.children[0], element);
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
  assert.equal(page.list.children[0].querySelector('[data-field="mark"]').textContent, 'Waiting');
  page.outbox.hurry();
  await settle();
  const [first, second] = page.posts('/messages');
  assert.equal(second.body.key, first.body.key);
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
  assert.equal(page.document.getElementById('mark-read').hidden, true);
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

test('the other side reading marks own messages as seen, up to there', () => {
  const page = chat({ messages: [m(1, 'alice'), m(2, 'bob'), m(3, 'alice')] });
  page.read('bob', 'alice', 2);
  assert.deepEqual([page.mark(1), page.mark(2), page.mark(3)], ['Seen', '', '']);
  page.read('carol', 'alice', 99);
  assert.equal(page.mark(3), '');
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

function conversations(...rows) {
  const li = (row) => h('li', row ? { class: 'conversation', 'data-conversation': row.name, 'data-last-id': row.last, 'data-loaded-id': row.last, 'data-loaded-unread': row.unread } : { class: 'conversation' },
    [h('a', {}), span('avatar'), span('name'), span('you'), span('body'), h('time', {}), h('span', { 'data-field': 'unread', hidden: '' }, String(row?.unread ?? 0))]);
  const list = h('ul', { 'data-conversations': '/chats/__name__' }, rows.map(li));
  const document = new FakeDocument({ body: h('body', {}, [list, h('p', { id: 'no-conversations' })]), templates: { 'tpl-conversation': li() } });
  const { fetch, base } = world();
  const page = new ConversationsPage({ document, user: 'alice', strings, fetch, base });
  return {
    page, document, list, fetch,
    shown: () => list.children.map((row) => {
      const get = (name) => row.querySelector(`[data-field="${name}"]`);
      return [row.dataset.conversation, `${get('you').textContent}${get('body').textContent}`, get('unread').hidden ? 0 : Number(get('unread').textContent)];
    }),
    receive: (id, from, body, to = 'alice') => page.apply({ seq: id, kind: 'message', at, data: { id, from, from_name: from.toUpperCase(), to, body } }),
    read: (by, side, upto) => page.apply({ seq: 0, kind: 'read', at, data: { by, with: side, upto } }),
  };
}

test('a message raises its conversation, with its text and one more unread', () => {
  const page = conversations({ name: 'carol', last: 5, unread: 0 }, { name: 'bob', last: 4, unread: 2 });
  page.receive(6, 'bob', 'hi');
  assert.deepEqual(page.shown()[0], ['bob', 'hi', 3]);
  assert.equal(page.shown()[1][0], 'carol');
});

test('the same message again changes nothing', () => {
  const page = conversations({ name: 'bob', last: 4, unread: 2 });
  page.receive(4, 'bob', 'hi');
  page.receive(6, 'bob', 'ho');
  page.receive(6, 'bob', 'ho');
  assert.deepEqual(page.shown(), [['bob', 'ho', 3]]);
});

test('someone new appears at the top, with a link', () => {
  const page = conversations({ name: 'bob', last: 4, unread: 0 });
  page.receive(5, 'zoë', '<i>');
  assert.deepEqual(page.shown()[0], ['zoë', '<i>', 1]);
  assert.equal(page.list.firstElementChild.querySelector('a').href, '/chats/zo%C3%AB');
  assert.equal(page.list.firstElementChild.querySelector('[data-field="name"]').textContent, 'ZOË');
  assert.equal(page.document.getElementById('no-conversations').hidden, true);
});

test('one\'s own message from elsewhere raises the conversation and is not unread', () => {
  const page = conversations();
  page.receive(5, 'alice', 'hi', 'bob');
  assert.deepEqual(page.shown(), [['bob', 'You: hi', 0]]);
});

test('reading up to the end empties the count, reading up to the middle does not', () => {
  const page = conversations({ name: 'bob', last: 4, unread: 2 });
  for (const id of [5, 6, 7]) page.receive(id, 'bob', 'x');
  page.read('alice', 'bob', 6);
  assert.equal(page.shown()[0][2], 1);
  page.read('alice', 'bob', 7);
  assert.equal(page.shown()[0][2], 0);
});

test('the other side reading changes no count', () => {
  const page = conversations({ name: 'bob', last: 4, unread: 2 });
  page.receive(5, 'bob', 'x');
  page.read('bob', 'alice', 99);
  assert.equal(page.shown()[0][2], 3);
});

const counted = (name, last, unread) => ({ with: name, last: { id: last }, unread });

test('where only some of what the page was loaded with is read, the server is asked how much is left', async () => {
  const page = conversations({ name: 'bob', last: 4, unread: 3 });
  page.receive(5, 'bob', 'x');
  page.read('alice', 'bob', 2);
  page.fetch.last.answer({ conversations: [counted('bob', 5, 2), counted('carol', 1, 1)] });
  await settle();
  assert.equal(page.fetch.last.url, 'https://example.test/messages/conversations');
  assert.deepEqual(page.shown(), [['bob', 'x', 2]]);
  page.receive(6, 'bob', 'y');
  assert.deepEqual(page.shown(), [['bob', 'y', 3]]);
});

test('a message that the count already holds is not counted again when its event comes', async () => {
  const page = conversations({ name: 'bob', last: 4, unread: 3 });
  page.read('alice', 'bob', 2);
  page.fetch.last.answer({ conversations: [counted('bob', 5, 2)] });
  await settle();
  page.receive(5, 'bob', 'x');
  assert.deepEqual(page.shown(), [['bob', 'x', 2]]);
});

test('only the latest count is taken, and one that fails changes nothing', async () => {
  const page = conversations({ name: 'bob', last: 4, unread: 3 });
  page.read('alice', 'bob', 2);
  page.read('alice', 'bob', 3);
  const [first, second] = page.fetch.asked;
  second.answer({ conversations: [counted('bob', 4, 1)] });
  await settle();
  first.answer({ conversations: [counted('bob', 4, 2)] });
  await settle();
  assert.equal(page.shown()[0][2], 1);
  page.read('alice', 'bob', 3);
  page.fetch.last.fail();
  await settle();
  assert.equal(page.shown()[0][2], 1);
});
