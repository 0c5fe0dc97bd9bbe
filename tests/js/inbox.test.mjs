import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Inbox } from '../../static/embed/inbox.js';
import { FakeTimers, answer, blocks, fakeFetch, fakeWebSocket, settle } from './support/world.mjs';

/** An inbox and all that it told. */
function start(options = {}) {
  const timers = new FakeTimers();
  const fetch = fakeFetch();
  const WebSocket = fakeWebSocket();
  const told = [];
  const inbox = new Inbox({ base: 'https://live.example/', ticket: 'ticket_a', epoch: 'e', fetch, WebSocket, timers, random: () => 0.5, ...options });
  inbox.on('event', ({ seq }) => told.push(seq));
  inbox.on('badges', ({ badges }) => told.push(badges));
  inbox.on('state', ({ state }) => told.push(state));
  inbox.on('reset', ({ seq }) => told.push(`reset ${seq}`));
  inbox.on('snapshot', ({ topic }) => told.push(topic));
  return { inbox, timers, fetch, WebSocket, told };
}

const question = (fetch) => fetch.last.url.replace('https://live.example', '');

test('with a ticket and a place it opens at once, and asks for nothing before', async () => {
  const { WebSocket, fetch, inbox, told } = start({ seq: 7, epoch: 'e' });
  await settle();
  assert.equal(WebSocket.last.url, 'wss://live.example/ws?seq=7&epoch=e&ticket=ticket_a');
  assert.equal(fetch.asked.length, 0);
  WebSocket.last.hello({ seq: 7, latest: 8, badges: { orders: 2 } });
  WebSocket.last.events(8);
  assert.deepEqual(told, ['connecting', 'live', { orders: 2 }, 8, {}]);
  assert.deepEqual([inbox.cursor, inbox.state, inbox.transport, inbox.badges], [{ seq: 8, epoch: 'e' }, 'live', 'websocket', { orders: 2 }]);
});

test('without a place it begins where the inbox stands, with the badges there', async () => {
  const { fetch, WebSocket, told } = start();
  await settle();
  assert.deepEqual([question(fetch), fetch.last.options.headers.Authorization], ['/badges', 'Bearer ticket_a']);
  assert.equal(fetch.last.options.credentials, 'omit');
  fetch.last.answer({ badges: { orders: 1 }, seq: 40, epoch: 'x' });
  await settle();
  assert.equal(WebSocket.last.url, 'wss://live.example/ws?seq=40&epoch=x&ticket=ticket_a');
  assert.deepEqual(told, ['connecting', { orders: 1 }]);
});

for (const [transport, path] of [['short-poll', '/messages/poll?seq=0&epoch=e'], ['long-poll', '/messages/long-poll?seq=0&epoch=e&timeout=0'], ['sse', '/messages/stream?seq=0&epoch=e']]) {
  test(`${transport} says who is asking in its query, without cookies`, async () => {
    const { fetch } = start({ seq: 0, transport });
    await settle();
    assert.equal(question(fetch), `${path}&ticket=ticket_a`);
    assert.equal(fetch.last.options.credentials, 'omit');
    assert.deepEqual(Object.keys(fetch.last.options.headers), ['Accept'], 'nothing for which a browser asks first');
  });
}

test('a first ticket is asked for where there is none', async () => {
  const { WebSocket, told } = start({ ticket: undefined, getTicket: async () => 'ticket_b', seq: 0 });
  await settle();
  assert.match(WebSocket.last.url, /ticket=ticket_b$/);
  assert.deepEqual(told, ['connecting', 'connecting']);
});

test('a refused ticket is replaced, and it goes on from where it stood', async () => {
  const { WebSocket, told } = start({ seq: 0, epoch: 'e', getTicket: async () => 'ticket_b' });
  await settle();
  WebSocket.last.hello();
  WebSocket.last.events(1);
  WebSocket.last.end(4401);
  await settle();
  assert.equal(WebSocket.last.url, 'wss://live.example/ws?seq=1&epoch=e&ticket=ticket_b');
  assert.ok(!told.includes('signed-out'));
});

