import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Strings } from '../../static/live/strings.js';
import { Times, localDay } from '../../static/live/times.js';
import { FakeDocument, h } from './support/dom.mjs';
import { FakeTimers } from './support/world.mjs';

const strings = new Strings({ now: 'now', 'minutes-ago': '{minutes} min ago', today: 'Today', yesterday: 'Yesterday' });
const noon = new Date(2026, 10, 20, 12, 0);

function at(now, language = 'en') {
  return new Times({ language, strings, timers: { now: () => now.getTime(), set() {}, clear() {} } });
}

const before = (ms) => new Date(noon.getTime() - ms);
const MINUTE = 60_000;

test('what is less than an hour old is told by its age, also where the clocks differ', () => {
  const times = at(noon);
  for (const style of ['clock', 'short']) {
    assert.equal(times.show(before(-5 * MINUTE), style), 'now');
    assert.equal(times.show(before(59_999), style), 'now');
    assert.equal(times.show(before(MINUTE), style), '1 min ago');
    assert.equal(times.show(before(60 * MINUTE - 1), style), '59 min ago');
    assert.equal(times.show(before(60 * MINUTE), style), '11:00');
  }
});

test('in a list an older time is as short as it can be without being ambiguous', () => {
  const times = at(noon);
  assert.equal(times.show(new Date(2026, 10, 20, 0, 5), 'short'), '00:05');
  assert.equal(times.show(new Date(2026, 10, 19, 23, 55), 'short'), 'Yesterday');
  assert.equal(times.show(new Date(2026, 10, 14, 9, 5), 'short'), 'Saturday');
  assert.equal(times.show(new Date(2026, 10, 13, 9, 5), 'short'), '13 Nov');
  assert.equal(times.show(new Date(2026, 8, 6, 9, 5), 'short'), '6 Sep');
  assert.equal(times.show(new Date(2025, 1, 3, 9, 5), 'short'), '3 Feb 2025');
});

test('beside a message it is the time of the day, whatever the day', () => {
  assert.equal(at(noon).show(new Date(2025, 1, 3, 9, 5), 'clock'), '09:05');
});

test('days have names', () => {
  const times = at(noon);
  assert.equal(times.day('2026-11-20'), 'Today');
  assert.equal(times.day('2026-11-19'), 'Yesterday');
  assert.equal(times.day('2026-11-18'), 'Wednesday 18 November');
  assert.equal(times.day('2025-02-03'), 'Monday, 3 February 2025');
  assert.equal(times.day('2026-11-21'), 'Saturday 21 November');
  assert.equal(times.day(''), null);
});

test('Chinese pages have Chinese days', () => {
  const times = at(noon, 'zh-Hans');
  assert.equal(times.day('2026-11-03'), '11月3日星期二');
  assert.equal(times.show(new Date(2025, 1, 3, 9, 5), 'short'), '2025年2月3日');
});

test('the night in which clocks change is one day long', () => {
  assert.equal(at(new Date(2026, 2, 30, 0, 30)).day('2026-03-29'), 'Yesterday');
  assert.equal(at(new Date(2026, 9, 26, 0, 30)).day('2026-10-25'), 'Yesterday');
});

test('what cannot be read stays as the server wrote it', () => {
  const element = h('time', { datetime: 'soon', 'data-style': 'short' }, 'soon');
  at(noon).localize(h('div', {}, [element]));
  assert.equal(element.textContent, 'soon');
});

test('times on the page keep up, while it is visible', async () => {
  const timers = new FakeTimers();
  const time = h('time', { datetime: new Date(timers.now()).toISOString(), 'data-style': 'clock' });
  const document = new FakeDocument({ body: h('body', {}, [time]) });
  new Times({ language: 'en', strings, timers }).keepUp(document);
  assert.equal(time.textContent, 'now');
  await timers.advance(80_000);
  assert.equal(time.textContent, '1 min ago');
  document.visibilityState = 'hidden';
  await timers.advance(300_000);
  assert.equal(time.textContent, '1 min ago');
  document.visibilityState = 'visible';
  document.fire('visibilitychange');
  assert.equal(time.textContent, '6 min ago');
});

test('a day is the one of the clock on the wall', () => {
  assert.equal(localDay(new Date(2026, 0, 5, 23, 59)), '2026-01-05');
});
