import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Countdown } from '../../static/live/countdown.js';
import { Indicator } from '../../static/live/indicator.js';
import { Strings } from '../../static/live/strings.js';
import { FakeDocument, h } from './support/dom.mjs';
import { FakeTimers } from './support/world.mjs';

const TEXTS = {
  'state-off': 'Off',
  'state-connecting': 'Connecting…',
  'state-live': 'Live',
  'state-polling': 'Updating every few seconds',
  'state-offline': 'Offline. Trying again in {seconds} s.',
  'state-trying': 'Offline. Trying now…',
  'state-stopped': 'Stopped: {detail}',
  'state-signed-out': 'You are signed out.',
  automatic: 'Automatic: {way}',
};

function start(choice = 'auto') {
  const option = (value, text) => h('option', { value }, text);
  const document = new FakeDocument({
    body: h('body', {}, [
      h('div', { id: 'live', hidden: '' }, [
        h('span', { id: 'live-status', role: 'status' }),
        h('span', { id: 'live-actions', hidden: '' }, [
          h('button', { id: 'live-retry', hidden: '' }),
          h('a', { id: 'live-reload', hidden: '' }),
          h('a', { id: 'live-login', hidden: '' }),
        ]),
        h('select', { id: 'live-transport' }, [
          option('auto', 'Automatic'),
          option('websocket', 'WebSocket'),
          option('long-poll', 'long poll'),
          option('off', 'nothing'),
        ]),
      ]),
    ]),
  });
  const timers = new FakeTimers();
  const indicator = new Indicator({ document, strings: new Strings(TEXTS), timers });
  const choices = [];
  let retries = 0;
  indicator.offer(choice, { onChoice: (chosen) => choices.push(chosen), onRetry: () => (retries += 1) });
  const of = (id) => document.getElementById(id);
  return {
    document,
    timers,
    choices,
    of,
    get retries() {
      return retries;
    },
    get words() {
      return of('live-status').textContent;
    },
    get auto() {
      return document.querySelector('[value=auto]').textContent;
    },
    /** What is offered now. */
    get offered() {
      if (of('live-actions').hidden) return [];
      return ['live-retry', 'live-reload', 'live-login'].filter((id) => !of(id).hidden);
    },
    show: (state, { transport = null, detail = '', retryAt = null, since = null } = {}) =>
      indicator.show(state, transport, { detail, retryAt, since }),
    /** Offline, and the next try comes after these seconds. */
    waits(seconds, since = timers.now()) {
      this.show('offline', { retryAt: timers.now() + seconds * 1000, since });
    },
  };
}

test('the state is on <html> and in words, and the switch is offered', () => {
  const page = start();
  const { dataset } = page.document.documentElement;
  assert.equal(page.of('live').hidden, false);
  Object.assign(page.of('live-transport'), { value: 'off' }).fire('change');
  assert.deepEqual(page.choices, ['off']);
  page.show('live', { transport: 'websocket' });
  assert.deepEqual([dataset.liveState, dataset.liveTransport, page.words], ['live', 'websocket', 'Live']);
  page.show('offline', { detail: '{x} too long' });
  assert.deepEqual([dataset.liveState, dataset.liveTransport, page.words], ['offline', undefined, 'Stopped: {x} too long']);
  assert.deepEqual(page.offered, []);
});

test('offline counts the seconds down, without touching the words around them', async () => {
  const page = start();
  page.waits(7.4);
  assert.equal(page.words, 'Offline. Trying again in 8 s.');
  const [before, number] = page.of('live-status').children;
  assert.equal(number.getAttribute('aria-live'), 'off');
  await page.timers.advance(400);
  assert.equal(page.words, 'Offline. Trying again in 7 s.');
  await page.timers.advance(3_000);
  assert.equal(page.words, 'Offline. Trying again in 4 s.');
  assert.deepEqual(page.of('live-status').children.slice(0, 2), [before, number]);
  page.show('offline', { since: 0 });
  assert.equal(page.words, 'Offline. Trying now…');
  assert.equal(page.timers.pending, 0);
});

test('a plan that changes while it waits keeps the words', () => {
  const page = start();
  page.waits(8);
  const [, number] = page.of('live-status').children;
  page.waits(1);
  assert.equal(page.words, 'Offline. Trying again in 1 s.');
  assert.equal(page.of('live-status').children[1], number);
});

test('while it is offline one may insist, also with the keyboard: the button stays where it is during the try', () => {
  const page = start();
  page.waits(8);
  assert.deepEqual(page.offered, ['live-retry']);
  page.of('live-retry').fire('click');
  assert.equal(page.retries, 1);
  page.show('offline', { since: page.timers.now() });
  assert.deepEqual(page.offered, ['live-retry']);
  assert.equal(page.of('live-retry').getAttribute('aria-disabled'), 'true');
  page.show('live', { transport: 'websocket' });
  assert.deepEqual(page.offered, []);
});

test('after two minutes it offers to load the page again, in the middle of a wait too', async () => {
  const page = start();
  const since = page.timers.now();
  await page.timers.advance(115_000);
  page.waits(10, since);
  assert.deepEqual(page.offered, ['live-retry']);
  await page.timers.advance(5_000);
  assert.deepEqual(page.offered, ['live-retry', 'live-reload']);
  page.show('offline', { since });
  assert.deepEqual(page.offered, ['live-retry', 'live-reload']);
});

test('signed out says so and leads back, and the switch is of no use', () => {
  const page = start();
  page.show('signed-out');
  assert.equal(page.words, 'You are signed out.');
  assert.deepEqual(page.offered, ['live-login']);
  assert.equal(page.of('live-transport').disabled, true);
});

test('the switch says which way is in use, as long as one is and it was not chosen', () => {
  const page = start();
  page.show('connecting');
  assert.equal(page.auto, 'Automatic');
  page.show('live', { transport: 'long-poll' });
  assert.equal(page.auto, 'Automatic: long poll');
  page.waits(3);
  assert.equal(page.auto, 'Automatic');
  const fixed = start('websocket');
  fixed.show('live', { transport: 'websocket' });
  assert.equal(fixed.auto, 'Automatic');
});

test('a page without any of this shows its state all the same', () => {
  const document = new FakeDocument({ body: h('body', {}) });
  const timers = new FakeTimers();
  const indicator = new Indicator({ document, strings: new Strings(TEXTS), timers });
  indicator.offer('auto', { onChoice() {}, onRetry() {} });
  indicator.show('offline', null, { detail: '', retryAt: timers.now() + 5_000, since: 0 });
  indicator.show('signed-out', null, { detail: '', retryAt: null, since: null });
  assert.equal(document.documentElement.dataset.liveState, 'signed-out');
});

test('a countdown says each second once, and never less than one', async () => {
  const timers = new FakeTimers();
  const said = [];
  const countdown = new Countdown(timers);
  countdown.start(timers.now() + 2_500, (seconds) => said.push(seconds));
  await timers.advance(10_000);
  assert.deepEqual(said, [3, 2, 1]);
  countdown.start(timers.now() - 5, (seconds) => said.push(seconds));
  assert.equal(said.at(-1), 1);
  assert.equal(timers.pending, 0);
});
