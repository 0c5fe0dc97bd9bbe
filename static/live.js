/**
 * Makes a server-rendered page live. Everything here works without it, by forms.
 *
 * On `document` it dispatches `live:event` and `live:event:<kind>` (detail: the event), `live:badges` (detail: {badges,
 * latest}), `live:snapshot` (detail: {topic, data}) and `live:state` (detail: {state, transport}), each after the page has
 * changed.
 */
import { Api } from './live/api.js';
import { AtWork } from './live/at-work.js';
import { Badges } from './live/badges.js';
import { choiceCookie, readChoice } from './live/choice.js';
import { Connection } from './live/connection.js';
import { createContent } from './live/contents.js';
import { Copying } from './live/copying.js';
import { Cursor } from './live/cursor.js';
import { announce, announceEvent } from './live/dom-events.js';
import { textAt } from './live/filling.js';
import { Indicator } from './live/indicator.js';
import { Menus } from './live/menus.js';
import { Notices } from './live/notices.js';
import { Outbox } from './live/outbox.js';
import { Page } from './live/page.js';
import { Progress } from './live/progress.js';
import { readStrings } from './live/strings.js';
import { Times, zoneCookie } from './live/times.js';
import { TaskTelling } from './live/task-telling.js';
import { systemTimers } from './live/timers.js';
import { Toasts, addressOf, titleOf } from './live/toasts.js';
import { TRANSPORTS } from './live/transports.js';
import { Watched } from './live/watched.js';

const page = new Page({ document, location, fetch: fetch.bind(window), DOMParser, timers: systemTimers });
const strings = readStrings(document);
const times = new Times({ language: document.documentElement.lang, strings, timers: systemTimers });
document.cookie = zoneCookie();
times.keepUp(document);
new Copying({ document, clipboard: navigator.clipboard, timers: systemTimers, strings }).bind();
const text = (name) => strings.get(name);
new Progress({ document, fetch: fetch.bind(window), timers: systemTimers, random: Math.random, text }).keepUp();
new Menus(document).bind();
if (page.isSignedIn) follow();

function follow() {
  const indicator = new Indicator({ document, strings, timers: systemTimers });
  const cursor = new Cursor(page.place.seq, page.place.epoch);
  const badges = new Badges(document, page.place.seq);
  const tasks = new TaskTelling(strings, page.root);
  const toasts = new Toasts({
    document,
    timers: systemTimers,
    addressOf: (event) => tasks.addressOf(event) ?? addressOf(event, page.root),
    titleOf: (event) => tasks.titleOf(event) ?? titleOf(event, strings),
    bodyOf: (event) => tasks.bodyOf(event) ?? textAt(event, 'body'),
  });
  const atWork = new AtWork(document);
  const world = {
    cursor,
    watched: new Watched(() => [...atWork.topics, ...(content?.topics ?? [])]),
    timers: systemTimers,
    fetch: page.fetch,
    WebSocket,
    random: Math.random,
    base: page.base,
  };
  const api = new Api({ ...world, csrfToken: () => page.csrfToken });
  const outbox = new Outbox({ ...world, api });
  const content = createContent(document, {
    ...world,
    user: page.user,
    strings,
    times,
    api,
    outbox,
    DOMParser,
    onBadges: applyBadges,
    onTopics: () => connection.watch(),
    go: (address) => location.assign(page.base + address),
  });
  const notices = new Notices({
    ...world,
    document,
    location,
    DOMParser,
    api,
    strings,
    onBadges: applyBadges,
    onShown: (root) => times.localize(root),
  });
  notices.bind();

  const connection = new Connection({
    world,
    transports: TRANSPORTS,
    reload,
    onBatch(events, batch) {
      applyEvents(events, batch.badges);
      applyBadges(batch.badges, batch.latest);
      connection.watch(); // what has come may bring other topics
    },
    onSnapshot(topic, data, version) {
      attempt(`what is current of ${topic}`, () => atWork.snapshot(topic, data));
      attempt(`what is current of ${topic}`, () => {
        if (content?.topics.includes(topic)) content.snapshot(topic, data, version);
      });
      announce(document, 'live:snapshot', { topic, data });
    },
    onState(state, transport, more) {
      indicator.show(state, transport, more);
      if (transport) {
        outbox.hurry();
        notices.recover();
      }
      announce(document, 'live:state', { state, transport });
    },
  });

  function applyEvents(events, numbers) {
    content?.together(() => {
      for (const event of events) attempt(`event ${event.seq}`, () => content.apply(event));
    });
    for (const event of events) {
      attempt(`event ${event.seq}`, () => atWork.apply(event));
      if (tasks.tells(event, numbers)) attempt(`event ${event.seq}`, () => toasts.show(event));
      notices.apply(event);
      announceEvent(document, event);
    }
  }

  function applyBadges(numbers, latest) {
    if (badges.apply(numbers, latest)) announce(document, 'live:badges', { badges: numbers, latest });
  }

  async function reload() {
    const place = await page.reload();
    if (place === null) return null;
    times.localize(document);
    content?.bind();
    atWork.bind();
    notices.refresh();
    badges.reset(place.badges, place.seq);
    announce(document, 'live:badges', { badges: place.badges, latest: place.seq });
    return place;
  }

  const names = TRANSPORTS.map(({ name }) => name);
  const choice = readChoice(document.cookie, names);
  indicator.offer(choice, {
    onChoice(chosen) {
      document.cookie = choiceCookie(chosen);
      connection.choose(chosen);
    },
    onRetry: () => connection.insist(),
  });
  listen(connection, outbox);
  connection.choose(choice);
}

/** What the browser says about the network, the tab and the page's life. */
function listen(connection, outbox) {
  window.addEventListener('online', () => {
    connection.online();
    outbox.hurry();
  });
  window.addEventListener('offline', () => connection.offline());
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') connection.hurry();
  });
  window.addEventListener('pagehide', () => connection.close());
  window.addEventListener('pageshow', (event) => {
    if (event.persisted) connection.resume();
  });
  window.addEventListener('beforeunload', (event) => {
    if (outbox.isStuck) event.preventDefault(); // a message would be lost: the browser asks
  });
}

/** What cannot be shown does not keep the page from showing what comes after it. */
function attempt(what, show) {
  try {
    show();
  } catch (error) {
    console.error(`live: ${what} could not be shown`, error);
  }
}
