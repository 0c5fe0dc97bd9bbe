import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, chat, m } from './support/chat.mjs';
import { settle } from './support/world.mjs';

const day = (date, hour = 12) => `${date}T${String(hour).padStart(2, '0')}:00:00.000Z`;

function receiveAt(page, id, from, time) {
  page.page.apply({ seq: id, kind: 'message', at: time, data: { id, from, from_name: from, avatar: '/a', to: from === 'alice' ? 'bob' : 'alice', body: `m${id}` } });
}

test('each day is named once, before its first message, whatever the order in which messages come', () => {
  const page = chat();
  receiveAt(page, 5, 'alice', day('2026-01-03'));
  receiveAt(page, 4, 'alice', day('2026-01-02'));
  receiveAt(page, 2, 'bob', day('2026-01-02'));
  receiveAt(page, 6, 'alice', day('2026-01-03'));
  page.page.messages.eraseLine();
  assert.deepEqual(page.items(), ['2026-01-02', 2, 4, '2026-01-03', 5, 6]);
});

test('a line stands before the first message that came while nobody looked, and goes some time after it was read', async () => {
  const page = chat({ messages: [m(1, 'bob')] });
  page.document.isFocused = false;
  page.receive(2, 'bob', 'x');
  page.receive(3, 'bob', 'y');
  assert.deepEqual(page.items().slice(-3), ['line', 2, 3]);
  page.document.isFocused = true;
  page.document.fire('focusin');
  page.posts('/read')[0].answer({});
  await page.timers.advance(9_000);
  assert.ok(page.items().includes('line'));
  await page.timers.advance(2_000);
  assert.ok(!page.items().includes('line'));
});

test('the line goes with what comes after it was read, and when one writes', async () => {
  const page = chat();
  for (const act of [() => page.receive(9, 'bob', 'z'), () => page.write('answer')]) {
    page.document.isFocused = false;
    const id = page.page.messages.newest + 1;
    page.receive(id, 'bob', 'x');
    assert.ok(page.items().includes('line'));
    page.document.isFocused = true;
    page.read('alice', 'bob', id);
    act();
    assert.ok(!page.items().includes('line'));
  }
});

test('what somebody calls themselves and looks like now is shown everywhere', () => {
  const page = chat({ messages: [m(1, 'bob')] });
  const [, first] = page.list.children;
  first.querySelector('[data-field="from"]').dataset.person = 'bob';
  first.querySelector('[data-field="avatar"]').dataset.person = 'bob';
  page.page.apply({ seq: 1, kind: 'message', at, data: { id: 2, from: 'bob', from_name: 'Bobby', avatar: '/avatars/bob?v=2', to: 'alice', body: 'x' } });
  assert.equal(first.querySelector('[data-field="from"]').textContent, 'Bobby');
  assert.equal(first.querySelector('[data-field="avatar"]').getAttribute('src'), '/avatars/bob?v=2');
});

test('presence and typing share one place; typing ends when it is told, with the message, or with the connection', async () => {
  const page = chat();
  const presence = page.document.getElementById('presence');
  assert.deepEqual(page.page.topics, ['presence:bob', 'typing:bob']);
  page.page.snapshot('presence:bob', { state: 'online' });
  assert.equal(presence.textContent, 'online');
  page.page.snapshot('typing:bob', { state: 'typing' });
  assert.equal(presence.textContent, 'is typing');
  page.page.snapshot('presence:bob', { state: 'offline' });
  assert.equal(presence.textContent, 'is typing');
  page.page.snapshot('typing:bob', { state: 'idle' });
  assert.equal(presence.textContent, 'offline');
  page.page.snapshot('typing:bob', { state: 'typing' });
  page.receive(1, 'bob', 'x');
  assert.equal(presence.textContent, 'offline');
  page.page.snapshot('typing:bob', { state: 'typing' });
  await page.timers.advance(60_000);
  assert.equal(presence.textContent, 'is typing'); // as long as the server does not say otherwise
  page.document.fire('live:state', { detail: { state: 'connecting', transport: null } });
  assert.equal(presence.textContent, 'offline');
  page.page.snapshot('typing:carol', { state: 'typing' });
  assert.equal(presence.textContent, 'offline');
});

test('that one types is told every three seconds, while connected and while there is something', async () => {
  const page = chat();
  const type = async (text) => {
    page.input.value = text;
    page.input.fire('input');
    await page.timers.advance(500);
  };
  await type('h');
  assert.equal(page.posts('/typing').length, 0);
  page.document.documentElement.dataset.liveState = 'live';
  for (const text of ['', ' ', 'he', 'hel']) await type(text);
  assert.deepEqual(page.posts('/typing').map(({ body }) => body), [{ to: 'bob' }]);
  await page.timers.advance(3_000);
  await type('hell');
  assert.equal(page.posts('/typing').length, 2);
});

test('who sends at once never says that they type', async () => {
  const page = chat();
  page.document.documentElement.dataset.liveState = 'live';
  page.input.value = 'ok';
  page.input.fire('input');
  page.form.fire('submit');
  await page.timers.advance(10_000);
  assert.equal(page.posts('/typing').length, 0);
});

test('older messages are put before the others, and the link leads on from there', async () => {
  const page = chat({ messages: [m(9, 'bob')], more: true });
  const link = page.document.getElementById('older').firstElementChild;
  assert.ok(link.fire('click').isPrevented);
  link.fire('click');
  assert.equal(page.fetch.asked.length, 1);
  assert.equal(page.fetch.last.url, 'https://example.test/messages/with/bob?before=9&limit=50');
  const older = (id, from) => ({ id, from, from_name: from, avatar: '/a', body: `m${id}`, at, read: true });
  page.fetch.last.answer({ messages: [older(8, 'alice'), older(7, 'bob')], more: true });
  await settle();
  assert.deepEqual(page.shown().map(([id]) => id), [7, 8, 9]);
  assert.equal(link.getAttribute('href'), '/chats/bob?before=7');
  link.fire('click');
  page.fetch.last.fail();
  await settle();
  link.fire('click');
  await page.timers.advance(15_000);
  assert.equal(page.fetch.last.isAborted, true, 'who does not answer is given up');
  link.fire('click');
  page.fetch.last.answer({ messages: [older(6, 'bob')], more: false });
  await settle();
  assert.deepEqual(page.shown().map(([id]) => id), [6, 7, 8, 9]);
  assert.equal(page.document.getElementById('older'), null);
});
