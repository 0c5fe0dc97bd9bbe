import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeElement } from './support/dom.mjs';
import { postsPage } from './support/posts.mjs';
import { settle } from './support/world.mjs';

const reacted = (likes, dislikes, version, reaction) => ({ counts: { likes, dislikes, replies: 0 }, version, reaction });

// -- counts

test('counts follow the topic of the post, and only what is newer is shown', () => {
  const page = postsPage({ posts: [{ id: 5, likes: 1, version: 10 }] });
  page.counts(5, 12, 3, 1, 2);
  page.counts(5, 11, 2);
  page.counts(9, 13, 7); // it is not on this page
  assert.deepEqual(page.shown(5), [3, 1, 2, null]);
  page.counts(5, 10, 0);
  assert.deepEqual(page.shown(5), [3, 1, 2, null]);
});

test('what the server rendered takes part in the order', () => {
  const page = postsPage({ posts: [{ id: 5, likes: 4, version: 20 }] });
  page.counts(5, 19, 1);
  assert.deepEqual(page.shown(5), [4, 0, 0, null]);
});

test('a post that was deleted leaves the feed, and in its thread says so', () => {
  const feed = postsPage({ posts: [{ id: 5 }] });
  feed.counts(5, 11, 0, 0, 0, true);
  assert.deepEqual(feed.ids(), []);
  assert.equal(feed.document.getElementById('no-posts').hidden, false);
  const thread = postsPage({ thread: { id: 1 }, posts: [{ id: 5, version: 10 }, { id: 6 }] });
  thread.page.apply({ seq: 1, kind: 'deleted', data: { kind: 'reply', id: 5, post: 1 } });
  thread.page.apply({ seq: 2, kind: 'deleted', data: { kind: 'message', id: 6, with: 'bob' } });
  thread.counts(5, 11, 0, 0, 0, true);
  thread.counts(5, 12, 3); // nothing comes back
  const [five, six] = thread.list.children;
  assert.deepEqual([five.textContent, five.dataset.version], ['deleted reply', '12']);
  assert.ok(!six.classList.contains('post--gone'));
  thread.counts(1, 30, 0, 0, 0, true);
  assert.equal(thread.document.getElementById('post-1').textContent, 'deleted post');
  assert.equal(thread.document.getElementById('write'), null);
});

test('what one is writing to a post that was deleted is not lost', () => {
  const page = postsPage({ thread: { id: 1 } });
  page.input.value = 'I was just';
  page.counts(1, 30, 0, 0, 0, true);
  assert.ok(page.document.getElementById('write'));
});

// -- reacting

test('a reaction is shown at once, sent, and then as the server counts', async () => {
  const page = postsPage({ posts: [{ id: 5, likes: 1, version: 10 }] });
  assert.ok(page.press(5, 'like').isPrevented);
  assert.deepEqual(page.shown(5), [2, 0, 0, 'like']);
  assert.equal(page.busy(5), 2);
  const { url, options, body } = page.fetch.last;
  assert.deepEqual([url, options.method, body], ['https://example.test/posts/5/reaction', 'PUT', { reaction: 'like' }]);
  await page.answer(reacted(8, 2, 20, 'like'));
  assert.deepEqual(page.shown(5), [8, 2, 0, 'like']);
  assert.equal(page.busy(5), 0);
});

test('the pressed one is taken back, and the other one takes its place', async () => {
  const page = postsPage({ posts: [{ id: 5, likes: 1, version: 10, reaction: 'like' }] });
  page.press(5, 'dislike');
  assert.deepEqual(page.shown(5), [0, 1, 0, 'dislike']);
  await page.answer(reacted(0, 1, 11, 'dislike'));
  page.press(5, 'dislike');
  assert.deepEqual(page.fetch.last.body, { reaction: null });
  await page.answer(reacted(0, 0, 12, null));
  assert.deepEqual(page.shown(5), [0, 0, 0, null]);
});