test('nobody is signed in: it says so once and asks for nothing more', async () => {
  for (const parts of [{}, { getTicket: async () => null }, { getTicket: async () => null, ticket: undefined }]) {
    const { WebSocket, timers, told, inbox } = start({ seq: 0, ...parts });
    await settle();
    WebSocket.last?.end(4401);
    await timers.advance(3_600_000);
    assert.deepEqual(told.filter((what) => what === 'signed-out'), ['signed-out']);
    assert.equal(inbox.state, 'signed-out');
    assert.ok(WebSocket.made.length <= 1);
  }
});

test('who is signed in again begins at a new place, since it may be somebody else', async () => {
  const { WebSocket, fetch, told, inbox } = start({ seq: 5 });
  await settle();
  WebSocket.last.end(4401);
  await settle();
  inbox.signIn('ticket_c');
  await settle();
  assert.deepEqual([question(fetch), fetch.last.options.headers.Authorization], ['/badges', 'Bearer ticket_c']);
  fetch.last.answer({ badges: { orders: 1 }, seq: 2, epoch: 'e' });
  await settle();
  assert.equal(WebSocket.last.url, 'wss://live.example/ws?seq=2&epoch=e&ticket=ticket_c');
  assert.deepEqual(told.slice(-2), ['reset 2', { orders: 1 }]);
});

test('a new ticket of somebody else\'s is a reset', async () => {
  const { WebSocket, fetch, told } = start({ seq: 5, user: 'ann', getTicket: async () => ({ ticket: 'ticket_b', user: 'bob' }) });
  await settle();
  WebSocket.last.end(4401);
  await settle();
  assert.deepEqual([question(fetch), fetch.last.options.headers.Authorization], ['/badges', 'Bearer ticket_b']);
  fetch.last.answer({ badges: {}, seq: 2, epoch: 'e' });
  await settle();
  assert.ok(told.includes('reset 2'));
});

test('after a reset it goes on from the inbox\'s new place', async () => {
  const { WebSocket, fetch, told, inbox } = start({ seq: 90, epoch: 'old' });
  await settle();
  WebSocket.last.hello({ epoch: 'new', seq: 4, latest: 4, badges: { orders: 9 } });
  WebSocket.last.frame({ type: 'reset', epoch: 'new', latest: 4 });
  await settle();
  fetch.last.answer({ badges: { orders: 3 }, seq: 4, epoch: 'new' });
  await settle();
  assert.deepEqual(told.slice(-2), ['reset 4', { orders: 3 }]);
  WebSocket.last.events(5);
  assert.deepEqual([told.at(-2), inbox.cursor], [5, { seq: 5, epoch: 'new' }]);
});

test('what is seen is marked up to what was told, by a header, and the answer counts', async () => {
  const { fetch, WebSocket, inbox, told } = start({ seq: 0, epoch: 'e' });
  await settle();
  WebSocket.last.hello();
  WebSocket.last.events(1, 2);
  const marked = inbox.markSeen('orders');
  assert.deepEqual([question(fetch), fetch.last.body], ['/badges/seen', { badges: ['orders'], upto: 2 }]);
  assert.deepEqual([fetch.last.options.headers.Authorization, fetch.last.options.credentials], ['Bearer ticket_a', 'omit']);
  assert.equal(fetch.last.options.headers['X-CSRFToken'], undefined);
  fetch.last.answer({ badges: { orders: 0 }, seq: 3 });
  assert.equal((await marked).status, 200);
  assert.deepEqual(told.at(-1), { orders: 0 });
  inbox.markSeen(['a', 'b'], 1);
  assert.deepEqual(fetch.last.body, { badges: ['a', 'b'], upto: 1 });
});

test('a mark that is refused since the ticket grew old is made with the next one, unless that is somebody else\'s', async () => {
  for (const [user, count] of [['ann', 2], ['bob', 1]]) {
    const { fetch, inbox } = start({ seq: 4, user: 'ann', getTicket: async () => ({ ticket: 'ticket_b', user }) });
    await settle();
    const marked = inbox.markSeen('orders');
    fetch.last.answer({}, 401);
    await settle();
    const marks = fetch.asked.filter(({ url }) => url.endsWith('/badges/seen'));
    assert.equal(marks.length, count);
    if (count === 2) marks[1].answer({ badges: {}, seq: 5 });
    assert.equal((await marked).status, count === 2 ? 200 : 401);
  }
});

