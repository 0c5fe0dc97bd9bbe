import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Connection } from '../../static/live/connection.js';
import { Cursor } from '../../static/live/cursor.js';
import { TRANSPORTS } from '../../static/live/transports.js';
import { answer, block, blocks, settle, world } from './support/world.mjs';

/** A page at seq 0 that follows by this choice; `got` is what it applied, `states` what it showed. */
function start(choice = 'auto', more = {}) {
  const around = world(more);
  const got = [];
  const states = [];
  const shown = [];
  const last = { more: null };
  const reloads = [];
  const connection = new Connection({
    world: around,
    transports: TRANSPORTS,
    reload: () => new Promise((resolve, reject) => reloads.push({ resolve, reject })),
    onBatch: (events) => got.push(...events.map(({ seq }) => seq)),
    onSnapshot: (topic, data) => shown.push([topic, data]),
    onState: (state, transport, more) => {
      states.push([state, transport, more.detail].filter(Boolean).join(' '));
      last.more = more;
    },
  });
  connection.choose(choice);
  const made = around.WebSocket.made;
  return {
    ...around,
    connection,
    got,
    states,
    shown,
    reloads,
    made,
    get more() {
      return last.more;
    },
    get socket() {
      return made.at(-1);
    },
    get state() {
      return states.at(-1);
    },
  };
}

const path = (fetch) => new URL(fetch.last.url).pathname;

/** The WebSocket fails twice at once, so that `auto` takes the stream. */
async function blockWebSocket({ made, timers }) {
  made.at(-1).end();
  await timers.advance(500);
  made.at(-1).end();
  await timers.advance(1_000);
}

/** Nothing that stays open gets through, so that `auto` takes the long poll. */
async function blockStreams({ made, timers, fetch }) {
  await blockWebSocket({ made, timers });
  fetch.last.answer({}, 502);
  await timers.advance(2_000);
}

/** Bring these events, whichever way was asked for. */
function answerAny(question, seqs, more = {}) {
  if (!question.url.includes('/stream?')) return question.answer(answer(seqs, more));
  question.stream();
  question.say('retry: 2137\n\n');
  if (seqs.length > 0) question.say(blocks(seqs));
}

/** Questions to this path. */
const asked = (fetch, path) => fetch.asked.filter(({ url }) => new URL(url).pathname === path);

test('auto begins with a WebSocket and is live at its hello', () => {
  const page = start();
  assert.equal(page.state, 'connecting');
  page.socket.hello();
  page.socket.events(1, 2);
  assert.equal(page.state, 'live websocket');
  assert.deepEqual(page.got, [1, 2]);
});

test('auto takes the stream after two failures, and never shows offline for that', async () => {
  const page = start();
  await blockWebSocket(page);
  assert.equal(path(page.fetch), '/messages/stream');
  page.fetch.last.stream();
  page.fetch.last.say('retry: 2137\n\n' + blocks([1]));
  await settle();
  assert.deepEqual(page.states.filter((state) => state.startsWith('offline')), []);
  assert.equal(page.state, 'live sse');
  assert.deepEqual(page.got, [1]);
});

test('auto takes the stream at once when no hello comes within 5 s', async () => {
  const page = start();
  await page.timers.advance(5_250);
  assert.equal(page.made.length, 1);
  assert.equal(path(page.fetch), '/messages/stream');
});

test('auto takes the long poll where the stream fails too, and never shows offline for that', async () => {
  const page = start();
  await blockStreams(page);
  assert.equal(path(page.fetch), '/messages/long-poll');
  page.fetch.last.answer(answer([1]));
  await settle();
  assert.deepEqual(page.states, ['connecting', 'live long-poll']);
  assert.deepEqual(page.got, [1]);
});

test('auto takes the long poll where something gathers a stream before it passes it on', async () => {
  const page = start();
  await blockWebSocket(page);
  const stream = page.fetch.last;
  stream.stream(); // the headers, and then nothing
  await page.timers.advance(5_000 + 1_000);
  assert.ok(stream.isAborted);
  assert.equal(path(page.fetch), '/messages/long-poll');
  page.fetch.last.answer(answer([1]));
  await settle();
  assert.deepEqual(page.states, ['connecting', 'live long-poll']);
});

