import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Badges } from '../../static/live/badges.js';
import { FakeDocument, h } from './support/dom.mjs';

function start(messages = 0, latest = 10, title = 'Chat') {
  const badge = (name, text) => h('span', { 'data-badge': name }, String(text));
  const body = h('body', {}, [badge('messages', messages), badge('messages', messages), badge('likes', 0)]);
  const document = new FakeDocument({ body, title });
  return { document, badges: new Badges(document, latest), spans: body.children };
}

test('absolute numbers are shown in every badge of the name, hidden at 0', () => {
  const { badges, spans } = start();
  assert.equal(badges.apply({ messages: 3, likes: 0 }, 11), true);
  assert.deepEqual(spans.map(({ textContent, hidden }) => [textContent, hidden]), [['3', false], ['3', false], ['0', true]]);
});

test('the title carries the messages, once', () => {
  const { badges, document } = start(2, 10, '(2) Chat');
  badges.apply({ messages: 5 }, 11);
  assert.equal(document.title, '(5) Chat');
  badges.apply({ messages: 0 }, 12);
  assert.equal(document.title, 'Chat');
});

test('numbers that were counted earlier never replace later ones', () => {
  const { badges } = start();
  badges.apply({ messages: 3 }, 12);
  assert.equal(badges.apply({ messages: 1 }, 11), false);
  assert.equal(badges.get('messages'), 3);
  assert.equal(badges.apply({ messages: 2 }, 12), true);
});

test('numbers without a place are not taken', () => {
  const { badges } = start(1);
  for (const latest of [undefined, null, '12', Number.NaN]) assert.equal(badges.apply({ messages: 9 }, latest), false);
  assert.equal(badges.apply(undefined, 99), false);
  assert.equal(badges.get('messages'), 1);
});

test('a name that is not sent keeps its number; unknown names and odd values are ignored', () => {
  const { badges, document } = start(4);
  badges.apply({ 'from-elsewhere': 7, messages: -1, likes: '3' }, 11);
  assert.equal(badges.get('messages'), 4);
  assert.equal(document.title, '(4) Chat');
});

test('a page loaded anew counts from its own place, also an earlier one', () => {
  const { badges } = start(4, 90);
  badges.reset({ messages: 1 }, 3);
  assert.equal(badges.apply({ messages: 2 }, 4), true);
});
