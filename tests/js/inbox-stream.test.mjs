import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InboxStream } from '../../static/live/inbox-stream.js';
import { block, blocks, event } from './support/world.mjs';

const bytesOf = (text) => new TextEncoder().encode(text);
const read = (seq, ...pieces) => {
  const inbox = new InboxStream(seq);
  return pieces.map((piece) => inbox.push(typeof piece === 'string' ? bytesOf(piece) : piece));
};

test('the events of a piece and the badges behind them are one batch', () => {
  assert.deepEqual(read(0, blocks([1, 2], { messages: 2 })), [
    [{ batch: { events: [event(1), event(2)], seq: 2, badges: { messages: 2 }, latest: 2 } }],
  ]);
});

test('several batches in one piece become one, with the last badges', () => {
  assert.deepEqual(read(0, blocks([1], { messages: 1 }) + blocks([2, 3], { messages: 3 })), [
    [{ batch: { events: [event(1), event(2), event(3)], seq: 3, badges: { messages: 3 }, latest: 3 } }],
  ]);
});

test('badges stand where the last event before them stands, also where that came earlier or was asked from', () => {
  const [[first], [second], [third]] = read(7, block('badges', { a: 1 }), block('like', event(8)), block('badges', { a: 2 }));
  assert.deepEqual(first.batch, { events: [], badges: { a: 1 }, latest: 7 });
  assert.deepEqual(second.batch, { events: [event(8)], seq: 8 });
  assert.deepEqual(third.batch, { events: [], badges: { a: 2 }, latest: 8 });
  const [[mixed]] = read(0, blocks([1], { a: 1 }) + block('like', event(2)));
  assert.deepEqual(mixed.batch, { events: [event(1), event(2)], seq: 2, badges: { a: 1 }, latest: 1 });
});

test('a reset parts batches, and badges after it stand at its latest', () => {
  const reset = block('reset', { type: 'reset', epoch: 'new', latest: 3 });
  assert.deepEqual(read(90, block('like', event(91)) + reset + block('badges', {}) + block('like', event(4))), [
    [
      { batch: { events: [event(91)], seq: 91 } },
      { isReset: true },
      { batch: { events: [event(4)], seq: 4, badges: {}, latest: 3 } },
    ],
  ]);
});

test('snapshots and errors are passed on in their place', () => {
  const snapshot = { type: 'snapshot', topic: 'posts', version: 3, data: { state: 'x' } };
  const text = block('like', event(1)) + block('snapshot', snapshot) + block('error', { type: 'error', detail: 'no' });
  assert.deepEqual(read(0, text), [
    [{ batch: { events: [event(1)], seq: 1 } }, { snapshots: { posts: snapshot } }, { warning: 'no' }],
  ]);
  assert.deepEqual(read(0, block('snapshot', null) + block('error', null)).flat().length, 2);
});

test('comments and what a newer server adds bring nothing', () => {
  const others = [
    ['from-the-future', { seq: 'x' }],
    ['from-the-future', null],
    ['from-the-future', 7],
  ];
  const text = others.map(([type, data]) => block(type, data)).join('');
  assert.deepEqual(read(0, 'retry: 2137\n\n', ':\n\n', text), [[], [], []]);
});

for (const [data, closing] of [
  [{ code: 1012, retry: 4.2 }, { next: 'retry', after: 4200 }],
  [{ code: 1001, retry: 0 }, { next: 'retry', after: 0 }],
  [{ code: 1012, retry: 1e9 }, { next: 'retry', after: 600_000 }],
  [{ code: 1012, retry: -1 }, { next: 'retry', after: 0 }],
  [{ code: 1012, retry: '4' }, { next: 'retry', after: undefined }],
  [{ code: 4401, retry: null }, { next: 'signed-out' }],
  [{ code: 4409, retry: null }, { next: 'retry', after: undefined }],
  [{ code: 4429, retry: 10 }, { next: 'poll', after: 10_000 }],
  [{ code: 4400, retry: null }, { next: 'stop', detail: '4400' }],
  [{}, { next: 'retry', after: undefined }],
  [null, { next: 'retry', after: undefined }],
]) {
  test(`the last event ${JSON.stringify(data)} ends it; what is before it counts, what is behind it does not`, () => {
    const text = block('like', event(1)) + block('close', data) + block('like', event(2));
    assert.deepEqual(read(0, text), [[{ batch: { events: [event(1)], seq: 1 } }, { closing }]]);
  });
}

test('data that is no JSON ends it, after what was good', () => {
  assert.deepEqual(read(0, block('like', event(1)) + 'event: like\ndata: {"seq"\n\n'), [
    [{ batch: { events: [event(1)], seq: 1 } }, { closing: { next: 'retry' } }],
  ]);
});

test('wherever a stream is cut: the same events, resets and end, and the same badges at the end', () => {
  const text =
    'retry: 2137\n\n' +
    blocks([1, 2], { messages: 2 }) +
    ':\n\n' +
    block('message', { seq: 3, kind: 'message', at: '', data: { body: 'é€😀\n\u2028"' } }) +
    block('badges', { messages: 3 }) +
    block('reset', { type: 'reset', epoch: 'x', latest: 7 }) +
    blocks([8], { messages: 1 }) +
    'retry: 4200\n' +
    block('close', { code: 1012, retry: 4.2 });
  const bytes = bytesOf(text);
  const flat = (steps) => {
    const seen = { order: [], badges: null };
    for (const { batch, isReset, closing } of steps) {
      if (batch) seen.order.push(...batch.events);
      if (batch?.badges) seen.badges = [batch.badges, batch.latest];
      if (batch && batch.seq !== batch.events.at(-1)?.seq) throw new Error('seq is not that of the last event');
      if (isReset) seen.order.push('reset');
      if (closing) seen.order.push(closing);
    }
    return seen;
  };
  const whole = flat(read(0, bytes).flat());
  assert.deepEqual(whole.order.map((one) => one.seq ?? one), [1, 2, 3, 'reset', 8, { next: 'retry', after: 4200 }]);
  assert.deepEqual(whole.badges, [{ messages: 1 }, 8]);
  assert.deepEqual(flat(read(0, ...[...bytes].map((byte) => Uint8Array.of(byte))).flat()), whole);
  for (let i = 0; i <= bytes.length; i += 1) {
    for (let j = i; j <= bytes.length; j += 7) {
      assert.deepEqual(flat(read(0, bytes.subarray(0, i), bytes.subarray(i, j), bytes.subarray(j)).flat()), whole);
    }
  }
});