test('a server that has no sockets to give away says when to come back; auto goes to the next way before', async () => {
  const page = start();
  await blockWebSocket(page);
  page.fetch.last.answer({}, 503, { 'Retry-After': '60' });
  await page.timers.advance(1_000);
  assert.equal(path(page.fetch), '/messages/long-poll');
});

test('where every way says when to come back, auto comes back then', async () => {
  const page = start();
  await blockWebSocket(page);
  for (let n = 0; n < 3; n += 1) {
    page.fetch.last.answer({}, 503, { 'Retry-After': '60' });
    await page.timers.advance(4_000);
  }
  page.connection.hurry();
  await page.timers.advance(55_000);
  assert.deepEqual([page.made.length, page.fetch.asked.length], [2, 3]);
  await page.timers.advance(2_000);
  assert.deepEqual([page.made.length, page.fetch.asked.length], [3, 3]);
});

test('auto takes the short poll where the long poll fails too, and says polling', async () => {
  const page = start();
  await blockStreams(page);
  page.fetch.last.answer({}, 503);
  await page.timers.advance(4_000);
  assert.equal(path(page.fetch), '/messages/poll');
  page.fetch.last.answer(answer([]));
  await settle();
  assert.equal(page.state, 'polling short-poll');
});

test('where nothing works auto is offline and begins with the WebSocket again', async () => {
  const page = start();
  await blockStreams(page);
  page.fetch.last.fail();
  await page.timers.advance(2_000);
  assert.equal(page.state, 'offline');
  page.fetch.last.fail();
  await page.timers.advance(2_000);
  assert.equal(page.made.length, 3);
  assert.equal(page.state, 'offline');
  page.socket.hello();
  assert.equal(page.state, 'live websocket');
});

test('auto tries the WebSocket again beside the poll, and changes over without loss or repetition', async () => {
  const page = start();
  await blockStreams(page);
  page.fetch.last.answer(answer([1], { next: 0 }));
  for (let n = 0; n < 3; n += 1) {
    await page.timers.advance(20_000);
    if (n < 2) page.fetch.last.answer(answer([], { seq: 1, latest: 1, next: 0 }));
  }
  assert.equal(page.made.length, 3);
  assert.match(page.socket.url, /seq=1&/);
  const question = page.fetch.last;
  question.answer(answer([2], { next: 0 })); // while the WebSocket is still shaking hands
  await settle();
  assert.equal(page.state, 'live long-poll');
  await page.timers.advance(0);
  page.socket.hello();
  page.socket.events(2, 3); // from where it began
  assert.equal(page.state, 'live websocket');
  assert.ok(page.fetch.last.isAborted);
  assert.deepEqual(page.got, [1, 2, 3]);
});

test('auto tries the WebSocket again beside the stream, and changes over without loss or repetition', async () => {
  const page = start();
  await blockWebSocket(page);
  const stream = page.fetch.last;
  stream.stream();
  stream.say(blocks([1]));
  for (let n = 0; n < 4; n += 1) {
    await page.timers.advance(15_000);
    stream.say(':\n\n');
  }
  assert.match(page.socket.url, /seq=1&/);
  stream.say(blocks([2])); // while the WebSocket is still shaking hands
  await settle();
  assert.equal(page.state, 'live sse');
  page.socket.hello();
  page.socket.events(2, 3);
  assert.equal(page.state, 'live websocket');
  assert.ok(stream.isAborted);
  assert.deepEqual(page.got, [1, 2, 3]);
});

test('a long poll gives way to the stream where only WebSockets stay blocked', async () => {
  const page = start();
  await blockStreams(page);
  const poll = page.fetch.last;
  poll.answer(answer([1], { next: 60 }));
  await page.timers.advance(60_000);
  page.socket.end();
  assert.equal(path(page.fetch), '/messages/stream');
  assert.match(page.fetch.last.url, /seq=1&/);
  page.fetch.last.stream();
  await settle();
  assert.equal(page.state, 'live long-poll');
  page.fetch.last.say('retry: 2137\n\n');
  await settle();
  assert.equal(page.state, 'live sse');
});

