import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '../../static/embed/config.js';
import { EmbeddedPage } from '../../static/embed/page.js';
import { FakeDocument, h, template } from './support/dom.mjs';
import { FakeTimers, fakeFetch, fakeWebSocket, settle } from './support/world.mjs';

const bare = (user, attributes = {}) => h('script', { 'data-live-ticket': `ticket_of_${user}`, 'data-live-user': user, ...attributes });
const tag = (user, attributes = {}) => bare(user, { 'data-live-seq': 5, 'data-live-epoch': 'e', ...attributes });

const list = () => h('ul', { 'data-live-list': 'message', 'data-live-seq': 2 }, [template({}, h('li', { 'data-live-text': 'id' }))]);
const badge = (text) => h('b', { 'data-badge': 'orders' }, text);

/** A page with a script tag in its head, as Turbo leaves it there. */
async function start(script) {
  const body = h('body', {}, [list(), badge('0')]);
  const document = new FakeDocument({ body });
  const head = h('head', {}, [script]);
  document.documentElement.insertBefore(head, body);
  const timers = new FakeTimers();
  const fetch = fakeFetch();
  const WebSocket = fakeWebSocket();
  let observe;
  const window = {
    document, fetch, WebSocket,
    addEventListener: () => {},
    IntersectionObserver: class {
      observe() {}
    },
    MutationObserver: class {
      constructor(callback) {
        observe = callback;
      }

      observe() {}
    },
  };
  const { inbox } = new EmbeddedPage({ window, config: readConfig(document, 'https://live.example/static/embed.js'), timers });
  await settle();
  const added = (node) => observe([{ addedNodes: [node] }]);
  const addTag = (script) => {
    head.append(script);
    added(script);
  };
  /** Another page comes, as Turbo brings it: first its script tag, if that is new, then its body. */
  const visit = (script, parts) => {
    if (script) addTag(script);
    const next = h('body', {}, parts);
    next.setDocument(document);
    document.body.replaceWith(next);
    document.body = next;
    added(next);
  };
  return { document, timers, fetch, WebSocket, inbox, addTag, visit };
}

const shown = (document) => document.querySelectorAll('li').map(({ textContent }) => textContent);

test('a page of somebody else\'s shows nothing of the one before, while the connection lives', async () => {
  const { document, timers, fetch, WebSocket, inbox, visit } = await start(tag('ann'));
  const [anns] = WebSocket.made;
  anns.hello({ seq: 5, latest: 5, badges: { orders: 3 } });
  anns.events(6);
  assert.deepEqual([shown(document), inbox.state], [['6'], 'live']);
  visit(bare('bob'), [list(), badge('1')]);
  anns.events(7);
  await timers.advance(50);
  assert.deepEqual([shown(document), document.querySelector('b').textContent], [[], '0']);
  const [place] = fetch.asked;
  assert.equal(place.options.headers.Authorization, 'Bearer ticket_of_bob');
  place.answer({ badges: { orders: 1 }, seq: 2, epoch: 'e' });
  await settle();
  assert.equal(document.querySelector('b').textContent, '1');
  assert.match(WebSocket.last.url, /seq=2&epoch=e&ticket=ticket_of_bob$/);
  WebSocket.last.hello({ seq: 2, latest: 2, badges: { orders: 1 } });
  WebSocket.last.events(3);
  assert.deepEqual([shown(document), anns.isClosed, WebSocket.made.length], [['3'], true, 2]);
});

test('a page of somebody else\'s that says its place goes on from there, so that nothing since is skipped', async () => {
  const { document, timers, fetch, WebSocket, inbox, visit } = await start(tag('ann'));
  const resets = [];
  inbox.on('reset', (detail) => resets.push(detail));
  WebSocket.last.hello({ seq: 5, latest: 5 });
  visit(tag('bob', { 'data-live-seq': 2 }), [list()]);
  await timers.advance(50);
  assert.match(WebSocket.last.url, /seq=2&epoch=e&ticket=ticket_of_bob$/);
  WebSocket.last.hello({ seq: 2, latest: 3, badges: {} });
  WebSocket.last.events(3);
  assert.deepEqual([shown(document), fetch.asked.length, resets], [['3'], 0, []]);
});

test('a page of the same user\'s, and one that does not say whose it is, keep the connection', async () => {
  const { timers, WebSocket, visit } = await start(tag('ann'));
  WebSocket.last.hello({ seq: 5 });
  visit(tag('ann', { 'data-live-ticket': 'ticket_new' }), [list()]);
  await timers.advance(50);
  visit(tag('ann', { 'data-live-ticket': 'ticket_newer', 'data-live-user': '' }), [list()]);
  await timers.advance(50);
  visit(null, [list()]);
  await timers.advance(50);
  assert.deepEqual([WebSocket.made.length, WebSocket.last.isClosed], [1, false]);
});

test('a tag that has not changed does not contradict the ticket\'s own user', async () => {
  const { timers, fetch, WebSocket, inbox, visit } = await start(tag('ann', { 'data-live-ticket-url': '/live-ticket' }));
  WebSocket.last.end(4401);
  await settle();
  fetch.last.answer({ ticket: 'ticket_b', user: 'bob' });
  await settle();
  visit(null, [list()]);
  await timers.advance(50);
  assert.deepEqual([inbox.user, fetch.last.options.headers.Authorization], ['bob', 'Bearer ticket_b']);
});

test('who signs in after nobody was gets no event of the one before in a list', async () => {
  const { document, timers, fetch, WebSocket, inbox, visit } = await start(tag('ann'));
  WebSocket.last.hello({ seq: 5 });
  WebSocket.last.events(6);
  WebSocket.last.end(4401);
  await settle();
  assert.equal(inbox.state, 'signed-out');
  visit(bare('bob'), [list()]);
  await timers.advance(50);
  assert.deepEqual([shown(document), inbox.user, fetch.last.options.headers.Authorization], [[], 'bob', 'Bearer ticket_of_bob']);
});

test('the page of who signs in after nobody was goes on from its place', async () => {
  const { timers, WebSocket, inbox, visit } = await start(tag('ann'));
  WebSocket.last.end(4401);
  await settle();
  assert.equal(inbox.state, 'signed-out');
  visit(tag('bob', { 'data-live-seq': 2 }), [list()]);
  await timers.advance(50);
  assert.match(WebSocket.last.url, /seq=2&epoch=e&ticket=ticket_of_bob$/);
});