test('counts that come while a reaction is on its way wait for it: it is never counted twice', async () => {
  const page = postsPage({ posts: [{ id: 5, version: 10 }] });
  page.press(5, 'like');
  page.counts(5, 11, 1); // with one's own
  assert.deepEqual(page.shown(5), [1, 0, 0, 'like']);
  page.counts(5, 13, 6, 1, 4);
  await page.answer(reacted(1, 0, 11, 'like'));
  assert.deepEqual(page.shown(5), [6, 1, 4, 'like']);
  page.counts(5, 12, 3);
  assert.deepEqual(page.shown(5), [6, 1, 4, 'like']);
});

test('two quick clicks end where the user left it', async () => {
  const page = postsPage({ posts: [{ id: 5, version: 10 }] });
  page.press(5, 'like');
  page.press(5, 'like');
  assert.deepEqual(page.shown(5), [0, 0, 0, null]);
  assert.equal(page.asked('/posts/5/reaction').length, 1, 'one after the other');
  await page.answer(reacted(1, 0, 11, 'like'));
  assert.deepEqual(page.shown(5), [0, 0, 0, null]);
  assert.deepEqual(page.fetch.last.body, { reaction: null });
  await page.answer(reacted(0, 0, 12, null));
  assert.deepEqual([page.shown(5), page.busy(5)], [[0, 0, 0, null], 0]);
});

test('a like, a dislike and a like again in one breath are one like', async () => {
  const page = postsPage({ posts: [{ id: 5, version: 10 }] });
  for (const kind of ['like', 'dislike', 'like']) page.press(5, kind);
  await page.answer(reacted(1, 0, 11, 'like'));
  assert.equal(page.asked('/posts/5/reaction').length, 1);
  assert.deepEqual(page.shown(5), [1, 0, 0, 'like']);
});

test('what one thinks shows in the other windows of the browser, the latest of it', async () => {
  const channels = [];
  class BroadcastChannel {
    constructor(name) {
      channels.push(Object.assign(this, { name, told: [] }));
    }
    addEventListener(_name, listener) {
      this.hear = (data) => listener({ data });
    }
    postMessage(data) {
      this.told.push(data);
    }
  }
  const view = { BroadcastChannel, addEventListener() {} };
  const [here, there] = [0, 1].map(() => postsPage({ posts: [{ id: 5, version: 10 }], view }));
  const [ours, theirs] = channels;
  assert.equal(ours.name, theirs.name);
  here.press(5, 'like');
  await here.answer(reacted(3, 0, 11, 'like'));
  theirs.hear(ours.told[0]);
  assert.deepEqual(there.shown(5), [3, 0, 0, 'like']);
  there.press(5, 'like');
  theirs.hear(ours.told[0]);
  assert.deepEqual(there.shown(5), [2, 0, 0, null], 'its own is on the way');
  await there.answer(reacted(2, 0, 12, null));
  theirs.hear(ours.told[0]);
  ours.hear(theirs.told[0]);
  ours.hear({ id: 9, reaction: 'like', stand: { version: 1 } }); // it is not on this page
  assert.deepEqual([here.shown(5), there.shown(5)], [[2, 0, 0, null], [2, 0, 0, null]]);
});

test('what is refused is given back, with the reason', async () => {
  const page = postsPage({ posts: [{ id: 5, likes: 3, version: 10 }] });
  page.press(5, 'like');
  await page.answer({ title: 'Forbidden', status: 403, detail: 'Not you.' }, 403);
  assert.deepEqual([page.shown(5), page.complaint(5), page.busy(5)], [[3, 0, 0, null], 'Not you.', 0]);
  page.press(5, 'like');
  assert.equal(page.complaint(5), '');
});

