/** Pages as the server renders them, as far as their scripts look at them. */
import { Api } from '../../../static/live/api.js';
import { Outbox } from '../../../static/live/outbox.js';
import { ChatPage } from '../../../static/live/pages/chat.js';
import { Strings } from '../../../static/live/strings.js';
import { Times } from '../../../static/live/times.js';
import { FakeDocument, h } from './dom.mjs';
import { world } from './world.mjs';

export const at = '2026-01-02T03:04:05.000Z';
export const strings = new Strings({ seen: 'Seen', sending: 'Sending', waiting: 'Waiting', you: 'You: ', sent: '', 'not-sent': 'Not sent', online: 'online', offline: 'offline', typing: 'is typing', deleted: 'Deleted', delete: 'Delete', report: 'Report' });
export const timesOf = ({ timers }) => new Times({ language: 'en', strings, timers });
export const span = (name) => h('span', { 'data-field': name });

function item(message, isOwn) {
  const attributes = { class: 'message' };
  if (message) {
    attributes['data-message-id'] = message.id;
    attributes.class += isOwn ? ' message--own' : ` message--other${message.read ? '' : ' message--unread'}`;
  }
  const mark = h('span', { 'data-field': 'mark', hidden: '' });
  const body = h('p', { 'data-field': 'body' }, message?.body ?? '');
  const more = h('a', { 'data-field': 'more', hidden: '' });
  return h('li', attributes, [h('img', { 'data-field': 'avatar' }), span('from'), body, h('time', { datetime: at }), mark, more]);
}

export function chat({ messages = [], history = false, unread = 0, more = false } = {}) {
  const list = h('ol', { 'data-chat': 'bob', 'data-seen': 0, ...(unread && { 'data-unread': unread }), ...(history && { 'data-history': '' }) },
    messages.map((message) => item(message, message.from === 'alice')));
  const form = h('form', { id: 'send' }, [h('textarea', { id: 'body' })]);
  const body = h('body', {}, [
    h('main', {}, [
      h('span', { id: 'presence', 'data-presence': 'offline' }, 'offline'),
      h('div', { 'data-scroller': '' }, [
        ...(messages.length ? [] : [h('p', { id: 'no-messages' })]),
        h('div', { role: 'log' }, [list]),
        ...(more ? [h('p', { id: 'older' }, [h('a', { href: '/chats/bob?before=9' })])] : []),
      ]),
      h('button', { id: 'below', hidden: '' }, [h('span', {})]),
      form,
      h('p', { id: 'send-error', hidden: '' }),
    ]),
  ]);
  const document = new FakeDocument({ body, templates: { 'tpl-message': item(), 'tpl-day': h('li', { class: 'day' }, [h('time', { 'data-style': 'day' })]), 'tpl-unread-line': h('li', { class: 'unread' }) } });
  const around = world();
  const api = new Api({ ...around, csrfToken: () => 'token' });
  const outbox = new Outbox({ ...around, api });
  const badges = [];
  const parts = { ...around, document, user: 'alice', strings, times: timesOf(around), api, outbox, onBadges: (...args) => badges.push(args) };
  const page = new ChatPage(parts);
  let seq = 0;
  return {
    ...around, page, document, list, form, badges, outbox,
    input: form.firstElementChild,
    error: document.getElementById('send-error'),
    below: document.getElementById('below'),
    scroller: document.querySelector('[data-scroller]'),
    around, items: () => list.children.map((li) => li.dataset.day ?? (li.classList.contains('unread') ? 'line' : Number(li.dataset.messageId))),
    shown: () => list.children.filter((li) => li.classList.contains('message')).map((li) => [Number(li.dataset.messageId) || li.dataset.key && 'pending', text(li)]),
    receive: (id, from, body) => page.apply({ seq: ++seq, kind: 'message', at, data: { id, from, from_name: from, avatar: null, to: from === 'alice' ? 'bob' : 'alice', body } }),
    read: (by, side, upto) => page.apply({ seq: ++seq, kind: 'read', at, data: { by, with: side, upto } }),
    remove: (id, side = 'bob') => page.apply({ seq: ++seq, kind: 'deleted', at, data: { kind: 'message', id, with: side } }),
    write(body) {
      form.firstElementChild.value = body;
      form.fire('submit');
    },
    posts: (path) => around.fetch.asked.filter(({ url }) => url.endsWith(path)),
    mark: (id) => {
      const mark = list.children.find((li) => li.dataset.messageId === String(id)).querySelector('[data-field="mark"]');
      return mark.hidden ? '' : mark.textContent;
    },
  };
}

const text = (li) => li.querySelector('[data-field="body"]').textContent;
export const m = (id, from, body = `m${id}`, read = true) => ({ id, from, body, read });
