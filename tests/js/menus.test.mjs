import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Menus } from '../../static/live/menus.js';
import { FakeDocument, h } from './support/dom.mjs';

function start() {
  const focused = [];
  const menu = (name) => {
    const summary = h('summary', {});
    summary.focus = () => focused.push(name);
    return h('details', { 'data-menu': '', open: '', id: name }, [summary, h('button', { id: `${name}-button` })]);
  };
  const document = new FakeDocument({ body: h('body', {}, [menu('one'), menu('two'), h('p', { id: 'text' }), h('details', { open: '', id: 'other' })]) });
  new Menus(document).bind();
  const find = (id) => document.getElementById(id);
  const opened = () => ['one', 'two', 'other'].filter((id) => find(id).getAttribute('open') !== null);
  return { document, find, focused, opened };
}

test('a menu closes by a click elsewhere, and when the keyboard goes on', () => {
  for (const happening of ['click', 'focusin']) {
    const { document, find, opened } = start();
    document.fire(happening, { target: find('two-button') });
    assert.deepEqual(opened(), ['two', 'other'], happening);
    document.fire(happening, { target: find('text') });
    assert.deepEqual(opened(), ['other'], happening);
  }
});

test('what has gone from the page meanwhile closes nothing', () => {
  const { document, opened } = start();
  document.fire('click', { target: h('button', {}) });
  assert.deepEqual(opened(), ['one', 'two', 'other']);
});

test('Escape closes the menu that one is in, and gives the focus back to what opened it', () => {
  const { document, find, focused, opened } = start();
  document.fire('keydown', { key: 'Enter', target: find('one-button') });
  document.fire('keydown', { key: 'Escape', target: find('text') });
  assert.deepEqual(opened(), ['one', 'two', 'other']);
  document.fire('keydown', { key: 'Escape', target: find('one-button') });
  assert.deepEqual([opened(), focused], [['two', 'other'], ['one']]);
});