test('while the server cannot be reached a reaction waits, and shows that it does', async () => {
  const page = postsPage({ posts: [{ id: 5, likes: 3, version: 10 }] });
  page.press(5, 'like');
  assert.deepEqual(page.waiting(5), []);
  const failures = [(q) => q.fail(), (q) => q.answer({}, 503), (q) => q.answer(undefined, 502), (q) => q.answer(undefined, 504)];
  for (let tries = 1; tries <= 12; tries += 1) {
    assert.equal(page.asked('/posts/5/reaction').length, tries);
    failures[tries % 4](page.fetch.last);
    await settle();
    assert.deepEqual([page.shown(5), page.waiting(5), page.busy(5), page.complaint(5)], [[4, 0, 0, 'like'], ['like'], 2, '']);
    await page.timers.advance(4_000 / 2);
  }
  await page.answer(reacted(4, 0, 11, 'like'));
  assert.deepEqual([page.shown(5), page.waiting(5), page.busy(5)], [[4, 0, 0, 'like'], [], 0]);
  assert.equal(page.timers.pending, 0);
});

test('what waits is sent at once when the connection is back, of each post what was pressed last', async () => {
  const window = new FakeElement('window');
  const page = postsPage({ posts: [{ id: 5, version: 10 }, { id: 4, version: 10 }], view: window });
  const back = [() => page.document.fire('live:state', { detail: { transport: 'sse' } }), () => window.fire('online')];
  for (const hurry of back) {
    page.press(5, 'like');
    page.press(4, 'like');
    for (const question of page.asked('/posts').slice(-2)) question.fail();
    await settle();
    page.press(5, 'dislike');
    page.document.fire('live:state', { detail: { transport: null } });
    await settle();
    const before = page.fetch.asked.length;
    hurry();
    await settle();
    const [five, four, ...more] = page.fetch.asked.slice(before);
    assert.deepEqual([five.body, four.body, more], [{ reaction: 'dislike' }, { reaction: 'like' }, []]);
    five.answer(reacted(0, 0, 11, null));
    await settle();
    page.fetch.last.answer({ detail: 'Not you.' }, 403);
    four.answer(reacted(0, 0, 11, null));
    await settle();
    page.fetch.last.answer({ detail: 'Not you.' }, 403);
    await settle();
  }
});

test('what was taken back while it waited is sent: that it arrived is not known', async () => {
  const page = postsPage({ posts: [{ id: 5, version: 10 }] });
  page.press(5, 'like');
  page.fetch.last.fail();
  await page.timers.advance(500);
  await page.answer({}, 429, { 'Retry-After': '5' });
  page.press(5, 'like');
  assert.deepEqual(page.shown(5), [0, 0, 0, null]);
  await page.timers.advance(5_000);
  assert.deepEqual(page.fetch.last.body, { reaction: null });
  await page.answer(reacted(0, 0, 12, null));
  assert.deepEqual([page.shown(5), page.busy(5), page.asked('/posts/5/reaction').length], [[0, 0, 0, null], 0, 3]);
});

for (const [status, reason] of [[401, 'Signed out'], [403, 'No.'], [404, 'No.'], [422, 'No.']]) {
  test(`what waited and is then refused by ${status} is given back, with the reason`, async () => {
    const page = postsPage({ posts: [{ id: 5, likes: 3, version: 10 }] });
    page.press(5, 'like');
    page.fetch.last.fail();
    await page.timers.advance(500);
    await page.answer({ detail: 'No.' }, status);
    assert.deepEqual([page.shown(5), page.complaint(5), page.waiting(5), page.busy(5)], [[3, 0, 0, null], reason, [], 0]);
  });
}

test('what waits when the page goes is given back: a page that the browser shows again says so', async () => {
  const window = new FakeElement('window');
  const page = postsPage({ posts: [{ id: 5, likes: 3, version: 10 }], view: window });
  await page.timers.advance(1_000);
  for (const order of ['fails, goes', 'goes, fails']) {
    page.press(5, 'like');
    for (const what of order.split(', ')) {
      if (what === 'goes') window.fire('pagehide');
      else page.fetch.last.fail();
      await settle();
    }
    assert.deepEqual([page.shown(5), page.complaint(5), page.timers.pending], [[3, 0, 0, null], 'Not done', 0]);
  }
  page.press(5, 'like');
  window.fire('pagehide');
  page.press(5, 'dislike'); // it is shown again
  page.fetch.last.fail();
  await settle();
  assert.deepEqual([page.shown(5), page.waiting(5), page.complaint(5)], [[3, 1, 0, 'dislike'], ['dislike'], '']);
});

