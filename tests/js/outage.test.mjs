/** What a connection says while it has none, and what can hasten it; and what it watches, over all transports. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Connection } from '../../static/live/connection.js';
import { TRANSPORTS } from '../../static/live/transports.js';
import { Watched } from '../../static/live/watched.js';
import { answer, block, settle, world } from './support/world.mjs';

function start(choice, more = {}) {
  const page = { topics: [], ...more };
  const around = world({ watched: new Watched(() => page.topics), random: () => 0.99 });
  const states = [];
  const shown = [];
  const reloads = [];
  const connection = new Connection({
    world: around,
    transports: TRANSPORTS,
    reload: () => new Promise((resolve) => reloads.push(resolve)),
    onBatch: () => connection.watch(),
    onSnapshot: (topic, data) => shown.push([topic, data]),
    onState: (state, transport, { detail, retryAt, since }) =>
      states.push({ state, transport, detail, retryIn: retryAt && retryAt - around.timers.now(), since }),
  });
  const begun = around.timers.now();
  connection.choose(choice);
  return {
    ...around,
    page,
    connection,
    states,
    shown,
    reloads,
    begun,
    made: around.WebSocket.made,
    get socket() {
      return around.WebSocket.last;
    },
    get last() {
      return states.at(-1);
    },
  };
}

// -- outages

test('offline says when the next try comes, that one runs, and since when nothing works', async () => {
  const page = start('websocket');
  page.socket.end();
  const { state, retryIn, since } = page.last;
  assert.deepEqual([state, since], ['offline', page.begun]);
  assert.ok(retryIn > 0 && retryIn <= 500);
  await page.timers.advance(retryIn);
  assert.equal(page.made.length, 2);
  assert.deepEqual([page.last.state, page.last.retryIn, page.last.since], ['offline', null, page.begun]);
  page.socket.hello();
  assert.deepEqual([page.last.state, page.last.transport, page.last.since], ['live', 'websocket', null]);
});

test('an outage begins when the connection breaks, and another choice does not end it', async () => {
  const page = start('websocket');
  page.socket.hello();
  await page.timers.advance(10_000);
  page.socket.end();
  const broken = page.timers.now();
  assert.deepEqual([page.last.state, page.last.since], ['connecting', broken]);
  await page.timers.advance(500);
  page.socket.end();
  page.connection.choose('short-poll');
  page.fetch.last.fail();
  await settle();
  assert.deepEqual([page.last.state, page.last.since], ['offline', broken]);
});

test('a stop has a reason, and no next try', async () => {
  const page = start('websocket');
  page.socket.end(4400, 'because');
  assert.deepEqual(page.last, { state: 'offline', transport: null, detail: 'because', retryIn: null, since: null });
  page.connection.insist();
  page.connection.offline();
  await page.timers.advance(60_000);
  assert.equal(page.made.length, 1);
  assert.equal(page.last.detail, 'because');
});

test('who insists does not wait, not even as long as the server asked', async () => {
  const page = start('websocket');
  page.socket.end(1012, 'retry=60');
  page.connection.hurry();
  assert.equal(page.made.length, 1);
  page.connection.insist();
  assert.equal(page.made.length, 2);
});

test('insisting is tried once a second, and the next time is shown', async () => {
  const page = start('websocket');
  for (let n = 0; n < 3; n += 1) {
    page.socket.end(1012, 'retry=60');
    page.connection.insist();
    page.connection.insist();
  }
  assert.equal(page.made.length, 2);
  assert.ok(page.last.retryIn > 0 && page.last.retryIn <= 1_000);
  page.connection.hurry();
  assert.equal(page.made.length, 2);
  await page.timers.advance(1_000);
  assert.equal(page.made.length, 3);
  await page.timers.advance(500);
  page.connection.insist(); // a try is running
  assert.equal(page.made.length, 3);
});

for (const choice of ['auto', 'long-poll']) {
  test(`when the browser says that there is no network, ${choice} is offline at once, and back by itself`, async () => {
    const page = start(choice);
    if (choice === 'auto') page.socket.hello();
    else page.fetch.last.answer(answer([], { next: 0 }));
    await page.timers.advance(10_000);
    page.connection.offline();
    assert.equal(page.last.state, 'offline');
    assert.ok(page.last.retryIn <= 500);
    assert.equal(page.last.since, page.timers.now());
    assert.ok(choice === 'auto' ? page.socket.isClosed : page.fetch.last.isAborted);
    await page.timers.advance(500);
    if (choice === 'auto') page.socket.hello();
    else page.fetch.last.answer(answer([]));
    await settle();
    assert.equal(page.last.state, 'live');
  });
}

test('no network while it is connecting is offline at once, and keeps the time of the next try', async () => {
  const page = start('websocket');
  page.socket.hello();
  page.socket.end(1012, 'retry=30');
  assert.equal(page.last.state, 'connecting');
  page.connection.offline();
  assert.deepEqual([page.last.state, page.last.retryIn], ['offline', 30_000]);
});

test('what is off, or signed out, stays it without a network too', () => {
  const page = start('websocket');
  page.connection.choose('off');
  page.connection.offline();
  assert.equal(page.last.state, 'off');
  page.connection.choose('websocket');
  page.socket.end(4401);
  page.connection.offline();
  assert.equal(page.last.state, 'signed-out');
  assert.equal(page.timers.pending, 0);
});

// -- watching

const online = (version) => ({ type: 'snapshot', topic: 'presence:a', version, data: { version } });

/** Bring this snapshot by the way that was asked for last. */
async function bring(page, way, version) {
  const snapshot = online(version);
  if (way === 'websocket') {
    page.socket.frame(snapshot);
  } else if (way === 'sse') {
    page.fetch.last.stream();
    page.fetch.last.say('retry: 2137\n\n' + block('snapshot', snapshot));
  } else {
    page.fetch.last.answer(answer([], { snapshots: { 'presence:a': snapshot }, next: 5 }));
  }
  await settle();
}

