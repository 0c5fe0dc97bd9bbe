import assert from 'node:assert/strict';
import { test } from 'node:test';
import { baseOf, readConfig } from '../../static/embed/config.js';
import { FakeDocument, h } from './support/dom.mjs';

const URL_OF_MODULE = 'https://live.example/static/~abc/embed.js';
const read = (...scripts) => readConfig(new FakeDocument({ body: h('body', {}, scripts.map((attributes) => h('script', attributes))) }), URL_OF_MODULE);

test('the application lives where embed.js comes from, with or without a version, under any path', () => {
  for (const [url, base] of [
    ['https://live.example/static/embed.js', 'https://live.example'],
    ['https://live.example/static/~abc/embed.js', 'https://live.example'],
    ['http://127.0.0.1:8000/static/embed.js?x#y', 'http://127.0.0.1:8000'],
    ['https://shop.example/live/static/~abc/embed.js', 'https://shop.example/live'],
    ['https://shop.example/static/static/embed.js', 'https://shop.example/static'],
  ]) {
    assert.equal(baseOf(url), base);
  }
});

test('without a script tag that says who is asking there is nothing to follow', () => {
  assert.equal(read({}, { 'data-live-seq': 4 }), null);
});

test('the newest script tag says who is asking and where the page stands', () => {
  assert.deepEqual(read({ 'data-live-ticket': 'old' }, { 'data-live-ticket': 'ticket_a', 'data-live-ticket-url': '/t', 'data-live-user': 'ann', 'data-live-seq': '0', 'data-live-epoch': 'e', 'data-live-transport': 'sse' }), {
    base: 'https://live.example', ticket: 'ticket_a', ticketUrl: 'https://shop.example/t', user: 'ann', seq: 0, epoch: 'e', transport: 'sse',
  });
  assert.equal(read({ 'data-live-ticket': 'a', 'data-live-base': '/live/' }).base, 'https://shop.example/live');
});

test('what is wrong is named, and taken for not given', (t) => {
  const said = t.mock.method(console, 'error', () => {});
  const { seq, transport } = read({ 'data-live-ticket': 'a', 'data-live-seq': '-1', 'data-live-epoch': 'e', 'data-live-transport': 'pigeon' });
  assert.deepEqual([seq, transport], [undefined, 'auto']);
  assert.match(said.mock.calls[0].arguments[0], /data-live-seq/);
  assert.match(said.mock.calls[1].arguments[0], /data-live-transport/);
  assert.equal(read({ 'data-live-ticket': 'a', 'data-live-seq': '7' }).seq, undefined, 'of which history it is, is not said');
  assert.match(said.mock.calls[2].arguments[0], /data-live-epoch.*GET \/badges/);
});