test('what is on its way when the page goes still arrives', async () => {
  const window = new FakeElement('window');
  const page = postsPage({ posts: [{ id: 5, likes: 3, version: 10 }], view: window });
  page.press(5, 'like');
  window.fire('pagehide');
  await page.answer(reacted(4, 0, 11, 'like'));
  assert.deepEqual([page.shown(5), page.complaint(5)], [[4, 0, 0, 'like'], '']);
});

test('429 waits as long as the server asks, and not for the network', async () => {
  const page = postsPage({ posts: [{ id: 5, version: 10 }] });
  page.press(5, 'like');
  await page.answer({}, 429, { 'Retry-After': '5' });
  assert.deepEqual([page.shown(5), page.waiting(5), page.busy(5)], [[1, 0, 0, 'like'], [], 2]);
  page.document.fire('live:state', { detail: { transport: 'sse' } });
  await page.timers.advance(4_900);
  assert.equal(page.asked('/posts/5/reaction').length, 1);
  await page.timers.advance(200);
  await page.answer(reacted(1, 0, 11, 'like'));
  assert.deepEqual([page.shown(5), page.complaint(5)], [[1, 0, 0, 'like'], '']);
});

test('a page that is loaded anew shows what is still on its way', async () => {
  const page = postsPage({ posts: [{ id: 5, version: 10 }] });
  page.press(5, 'like');
  const fresh = postsPage({ posts: [{ id: 5, version: 10 }] }).list;
  page.list.replaceWith(fresh);
  fresh.setDocument(page.document);
  page.page.bind();
  assert.deepEqual(page.shown(5), [1, 0, 0, 'like']);
  await page.answer(reacted(1, 0, 11, 'like'));
  assert.deepEqual([page.shown(5), page.busy(5)], [[1, 0, 0, 'like'], 0]);
});

test('what a page that is loaded anew knows by then is kept while a reaction is on its way, and after it', async () => {
  const page = postsPage({ posts: [{ id: 5, likes: 3, version: 10 }] });
  const loadAnew = (post) => {
    const fresh = postsPage({ posts: [post] }).list;
    page.document.querySelector('[data-posts]').replaceWith(fresh);
    fresh.setDocument(page.document);
    page.page.bind();
  };
  page.press(5, 'like');
  loadAnew({ id: 5, likes: 9, version: 20 });
  assert.deepEqual(page.shown(5), [10, 0, 0, 'like']);
  loadAnew({ id: 5, likes: 10, version: 21, reaction: 'like' }); // it has arrived, and its answer has not
  assert.deepEqual(page.shown(5), [10, 0, 0, 'like']);
  loadAnew({ id: 5, likes: 8, version: 22 });
  await page.answer({ title: 'Forbidden', status: 403, detail: 'Not you.' }, 403);
  assert.deepEqual([page.shown(5), page.complaint(5), page.busy(5)], [[8, 0, 0, null], 'Not you.', 0]);
});

// -- what is new

test('a button says how many posts are new, but not those of whom one has blocked', () => {
  const page = postsPage({ posts: [{ id: 5 }], blocked: 'eve mallory' });
  page.recent([5], [4]);
  assert.equal(page.offered(), '');
  page.recent([6], [5]);
  assert.equal(page.offered(), '1 new post');
  page.recent([9], [8, 'eve'], [7, 'ann'], [6], [5]);
  assert.equal(page.offered(), '3 new posts');
  page.recent([8, 'eve'], [5]); // the others were deleted
  assert.equal(page.offered(), '');
});

test('the feed names twenty: there may be more', () => {
  const page = postsPage({ posts: [{ id: 5 }] });
  page.recent(...Array.from({ length: 20 }, (_, number) => [40 - number]));
  assert.equal(page.offered(), '20+ new posts');
});

