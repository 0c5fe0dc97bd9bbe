import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choiceCookie, readChoice } from '../../static/live/choice.js';
import { retryAfter } from '../../static/live/http.js';
import { Page } from '../../static/live/page.js';
import { FakeDocument, FakeElement, h } from './support/dom.mjs';
import { FakeTimers, fakeFetch, settle } from './support/world.mjs';

FakeElement.prototype.focus = function focus() {
  this.isFocused = true;
};
FakeElement.prototype.setSelectionRange = function setSelectionRange(...range) {
  this.range = range;
};

function rendered({ seq, epoch = 'e', user = 'alice', live = true, messages = 0, token = 't1' }) {
  const meta = h('meta', { name: 'csrf-token' });
  meta.content = token;
  const main = h('main', live ? { 'data-live': '' } : {}, [
    h('div', { 'data-scroller': '' }),
    h('textarea', { id: 'body' }),
    h('input', { id: 'key', type: 'hidden' }),
  ]);
  const data = seq === undefined ? {} : { 'data-seq': seq, 'data-epoch': epoch, 'data-user': user, 'data-badges': JSON.stringify({ messages }) };
  const body = h('body', data, [h('span', { 'data-badge': 'messages' }, String(messages)), meta, main]);
  return new FakeDocument({ body });
}

function start(before, after) {
  const document = rendered(before);
  const fetch = fakeFetch();
  const timers = new FakeTimers();
  const location = { href: 'https://example.test/chats/bob', origin: 'https://example.test', reload: () => (location.isReloaded = true) };
  const DOMParser = class {
    parseFromString() {
      return rendered(after);
    }
  };
  return { document, fetch, timers, location, page: new Page({ document, location, fetch, DOMParser, timers }) };
}

test('a page knows whose it is and where it stands', () => {
  const { page } = start({ seq: 7, epoch: 'x' }, {});
  assert.deepEqual([page.isSignedIn, page.user, page.place, page.csrfToken], [true, 'alice', { seq: 7, epoch: 'x' }, 't1']);
  assert.equal(start({}, {}).page.isSignedIn, false);
});

test('loaded anew it replaces what it shows and keeps what was being typed, and the focus', async () => {
  const { page, document, fetch } = start({ seq: 90, epoch: 'old' }, { seq: 4, epoch: 'new', messages: 2, token: 't2' });
  const old = document.querySelector('main');
  const input = document.getElementById('body');
  Object.assign(input, { value: 'half a sen', selectionStart: 4, selectionEnd: 4 });
  document.querySelector('[data-scroller]').scrollTop = -120;
  document.activeElement = input;
  const loaded = page.reload();
  assert.equal(fetch.last.url, 'https://example.test/chats/bob');
  fetch.last.answer('<html>');
  assert.deepEqual(await loaded, { seq: 4, epoch: 'new', badges: { messages: 2 } });
  assert.notEqual(document.querySelector('main'), old);
  const fresh = document.getElementById('body');
  assert.deepEqual([fresh.value, fresh.range, fresh.isFocused], ['half a sen', [4, 4], true]);
  assert.equal(document.querySelector('[data-scroller]').scrollTop, -120);
  assert.deepEqual([page.place, page.csrfToken], [{ seq: 4, epoch: 'new' }, 't2']);
});

test('of the two buttons of a reaction the focus comes back to the same one', async () => {
  const { page, document, fetch } = start({ seq: 90 }, { seq: 91 });
  const dislike = h('button', { 'data-reaction': 'dislike' });
  document.querySelector('main').append(h('article', { id: 'post-5' }, [h('form', {}, [h('button', { 'data-reaction': 'like' }), dislike])]));
  document.activeElement = dislike;
  const asked = [];
  const find = document.querySelector.bind(document);
  document.querySelector = (selector) => asked.push(selector) && find(selector);
  const loaded = page.reload();
  fetch.last.answer('<html>');
  await loaded;
  assert.ok(asked.includes('#post-5 form [data-reaction="dislike"]'), asked.join());
});

test('a page that shows nothing live stays and only learns its place', async () => {
  const { page, document, fetch } = start({ seq: 90, live: false }, { seq: 4, epoch: 'new' });
  const main = document.querySelector('main');
  const loaded = page.reload();
  assert.equal(fetch.last.url, 'https://example.test/');
  fetch.last.answer('<html>');
  assert.equal((await loaded).seq, 4);
  assert.equal(document.querySelector('main'), main);
});

test('a login page in its place means signed out, and so does 401', async () => {
  for (const status of [200, 401]) {
    const { page, fetch } = start({ seq: 90 }, {});
    const loaded = page.reload();
    fetch.last.answer('<html>', status);
    assert.equal(await loaded, null);
  }
});

test('a server that cannot give it is an error, to be tried again', async () => {
  const { page, fetch } = start({ seq: 90 }, {});
  const loaded = page.reload();
  fetch.last.answer('', 503);
  await assert.rejects(loaded, /503/);
});

test('so is one that does not answer, or not to the end', async () => {
  const { page, fetch, timers } = start({ seq: 90 }, {});
  const loaded = assert.rejects(page.reload());
  await timers.advance(15_000);
  await loaded;
  assert.deepEqual([fetch.last.isAborted, timers.pending], [true, 0]);
});

test('another user\'s page is never mixed into this one', async () => {
  const { page, fetch, location, document } = start({ seq: 90 }, { seq: 3, user: 'mallory' });
  const main = document.querySelector('main');
  const loaded = page.reload();
  fetch.last.answer('<html>');
  await assert.rejects(loaded);
  await settle();
  assert.ok(location.isReloaded);
  assert.equal(document.querySelector('main'), main);
});

test('the choice of transport is read from the cookie; what is not known is auto', () => {
  const known = ['websocket', 'long-poll', 'short-poll'];
  for (const [cookies, choice] of [
    ['', 'auto'],
    ['transport=long-poll', 'long-poll'],
    ['a=b; transport=off; c=d', 'off'],
    ['transport=sse', 'auto'],
    ['transport=', 'auto'],
    ['xtransport=off', 'auto'],
    ['transport=carrier-pigeon', 'auto'],
  ]) {
    assert.equal(readChoice(cookies, known), choice, cookies);
  }
  assert.equal(choiceCookie('off'), 'transport=off; path=/; max-age=31536000; SameSite=Lax');
});

test('Retry-After is read as seconds and as a date, and never absurd', () => {
  const at = (value) => retryAfter(new Headers(value === undefined ? {} : { 'Retry-After': value }), 1_000_000);
  assert.deepEqual(['3', '0', ' 1.5 ', undefined, 'soon', '-4', '999999'].map(at), [3000, 0, 1500, undefined, undefined, undefined, 600_000]);
  assert.equal(at(new Date(1_005_000).toUTCString()), 5000);
  assert.equal(at(new Date(0).toUTCString()), 0);
});