test('a ticket that is somebody else\'s, gotten while the connection works, is a reset too', async () => {
  const { WebSocket, fetch, told, timers } = start({ seq: 4, user: 'ann', getTicket: async () => ({ ticket: 'ticket_b', user: 'bob' }) });
  await settle();
  WebSocket.last.hello({ seq: 4, latest: 4 });
  await timers.advance(7 * 60_000);
  fetch.asked.find(({ url }) => url.endsWith('/auth/ticket')).answer({}, 401);
  await timers.advance(5_000);
  fetch.asked.find(({ url }) => url.endsWith('/badges')).answer({ badges: {}, seq: 1, epoch: 'e' });
  await settle();
  assert.ok(told.includes('reset 1'));
  assert.match(WebSocket.last.url, /seq=1&.*ticket=ticket_b/);
});

test('a connection refused for an old ticket goes on with the newer one, without asking for another', async () => {
  let given = 0;
  const { WebSocket, fetch, inbox, told } = start({ seq: 0, getTicket: async () => `ticket_${(given += 1)}` });
  await settle();
  inbox.markSeen('orders');
  assert.match(WebSocket.last.url, /ticket=ticket_a$/);
  fetch.last.answer({}, 401);
  await settle();
  WebSocket.last.end(4401);
  await settle();
  assert.match(WebSocket.last.url, /ticket=ticket_1$/);
  assert.deepEqual([given, told.includes('signed-out')], [1, false]);
  WebSocket.last.end(4401);
  await settle();
  assert.deepEqual([given, told.at(-1)], [1, 'signed-out'], 'whoever gives them gives no better ones');
});

test('where somebody else is signed in, nothing of the one before is told any more, and badges count theirs', async () => {
  for (const ticket of ['ticket_b', undefined]) {
    const { WebSocket, fetch, inbox, told } = start({ seq: 5, user: 'ann', getTicket: async () => ({ ticket: 'ticket_b', user: 'bob' }) });
    await settle();
    const [anns] = WebSocket.made;
    anns.hello({ seq: 5, latest: 5, badges: { orders: 3 } });
    const before = told.length;
    inbox.become('bob', ticket);
    anns.events(6);
    await settle();
    assert.deepEqual([inbox.user, inbox.badges, anns.isClosed], ['bob', { orders: 0 }, true]);
    assert.deepEqual([question(fetch), fetch.last.options.headers.Authorization], ['/badges', 'Bearer ticket_b']);
    fetch.last.answer({ badges: { messages: 1 }, seq: 2, epoch: 'e' });
    await settle();
    assert.match(WebSocket.last.url, /seq=2&.*ticket=ticket_b$/);
    const states = ['connecting', 'off'];
    assert.deepEqual(told.slice(before).filter((what) => !states.includes(what)), ['reset 2', { messages: 1 }]);
    assert.deepEqual(inbox.badges, { orders: 0, messages: 1 });
  }
});

test('the place of the one before, answered late, is not taken for theirs', async () => {
  for (const late of [{}, 401]) {
    const { fetch, inbox, told } = start({ user: 'ann', getTicket: async () => null });
    await settle();
    inbox.become('bob', 'ticket_b');
    if (late === 401) fetch.last.answer({}, 401);
    else fetch.last.answer({ badges: { orders: 3 }, seq: 40, epoch: 'e' });
    await settle();
    assert.equal(fetch.last.options.headers.Authorization, 'Bearer ticket_b');
    fetch.last.answer({ badges: { orders: 1 }, seq: 2, epoch: 'e' });
    await settle();
    assert.deepEqual([inbox.cursor.seq, inbox.badges, told.includes('signed-out')], [2, { orders: 1 }, false]);
  }
});

