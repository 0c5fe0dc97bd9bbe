import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Api } from '../../static/live/api.js';
import { Outbox, randomKey } from '../../static/live/outbox.js';
import { settle, world } from './support/world.mjs';

function start() {
  const around = world();
  const api = new Api({ ...around, csrfToken: () => 'token' });
  const outbox = new Outbox({ ...around, api });
  const told = [];
  outbox.onStored = (entry, message) => told.push(['stored', entry.key, message.id]);
  outbox.onRefused = (entry, answer) => told.push(['refused', entry.key, answer.status, answer.detail]);
  outbox.onWaiting = (entry) => told.push(['waiting', entry.key]);
  return { ...around, outbox, told };
}

const entry = (key) => ({ key, to: 'bob', body: `text ${key}` });

test('keys are long and differ', () => {
  const keys = new Set(Array.from({ length: 100 }, randomKey));
  assert.equal(keys.size, 100);
  for (const key of keys) assert.match(key, /^[0-9a-f]{32}$/);
});

test('a message is posted as the contract says', async () => {
  const { outbox, fetch, told } = start();
  outbox.send(entry('a'));
  const { url, options, body } = fetch.last;
  assert.equal(url, 'https://example.test/messages');
  assert.equal(options.method, 'POST');
  assert.equal(options.headers['X-CSRFToken'], 'token');
  assert.deepEqual(body, { to: 'bob', body: 'text a', key: 'a' });
  fetch.last.answer({ id: 5, seq: 9 }, 201);
  await settle();
  assert.deepEqual(told, [['stored', 'a', 5]]);
  assert.equal(outbox.entries.length, 0);
});

test('messages leave one after the other, in order', async () => {
  const { outbox, fetch } = start();
  outbox.send(entry('a'));
  outbox.send(entry('b'));
  await settle();
  assert.equal(fetch.asked.length, 1);
  fetch.last.answer({ id: 1 }, 201);
  await settle();
  assert.equal(fetch.last.body.key, 'b');
});

for (const [name, reply] of [
  ['no network', (q) => q.fail()],
  ['503', (q) => q.answer({}, 503)],
  ['502 of a proxy', (q) => q.answer(undefined, 502)],
  ['a 201 that broke off', (q) => q.answer(undefined, 201)],
]) {
  test(`after ${name} it is sent again with the same key`, async () => {
    const { outbox, fetch, told, timers } = start();
    outbox.send(entry('a'));
    reply(fetch.last);
    await settle();
    assert.ok(outbox.isStuck);
    await timers.advance(4_000);
    assert.equal(fetch.asked.length, 2);
    assert.equal(fetch.last.body.key, 'a');
    fetch.last.answer({ id: 5 }, 200);
    await settle();
    assert.deepEqual(told, [['waiting', 'a'], ['stored', 'a', 5]]);
    assert.ok(!outbox.isStuck);
  });
}

test('429 waits as long as the server asks, whatever becomes of the connection, and is no outage', async () => {
  const { outbox, fetch, timers } = start();
  outbox.send(entry('a'));
  fetch.last.fail();
  await settle();
  assert.ok(outbox.isCutOff);
  outbox.hurry();
  await settle();
  fetch.last.answer({}, 429, { 'Retry-After': '20' });
  await settle();
  outbox.hurry();
  assert.deepEqual([outbox.isCutOff, outbox.isStuck], [false, true]);
  await timers.advance(19_999);
  assert.equal(fetch.asked.length, 2);
  await timers.advance(1);
  assert.equal(fetch.asked.length, 3);
});

test('a server that never answers is given up after a while, and asked again', async () => {
  const { outbox, fetch, timers } = start();
  outbox.send(entry('a'));
  await timers.advance(15_000);
  assert.ok(fetch.asked[0].isAborted);
  await timers.advance(500);
  assert.equal(fetch.asked.length, 2);
});

test('it hurries when the server can be reached again', async () => {
  const { outbox, fetch } = start();
  outbox.send(entry('a'));
  outbox.hurry();
  fetch.last.fail();
  await settle();
  outbox.hurry();
  await settle();
  assert.equal(fetch.asked.length, 2);
});

for (const status of [400, 401, 403, 404, 409, 413, 422, 500]) {
  test(`${status} is refused with what the server says, and the next one goes on`, async () => {
    const { outbox, fetch, told } = start();
    outbox.send(entry('a'));
    outbox.send(entry('b'));
    fetch.last.answer({ detail: 'do this' }, status);
    await settle();
    assert.deepEqual(told, [['refused', 'a', status, 'do this']]);
    assert.equal(fetch.last.body.key, 'b');
  });
}

test('what says where it is sent to is sent there', async () => {
  const { outbox, fetch } = start();
  outbox.send({ path: '/posts/5/replies', key: 'a', body: 'I see' });
  await settle();
  assert.equal(fetch.last.url, 'https://example.test/posts/5/replies');
  assert.deepEqual(fetch.last.body, { key: 'a', body: 'I see' });
});
