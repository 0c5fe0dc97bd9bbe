import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { Cursor } from '../../static/live/cursor.js';
import { systemTimers } from '../../static/live/timers.js';
import { openEventStream } from '../../static/live/transports/sse.js';
import { Watched } from '../../static/live/watched.js';
import { block, blocks, event, recorder, settle, world } from './support/world.mjs';

const RETRY = 'retry: 2137\n\n';

/** A stream that was asked for; `seen` is what it told, batches by their seqs. */
function start(more) {
  const around = world(more);
  const record = recorder();
  record.onBatch = (batch) => {
    around.cursor.take(batch.events, batch.seq);
    record.told.push(batch.events.map(({ seq }) => seq));
  };
  const handle = openEventStream(around, record);
  return { ...around, ...record, handle, first: around.fetch.last };
}

/** One that works. */
async function open(more) {
  const page = start(more);
  page.first.stream();
  page.first.say(RETRY);
  await settle();
  assert.deepEqual(page.told.splice(0), ['open']);
  return page;
}

const closings = ({ told }) => told.filter(({ closing }) => closing).map(({ closing }) => closing);

test('it asks from the cursor, with the cookie and past every cache', () => {
  const { first } = start({ cursor: new Cursor(7, 'a/b'), base: 'http://h:1/app' });
  assert.equal(first.url, 'http://h:1/app/messages/stream?seq=7&epoch=a%2Fb');
  const { credentials, cache, headers } = first.options;
  assert.deepEqual([credentials, cache, headers], ['same-origin', 'no-store', { Accept: 'text/event-stream' }]);
});

test('only bytes count as working: headers alone are what a proxy passes that keeps the rest back', async () => {
  const { first, told, timers } = start();
  first.stream();
  await timers.advance(4_999);
  assert.deepEqual(told, []);
  await timers.advance(1);
  assert.deepEqual(told, [{ closing: { next: 'retry', isTimeout: true } }]);
  assert.ok(first.isAborted);
  assert.equal(timers.pending, 0);
});

test('without an answer within 5 s it ends as blocked', async () => {
  const { first, told, timers } = start();
  await timers.advance(5_000);
  assert.deepEqual(told, [{ closing: { next: 'retry', isTimeout: true } }]);
  assert.ok(first.isAborted);
});

for (const part of [RETRY, ':\n\n', ':', 'r', '\ufeff']) {
  test(`the first bytes are enough: ${JSON.stringify(part)}`, async () => {
    const { first, told, timers } = start();
    first.stream();
    first.say(part);
    await timers.advance(10_000);
    assert.deepEqual(told, ['open']);
  });
}

test('what comes in one piece is one batch, and the page is open before it', async () => {
  const { first, told } = start();
  first.stream();
  first.say(RETRY + blocks([1, 2]) + blocks([3]));
  await settle();
  assert.deepEqual(told, ['open', [1, 2, 3]]);
});

test('events go on as they come, in the order of the stream', async () => {
  const { first, told } = await open();
  for (const seq of [1, 2, 3]) first.say(blocks([seq]));
  await settle();
  assert.deepEqual(told, [[1], [2], [3]]);
});

test('badges that come alone stand where it was asked from', async () => {
  const around = world({ cursor: new Cursor(7, 'e') });
  const record = recorder();
  openEventStream(around, record);
  around.fetch.last.stream();
  around.fetch.last.say(block('badges', { messages: 2 }));
  await settle();
  assert.deepEqual(record.told, ['open', { batch: { events: [], badges: { messages: 2 }, latest: 7 } }]);
});

test('a reset is told in its place, and the stream goes on', async () => {
  const { first, told } = await open({ cursor: new Cursor(90, 'old') });
  first.say(block('reset', { type: 'reset', epoch: 'new', latest: 3 }) + blocks([4]));
  await settle();
  assert.deepEqual(told, ['reset', [4]]);
  assert.ok(!first.isAborted);
});

test('a stream that ends without a word comes back, and half a block at its end is not one', async () => {
  for (const how of ['end', 'break']) {
    const { first, told, timers } = await open();
    first.say(blocks([1]) + `event: message\ndata: ${JSON.stringify(event(2))}\n`);
    await settle();
    first[how]();
    await settle();
    assert.deepEqual(told, [[1], { closing: { next: 'retry' } }]);
    assert.equal(timers.pending, 0);
  }
});

test('the last event says when to come back', async () => {
  const { first, told, timers } = await open();
  first.say(blocks([1]) + block('close', { code: 1012, retry: 4.2 }));
  first.end();
  await settle();
  assert.deepEqual(told, [[1], { closing: { next: 'retry', after: 4200 } }]);
  assert.ok(first.isAborted);
  assert.equal(timers.pending, 0);
});

test('a stream that begins with its end never worked', async () => {
  const { first, told } = start();
  first.stream();
  first.say(RETRY + block('close', { code: 4429, retry: 10 }));
  await settle();
  assert.deepEqual(told, [{ closing: { next: 'poll', after: 10_000 } }]);
});

