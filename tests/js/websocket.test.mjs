import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closingOf, openWebSocket } from '../../static/live/transports/websocket.js';
import { Cursor } from '../../static/live/cursor.js';
import { Watched } from '../../static/live/watched.js';
import { event, recorder, world } from './support/world.mjs';

function start(more) {
  const around = world(more);
  const record = recorder();
  const handle = openWebSocket(around, record);
  return { ...around, ...record, handle, socket: around.WebSocket.last };
}

test('it asks from the cursor, over the scheme of the page', () => {
  const cursor = new Cursor(7, 'abc');
  assert.equal(start({ cursor }).socket.url, 'wss://example.test/ws?seq=7&epoch=abc');
  assert.equal(start({ cursor, base: 'http://h:1/app' }).socket.url, 'ws://h:1/app/ws?seq=7&epoch=abc');
});

test('only the hello counts as working, and its badges come as a batch', () => {
  const { socket, told } = start();
  socket.onopen?.();
  assert.deepEqual(told, []);
  socket.hello({ badges: { messages: 2 }, latest: 9 });
  assert.deepEqual(told, ['open', { batch: { events: [], badges: { messages: 2 }, latest: 9 } }]);
  socket.hello();
  assert.equal(told.length, 2);
});

test('without a hello within 5 s it ends as blocked', async () => {
  const { socket, told, timers } = start();
  await timers.advance(4999);
  assert.deepEqual(told, []);
  await timers.advance(1);
  assert.deepEqual(told, [{ closing: { next: 'retry', isTimeout: true } }]);
  assert.ok(socket.isClosed);
});

test('events, snapshots and reset are passed on; what a newer server adds is ignored', () => {
  const { socket, told } = start();
  socket.hello();
  told.length = 0;
  socket.events(1, 2);
  const snapshot = { type: 'snapshot', topic: 'posts', version: 1, data: {} };
  socket.frame(snapshot);
  socket.frame({ type: 'from-the-future' });
  socket.frame({ type: 'reset', epoch: 'x', latest: 3 });
  assert.deepEqual(told[0].batch.events, [event(1), event(2)]);
  assert.deepEqual(told.slice(1), [{ snapshots: { posts: snapshot } }, 'reset']);
});

test('it says what the page watches right after the hello, and when that is something else', () => {
  let topics = ['presence:a', 'typing:a'];
  const watched = new Watched(() => topics);
  watched.refresh();
  const { socket, handle } = start({ watched });
  handle.watch();
  assert.deepEqual(socket.sent, []);
  socket.hello();
  assert.deepEqual(socket.sent, [{ type: 'watch', topics }]);
  topics = [];
  watched.refresh();
  handle.watch();
  assert.deepEqual(socket.sent.at(-1), { type: 'watch', topics: [] });
  handle.close();
  handle.watch();
  assert.equal(socket.sent.length, 2);
});

test('a page that watches nothing says nothing', () => {
  const { socket } = start();
  socket.hello();
  assert.deepEqual(socket.sent, []);
});

for (const text of ['not json', '{', '']) {
  test(`a frame that is no JSON ends it: ${JSON.stringify(text)}`, () => {
    const { socket, told } = start();
    socket.hello();
    socket.frame(text);
    assert.deepEqual(told.at(-1), { closing: { next: 'retry' } });
  });
}

test('it pings every heartbeat of the hello with what it has applied', async () => {
  const { socket, timers, cursor } = start();
  socket.hello({ heartbeat: 10 });
  cursor.moveTo(4, 'e');
  await timers.advance(10_000);
  assert.deepEqual(socket.sent, [{ type: 'ping', seq: 4 }]);
  socket.frame({ type: 'pong', latest: 4 });
  await timers.advance(10_000);
  assert.equal(socket.sent.length, 2);
});

test('silence of two heartbeats ends it', async () => {
  const { socket, told, timers } = start();
  socket.hello();
  await timers.advance(49_999);
  assert.equal(told.length, 2);
  await timers.advance(1);
  assert.deepEqual(told.at(-1), { closing: { next: 'retry' } });
});

test('any frame is a sign of life', async () => {
  const { socket, told, timers } = start();
  socket.hello();
  for (let n = 1; n < 10; n += 1) {
    await timers.advance(20_000);
    socket.events(n);
  }
  assert.ok(!told.some(({ closing }) => closing));
});

test('a doubted connection has 5 s to answer', async () => {
  const { socket, told, timers, handle } = start();
  socket.hello();
  handle.check();
  assert.equal(socket.sent.length, 1);
  socket.frame({ type: 'pong', latest: 0 });
  await timers.advance(6_000);
  assert.equal(told.length, 2);
  handle.check();
  handle.check();
  assert.equal(socket.sent.length, 2);
  await timers.advance(5_000);
  assert.deepEqual(told.at(-1), { closing: { next: 'retry' } });
});

test('closed, it says nothing more and leaves no timer', async () => {
  const { socket, told, timers, handle } = start();
  socket.hello();
  const { onmessage, onclose } = socket;
  handle.close();
  handle.close();
  onmessage({ data: '{"type":"events","events":[]}' });
  onclose({ code: 1006, reason: '' });
  await timers.advance(100_000);
  assert.equal(told.length, 2);
  assert.equal(timers.pending, 0);
  assert.ok(socket.isClosed);
});

test('a browser that refuses to make one is a failure like any other, told later', async () => {
  const around = world({
    WebSocket: class {
      constructor() {
        throw new Error('no');
      }
    },
  });
  const record = recorder();
  openWebSocket(around, record);
  assert.deepEqual(record.told, []);
  await around.timers.advance(0);
  assert.deepEqual(record.told, [{ closing: { next: 'retry' } }]);
});

for (const [code, reason, expected] of [
  [4401, '', { next: 'signed-out' }],
  [1003, 'text only', { next: 'stop', detail: 'text only' }],
  [1007, '', { next: 'stop', detail: '1007' }],
  [1009, 'too long', { next: 'stop', detail: 'too long' }],
  [4400, 'ten errors', { next: 'stop', detail: 'ten errors' }],
  [4408, '', { next: 'retry', after: undefined }],
  [4409, '', { next: 'retry', after: undefined }],
  [1006, '', { next: 'retry', after: undefined }],
  [1001, 'retry=4.25', { next: 'retry', after: 4250 }],
  [1012, 'retry=0', { next: 'retry', after: 0 }],
  [1012, 'retry=soon', { next: 'retry', after: undefined }],
  [1012, 'retry=99999999', { next: 'retry', after: 600_000 }],
  [4429, 'retry=30', { next: 'poll', after: 30_000 }],
]) {
  test(`close code ${code} «${reason}»`, () => assert.deepEqual(closingOf(code, reason), expected));
}