test('a failed try beside the poll is not seen, and comes again after about a minute', async () => {
  const page = start();
  await blockStreams(page);
  let poll = page.fetch.last;
  const answered = () => poll.answer(answer([], { next: 0 }));
  answered();
  await page.timers.advance(0);
  const { length } = page.states;
  for (const made of [3, 4]) {
    poll = page.fetch.last;
    for (let n = 0; n < 2; n += 1) {
      await page.timers.advance(20_000);
      answered();
      await page.timers.advance(0);
      poll = page.fetch.last;
    }
    await page.timers.advance(20_500);
    assert.equal(page.made.length, made);
    page.socket.end();
    page.fetch.last.fail(); // the stream, which comes after it
    answered();
    await page.timers.advance(0);
  }
  assert.equal(asked(page.fetch, '/messages/stream').length, 3);
  assert.equal(page.states.length, length);
});

test('the network coming back makes auto try the WebSocket', async () => {
  const page = start();
  await blockStreams(page);
  page.fetch.last.answer(answer([]));
  await settle();
  page.connection.online();
  assert.equal(page.made.length, 3);
});

test('a WebSocket that has worked is tried again soon after an outage', async () => {
  const page = start();
  page.socket.hello();
  await page.timers.advance(6_000);
  page.socket.end();
  await page.timers.advance(500);
  await blockStreams(page);
  page.fetch.last.answer(answer([]));
  await page.timers.advance(6_000);
  assert.equal(page.made.length, 4);
});

for (const [choice, fail] of [
  ['websocket', (page) => page.socket.end()],
  ['sse', (page) => page.fetch.last.fail()],
  ['long-poll', (page) => page.fetch.last.fail()],
  ['short-poll', (page) => page.fetch.last.fail()],
]) {
  test(`a fixed ${choice} never becomes another; it is offline while it fails`, async () => {
    const page = start(choice);
    for (let n = 0; n < 12; n += 1) {
      fail(page);
      await settle();
      assert.equal(page.state, 'offline');
      await page.timers.advance(4_000);
    }
    if (choice === 'websocket') assert.equal(page.fetch.asked.length, 0);
    else assert.equal(page.made.length, 0);
    const paths = new Set(page.fetch.asked.map(({ url }) => new URL(url).pathname));
    assert.ok(paths.size <= 1);
  });
}

test('a server that was away for 20 s is found again within 5 s of its return', async () => {
  for (const random of [() => 0, () => 0.5, () => 0.9999]) {
    const page = start('auto', { random });
    page.socket.hello();
    page.socket.events(1);
    await page.timers.advance(60_000 - 35_000);
    page.socket.events(2);
    page.socket.end();
    let sockets = page.made.length;
    let questions = page.fetch.asked.length;
    const end = page.timers.now() + 20_000;
    while (page.timers.now() < end) {
      await page.timers.advance(50);
      if (page.made.length > sockets) page.socket.end();
      if (page.fetch.asked.length > questions) page.fetch.last.fail();
      sockets = page.made.length;
      questions = page.fetch.asked.length;
      await settle();
    }
    for (let ms = 0; ms < 5_000 && page.got.length < 3; ms += 50) {
      await page.timers.advance(50);
      if (page.made.length > sockets) {
        assert.match(page.socket.url, /seq=2&/);
        page.socket.hello();
        page.socket.events(3);
      } else if (page.fetch.asked.length > questions) {
        assert.match(page.fetch.last.url, /seq=2&/);
        answerAny(page.fetch.last, [3]);
        await settle();
      }
    }
    assert.deepEqual(page.got, [1, 2, 3]);
  }
});

