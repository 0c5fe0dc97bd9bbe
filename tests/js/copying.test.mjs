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
  return { button, document, timers };
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

test('where there is no clipboard there is no button', () => {
  assert.equal(start(undefined).button.hidden, true);
});

test('where the browser does not let it, the text is selected', async () => {
  const { button, document } = start({ writeText: () => Promise.reject(new Error('not allowed')) });
  const selected = [];
  document.getSelection = () => ({ selectAllChildren: (element) => selected.push(element.id) });
  button.fire('click');
  await settle();
  assert.deepEqual([button.textContent, selected], ['Copy', ['secret']]);
});