test('where some of the twenty are not counted, there may be more all the same', () => {
  const page = postsPage({ posts: [{ id: 5 }], blocked: 'eve' });
  const newest = Array.from({ length: 20 }, (_, number) => [40 - number, number < 19 ? 'eve' : 'bob']);
  page.recent(...newest);
  assert.equal(page.offered(), '1+ new posts');
  page.recent(...newest.slice(0, 19), [5]);
  assert.equal(page.offered(), '');
});

test('the button does not stay for posts that one does not get: their author may be blocked since', async () => {
  const page = postsPage({ posts: [{ id: 5 }] });
  page.recent([7, 'eve'], [6, 'eve'], [5]);
  page.news.fire('click');
  await page.part({ posts: [] });
  assert.equal(page.offered(), '');
  page.recent([8], [7, 'eve'], [6, 'eve'], [5]);
  assert.equal(page.offered(), '1 new post');
});

test('a part for a page that was loaded anew meanwhile is asked for again', async () => {
  const page = postsPage({ posts: [{ id: 5 }] });
  page.recent([60], [5]);
  page.news.fire('click');
  const fresh = postsPage({ posts: [{ id: 60 }, { id: 40 }] }).list;
  page.list.replaceWith(fresh);
  fresh.setDocument(page.document);
  page.page.bind();
  await page.part({ posts: [{ id: 60 }, { id: 40 }], more: true });
  assert.equal(page.fetch.last.url, 'https://example.test/posts/newer?after=60');
  await page.part({ posts: [] });
  assert.deepEqual(fresh.children.map((item) => item.id), ['post-60', 'post-40']);
});

test('a feed from which all posts have gone still leads to those before them', () => {
  const page = postsPage({ posts: [{ id: 5 }] });
  page.older.hidden = false;
  page.older.setAttribute('href', '/posts?before=5');
  page.counts(5, 11, 0, 0, 0, true);
  assert.deepEqual([page.older.getAttribute('href'), page.document.getElementById('no-posts').hidden], ['/posts?before=5', true]);
  const last = postsPage({ posts: [{ id: 5 }] });
  last.counts(5, 11, 0, 0, 0, true);
  assert.deepEqual([last.older.getAttribute('href'), last.document.getElementById('no-posts').hidden], ['/posts?before=0', false]);
});

test('pressed, it puts them above the others, once, and leaves the rest as it is', async () => {
  const page = postsPage({ posts: [{ id: 5 }] });
  page.input.value = 'what one types';
  const [five] = page.list.children;
  page.recent([7], [6], [5]);
  page.news.fire('click');
  assert.equal(page.fetch.last.url, 'https://example.test/posts/newer?after=5');
  page.counts(5, 11, 1);
  await page.part({ posts: [{ id: 7 }, { id: 6 }, { id: 5 }] });
  assert.deepEqual(page.ids(), [7, 6, 5]);
  assert.ok(page.list.children[2] === five);
  assert.deepEqual([page.offered(), page.input.value, page.shown(5)[0]], ['', 'what one types', 1]);
});

test('pressed, it leads to the first of them; further down that one comes to the top', async () => {
  for (const [scrollTop, block] of [[0, 'nearest'], [900, 'start']]) {
    const page = postsPage({ posts: [{ id: 5 }] });
    page.document.documentElement.scrollTop = scrollTop;
    page.recent([7], [6], [5]);
    assert.equal(page.document.ledTo, undefined);
    page.news.fire('click');
    await page.part({ posts: [{ id: 7 }, { id: 6 }] });
    assert.deepEqual([page.document.activeElement.id, page.document.ledTo], ['post-7', ['post-7', { block }]]);
  }
});

test('one who writes on before they come is not led away', async () => {
  const page = postsPage({ posts: [{ id: 5 }] });
  page.recent([6], [5]);
  page.news.fire('click');
  page.input.focus();
  await page.part({ posts: [{ id: 6 }] });
  assert.deepEqual([page.ids(), page.document.activeElement, page.document.ledTo], [[6, 5], page.input, undefined]);
});

