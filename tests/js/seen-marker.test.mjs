import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeenMarker } from '../../static/embed/seen-marker.js';
import { FakeDocument, FakeElement, h } from './support/dom.mjs';
import { FakeTimers, settle } from './support/world.mjs';

FakeElement.prototype.matches ??= function matches(selectors) {
  return selectors.split(',').some((selector) => /^\s*button\s*$/.test(selector) && this.tagName === 'BUTTON');
};

function start(tag = 'p', names = 'orders') {
  const element = h(tag, { 'data-live-seen': names });
  const document = new FakeDocument({ body: h('body', {}, [element]) });
  const timers = new FakeTimers();
  const marks = [];
  const inbox = {
    cursor: { seq: 5 },
    badges: { orders: 2 },
    answer: { status: 200, body: {}, detail: '' },
    markSeen: async (names, upto) => {
      marks.push([names, upto]);
      return inbox.answer;
    },
  };
  const observed = [];
  let tell;
  const IntersectionObserver = class {
    constructor(callback) {
      tell = callback;
    }

    observe(target) {
      observed.push(target);
    }
  };
  const marker = new SeenMarker({ document, inbox, IntersectionObserver, timers, random: () => 0.5 });
  marker.find();
  return { element, document, timers, marks, inbox, marker, observed, show: (isIntersecting) => tell([{ target: element, isIntersecting }]) };
}

test('what is on screen is marked, once for what has come', async () => {
  const { timers, marks, inbox, marker, show } = start();
  marker.settle();
  await timers.advance(5_000);
  assert.deepEqual(marks, []);
  show(true);
  await timers.advance(5_000);
  marker.settle();
  await timers.advance(5_000);
  assert.deepEqual(marks, [[['orders'], 5]]);
  inbox.cursor.seq = 6;
  marker.settle();
  await timers.advance(5_000);
  assert.deepEqual(marks.at(-1), [['orders'], 6]);
});

test('nothing is marked off screen, in a hidden tab, or where nothing is counted', async () => {
  const { timers, marks, inbox, document, marker, show } = start();
  show(true);
  show(false);
  await timers.advance(5_000);
  show(true);
  document.visibilityState = 'hidden';
  await timers.advance(5_000);
  document.visibilityState = 'visible';
  inbox.badges.orders = 0;
  marker.settle();
  await timers.advance(5_000);
  assert.deepEqual(marks, []);
});

test('what failed for a while is tried again, what was refused is not', async (t) => {
  t.mock.method(console, 'warn', () => {});
  const { timers, marks, inbox, show } = start();
  inbox.answer = { status: 503, body: null, detail: '', after: 3_000 };
  show(true);
  await timers.advance(1_000);
  assert.equal(marks.length, 1);
  inbox.answer = { status: 422, body: null, detail: 'no such badge' };
  await timers.advance(3_000);
  assert.equal(marks.length, 2);
  await timers.advance(60_000);
  assert.equal(marks.length, 2);
});

test('an element that has gone is on no screen', async () => {
  const { timers, marks, element, marker, show } = start();
  show(true);
  element.remove();
  marker.find();
  await timers.advance(5_000);
  assert.deepEqual(marks, []);
});

test('a button is not looked at but pressed', async () => {
  const { document, marks, observed, element } = start('button', 'orders likes');
  assert.deepEqual(observed, []);
  document.fire('click', { target: element });
  document.fire('click', { target: document.body });
  await settle();
  assert.deepEqual(marks, [[['orders', 'likes'], 5]]);
});

test('what was pressed and failed for a while is tried again, up to what had been told then', async () => {
  const { document, timers, marks, inbox, marker, element } = start('button', 'orders likes');
  inbox.answer = { status: 503, body: null, detail: '' };
  document.fire('click', { target: element });
  await settle();
  inbox.cursor.seq = 6;
  inbox.answer = { status: 200, body: {}, detail: '' };
  await timers.advance(60_000);
  marker.settle();
  await timers.advance(60_000);
  assert.deepEqual(marks, [[['orders', 'likes'], 5], [['orders', 'likes'], 5]]);
});

test('what was pressed before a reset is not tried again after it', async () => {
  for (const isEarly of [true, false]) {
    const { document, timers, marks, inbox, marker, element } = start('button');
    inbox.answer = { status: 503, body: null, detail: '' };
    document.fire('click', { target: element });
    if (!isEarly) await settle();
    marker.reset();
    await timers.advance(60_000);
    assert.equal(marks.length, 1);
  }
});
