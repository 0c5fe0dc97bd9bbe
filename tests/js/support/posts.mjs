/** The feed, or one post with its replies, as the server renders them, as far as their scripts look at them. */
import { Api } from '../../../static/live/api.js';
import { Outbox } from '../../../static/live/outbox.js';
import { PostsPage } from '../../../static/live/pages/posts.js';
import { Strings } from '../../../static/live/strings.js';
import { timesOf } from './chat.mjs';
import { FakeDocument, h } from './dom.mjs';
import { settle, world } from './world.mjs';

const strings = new Strings({
  'new-post': '{count} new post', 'new-posts': '{count} new posts', 'new-reply': '{count} new reply', 'new-replies': '{count} new replies',
  'not-done': 'Not done', sending: 'Sending', waiting: 'Waiting', sent: 'Sent', 'state-signed-out': 'Signed out',
});

const counted = (name, count) => h('span', { 'data-count': name }, String(count));

export function article({ id, likes = 0, dislikes = 0, replies = 0, version = 10, reaction = null, gone = false }) {
  const button = (kind, count) =>
    h('button', { 'data-reaction': kind, value: kind === reaction ? '' : kind, 'aria-pressed': String(kind === reaction) }, [counted(`${kind}s`, count)]);
  return h('article', { class: gone ? 'post post--gone' : 'post', id: `post-${id}`, 'data-post': id, 'data-version': version, tabindex: '-1' }, [
    h('p', { 'data-field': 'body' }, `post ${id}`),
    button('like', likes), button('dislike', dislikes), counted('replies', replies),
    h('p', { 'data-field': 'error', hidden: '' }),
  ]);
}

/** @param {{posts?: any[], thread?: any, history?: boolean, end?: boolean}} what a thread has its posts as replies */
export function postsPage({ posts = [], thread = null, history = false, end = true, blocked = '', known = posts.length, view = undefined } = {}) {
  const list = h('section', {
    'data-posts': '', id: 'posts', tabindex: '-1',
    ...(thread ? { 'data-thread': thread.id, 'data-replies': known } : { 'data-blocked': blocked }),
    ...(history && { 'data-history': '' }),
  }, posts.map(article));
  const write = h('form', { id: 'write', 'data-send': thread ? `/posts/${thread.id}/replies` : '/posts', 'data-wrong': 'The text {problem}.' }, [
    h('textarea', { id: 'body' }), h('input', { name: 'key' }), h('p', { id: 'write-error', hidden: '' }), h('button', {}),
    h('span', { id: 'write-status' }),
  ]);
  write.reportValidity = () => told.validity.push(write.querySelector('textarea').value);
  const main = h('main', {}, [
    ...(thread ? [article(thread)] : []), write, list,
    h('p', { id: 'no-posts', ...(posts.length && { hidden: '' }) }),
    ...(history || !end ? [] : [h('button', { id: 'news', hidden: '' })]),
    ...(thread ? [] : [h('a', { id: 'older', href: '/posts?before=1', hidden: '' })]),
  ]);
  const gone = (text) => h('p', { class: 'post__gone' }, text);
  const document = new FakeDocument({
    body: h('body', { 'data-user': 'ann' }, [main]),
    templates: { 'tpl-gone-post': gone('deleted post'), 'tpl-gone-reply': gone('deleted reply') },
  });
  document.defaultView = view;
  const around = world();
  const api = new Api({ ...around, csrfToken: () => 'token' });
  const outbox = new Outbox({ ...around, api });
  const told = { badges: [], went: [], topics: 0, validity: [] };
  // what the server says is `{user, posts, more, replies}`, as JSON
  const DOMParser = class {
    parseFromString(text) {
      const { user = 'ann', posts: fresh = [], more = false, replies, version = 0 } = JSON.parse(text);
      const part = h('div', { class: 'part', 'data-user': user, ...(more && { 'data-more': '' }), ...(replies !== undefined && { 'data-replies': replies, 'data-version': version }) }, fresh.map(article));
      part.setDocument(document);
      return { querySelector: () => part };
    }
  };
  const page = new PostsPage({
    ...around, document, user: 'ann', strings, times: timesOf(around), api, outbox, DOMParser,
    onBadges: (...args) => told.badges.push(args),
    onTopics: () => (told.topics += 1),
    go: (address) => told.went.push(address),
  });
  const shownOf = (id) => {
    const item = document.getElementById(`post-${id}`);
    const count = (name) => Number(item.querySelector(`[data-count="${name}"]`).textContent);
    const pressed = item.querySelectorAll('[aria-pressed="true"]').map((button) => button.dataset.reaction);
    return [count('likes'), count('dislikes'), count('replies'), pressed[0] ?? null];
  };
  return {
    ...around, page, document, list, told, outbox, write,
    input: write.querySelector('textarea'),
    key: write.querySelector('input'),
    error: document.getElementById('write-error'),
    news: document.getElementById('news'),
    older: document.getElementById('older'),
    ids: () => list.children.map((item) => Number(item.dataset.post)),
    shown: shownOf,
    offered: () => (document.getElementById('news').hidden ? '' : document.getElementById('news').textContent),
    busy: (id) => document.getElementById(`post-${id}`).querySelectorAll('[aria-busy]').length,
    waiting: (id) => document.getElementById(`post-${id}`).querySelectorAll('.react--waiting').map((button) => button.dataset.reaction),
    complaint: (id) => document.getElementById(`post-${id}`).querySelector('[data-field="error"]').textContent,
    press(id, kind) {
      const button = document.getElementById(`post-${id}`).querySelector(`[data-reaction="${kind}"]`);
      return document.fire('click', { target: button });
    },
    counts: (id, version, likes, dislikes = 0, replies = 0, deleted = false) =>
      page.snapshot(`post:${id}`, { likes, dislikes, replies, deleted }, version),
    recent: (...posts) => page.snapshot('posts', { newest: posts[0]?.[0] ?? 0, recent: posts.map(([id, by = 'bob']) => ({ id, by })) }, 1),
    asked: (path) => around.fetch.asked.filter(({ url }) => url.replace('https://example.test', '').startsWith(path)),
    async answer(body, status = 200, headers = {}) {
      around.fetch.last.answer(body, status, headers);
      await settle();
    },
    /** The server gives a part of a page. */
    async part(content) {
      around.fetch.last.answer(JSON.stringify(content));
      await settle();
    },
  };
}