test('where nothing was pressed nobody is led anywhere, also after a press that brought nothing', async (context) => {
  context.mock.method(console, 'warn', () => {});
  const page = postsPage({ thread: { id: 1, replies: 1 }, posts: [{ id: 5 }] });
  page.counts(1, 11, 0, 0, 2);
  page.news.fire('click');
  page.fetch.last.fail();
  await settle();
  assert.equal(page.document.activeElement, page.news);
  page.page.apply({ seq: 1, kind: 'reply', data: { post: 1, reply: 7, by: 'bob' } });
  await page.part({ posts: [{ id: 7 }], replies: 2 });
  assert.deepEqual([page.document.activeElement.id, page.document.ledTo], ['post-7', undefined]);
});

test('where so much is new that a part does not reach down to the others, it takes their place', async () => {
  const page = postsPage({ posts: [{ id: 5 }, { id: 4 }] });
  page.recent([90], [80]);
  page.news.fire('click');
  await page.part({ posts: [{ id: 90 }, { id: 61 }], more: true });
  assert.deepEqual([page.ids(), page.older.getAttribute('href'), page.older.hidden], [[90, 61], '/posts?before=61', false]);
});

test('a part that does not come changes nothing, and can be asked for again', async (context) => {
  context.mock.method(console, 'warn', () => {});
  const page = postsPage({ posts: [{ id: 5 }] });
  page.recent([6], [5]);
  page.news.fire('click');
  page.fetch.last.fail();
  await settle();
  assert.deepEqual([page.ids(), page.offered()], [[5], '1 new post']);
  page.news.fire('click');
  await page.part({ user: 'somebody else', posts: [{ id: 6 }] });
  assert.deepEqual(page.ids(), [5]);
});

test('a page of older posts watches these only', () => {
  assert.deepEqual(postsPage({ posts: [{ id: 5 }, { id: 4 }], history: true }).page.topics, ['post:5', 'post:4']);
  assert.deepEqual(postsPage({ posts: [{ id: 5 }] }).page.topics, ['posts', 'post:5']);
  assert.deepEqual(postsPage({ thread: { id: 1 }, posts: [{ id: 5 }] }).page.topics, ['post:1', 'post:1', 'post:5']);
});

test('what comes into an empty feed is watched from then on', async () => {
  const page = postsPage();
  await page.timers.advance(1_000);
  assert.deepEqual([page.told.topics, page.page.topics], [0, ['posts']]);
  page.recent([6]);
  page.news.fire('click');
  await page.part({ posts: [{ id: 6 }] });
  await page.timers.advance(1_000);
  assert.deepEqual([page.told.topics, page.page.topics], [1, ['posts', 'post:6']]);
});

test('no more is watched than the server takes', () => {
  const posts = Array.from({ length: 80 }, (_, number) => ({ id: 100 - number }));
  assert.equal(postsPage({ posts }).page.topics.length, 40);
});

// -- a thread

test('replies of others come when one asks for them', async () => {
  const page = postsPage({ thread: { id: 1, replies: 1 }, posts: [{ id: 5 }] });
  page.counts(1, 11, 0, 0, 3);
  assert.deepEqual([page.offered(), page.ids()], ['2 new replies', [5]]);
  page.news.fire('click');
  assert.equal(page.fetch.last.url, 'https://example.test/posts/1/newer?after=5');
  await page.part({ posts: [{ id: 7 }, { id: 8 }], replies: 3 });
  assert.deepEqual([page.ids(), page.offered(), page.list.dataset.replies], [[5, 7, 8], '', '3']);
});

test('to one who has a part in the thread they come by themselves, once, whichever says it first', async () => {
  const page = postsPage({ thread: { id: 1, replies: 1 }, posts: [{ id: 5 }] });
  page.page.apply({ seq: 1, kind: 'reply', data: { post: 1, reply: 7, by: 'bob' } });
  page.counts(1, 11, 0, 0, 2);
  assert.equal(page.offered(), '');
  page.page.apply({ seq: 2, kind: 'reply', data: { post: 2, reply: 9, by: 'bob' } }); // somewhere else
  await page.part({ posts: [{ id: 7 }], replies: 2 });
  assert.deepEqual([page.ids(), page.offered()], [[5, 7], '']);
  assert.equal(page.asked('/posts/1/newer').length, 1);
});

