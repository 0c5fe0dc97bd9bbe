import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refresher } from '../../static/embed/refresher.js';
import { FakeDocument, h, template } from './support/dom.mjs';
import { FakeTimers, fakeFetch, settle } from './support/world.mjs';

const event = (kind = 'notification') => ({ seq: 1, kind, at: '', data: {} });

function start(attributes = {}, fresh = () => h('body', {}, [h('p', {}, 'fresh')]), inside = [h('p', {}, 'old')]) {
  const section = h('section', { 'data-live-refresh': 'notification announcement', 'data-live-src': '/part', ...attributes }, inside);
  const document = new FakeDocument({ body: h('body', {}, [section]) });
  const timers = new FakeTimers();
  const fetch = fakeFetch();
  const DOMParser = class {
    parseFromString() {
      return new FakeDocument({ body: fresh() });
    }
  };
  return { section, document, timers, fetch, refresher: new Refresher({ document, fetch, DOMParser, timers, random: () => 0 }) };
}

test('what comes together is fetched once, with the page\'s cookies, and said', async () => {
  const { section, timers, fetch, refresher } = start();
  for (let count = 0; count < 5; count += 1) refresher.apply(event());
  refresher.apply(event('message'));
  await timers.advance(100);
  assert.equal(fetch.asked.length, 1);
  assert.deepEqual([fetch.last.url, fetch.last.options.credentials], ['https://shop.example/part', 'same-origin']);
  fetch.last.answer('<p>');
  await settle();
  assert.equal(section.textContent, 'fresh');
  assert.equal(section.dispatched[0][0], 'live:refreshed');
});

test('at most once a second; what happens while a fetch runs is fetched after it', async () => {
  const { timers, fetch, refresher } = start();
  refresher.apply(event());
  await timers.advance(100);
  refresher.apply(event());
  refresher.apply(event());
  await timers.advance(300);
  assert.equal(fetch.asked.length, 1);
  fetch.last.answer('<p>');
  await timers.advance(500);
  assert.equal(fetch.asked.length, 1);
  await timers.advance(200);
  assert.equal(fetch.asked.length, 2);
  fetch.last.answer('<p>');
  await timers.advance(10_000);
  assert.equal(fetch.asked.length, 2);
});

test('a hidden tab fetches when it is looked at again', async () => {
  const { document, timers, fetch, refresher } = start();
  document.visibilityState = 'hidden';
  refresher.apply(event());
  await timers.advance(60_000);
  assert.equal(fetch.asked.length, 0);
  document.visibilityState = 'visible';
  refresher.look();
  await timers.advance(1_000);
  assert.equal(fetch.asked.length, 1);
});

test('what is no success changes nothing, and the next event tries again', async (t) => {
  t.mock.method(console, 'warn', () => {});
  const { section, timers, fetch, refresher } = start();
  for (const refuse of [() => fetch.last.answer('', 401), () => fetch.last.answer('', 0), () => fetch.last.answer('', 503), () => fetch.last.fail()]) {
    refresher.apply(event());
    await timers.advance(1_500);
    refuse();
    await settle();
    assert.equal(section.textContent, 'old');
  }
  assert.equal(fetch.asked.length, 4);
});

test('another origin is asked for nothing', async (t) => {
  const said = t.mock.method(console, 'warn', () => {});
  const { timers, fetch, refresher } = start({ 'data-live-src': 'https://evil.example/part' });
  refresher.apply(event());
  await timers.advance(1_500);
  assert.equal(fetch.asked.length, 0);
  assert.match(said.mock.calls[0].arguments[0], /own origin/);
});

test('of a whole page the part with the same id is taken, its place too, and the template stays', async () => {
  const part = () => h('body', {}, [h('h1', {}, 'other'), h('ul', { id: 'list', 'data-live-seq': 9 }, [h('li', {}, 'mine')])]);
  const { section, timers, fetch, refresher } = start({ id: 'list' }, part, [template({}, h('li')), h('li', {}, 'old')]);
  refresher.all();
  await timers.advance(1_000);
  fetch.last.answer('<html>');
  await settle();
  assert.deepEqual(section.children.map(({ tagName }) => tagName), ['TEMPLATE', 'LI']);
  assert.deepEqual([section.textContent, section.dataset.liveSeq], ['mine', '9']);
});