test('data that is no JSON ends it', async () => {
  const { first, told } = await open();
  first.say('data: <html>\n\n');
  await settle();
  assert.deepEqual(told, [{ closing: { next: 'retry' } }]);
});

for (const [name, reply, closing] of [
  ['401', (q) => q.answer({}, 401), { next: 'signed-out' }],
  ['429', (q) => q.answer({}, 429, { 'Retry-After': '12' }), { next: 'poll', after: 12_000 }],
  ['503 with a time', (q) => q.answer({}, 503, { 'Retry-After': '30' }), { next: 'retry', after: 30_000 }],
  ['502 from a proxy', (q) => q.answer(undefined, 502), { next: 'retry', after: undefined }],
  ['404 from an older server', (q) => q.answer({}, 404), { next: 'retry', after: undefined }],
  ['422', (q) => q.answer({ detail: 'seq is wrong' }, 422), { next: 'stop', detail: 'seq is wrong' }],
  ['a page instead of a stream', (q) => q.stream(200, 'text/html'), { next: 'retry' }],
  ['a type that only begins like a stream', (q) => q.stream(200, 'text/event-streams'), { next: 'retry' }],
  ['nothing', (q) => q.answer(undefined, 204), { next: 'retry' }],
  ['a part of a stream', (q) => q.stream(206), { next: 'retry' }],
  ['a stream that this browser cannot read', (q) => q.answer({}, 200, { 'Content-Type': 'text/event-stream' }), { next: 'retry' }],
  ['no network', (q) => q.fail(), { next: 'retry' }],
]) {
  test(`a stream answered by ${name}`, async () => {
    const { first, fetch, told, timers } = start();
    reply(first);
    await settle();
    assert.deepEqual(told, [{ closing }]);
    assert.ok(first.isAborted, 'what it may still bring is not wanted');
    await timers.advance(60_000);
    assert.equal(fetch.asked.length, 1);
  });
}

test('40 s without a byte end it; comments are bytes', async () => {
  const page = await open();
  for (let n = 0; n < 10; n += 1) {
    await page.timers.advance(39_000);
    page.first.say(n % 2 ? ':\n\n' : ':');
    await settle();
  }
  assert.deepEqual(page.told, []);
  await page.timers.advance(39_999);
  assert.deepEqual(page.told, []);
  await page.timers.advance(1);
  assert.deepEqual(page.told, [{ closing: { next: 'retry' } }]);
  assert.equal(page.timers.pending, 0);
});

test('a tab that was frozen reads what waited for it before it doubts', async () => {
  const page = await open();
  await page.timers.advance(20_000); // hours, of which the timer knows only that it is late
  page.first.say(blocks([1]));
  await page.timers.advance(39_000);
  assert.deepEqual(page.told, [[1]]);
});

test('a doubted stream is asked for once more, and goes on when it speaks first', async () => {
  const page = await open();
  page.handle.check();
  page.handle.check();
  assert.equal(page.fetch.asked.length, 2);
  page.first.say(blocks([1]));
  await page.timers.advance(10_000);
  assert.ok(page.fetch.last.isAborted);
  assert.ok(!page.first.isAborted);
  assert.deepEqual(page.told, [[1]]);
});

test('a doubted stream that is silent gives way to the new one, from the cursor', async () => {
  const page = await open();
  page.first.say(blocks([1]));
  await settle();
  page.handle.check();
  const second = page.fetch.last;
  assert.match(second.url, /seq=1&/);
  second.stream();
  await settle();
  assert.ok(!page.first.isAborted);
  second.say(RETRY + blocks([2]));
  await settle();
  assert.ok(page.first.isAborted);
  await page.timers.advance(30_000);
  second.say(blocks([3]));
  await settle();
  assert.deepEqual(page.told, [[1], [2], [3]]);
  page.handle.check();
  assert.equal(page.fetch.asked.length, 3, 'it can be doubted again');
});

test('a doubted stream has 5 s', async () => {
  const page = await open();
  page.handle.check();
  await page.timers.advance(5_000);
  assert.deepEqual(page.told, [{ closing: { next: 'retry', isTimeout: false } }]);
  assert.ok(page.first.isAborted && page.fetch.last.isAborted);
});

test('no place for a second stream is no reason to end the first, but being signed out is', async () => {
  const page = await open();
  page.handle.check();
  page.fetch.last.answer({}, 503, { 'Retry-After': '5' });
  await page.timers.advance(10_000);
  page.first.say(blocks([1]));
  await settle();
  assert.deepEqual(page.told, [[1]]);
  page.handle.check();
  page.fetch.last.answer({}, 401);
  await settle();
  assert.deepEqual(closings(page), [{ next: 'signed-out' }]);
});

test('a doubted stream whose network is gone ends at once', async () => {
  const page = await open();
  page.handle.check();
  page.fetch.last.fail();
  await settle();
  assert.deepEqual(page.told, [{ closing: { next: 'retry' } }]);
  assert.ok(page.first.isAborted);
});

test('one that is not open yet is not asked for twice', () => {
  const page = start();
  page.handle.check();
  assert.equal(page.fetch.asked.length, 1);
});