test('what is told while a part is on its way is asked for again, and all of a long part', async () => {
  const page = postsPage({ thread: { id: 1 }, posts: [] });
  page.page.apply({ seq: 1, kind: 'reply', data: { post: 1, reply: 7, by: 'bob' } });
  page.page.apply({ seq: 2, kind: 'reply', data: { post: 1, reply: 8, by: 'bob' } });
  await page.part({ posts: [{ id: 7 }], replies: 1 });
  await page.part({ posts: [{ id: 8 }], replies: 60, more: true });
  await page.part({ posts: [{ id: 9 }], replies: 60 });
  assert.deepEqual([page.ids(), page.asked('/posts/1/newer').length], [[7, 8, 9], 3]);
});

test('a reply that was deleted is not missing', () => {
  const page = postsPage({ thread: { id: 1, replies: 2 }, posts: [{ id: 5 }, { id: 6 }] });
  page.counts(1, 11, 0, 0, 1);
  assert.equal(page.offered(), '');
  page.counts(1, 12, 0, 0, 2);
  assert.equal(page.offered(), '1 new reply');
});

test('what is new is as much as before when a reply that is shown is deleted, whichever is told first', () => {
  for (const isCountFirst of [true, false]) {
    const page = postsPage({ thread: { id: 1 }, posts: [{ id: 5 }, { id: 6 }] });
    page.counts(1, 11, 0, 0, 3);
    assert.equal(page.offered(), '1 new reply');
    if (isCountFirst) page.counts(1, 12, 0, 0, 2);
    page.counts(5, 12, 0, 0, 0, true);
    page.counts(1, 12, 0, 0, 2);
    assert.equal(page.offered(), '1 new reply');
    page.counts(1, 13, 0, 0, 1); // that one is deleted, too
    assert.equal(page.offered(), '');
    page.counts(1, 14, 0, 0, 0);
    page.page.apply({ seq: 1, kind: 'deleted', data: { kind: 'reply', id: 6, post: 1 } });
    assert.equal(page.offered(), '');
  }
});

test('a number of replies from before is no news', async () => {
  const page = postsPage({ thread: { id: 1, version: 20 }, posts: [{ id: 5 }] });
  page.page.apply({ seq: 1, kind: 'reply', data: { post: 1, reply: 7, by: 'bob' } });
  await page.part({ posts: [{ id: 7 }, { id: 8 }], replies: 3, version: 22 });
  page.counts(1, 19, 0, 0, 0);
  page.counts(1, 21, 0, 0, 2); // between the two
  page.counts(1, 22, 0, 0, 3);
  assert.equal(page.offered(), '');
});

test('a reply that was deleted before a part was read, and told of only then, is not missing', async () => {
  const page = postsPage({ thread: { id: 1 }, posts: [{ id: 5 }] });
  page.page.apply({ seq: 1, kind: 'reply', data: { post: 1, reply: 8, by: 'bob' } });
  await page.part({ posts: [{ id: 7, gone: true }, { id: 8 }], replies: 1, version: 22 });
  page.counts(5, 22, 0, 0, 0, true);
  assert.equal(page.offered(), '');
  page.counts(1, 23, 0, 0, 2);
  assert.equal(page.offered(), '1 new reply');
});

test('what is told of the post on the page is marked as seen, while one looks', async () => {
  const page = postsPage({ thread: { id: 1 }, posts: [{ id: 5 }] });
  const seen = () => page.asked('/posts/1/seen');
  page.document.isFocused = false;
  page.page.apply({ seq: 1, kind: 'like', data: { post: 1, by: 'bob', withdrawn: false } });
  assert.equal(seen().length, 0);
  page.document.isFocused = true;
  page.document.fire('focusin');
  assert.equal(seen().length, 1);
  await page.answer({ badges: { likes: 0 }, seq: 2 });
  assert.deepEqual(page.told.badges, [[{ likes: 0 }, 2]]);
  const mention = { source: null, data: { post: 1, reply: 7, mention: { by: 'bob' } } };
  for (const [seq, kind, data] of [[3, 'dislike', { post: 5 }], [4, 'like', { post: 9 }], [5, 'notification', mention], [6, 'notification', { data: null }]]) {
    page.page.apply({ seq, kind, data });
    await settle();
    if (seen().length > 1) seen().at(-1).answer({ badges: {}, seq });
    await settle();
  }
  assert.equal(seen().length, 3);
});

