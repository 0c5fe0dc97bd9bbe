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

test('what is refused or leads elsewhere changes nothing, and the next event tries again', async () => {
  const { section, timers, fetch, refresher } = start();
  for (const status of [401, 404, 0]) {
    refresher.apply(event());
    await timers.advance(1_500);
    fetch.last.answer('', status);
    await timers.advance(60_000);
    assert.equal(section.textContent, 'old');
  }
  assert.equal(fetch.asked.length, 3);
});

test('what fails for a while, or is not answered, is tried again without another event', async (t) => {
  t.mock.method(console, 'warn', () => {});
  const { section, timers, fetch, refresher } = start();
  refresher.apply(event());
  await timers.advance(1_500);
  const failures = [() => fetch.last.answer('', 502), () => fetch.last.answer('', 429), () => fetch.last.fail(), () => timers.advance(15_000)];
  for (const [count, fail] of failures.entries()) {
    assert.equal(fetch.asked.length, count + 1);
    fail();
    await settle();
    await timers.advance(4_000);
  }
  fetch.last.answer('<p>');
  await timers.advance(60_000);
  assert.deepEqual([section.textContent, fetch.asked.length, timers.pending], ['fresh', 5, 0]);
});

test('what fails is not tried again in a hidden tab, but when it is looked at', async (t) => {
  t.mock.method(console, 'warn', () => {});
  const { document, timers, fetch, refresher } = start();
  refresher.apply(event());
  await timers.advance(1_500);
  fetch.last.fail();
  await settle();
  document.visibilityState = 'hidden';
  await timers.advance(60_000);
  assert.equal(fetch.asked.length, 1);
  document.visibilityState = 'visible';
  refresher.look();
  await timers.advance(1_500);
  assert.equal(fetch.asked.length, 2);
});

test('nothing of a page that lacks the section is put into it', async () => {
  const { section, timers, fetch, refresher } = start({ id: 'list' });
  delete section.dataset.liveSrc;
  refresher.all();
  await timers.advance(1_000);
  assert.equal(fetch.last.url, 'https://shop.example/orders/');
  fetch.last.answer('<html>');
  await settle();
  assert.deepEqual([section.textContent, section.dispatched], ['old', undefined]);
});

test('another origin is asked for nothing, nor is what is no address, nor for a section that could not be found', async (t) => {
  const said = t.mock.method(console, 'warn', () => {});
  for (const [src, what] of [['https://evil.example/part', /own origin/], ['http://', /own origin/], [undefined, /give a section .* an id/]]) {
    const { section, timers, fetch, refresher } = start({ 'data-live-src': src });
    if (src === undefined) delete section.dataset.liveSrc;
    refresher.apply(event());
    await timers.advance(60_000);
    assert.equal(fetch.asked.length, 0);
    assert.match(said.mock.calls.at(-1).arguments[0], what);
  }
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
