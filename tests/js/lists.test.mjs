import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lists } from '../../static/embed/lists.js';
import { FakeDocument, h, template } from './support/dom.mjs';

const note = (seq) => ({ seq, kind: 'notification', at: '2026-01-02T03:04:05.000Z', data: { title: `n${seq}` } });
const item = (seq) => h('li', seq === undefined ? {} : { 'data-live-seq': seq }, `server ${seq}`);
const list = (attributes, items = []) =>
  h('ul', { 'data-live-list': 'notification', ...attributes }, [template({}, h('li', { 'data-live-text': 'title' })), ...items]);

function start(...lists) {
  const document = new FakeDocument({ body: h('body', {}, lists) });
  const texts = (index = 0) => document.querySelectorAll('[data-live-list]')[index].children.filter(({ tagName }) => tagName === 'LI').map(({ textContent }) => textContent);
  return { document, texts, lists: new Lists(document) };
}

test('the newest is at the top, once, and the list takes no more than its measure', () => {
  const { lists, texts } = start(list({ 'data-live-max': 3 }, [item(2), item(1)]));
  for (const seq of [2, 3, 4, 4]) lists.apply(note(seq));
  assert.deepEqual(texts(), ['n4', 'n3', 'server 2']);
});

test('appended, the newest is at the end and the oldest goes', () => {
  const { lists, texts } = start(list({ 'data-live-append': '', 'data-live-max': 2 }, [item(), item(5)]));
  for (const seq of [4, 6]) lists.apply(note(seq));
  assert.deepEqual(texts(), ['server 5', 'n6']);
});

test('what the server has rendered already is not repeated, and what comes late finds its place', () => {
  const { lists, texts } = start(list({}, [item(9), item(3)]), list({ 'data-live-seq': 8 }, [item()]));
  for (const seq of [8, 9, 10]) lists.apply(note(seq));
  assert.deepEqual(texts(), ['n10', 'server 9', 'n8', 'server 3']);
  assert.deepEqual(texts(1), ['n10', 'n9', 'server undefined']);
});

test('a list that comes later gets what it lacks, if it says where it stands', () => {
  const { document, lists, texts } = start(list({}));
  for (const seq of [1, 2, 3]) lists.apply(note(seq));
  for (const late of [list({}, [item(1)]), list({}, [item()]), list({ 'data-live-seq': 0 })]) {
    late.setDocument(document);
    document.body.append(late);
  }
  lists.find();
  lists.find();
  assert.deepEqual([texts(0), texts(1), texts(2), texts(3)], [['n3', 'n2', 'n1'], ['n3', 'n2', 'server 1'], ['server undefined'], ['n3', 'n2', 'n1']]);
});

test('a list that was filled anew gets what happened meanwhile', () => {
  const { document, lists, texts } = start(list({}, [item(1)]));
  lists.apply(note(2));
  lists.apply(note(3));
  const element = document.querySelector('ul');
  element.replaceChildren(element.children[0], item(2));
  element.setDocument(document);
  lists.again(element);
  assert.deepEqual(texts(), ['n3', 'server 2']);
});

test('after a reset the same seq is another event', () => {
  const { lists, texts } = start(list({}, [item(5)]));
  lists.apply(note(6));
  lists.reset();
  lists.apply(note(6));
  assert.deepEqual(texts(), ['n6', 'n6', 'server 5']);
});

test('a list can name its template; one without any says so and breaks nothing', (t) => {
  const said = t.mock.method(console, 'error', () => {});
  const document = new FakeDocument({
    body: h('body', {}, [h('ol', { 'data-live-list': 'notification', 'data-live-template': 'row' }), h('ul', { 'data-live-list': 'notification' })]),
  });
  const row = template({ id: 'row' }, h('li', { 'data-live-text': 'title' }));
  row.setDocument(document);
  document.body.append(row);
  new Lists(document).apply(note(1));
  assert.deepEqual(document.querySelectorAll('li').map(({ textContent }) => textContent), ['n1']);
  assert.equal(said.mock.callCount(), 1);
});

test('a reaction that was taken back leaves the lists, and is none of their items', () => {
  const { lists, texts } = start(list({ 'data-live-list': 'like dislike' }));
  const react = (seq, kind, by, withdrawn) => lists.apply({ seq, kind, at: '2026-01-02T03:04:05.000Z', data: { post: 5, by, withdrawn, title: `${by} ${kind}` } });
  react(1, 'like', 'bob', false);
  react(2, 'like', 'eve', false);
  react(3, 'like', 'bob', true);
  react(4, 'dislike', 'bob', false);
  assert.deepEqual(texts(), ['bob dislike', 'eve like']);
});

test('what was deleted leaves the lists, whatever carried its content', () => {
  const kinds = { 'data-live-list': 'notification message reply' };
  const { document, lists, texts } = start(list(kinds, [item(1)]));
  const by = { by: 'bob' };
  const carriers = [
    ['message', { id: 7, title: 'message 7' }], ['message', { id: 8, title: 'message 8' }],
    ['reply', { post: 5, reply: 7, title: 'reply 7' }], ['reply', { post: 7, reply: 8, title: 'reply to 7' }],
    ['notification', { id: 7, title: 'mention in 7', data: { post: 7, reply: null, mention: by } }],
    ['notification', { id: 8, title: 'mention in reply 7', data: { post: 5, reply: 7, mention: by } }],
    ['notification', { id: 9, title: 'no mention', data: { post: 7, reply: 7 } }],
  ];
  let seq = 1;
  const apply = (kind, data) => lists.apply({ seq: ++seq, kind, at: '2026-01-02T03:04:05.000Z', data });
  for (const carrier of carriers) apply(...carrier);
  const left = [];
  for (const kind of ['message', 'reply', 'post']) {
    apply('deleted', { kind, id: 7 });
    left.push(texts().length);
  }
  assert.deepEqual(left, [7, 5, 4]);
  assert.deepEqual(texts(), ['no mention', 'reply to 7', 'message 8', 'server 1']);
  const late = list({ ...kinds, 'data-live-seq': 0 });
  late.setDocument(document);
  document.body.append(late);
  lists.find();
  assert.deepEqual(texts(1), ['no mention', 'reply to 7', 'message 8']);
});