// -- writing

test('what was written stays until it is stored, and is sent once', async () => {
  const page = postsPage({ posts: [{ id: 5 }] });
  Object.assign(page.input, { value: 'Hello' });
  page.key.value = 'from-the-form';
  assert.ok(page.write.fire('submit').isPrevented);
  page.write.fire('submit');
  assert.equal(page.asked('/posts').length, 1);
  assert.deepEqual(page.fetch.last.body, { body: 'Hello', key: 'from-the-form' });
  assert.ok(page.input.getAttribute('readonly') !== null);
  page.recent([6, 'ann'], [5]); // it may be said before the answer comes
  assert.equal(page.offered(), '');
  page.fetch.last.fail();
  await settle();
  assert.equal(page.document.getElementById('write-status').textContent, 'Waiting');
  page.outbox.hurry();
  await settle();
  assert.deepEqual(page.fetch.last.body, { body: 'Hello', key: 'from-the-form' });
  await page.answer({ id: 6 }, 201);
  assert.equal(page.fetch.last.url, 'https://example.test/posts/newer?after=5');
  await page.part({ posts: [{ id: 6 }] });
  assert.deepEqual([page.ids(), page.offered(), page.input.value], [[6, 5], '', '']);
  assert.match(page.key.value, /^[0-9a-f]{32}$/);
  assert.equal(page.input.getAttribute('readonly'), null);
});

test('what is written too often waits, but not for the network', async () => {
  const page = postsPage();
  const status = () => page.document.getElementById('write-status').textContent;
  page.input.value = 'Hello';
  page.write.fire('submit');
  await page.answer({}, 429, { 'Retry-After': '5' });
  assert.equal(status(), 'Sending');
  await page.timers.advance(5_000);
  await page.answer({}, 503);
  assert.equal(status(), 'Waiting');
});

test('what is refused stays, with the reason', async () => {
  const page = postsPage({ thread: { id: 1 }, posts: [] });
  page.input.value = 'Hello';
  page.write.fire('submit');
  assert.equal(page.fetch.last.url, 'https://example.test/posts/1/replies');
  await page.answer({ detail: 'Not to you.' }, 403);
  assert.deepEqual([page.input.value, page.error.textContent, page.error.hidden], ['Hello', 'Not to you.', false]);
  assert.equal(page.input.getAttribute('aria-invalid'), 'true');
  page.write.fire('submit');
  await page.answer({ detail: 'body: has 4001 characters; write at most 4000' }, 422);
  assert.equal(page.error.textContent, 'The text has 4001 characters; write at most 4000.');
});

test('a blank text is not sent, and counts as missing', () => {
  const page = postsPage();
  page.input.value = ' \n';
  page.write.fire('submit');
  assert.deepEqual([page.told.validity, page.fetch.asked.length], [[''], 0]);
});

test('Ctrl+Enter sends', () => {
  const page = postsPage();
  page.input.value = 'Hello';
  page.input.fire('keydown', { key: 'Enter' });
  assert.equal(page.fetch.asked.length, 0);
  page.input.fire('keydown', { key: 'Enter', ctrlKey: true });
  assert.equal(page.fetch.asked.length, 1);
});

test('one who writes where the newest are not shown is led there', async () => {
  const thread = postsPage({ thread: { id: 1 }, posts: [{ id: 5 }], end: false });
  const feed = postsPage({ posts: [{ id: 5 }], history: true });
  for (const page of [thread, feed]) {
    page.input.value = 'Hello';
    page.write.fire('submit');
    await page.answer({ id: 9 }, 201);
  }
  assert.deepEqual([thread.told.went, feed.told.went], [['/posts/9'], ['/posts']]);
});