test('a place that is said counts, whatever was asked before', async (t) => {
  t.mock.method(console, 'warn', () => {});
  for (const isWaiting of [false, true]) {
    const { fetch, timers, inbox, told, WebSocket } = start({ user: 'ann' });
    await settle();
    const [annsPlace] = fetch.asked;
    if (isWaiting) annsPlace.fail();
    await settle();
    inbox.become('bob', 'ticket_b', { seq: 2, epoch: 'e' });
    if (!isWaiting) annsPlace.answer({ badges: { orders: 3 }, seq: 40, epoch: 'e' });
    await timers.advance(5_000);
    assert.match(WebSocket.last.url, /seq=2&epoch=e&ticket=ticket_b$/);
    assert.deepEqual([inbox.cursor, inbox.badges, fetch.asked.length], [{ seq: 2, epoch: 'e' }, {}, 1]);
    assert.ok(!told.some((what) => String(what).startsWith('reset')));
  }
});

test('a server that does not say where the inbox stands is given up and asked again', async (t) => {
  t.mock.method(console, 'warn', () => {});
  const { fetch, timers } = start();
  await timers.advance(16_000);
  assert.deepEqual([fetch.asked.length, fetch.asked[0].isAborted], [2, true]);
});

test('topics are watched by whatever way it follows', async () => {
  const { inbox, WebSocket, told } = start({ seq: 0 });
  inbox.watch(['presence:ann']);
  await settle();
  WebSocket.last.hello();
  assert.deepEqual(WebSocket.last.sent, [{ type: 'watch', topics: ['presence:ann'] }]);
  WebSocket.last.frame({ type: 'snapshot', topic: 'presence:ann', version: 1, data: {} });
  inbox.watch(['presence:bob']);
  assert.deepEqual([told.at(-1), WebSocket.last.sent.at(-1).topics], ['presence:ann', ['presence:bob']]);
});

test('closed, it tells nothing and asks for nothing', async () => {
  for (const early of [true, false]) {
    const { inbox, WebSocket, timers, told, fetch } = start({ seq: 0 });
    if (!early) await settle();
    inbox.close();
    const before = [...told];
    WebSocket.last?.hello();
    await timers.advance(3_600_000);
    assert.deepEqual([told, inbox.state, fetch.asked.length], [before, 'off', 0]);
    assert.equal(WebSocket.made.length, early ? 0 : 1);
  }
});

test('a listener that fails keeps nobody from hearing, and can be taken away', async (t) => {
  t.mock.method(console, 'error', () => {});
  const { inbox, WebSocket, told } = start({ seq: 0 });
  const heard = [];
  const off = inbox.on('event', ({ seq }) => heard.push(seq));
  inbox.on('event', () => {
    throw new Error('mine');
  });
  await settle();
  WebSocket.last.hello();
  WebSocket.last.events(1);
  off();
  WebSocket.last.events(2);
  assert.deepEqual([heard, told.filter(Number.isInteger)], [[1], [1, 2]]);
});

test('what is wrong is named', () => {
  for (const [options, field] of [
    [{ base: undefined }, /base/],
    [{ ticket: undefined }, /ticket/],
    [{ seq: -1 }, /seq/],
    [{ seq: '7' }, /seq/],
    [{ seq: 7, epoch: undefined }, /epoch.*GET \/badges/],
    [{ transport: 'pigeon' }, /transport/],
  ]) {
    assert.throws(() => start(options), field);
  }
  assert.throws(() => start().inbox.on('evnt', () => {}), /event/);
});

test('a stream and polls bring the same', async () => {
  const stream = start({ seq: 0, transport: 'sse' });
  await settle();
  stream.fetch.last.stream();
  await settle();
  stream.fetch.last.say(blocks([1, 2], { orders: 1 }));
  await new Promise((resolve) => setTimeout(resolve)); // streams are not made of promises alone
  await settle();
  const poll = start({ seq: 0, epoch: 'e', transport: 'short-poll' });
  await settle();
  poll.fetch.last.answer(answer([1, 2], { badges: { orders: 1 } }));
  await settle();
  assert.deepEqual(stream.told, ['connecting', 'live', 1, 2, { orders: 1 }]);
  assert.deepEqual(poll.told, ['connecting', 'polling', 1, 2, { orders: 1 }]);
});

test('where another origin gives no answer, it says what that needs', async (context) => {
  const warn = context.mock.method(console, 'warn', () => {});
  const { fetch } = start();
  await settle();
  fetch.last.fail();
  await settle();
  assert.match(warn.mock.calls[0].arguments[0], /is https:\/\/live\.example running.*MYAPP_ALLOWED_ORIGINS.*connect-src/);
});
