import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cursor } from '../../static/live/cursor.js';
import { event } from './support/world.mjs';

const take = (cursor, seqs, upto) => {
  const { fresh, hasGap } = cursor.take(seqs.map(event), upto);
  return [fresh.map(({ seq }) => seq), hasGap];
};

test('events in order are taken and move the cursor', () => {
  const cursor = new Cursor(3, 'e');
  assert.deepEqual(take(cursor, [4, 5, 6], 6), [[4, 5, 6], false]);
  assert.equal(cursor.seq, 6);
});

test('what was had already is dropped', () => {
  const cursor = new Cursor(5, 'e');
  assert.deepEqual(take(cursor, [3, 4, 5], 5), [[], false]);
  assert.deepEqual(take(cursor, [4, 5, 6], 6), [[6], false]);
});

test('an event doubled within a batch is taken once', () => {
  assert.deepEqual(take(new Cursor(0, 'e'), [1, 1, 2, 2, 1], 2), [[1, 2], false]);
});

test('at a hole it stops: nothing behind it is taken', () => {
  const cursor = new Cursor(0, 'e');
  assert.deepEqual(take(cursor, [1, 3, 4], 4), [[1], true]);
  assert.equal(cursor.seq, 1);
});

test('swapped events are a hole', () => {
  assert.deepEqual(take(new Cursor(0, 'e'), [2, 1], 2), [[], true]);
});

test('a batch that says it reaches further than its events has a hole', () => {
  assert.deepEqual(take(new Cursor(4, 'e'), [5], 7), [[5], true]);
  assert.deepEqual(take(new Cursor(4, 'e'), [], 7), [[], true]);
});

test('a batch that says it reaches less far is stale, not a hole', () => {
  assert.deepEqual(take(new Cursor(4, 'e'), [], 2), [[], false]);
});

test('a seq that is no number is a hole', () => {
  assert.deepEqual(take(new Cursor(0, 'e'), [undefined], undefined), [[], true]);
});

test('holes at one place are counted, progress begins anew', () => {
  const cursor = new Cursor(0, 'e');
  take(cursor, [2]);
  take(cursor, [2]);
  assert.equal(cursor.holes, 2);
  take(cursor, [1, 2]);
  assert.equal(cursor.holes, 0);
});

test('it moves backwards only when told to', () => {
  const cursor = new Cursor(9, 'old');
  cursor.moveTo(2, 'n&w');
  assert.equal(cursor.query, 'seq=2&epoch=n%26w');
  assert.deepEqual(take(cursor, [3], 3), [[3], false]);
});
