import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BellPanel } from '../../static/live/bell-panel.js';
import { FakeDocument, h } from './support/dom.mjs';

function start() {
  const bell = h('a', { id: 'bell' });
  const panel = h('div', { id: 'bell-panel', hidden: '' }, [h('a', {}, 'inside')]);
  const elsewhere = h('a', {}, 'elsewhere');
  const document = new FakeDocument({ body: h('body', {}, [bell, panel, elsewhere]) });
  bell.focus = () => (document.activeElement = bell);
  let opened = 0;
  const bellPanel = new BellPanel({ document, onOpen: () => (opened += 1) });
  bellPanel.bind();
  const click = (more = {}) => bell.fire('click', { button: 0, target: bell, ...more });
  return { bell, panel, elsewhere, document, bellPanel, click, opened: () => opened };
}

test('the bell is a button that says whether it is open', () => {
  const { bell, panel, click, opened } = start();
  const said = () => [bell.getAttribute('aria-expanded'), panel.hidden];
  assert.deepEqual([bell.getAttribute('role'), bell.getAttribute('aria-controls')], ['button', 'bell-panel']);
  assert.deepEqual(said(), ['false', true]);
  assert.ok(click().isPrevented);
  assert.deepEqual([...said(), opened()], ['true', false, 1]);
  click();
  assert.deepEqual([...said(), opened()], ['false', true, 1]);
});

test('as a button it is pressed by the space bar too', () => {
  const { bell, panel } = start();
  assert.ok(bell.fire('keydown', { key: ' ' }).isPrevented);
  assert.equal(panel.hidden, false);
  assert.equal(bell.fire('keydown', { key: 'Enter' }).isPrevented, undefined); // which clicks
});

test('a click for a new tab is left to the browser', () => {
  const { panel, click } = start();
  for (const key of ['metaKey', 'ctrlKey', 'shiftKey', 'altKey']) assert.equal(click({ [key]: true }).isPrevented, undefined);
  assert.equal(click({ button: 1 }).isPrevented, undefined);
  assert.equal(panel.hidden, true);
});

test('Escape closes it and gives the focus back to the bell', () => {
  const { bell, panel, document, click } = start();
  document.fire('keydown', { key: 'Escape' });
  assert.equal(document.activeElement, null, 'what is closed takes no focus');
  click();
  document.fire('keydown', { key: 'x' });
  assert.equal(panel.hidden, false);
  document.fire('keydown', { key: 'Escape' });
  assert.deepEqual([panel.hidden, document.activeElement], [true, bell]);
});

for (const name of ['click', 'focusin']) {
  test(`a ${name} elsewhere closes it, and one within does not, nor one on what is gone by now`, () => {
    const { bell, panel, elsewhere, document, click } = start();
    click();
    for (const target of [bell, panel, panel.firstElementChild, h('button', {}, 'replaced')]) {
      document.fire(name, { target });
      assert.equal(panel.hidden, false);
    }
    document.fire(name, { target: elsewhere });
    assert.deepEqual([panel.hidden, bell.getAttribute('aria-expanded'), document.activeElement], [true, 'false', null]);
  });
}

test('a page without a bell has nothing to open', () => {
  const document = new FakeDocument({ body: h('body', {}, []) });
  const bellPanel = new BellPanel({ document, onOpen: () => assert.fail('opened') });
  bellPanel.bind();
  document.fire('keydown', { key: 'Escape' });
  assert.equal(bellPanel.isOpen, false);
});
