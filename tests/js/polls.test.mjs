import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openLongPoll } from '../../static/live/transports/long-poll.js';
import { openShortPoll } from '../../static/live/transports/short-poll.js';
import { Watched } from '../../static/live/watched.js';
import { answer, event, recorder, settle, world } from './support/world.mjs';

function start(open, more) {
  const around = world(more);
  const record = recorder();
  record.onBatch = (batch) => {
    around.cursor.take(batch.events, batch.seq);
    record.told.push(batch.events.map(({ seq }) => seq));
  };
  const handle = open(around, record);
  return { ...around, ...record, handle };
}

test('a short poll asks again after the seconds that the answer names', async () => {
  const { fetch, timers, told } = start(openShortPoll);
  assert.equal(fetch.last.url, 'https://example.test/messages/poll?seq=0&epoch=e');
  fetch.last.answer(answer([1, 2], { next: 7 }));
  await timers.advance(6_999);
  assert.equal(fetch.asked.length, 1);
  await timers.advance(1);
  assert.match(fetch.last.url, /seq=2&/);
  assert.deepEqual(told, ['open', [1, 2]]);
});

test('an answer that was cut is followed at once', async () => {
  const { fetch, timers } = start(openShortPoll);
  fetch.last.answer(answer([1], { latest: 3 }));
  await timers.advance(0);
  assert.match(fetch.last.url, /seq=1&/);
});

test('a short poll never spins', async () => {
  const { fetch, timers } = start(openShortPoll);
  fetch.last.answer(answer([], { next: 0 }));
  await timers.advance(499);
  assert.equal(fetch.asked.length, 1);
});

test('the first long poll does not wait, those after it do', async () => {
  const { fetch, timers, told } = start(openLongPoll);
  assert.equal(fetch.last.url, 'https://example.test/messages/long-poll?seq=0&epoch=e&timeout=0');
  fetch.last.answer(answer([], { next: 0 }));
  await timers.advance(0);
  assert.equal(fetch.last.url, 'https://example.test/messages/long-poll?seq=0&epoch=e&timeout=25');
  await timers.advance(20_000);
  fetch.last.answer(answer([1], { next: 0 }));
  await timers.advance(0);
  assert.match(fetch.last.url, /seq=1&/);
  assert.deepEqual(told, ['open', [], [1]]);
});

test('a server that drains (empty at once) is not asked in a circle', async () => {
  const { fetch, timers } = start(openLongPoll);
  fetch.last.answer(answer([], { next: 0 }));
  await timers.advance(0);
  fetch.last.answer(answer([], { next: 0 }));
  await timers.advance(749);
  assert.equal(fetch.asked.length, 2);
  await timers.advance(1);
  assert.equal(fetch.asked.length, 3);
});

test('a long poll that is never answered ends', async () => {
  const { fetch, timers, told } = start(openLongPoll);
  fetch.last.answer(answer([], { next: 0 }));
  await timers.advance(35_000);
  assert.deepEqual(told.at(-1), { closing: { next: 'retry', isTimeout: false } });
  assert.ok(fetch.last.isAborted);
});

test('a first question that is never answered ends as blocked', async () => {
  const { timers, told } = start(openLongPoll);
  await timers.advance(5_000);
  assert.deepEqual(told, [{ closing: { next: 'retry', isTimeout: true } }]);
});

for (const [name, reply, closing] of [
  ['401', (q) => q.answer({}, 401), { next: 'signed-out' }],
  ['429', (q) => q.answer({}, 429, { 'Retry-After': '12' }), { next: 'retry', after: 12_000 }],
  ['503 until a date', (q) => q.answer({}, 503, { 'Retry-After': new Date(1_030_000).toUTCString() }), { next: 'retry', after: 30_000 }],
  ['503 from a proxy', (q) => q.answer(undefined, 503), { next: 'retry', after: undefined }],
  ['422', (q) => q.answer({ detail: 'seq is wrong' }, 422), { next: 'stop', detail: 'seq is wrong' }],
  ['no network', (q) => q.fail(), { next: 'retry', isTimeout: false }],
  ['a page instead of JSON', (q) => q.answer(undefined, 200), { next: 'retry', isTimeout: false }],
  ['JSON that is no answer', (q) => q.answer(null, 200), { next: 'retry' }],
]) {
  test(`a poll answered by ${name}`, async () => {
    const { fetch, told, timers } = start(openShortPoll);
    reply(fetch.last);
    await settle();
    assert.deepEqual(told, [{ closing }]);
    await timers.advance(60_000);
    assert.equal(fetch.asked.length, 1);
  });
}

test('after a reset it waits for the new place before it asks again', async () => {
  let renewed;
  const around = world();
  const record = recorder();
  record.onReset = () => new Promise((resolve) => (renewed = resolve));
  openShortPoll(around, record);
  around.fetch.last.answer(answer([], { reset: true, seq: 50, latest: 50 }));
  await around.timers.advance(60_000);
  assert.equal(around.fetch.asked.length, 1);
  around.cursor.moveTo(51, 'new');
  renewed();
  await around.timers.advance(5_000);
  assert.match(around.fetch.last.url, /seq=51&epoch=new/);
});