test('closed at any moment, it says nothing more, aborts and leaves no timer', async () => {
  const moments = [
    () => {},
    (page) => page.first.stream(),
    (page) => page.first.say(RETRY),
    (page) => page.first.say(blocks([1])),
    (page) => page.first.say('event: mess'),
    (page) => page.handle.check(),
    (page) => page.fetch.last.stream(),
    (page) => page.first.say('age\n'),
  ];
  for (let count = 1; count <= moments.length; count += 1) {
    const page = start();
    for (const moment of moments.slice(0, count)) {
      moment(page);
      await settle();
    }
    page.told.length = 0;
    page.handle.close();
    page.handle.close();
    page.handle.check();
    await page.timers.advance(100_000);
    assert.deepEqual(page.told, [], `after ${count}`);
    assert.equal(page.timers.pending, 0, `after ${count}`);
    assert.ok(page.fetch.asked.every(({ isAborted }) => isAborted));
  }
});

test('closed by what it brings, it hands over nothing that came behind it', async () => {
  const around = world();
  const record = recorder();
  record.onReset = async () => handle.close();
  const handle = openEventStream(around, record);
  around.fetch.last.stream();
  around.fetch.last.say(RETRY);
  around.fetch.last.say(block('reset', { latest: 1 }) + blocks([2]) + block('close', { code: 4401 }));
  await settle();
  assert.deepEqual(record.told, ['open']);
  assert.equal(around.timers.pending, 0);
});

test('closed between two pieces that are both there already, it reads only one', async () => {
  const around = world();
  const record = recorder();
  record.onBatch = ({ events }) => {
    record.told.push(events.map(({ seq }) => seq));
    handle.close();
  };
  const handle = openEventStream(around, record);
  around.fetch.last.stream();
  for (const seq of [1, 2, 3]) around.fetch.last.say(blocks([seq]));
  await settle();
  assert.deepEqual(record.told, ['open', [1]]);
});

/** A real server whose only answer is written by `serve`; `base` is where it is. */
async function serving(serve, run) {
  const server = createServer(serve);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await run(`http://127.0.0.1:${server.address().port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('over a real connection: cut into single bytes, it brings everything, and closing it ends the connection', async () => {
  const head = { 'Content-Type': 'text/event-stream; charset=utf-8', Connection: 'close' };
  const text = RETRY + blocks([1, 2], { messages: 2 }) + ':\n\n' + block('message', { ...event(3), data: { body: 'é€😀' } });
  let gone;
  const isGone = new Promise((resolve) => (gone = resolve));
  const serve = async (request, response) => {
    response.on('close', gone);
    response.writeHead(200, head);
    response.socket.setNoDelay();
    for (const byte of Buffer.from(text)) {
      response.write(Uint8Array.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await serving(serve, async (base) => {
    const events = [];
    const record = recorder();
    const everything = new Promise((resolve) => {
      record.onBatch = (batch) => {
        events.push(...batch.events);
        if (events.length === 3) resolve();
      };
    });
    const handle = openEventStream(world({ base, fetch, timers: systemTimers }), record);
    await everything;
    assert.deepEqual(events.slice(0, 2), [event(1), event(2)]);
    assert.equal(events[2].data.body, 'é€😀');
    handle.close();
    await isGone;
    assert.deepEqual(record.told, ['open']);
  });
});

test('over a real connection: cut off in the middle of a block, it comes back', async () => {
  const serve = (request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write(blocks([1]) + 'event: message\ndata: {"seq":');
    setTimeout(() => response.socket.destroy(), 50);
  };
  await serving(serve, async (base) => {
    const record = recorder();
    const closed = new Promise((resolve) => (record.onClose = resolve));
    openEventStream(world({ base, fetch, timers: systemTimers }), record);
    assert.deepEqual(await closed, { next: 'retry' });
    assert.equal(record.told.length, 2);
  });
});

test('it asks for what is watched, and passes snapshots on', async () => {
  const watched = new Watched(() => ['presence:a']);
  watched.refresh();
  const { first, told } = await open({ watched });
  assert.match(first.url, /epoch=e&watch=presence%3Aa&have=0$/);
  const snapshot = { type: 'snapshot', topic: 'presence:a', version: 3, data: { state: 'online' } };
  first.say(block('snapshot', snapshot) + blocks([1]));
  await settle();
  assert.deepEqual(told, [{ snapshots: { 'presence:a': snapshot } }, [1]]);
});

test('where other topics are watched another stream takes its place, from the cursor', async () => {
  let topics = ['presence:a'];
  const watched = new Watched(() => topics);
  watched.refresh();
  const { first, fetch, told, timers, handle } = await open({ watched });
  first.say(blocks([1]));
  await settle();
  topics = ['presence:b'];
  watched.refresh();
  handle.watch();
  assert.ok(first.isAborted);
  assert.match(fetch.last.url, /seq=1&epoch=e&watch=presence%3Ab&/);
  fetch.last.stream();
  fetch.last.say(RETRY + blocks([2]));
  await timers.advance(15_000);
  assert.deepEqual(told, [[1], [2]]);
  handle.close();
  assert.equal(timers.pending, 0);
});