test('each transport that takes over watches, and nothing old is shown again', async () => {
  const page = start('websocket', { topics: ['presence:a'] });
  page.socket.hello();
  assert.deepEqual(page.socket.sent, [{ type: 'watch', topics: ['presence:a'] }]);
  await bring(page, 'websocket', 5);
  for (const way of ['sse', 'long-poll', 'short-poll']) {
    page.connection.choose(way);
    assert.match(page.fetch.last.url, /&watch=presence%3Aa&have=5$/, way);
    await bring(page, way, 5);
  }
  page.connection.choose('websocket');
  page.socket.hello();
  await bring(page, 'websocket', 4);
  await bring(page, 'websocket', 6);
  assert.deepEqual(page.shown, [['presence:a', { version: 5 }], ['presence:a', { version: 6 }]]);
});

test('a page without topics sends nothing', async () => {
  const page = start('websocket');
  page.socket.hello();
  page.connection.watch();
  assert.deepEqual(page.socket.sent, []);
  for (const way of ['sse', 'long-poll', 'short-poll']) {
    page.connection.choose(way);
    assert.doesNotMatch(page.fetch.last.url, /watch/);
  }
});

test('other topics are asked for while it is open, as soon as an event brings them', () => {
  const page = start('websocket', { topics: ['presence:a'] });
  page.socket.hello();
  page.page.topics = ['presence:a', 'presence:b'];
  page.socket.events(1);
  page.socket.events(2);
  assert.deepEqual(page.socket.sent.slice(1), [{ type: 'watch', topics: ['presence:a', 'presence:b'] }]);
});

test('a page loaded anew asks anew, over the same connection, and is shown everything again', async () => {
  const page = start('websocket', { topics: ['presence:a'] });
  page.socket.hello();
  await bring(page, 'websocket', 5);
  page.socket.frame({ type: 'reset', epoch: 'new', latest: 4 });
  await settle();
  await bring(page, 'websocket', 6); // for the page as it was
  page.reloads[0]({ seq: 4, epoch: 'new' });
  await settle();
  assert.equal(page.made.length, 1);
  assert.equal(page.socket.sent.length, 2);
  await bring(page, 'websocket', 6);
  assert.deepEqual(page.shown, [['presence:a', { version: 5 }], ['presence:a', { version: 6 }]]);
});

test('a stream on which the page was loaded anew is asked for again from the new place', async () => {
  const page = start('sse', { topics: ['presence:a'] });
  await bring(page, 'sse', 5);
  page.fetch.last.say(block('reset', { type: 'reset', epoch: 'new', latest: 4 }));
  await settle();
  page.reloads[0]({ seq: 4, epoch: 'new' });
  await settle();
  assert.equal(page.fetch.asked.length, 2);
  assert.match(page.fetch.last.url, /seq=4&epoch=new&watch=presence%3Aa&have=0$/);
  await bring(page, 'sse', 5);
  assert.equal(page.shown.length, 2);
});

test('what a dead attempt still knows is ignored', async () => {
  const page = start('websocket', { topics: ['presence:a'] });
  page.socket.hello();
  const { onmessage } = page.socket;
  page.connection.choose('short-poll');
  onmessage({ data: JSON.stringify(online(9)) });
  await settle();
  assert.deepEqual(page.shown, []);
});