test('the choice changes at once, in mid-stream, without loss or repetition', async () => {
  const page = start('websocket');
  page.socket.hello();
  page.socket.events(1, 2);
  const old = page.socket;
  page.connection.choose('short-poll');
  assert.ok(old.isClosed);
  assert.equal(page.state, 'connecting');
  assert.match(page.fetch.last.url, /\/messages\/poll\?seq=2&/);
  page.fetch.last.answer(answer([3, 4]));
  await settle();
  assert.equal(page.state, 'polling short-poll');
  page.connection.choose('long-poll');
  assert.match(page.fetch.last.url, /long-poll\?seq=4&/);
  page.fetch.last.answer(answer([5]));
  await settle();
  page.connection.choose('websocket');
  assert.match(page.socket.url, /seq=5&/);
  page.socket.hello();
  page.socket.events(6);
  page.connection.choose('sse');
  assert.match(page.fetch.last.url, /stream\?seq=6&/);
  answerAny(page.fetch.last, [7, 8]);
  await settle();
  assert.equal(page.state, 'live sse');
  const stream = page.fetch.last;
  page.connection.choose('long-poll');
  assert.ok(stream.isAborted);
  assert.match(page.fetch.last.url, /long-poll\?seq=8&/);
  assert.deepEqual(page.got, [1, 2, 3, 4, 5, 6, 7, 8]);
});

test('what a dead attempt still has to say is ignored', async () => {
  const page = start('websocket');
  page.socket.hello();
  const old = { receive: page.socket.onmessage, close: page.socket.onclose };
  page.connection.choose('short-poll');
  const question = page.fetch.last;
  page.connection.choose('websocket');
  page.socket.hello();
  old.receive({ data: JSON.stringify({ type: 'events', events: [{ seq: 1 }], seq: 1 }) });
  old.close({ code: 4401, reason: '' });
  question.answer(answer([1, 2, 3]));
  await settle();
  assert.deepEqual(page.got, []);
  assert.equal(page.state, 'live websocket');
});

test('off closes everything and stays off', async () => {
  const page = start();
  page.socket.hello();
  page.connection.choose('off');
  page.connection.online();
  page.connection.hurry();
  await page.timers.advance(600_000);
  assert.equal(page.state, 'off');
  assert.equal(page.made.length, 1);
  assert.equal(page.timers.pending, 0);
});

test('4401 is signed out, for good', async () => {
  const page = start();
  page.socket.hello();
  page.socket.end(4401);
  page.connection.choose('long-poll');
  page.connection.online();
  page.connection.close();
  page.connection.resume();
  await page.timers.advance(600_000);
  assert.equal(page.state, 'signed-out');
  assert.equal(page.made.length, 1);
  assert.equal(page.fetch.asked.length, 0);
});

test('a poll that is answered 401 is signed out', async () => {
  const page = start('short-poll');
  page.fetch.last.answer({}, 401);
  await page.timers.advance(600_000);
  assert.deepEqual(page.states, ['connecting', 'signed-out']);
  assert.equal(page.fetch.asked.length, 1);
});

for (const code of [1003, 1007, 1009, 4400]) {
  test(`${code} stops with an explanation, until the user chooses again`, async () => {
    const page = start();
    page.socket.hello();
    page.socket.end(code, 'because');
    page.connection.online();
    await page.timers.advance(600_000);
    assert.equal(page.state, 'offline because');
    assert.equal(page.made.length, 1);
    assert.equal(page.fetch.asked.length, 0);
    page.connection.choose('short-poll');
    assert.equal(page.fetch.asked.length, 1);
  });
}

for (const code of [1006, 4408, 4409]) {
  test(`${code} comes back from the cursor`, async () => {
    const page = start();
    page.socket.hello();
    page.socket.events(1);
    await page.timers.advance(5_000);
    page.socket.end(code);
    assert.equal(page.state, 'connecting');
    await page.timers.advance(500);
    assert.equal(page.made.length, 2);
    assert.match(page.socket.url, /seq=1&/);
  });
}

test('1012 comes back when the server says, not before', async () => {
  const page = start();
  page.socket.hello();
  page.socket.end(1012, 'retry=3.5');
  page.connection.hurry();
  page.connection.online();
  await page.timers.advance(3_499);
  assert.equal(page.made.length, 1);
  await page.timers.advance(1);
  assert.equal(page.made.length, 2);
});