test('looking at the page asks now, but never twice at a time', async () => {
  const { fetch, handle } = start(openShortPoll);
  handle.check();
  assert.equal(fetch.asked.length, 1);
  fetch.last.answer(answer([]));
  await settle();
  handle.check();
  assert.equal(fetch.asked.length, 2);
});

test('closed, it drops the answer that is on its way and leaves no timer', async () => {
  const { fetch, told, timers, handle } = start(openShortPoll);
  handle.close();
  fetch.last.answer({ ...answer([1]), events: [event(1)] });
  await timers.advance(60_000);
  assert.deepEqual(told, []);
  assert.equal(timers.pending, 0);
  assert.equal(fetch.asked.length, 1);
});

/** A long poll that waits, of a page with these topics. */
async function watching(topics) {
  const watched = new Watched(() => topics.now);
  watched.refresh();
  const around = world({ watched });
  const record = recorder();
  record.onSnapshots = (snapshots) => {
    const fresh = watched.take(snapshots);
    record.told.push(fresh);
    return fresh.length > 0;
  };
  const handle = openLongPoll(around, record);
  const bring = (snapshots) => around.fetch.last.answer(answer([], { snapshots, next: 0 }));
  return { ...around, ...record, handle, bring };
}

test('polls ask for what is watched, and say which version they have of each', async () => {
  const { fetch, timers, told, bring } = await watching({ now: ['presence:a', 'typing:a'] });
  assert.match(fetch.last.url, /&timeout=0&watch=presence%3Aa,typing%3Aa&have=0,0$/);
  bring({ 'presence:a': { version: 7, data: 1 }, 'typing:a': { version: 9, data: 2 } });
  await timers.advance(0);
  assert.match(fetch.last.url, /&timeout=25&watch=presence%3Aa,typing%3Aa&have=7,9$/);
  assert.deepEqual(told.at(-1), [['presence:a', 1], ['typing:a', 2]]);
});

test('a page that watches nothing takes no snapshots', async () => {
  const { fetch, told } = start(openShortPoll);
  fetch.last.answer(answer([], { snapshots: { x: { version: 1, data: 1 } } }));
  await settle();
  assert.deepEqual(told, ['open', []]);
});

test('a waiting question gives way to one with other topics, and its answer is dropped', async () => {
  const topics = { now: ['presence:a'] };
  const { fetch, timers, told, handle, watched, bring } = await watching(topics);
  bring({ 'presence:a': { version: 7, data: 1 } });
  await timers.advance(0);
  const old = fetch.last;
  topics.now = ['presence:a', 'presence:b'];
  watched.refresh();
  handle.watch();
  await settle();
  assert.ok(old.isAborted);
  assert.match(fetch.last.url, /presence%3Ab&have=7,0$/);
  assert.deepEqual(told.filter((one) => one.closing), []);
  await timers.advance(25_000);
  bring({ 'presence:a': { version: 7, data: 1 }, 'presence:b': { version: 8, data: 1 } });
  await timers.advance(0);
  assert.equal(fetch.asked.length, 4);
  handle.close();
  assert.equal(timers.pending, 0);
});

test('a change that comes right after the question does not hold up the next', async () => {
  const { fetch, timers, bring } = await watching({ now: ['presence:a'] });
  for (let version = 1; version <= 5; version += 1) {
    bring({ 'presence:a': { version, data: 1 } });
    await timers.advance(0);
    assert.equal(fetch.asked.length, 2 * version);
    await timers.advance(10_000); // and then it is quiet for a while
    bring({ 'presence:a': { version, data: 1 } });
    await timers.advance(0);
    assert.equal(fetch.asked.length, 2 * version + 1);
  }
});

test('answers at once with snapshots alone never make it spin', async () => {
  const { fetch, timers, bring } = await watching({ now: ['presence:a'] });
  for (let version = 1; version <= 200; version += 1) {
    bring({ 'presence:a': { version, data: 1 } });
    await timers.advance(50);
  }
  assert.ok(fetch.asked.length <= 17, `${fetch.asked.length} in 10 s`);
});

test('what may not be watched is warned of once, and is not what is lacking', async () => {
  const warned = [];
  const { warn } = console;
  console.warn = (text) => warned.push(text);
  try {
    const watched = new Watched(() => ['presence:a', 'posts']);
    watched.refresh();
    const record = recorder();
    record.onSnapshots = (snapshots) => watched.take(snapshots);
    const around = world({ watched });
    const { fetch, timers } = around;
    openShortPoll(around, record);
    for (let n = 0; n < 3; n += 1) {
      fetch.last.answer(answer([], { snapshots: { 'presence:a': { version: 7, data: 1 } }, errors: { watch: 'no posts' } }));
      await timers.advance(5_000);
    }
    assert.match(fetch.last.url, /&have=7,0$/);
    assert.deepEqual(warned, ['live: no posts']);
  } finally {
    console.warn = warn;
  }
});
