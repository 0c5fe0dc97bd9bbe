import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Copying } from '../../static/live/copying.js';
import { Strings } from '../../static/live/strings.js';
import { FakeDocument, h } from './support/dom.mjs';
import { FakeTimers, settle } from './support/world.mjs';

function start(clipboard) {
  const button = h('button', { 'data-copy': 'secret', hidden: '' }, 'Copy');
  const document = new FakeDocument({ body: h('body', {}, [h('code', { id: 'secret' }, 'abc'), button]) });
  const timers = new FakeTimers();
  new Copying({ document, clipboard, timers, strings: new Strings({ copied: 'Copied' }) }).bind();
  return { button, timers };
}

test('the button copies, says so, and after a while is as before', async () => {
  const copied = [];
  const { button, timers } = start({ writeText: async (text) => void copied.push(text) });
  assert.equal(button.hidden, false);
  button.fire('click');
  await settle();
  assert.deepEqual([copied, button.textContent], [['abc'], 'Copied']);
  await timers.advance(2000);
  assert.equal(button.textContent, 'Copy');
});

test('where nothing can be copied there is no button, and one that fails says nothing', async (t) => {
  assert.equal(start(undefined).button.hidden, true);
  const warn = t.mock.method(console, 'warn', () => {});
  const { button } = start({ writeText: () => Promise.reject(new Error('not allowed')) });
  button.fire('click');
  await settle();
  assert.deepEqual([button.textContent, warn.mock.callCount()], ['Copy', 1]);
});