test('4429 waits and then polls', async () => {
  const page = start();
  page.socket.end(4429, 'retry=10');
  await page.timers.advance(9_999);
  assert.equal(page.fetch.asked.length, 0);
  await page.timers.advance(1);
  assert.equal(path(page.fetch), '/messages/poll');
});

test('4429 on a fixed WebSocket waits and stays a WebSocket', async () => {
  const page = start('websocket');
  page.socket.end(4429, 'retry=10');
  assert.equal(page.state, 'offline');
  await page.timers.advance(10_000);
  assert.equal(page.made.length, 2);
  assert.equal(page.fetch.asked.length, 0);
});

test('the tab becoming visible does not wait for the timer', async () => {
  const page = start('websocket', { random: () => 0.99 });
  for (let n = 0; n < 6; n += 1) {
    page.socket.end();
    await page.timers.advance(4_000);
  }
  page.socket.end();
  const { length } = page.made;
  page.connection.hurry();
  await settle();
  assert.equal(page.made.length, length + 1);
});

test('a connection that dies right after every hello is not hammered, and auto gives it up', async () => {
  const page = start();
  for (let n = 0; n < 3; n += 1) {
    page.socket.hello();
    page.socket.end();
    await page.timers.advance(2_000);
  }
  assert.equal(path(page.fetch), '/messages/stream');
});

test('after it has held for a while, a long outage before it does not slow the next return', async () => {
  const page = start('websocket', { random: () => 0.99 });
  for (let n = 0; n < 8; n += 1) {
    page.socket.end();
    await page.timers.advance(4_000);
  }
  page.socket.hello();
  await page.timers.advance(5_000);
  const { length } = page.made;
  page.socket.end();
  await page.timers.advance(500);
  assert.equal(page.made.length, length + 1);
});

test('a hole makes it ask again from the cursor; nothing is skipped', async () => {
  const page = start();
  page.socket.hello();
  page.socket.events(1, 3);
  assert.deepEqual(page.got, [1]);
  await page.timers.advance(0);
  assert.match(page.socket.url, /seq=1&/);
  page.socket.hello();
  page.socket.events(2, 3);
  assert.deepEqual(page.got, [1, 2, 3]);
});

test('a hole in a poll asks again too', async () => {
  const page = start('short-poll');
  page.fetch.last.answer(answer([2]));
  await page.timers.advance(0);
  page.fetch.last.answer(answer([1, 2]));
  await settle();
  assert.deepEqual(page.got, [1, 2]);
});

test('a hole that stays makes it load the page anew', async () => {
  const page = start('short-poll');
  for (let n = 0; n < 3; n += 1) {
    page.fetch.last.answer(answer([2]));
    await page.timers.advance(4_000);
  }
  assert.equal(page.reloads.length, 1);
  page.reloads[0].resolve({ seq: 2, epoch: 'e' });
  await settle();
  assert.match(page.fetch.last.url, /seq=2&/);
  assert.deepEqual(page.got, []);
});

test('a reset over a poll loads the page anew and goes on from there', async () => {
  const page = start('long-poll', { cursor: new Cursor(90, 'old') });
  page.fetch.last.answer(answer([], { reset: true, epoch: 'new', seq: 4, latest: 4, next: 0 }));
  await settle();
  page.reloads[0].resolve({ seq: 5, epoch: 'new' });
  await page.timers.advance(0);
  assert.match(page.fetch.last.url, /seq=5&epoch=new/);
  page.fetch.last.answer(answer([6], { next: 0 }));
  await settle();
  assert.deepEqual(page.got, [6]);
});

test('a reset over a WebSocket keeps it, when the page brought everything', async () => {
  const page = start('auto', { cursor: new Cursor(90, 'old') });
  page.socket.hello({ epoch: 'new', latest: 4 });
  page.socket.frame({ type: 'reset', epoch: 'new', latest: 4 });
  page.socket.events(5);
  await settle();
  page.reloads[0].resolve({ seq: 5, epoch: 'new' });
  await settle();
  page.socket.events(6);
  assert.equal(page.made.length, 1);
  assert.deepEqual(page.got, [6]);
});

