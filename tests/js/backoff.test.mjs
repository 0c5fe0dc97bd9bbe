import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FIRST, LATER, PATIENCE, SOON, delay } from '../../static/live/backoff.js';
import { Outage } from '../../static/live/outage.js';
import { FakeTimers } from './support/world.mjs';

const most = () => 0.999999;

test('the first wait is at most half a second', () => {
  assert.ok(delay(0, 0, most) <= FIRST);
});

test('the bound doubles and ends at 4 s while the outage is young', () => {
  assert.deepEqual([0, 1, 2, 3, 4, 40, 4000].map((n) => delay(n, PATIENCE - 1, most)), [500, 1000, 2000, 4000, 4000, 4000, 4000]);
  assert.equal(SOON, 4000);
});

test('after two minutes it may grow to 15 s', () => {
  assert.equal(delay(40, PATIENCE, most), LATER);
});

test('the whole range below the bound is used', () => {
  assert.equal(delay(5, 0, () => 0), 0);
  assert.equal(delay(5, 0, () => 0.25), 1000);
});

test('tries during a 20 s outage are never more than 4 s apart', () => {
  for (let seed = 1; seed < 200; seed += 1) {
    let state = seed;
    const random = () => (state = (state * 16807) % 2147483647) / 2147483647;
    for (let time = 0, n = 0; time < 20_000; n += 1) {
      const ms = delay(n, time, random);
      assert.ok(ms <= 4000);
      time += ms + 1;
    }
  }
});

test('an outage counts its failures and its age, and begins anew after it ended', async () => {
  const timers = new FakeTimers();
  const outage = new Outage(timers, most);
  assert.deepEqual([outage.failed(), outage.failed()], [500, 1000]);
  await timers.advance(PATIENCE);
  for (let n = 0; n < 10; n += 1) outage.failed();
  assert.equal(outage.failed(), LATER);
  outage.end();
  assert.equal(outage.failed(), 500);
});
