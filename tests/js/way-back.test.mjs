import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WayBack } from '../../static/live/way-back.js';
import { h } from './support/dom.mjs';

/** A list of these items: `4 3` has seqs, a link and a button, and `4 3.` no button. */
function list(...items) {
  const rows = items.map((item) => {
    const controls = [h('a', { name: `link ${item}` })];
    if (!item.endsWith('.')) controls.push(h('button', { name: `mark ${item}` }));
    return h('li', { 'data-seqs': item.replace('.', '') }, controls);
  });
  const all = h('form', { class: 'notices__all' }, [h('button', { name: 'all' })]);
  return [all, h('ul', {}, rows), h('p', { class: 'panel__foot' }, [h('a', { name: 'foot' })])];
}

/** What has the focus after the list was put anew, by its name. */
function after(before, focused, now) {
  let found = null;
  const place = h('div', { name: 'itself' }, list(...before));
  const named = (name) => [place, ...place.querySelectorAll('[name]')].find((one) => one.getAttribute('name') === name);
  const back = new WayBack(place, named(focused) ?? h('a', { name: 'elsewhere' }));
  place.replaceChildren(...(now === null ? [] : list(...now)));
  for (const one of [place, ...place.querySelectorAll('[name]')]) one.focus = () => (found = one.getAttribute('name'));
  back.go();
  return found;
}

test('the focus stays on the same control of the same item, wherever that is now', () => {
  assert.equal(after(['2', '1'], 'link 2', ['3', '2', '1']), 'link 2');
  assert.equal(after(['2', '1'], 'mark 1', ['3', '2', '1']), 'mark 1');
  assert.equal(after(['2', '1'], 'link 2', ['1', '2.']), 'link 2.');
});

test('an item that has grown by another of its group is the same', () => {
  assert.equal(after(['2', '1'], 'mark 2', ['3 2', '1']), 'mark 3 2');
});

test('who marks one after the other is led on to the next, then to the one above', () => {
  assert.equal(after(['3', '2', '1'], 'mark 2', ['3', '1', '2.']), 'mark 1');
  assert.equal(after(['3', '2', '1'], 'mark 1', ['3', '2', '1.']), 'mark 2');
});

test('after the last one it is on that item, and where there is no item any more on the list', () => {
  assert.equal(after(['1'], 'mark 1', ['1.']), 'link 1.');
  assert.equal(after(['1'], 'mark 1', null), 'itself');
});

test('what is around the items keeps it too', () => {
  assert.equal(after(['1'], 'foot', ['2', '1']), 'foot');
  assert.equal(after(['1'], 'all', ['2', '1']), 'all');
  assert.equal(after(['1'], 'all', null), 'itself');
  assert.equal(after(['1'], 'itself', ['2', '1']), 'itself');
});

test('a focus elsewhere is left alone', () => {
  assert.equal(after(['1'], 'elsewhere', ['2', '1']), null);
});
