import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filledCopy, isFor, safeAddress, textAt } from '../../static/live/filling.js';
import { FakeDocument, h, template } from './support/dom.mjs';

const at = '2026-01-02T03:04:05.000Z';
const note = (seq, data = {}) => ({ seq, kind: 'notification', at, data: { title: `n${seq}`, badge: 'orders', url: '/o', data: { order: seq }, ...data } });

test('a path leads into the data, and to what the event itself says', () => {
  const event = note(7, { data: { order: 0, isPaid: false, lines: [{ name: 'tea' }] } });
  const paths = ['title', 'data.order', 'data.isPaid', 'data.lines.0.name', 'seq', 'kind', 'at'];
  assert.deepEqual(paths.map((path) => textAt(event, path)), ['n7', '0', 'false', 'tea', '7', 'notification', at]);
});

test('what is no text, or not the data\'s own, is nothing', () => {
  for (const path of ['data', 'nothing', 'title.length', 'constructor', '__proto__.x', 'data.toString', 'a.b.c', '']) {
    assert.equal(textAt(note(1), path), '', path);
  }
});

test('an address is relative or http(s), or none', () => {
  const base = 'https://shop.example/orders/';
  for (const fine of ['/o/1', 'o?x=1', '#x', 'http://a.example', 'HTTPS://a.example/x', '//a.example/']) assert.equal(safeAddress(fine, base), fine);
  for (const bad of ['', 'javascript:alert(1)', ' JavaScript:alert(1)', 'java\nscript:alert(1)', '\u0001javascript:1', 'data:text/html,x', 'blob:x', 'vbscript:x', 'file:///x', 'http://']) {
    assert.equal(safeAddress(bad, base), '', bad);
  }
});

test('an element is for events of its kinds whose fields fit', () => {
  const element = h('ul', { 'data-live-where-badge': 'orders returns', 'data-live-where-data.order': '7' });
  assert.equal(isFor(element, 'message notification', note(7)), true);
  assert.equal(isFor(element, 'message', note(7)), false);
  assert.equal(isFor(element, 'notification', note(8)), false);
  assert.equal(isFor(element, 'notification', note(7, { badge: 'others' })), false);
  assert.equal(isFor(h('ul'), '', note(7)), false);
  const inLowerCase = h('ul', { 'data-live-where-data.orderid': '7' }); // as HTML reads data-live-where-data.orderId
  assert.equal(isFor(inLowerCase, 'notification', note(7, { data: { orderId: 7 } })), true);
  assert.equal(isFor(inLowerCase, 'notification', note(7, { data: { orderId: 8, orderid: 7 } })), true, 'what is called so comes first');
  assert.equal(isFor(inLowerCase, 'notification', note(7, { data: null })), false);
});

test('a copy of the template has texts as text, addresses, times, and its seq; the template stays as it was', () => {
  const content = h('a', { 'data-live-href': 'url' }, [h('b', { 'data-live-text': 'title' }), h('time', { 'data-live-time': 'at' })]);
  const source = template({}, content);
  const document = new FakeDocument({ body: h('body', {}, [source]) });
  document.documentElement.lang = 'no language at all';
  const copy = filledCopy(source, note(3, { title: '<b>x</b>' }));
  assert.deepEqual([copy.getAttribute('href'), copy.dataset.liveSeq, copy.querySelector('b').textContent], ['/o', '3', '<b>x</b>']);
  assert.equal(copy.querySelector('time').getAttribute('datetime'), at);
  assert.match(copy.querySelector('time').textContent, /2026|26/);
  assert.equal(content.getAttribute('href'), null);
  assert.equal(filledCopy(source, note(3, { url: 'javascript:1' })).getAttribute('href'), null);
  assert.equal(filledCopy(template({}, null), note(1)), null);
});