test('what came after the page while it was loaded is asked for again', async () => {
  const page = start('auto', { cursor: new Cursor(90, 'old') });
  page.socket.hello({ epoch: 'new', latest: 4 });
  page.socket.frame({ type: 'reset', epoch: 'new', latest: 4 });
  await settle();
  page.socket.events(5, 6);
  page.reloads[0].resolve({ seq: 4, epoch: 'new' });
  await settle();
  assert.equal(page.made.length, 2);
  assert.match(page.socket.url, /seq=4&epoch=new/);
  page.socket.hello();
  page.socket.events(5, 6);
  assert.deepEqual(page.got, [5, 6]);
});

test('a page that cannot be loaded is loaded again; no connection is opened on a void state', async () => {
  const page = start('websocket', { cursor: new Cursor(90, 'old') });
  page.socket.hello();
  page.socket.frame({ type: 'reset', epoch: 'new', latest: 4 });
  await settle();
  page.socket.end();
  page.reloads[0].reject(new Error('503'));
  await page.timers.advance(4_000);
  assert.equal(page.made.length, 1);
  assert.equal(page.reloads.length, 2);
  page.reloads[1].resolve({ seq: 4, epoch: 'new' });
  await settle();
  assert.match(page.socket.url, /seq=4&epoch=new/);
});

test('a server that resets every answer is not flooded', async () => {
  const page = start('long-poll');
  for (let n = 0; n < 200; n += 1) {
    page.fetch.last.answer(answer([], { reset: true, next: 0 }));
    page.reloads.at(-1)?.resolve({ seq: 0, epoch: 'e' });
    await page.timers.advance(50);
  }
  assert.ok(page.reloads.length < 20, `${page.reloads.length} in 10 s`);
});

test('a page that turns out to be signed out while it is loaded anew says so', async () => {
  const page = start();
  page.socket.hello();
  page.socket.frame({ type: 'reset', epoch: 'new', latest: 4 });
  await settle();
  page.reloads[0].resolve(null);
  await page.timers.advance(600_000);
  assert.equal(page.state, 'signed-out');
  assert.equal(page.made.length, 1);
});

test('in the browser\'s cache it is closed, and goes on from its cursor when it is shown again', async () => {
  const page = start('websocket');
  page.socket.hello();
  page.socket.events(1);
  page.connection.close();
  assert.ok(page.socket.isClosed);
  await page.timers.advance(600_000);
  assert.equal(page.made.length, 1);
  page.connection.resume();
  assert.match(page.socket.url, /seq=1&/);
  page.connection.resume();
  assert.equal(page.made.length, 2);
});

const names = TRANSPORTS.map(({ name }) => name);

test('random cuts and switches over all transports end with exactly 1..N', async () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    let state = seed * 7919;
    const random = () => (state = (state * 16807) % 2147483647) / 2147483647;
    const page = start('auto', { random });
    let latest = 0;
    let sockets = 0;
    let questions = 0;
    const from = (url) => Number(new URL(url).searchParams.get('seq'));
    const range = (a, b) => Array.from({ length: b - a }, (_, n) => a + 1 + n);
    for (let step = 0; step < 300; step += 1) {
      latest += Math.floor(random() * 3);
      if (page.made.length > sockets) {
        sockets = page.made.length;
        if (random() < 0.6) page.socket.hello({ latest });
        page.at = from(page.socket.url);
      }
      if (!page.socket.isClosed && random() < 0.7 && page.at < latest) {
        const back = Math.max(0, page.at - Math.floor(random() * 3));
        const hole = random() < 0.1 ? 1 : 0;
        if (range(back + hole, latest).length) page.socket.events(...range(back + hole, latest));
        page.at = latest;
      }
      if (page.fetch.asked.length > questions && random() < 0.8) {
        questions = page.fetch.asked.length;
        if (random() < 0.2) page.fetch.last.fail();
        else answerAny(page.fetch.last, range(from(page.fetch.last.url), latest), { seq: latest, latest, next: 1 });
        page.streamed = latest;
      }
      if (page.fetch.last?.isStreaming && random() < 0.7 && page.streamed < latest) {
        const back = Math.max(0, page.streamed - Math.floor(random() * 3));
        const hole = random() < 0.1 ? 1 : 0;
        if (range(back + hole, latest).length) page.fetch.last.say(blocks(range(back + hole, latest)));
        page.streamed = latest;
      }
      if (page.fetch.last?.isStreaming && random() < 0.1) page.fetch.last[random() < 0.5 ? 'end' : 'break']();
      if (random() < 0.1) page.socket.end();
      if (random() < 0.05) page.connection.choose(['auto', ...names][Math.floor(random() * 5)]);
      await page.timers.advance(random() * 3_000);
      while (page.reloads.length) page.reloads.pop().reject(new Error('not in this test'));
    }
    page.connection.choose('short-poll');
    page.fetch.last.answer(answer(range(from(page.fetch.last.url), latest), { seq: latest, latest }));
    await settle();
    assert.deepEqual(page.got, range(0, latest), `seed ${seed}`);
  }
});

