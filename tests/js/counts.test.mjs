import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Badges, showBadges } from '../../static/live/badges.js';
import { Counts } from '../../static/live/counts.js';
import { FakeDocument, h } from './support/dom.mjs';

test('several names are shown as their sum, of which nothing is known before an answer', () => {
  const both = h('span', { 'data-badge': 'orders  messages' }, '5');
  const document = new FakeDocument({ body: h('body', {}, [h('span', { 'data-badge': 'orders' }, '4'), both]) });
  const badges = new Badges(document, 10);
  assert.deepEqual([badges.get('orders'), badges.get('orders  messages'), both.textContent], [4, undefined, '5']);
  badges.apply({ orders: 2, messages: 1 }, 11);
  assert.deepEqual([both.textContent, both.hidden], ['3', false]);
  badges.apply({ orders: 0, messages: 0 }, 12);
  assert.deepEqual([both.textContent, both.hidden], ['0', true]);
});

test('a name that a new inbox does not have counts nothing there', () => {
  const badge = h('span', { 'data-badge': 'orders' }, '3');
  const badges = new Badges(new FakeDocument({ body: h('body', {}, [badge]) }), 10);
  badges.apply({ messages: 1 }, 11);
  assert.equal(badge.textContent, '3', 'it may be that it was not told');
  badges.reset({ messages: 2 }, 4);
  assert.deepEqual([badge.textContent, badge.hidden, badges.get('messages')], ['0', true, 2]);
});

test('a badge of which nothing is known stays as the server wrote it', () => {
  const badge = h('span', { 'data-badge': 'orders' }, '4');
  const counts = new Counts(-1);
  counts.apply({ messages: 1 }, 0);
  showBadges(new FakeDocument({ body: h('body', {}, [badge]) }), counts);
  assert.equal(badge.textContent, '4');
  assert.deepEqual(counts.all, { messages: 1 });
});
