import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConversationsPage } from '../../static/live/pages/conversations.js';
import { at, span, strings, timesOf } from './support/chat.mjs';
import { FakeDocument, h } from './support/dom.mjs';
import { settle, world } from './support/world.mjs';

function conversations(...rows) {
  const badge = (count) => h('span', { 'data-field': 'unread' }, String(count));
  const li = (row) => h('li', row ? { class: 'conversation', 'data-conversation': row.name, 'data-last-id': row.last } : { class: 'conversation' },
    [h('a', {}), h('img', { 'data-field': 'avatar' }), span('name'), span('login'), span('you'), span('body'), h('time', { 'data-style': 'short' }), h('span', { 'data-field': 'last' }, row?.unread ? [badge(row.unread)] : [])]);
  const list = h('ul', { 'data-conversations': '/chats/__name__' }, rows.map(li));
  const document = new FakeDocument({ body: h('body', {}, [list, h('p', { id: 'no-conversations' })]), templates: { 'tpl-conversation': li(), 'tpl-badge': badge(0) } });
  const around = world();
  const { fetch, timers, base } = around;
  const page = new ConversationsPage({ document, user: 'alice', strings, times: timesOf(around), fetch, timers, base });
  return {
    page, document, list, fetch,
    shown: () => list.children.map((row) => {
      const get = (name) => row.querySelector(`[data-field="${name}"]`);
      return [row.dataset.conversation, `${get('you').textContent}${get('body').textContent}`, Number(get('unread')?.textContent ?? 0)];
    }),
    receive: (id, from, body, to = 'alice') => page.apply({ seq: id, kind: 'message', at, data: { id, from, from_name: from.toUpperCase(), to, body } }),
    remove: (id, side) => page.apply({ seq: 0, kind: 'deleted', at, data: { kind: 'message', id, with: side } }),
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
  assert.equal(page.list.firstElementChild.querySelector('a').getAttribute('href'), '/chats/zo%C3%AB');
  assert.equal(page.list.firstElementChild.querySelector('[data-field="name"]').textContent, 'ZOË');
  assert.equal(page.document.getElementById('no-conversations'), null);
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

test('whom a conversation begun elsewhere is with is asked for', async () => {
  const page = conversations();
  page.receive(5, 'alice', 'hi', 'bob');
  page.fetch.last.answer({ name: 'bob', display_name: 'Bobby', avatar: '/avatars/bob?v=1' });
  await settle();
  assert.equal(page.fetch.last.url, 'https://example.test/users/bob');
  const [item] = page.list.children;
  assert.equal(item.querySelector('[data-field="name"]').textContent, 'Bobby');
  assert.equal(item.querySelector('[data-field="avatar"]').getAttribute('src'), '/avatars/bob?v=1');
});

test('of a long message the list shows the beginning', () => {
  const page = conversations();
  page.receive(5, 'bob', '😀'.repeat(300));
  assert.equal(page.shown()[0][1], '😀'.repeat(200));
});

test('a message that was deleted is no last word, and not unread', () => {
  const page = conversations({ name: 'bob', last: 4, unread: 0 });
  for (const id of [5, 6]) page.receive(id, 'bob', `m${id}`);
  page.remove(5, 'bob');
  assert.deepEqual(page.shown(), [['bob', 'm6', 1]]);
  page.remove(6, 'bob');
  page.remove(6, 'carol');
  assert.deepEqual(page.shown(), [['bob', 'Deleted', 0]]);
});

test('whether one from before the page was unread, the server is asked', async () => {
  const page = conversations({ name: 'bob', last: 4, unread: 2 });
  page.remove(3, 'bob');
  page.fetch.asked[0].answer({ conversations: [{ with: 'bob', last: { id: 4 }, unread: 1 }] });
  await settle();
  assert.deepEqual(page.shown(), [['bob', '', 1]]);
});

test('a message that comes blank was deleted before it came', () => {
  const page = conversations();
  page.receive(5, 'bob', '');
  assert.deepEqual(page.shown(), [['bob', 'Deleted', 1]]);
});