/** A transport that does not fall silent when it is closed, as a careless new one might not. */
function careless(name, state) {
  const opened = [];
  return {
    opened,
    transport: { name, state, tries: 1, open: (_, callbacks) => (opened.push(callbacks), { close() {}, check() {} }) },
  };
}

test('a dead attempt is ignored even where its transport does not fall silent', async () => {
  const one = careless('one', 'live');
  const around = world();
  const got = [];
  const states = [];
  let reloads = 0;
  const connection = new Connection({
    world: around,
    transports: [one.transport],
    reload: async () => (reloads += 1, { seq: 0, epoch: 'e' }),
    onBatch: (events) => got.push(...events),
    onState: (state) => states.push(state),
  });
  connection.choose('one');
  connection.choose('one');
  const [dead, alive] = one.opened;
  alive.onOpen();
  dead.onOpen();
  dead.onBatch(answer([1, 2]));
  await dead.onReset();
  dead.onClose({ next: 'signed-out' });
  await around.timers.advance(60_000);
  assert.deepEqual([got, states, reloads, one.opened.length], [[], ['connecting', 'connecting', 'live'], 0, 2]);
});

test('one more transport is one more entry in the list', async () => {
  const carrier = careless('pigeon', 'live');
  const states = [];
  const around = world();
  const connection = new Connection({
    world: around,
    transports: [TRANSPORTS[0], carrier.transport, ...TRANSPORTS.slice(1)],
    reload: async () => null,
    onBatch: () => {},
    onState: (state, transport) => states.push(`${state} ${transport ?? ''}`.trim()),
  });
  connection.choose('auto');
  await blockWebSocket({ made: around.WebSocket.made, timers: around.timers });
  carrier.opened[0].onOpen();
  assert.equal(states.at(-1), 'live pigeon');
});

test('a choice made while the page is loaded anew opens that one only', async () => {
  const page = start('websocket', { cursor: new Cursor(90, 'old') });
  page.socket.hello();
  page.socket.frame({ type: 'reset', epoch: 'new', latest: 4 });
  await settle();
  page.socket.end();
  await page.timers.advance(4_000);
  page.connection.choose('long-poll');
  page.connection.choose('short-poll');
  await page.timers.advance(4_000);
  assert.deepEqual([page.made.length, page.fetch.asked.length], [1, 0]);
  page.reloads[0].resolve({ seq: 4, epoch: 'new' });
  await settle();
  assert.deepEqual([page.made.length, page.fetch.asked.length], [1, 1]);
  assert.match(page.fetch.last.url, /\/messages\/poll\?seq=4&epoch=new/);
});

test('off, chosen while the page is loaded anew, stays off', async () => {
  const page = start('long-poll');
  page.fetch.last.answer(answer([], { reset: true, next: 0 }));
  await settle();
  page.connection.choose('off');
  page.reloads[0].resolve({ seq: 4, epoch: 'new' });
  await page.timers.advance(60_000);
  assert.equal(page.state, 'off');
  assert.equal(page.fetch.asked.length, 1);
});
