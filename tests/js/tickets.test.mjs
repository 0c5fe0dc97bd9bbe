import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Tickets, ticketsFrom } from '../../static/embed/tickets.js';
import { FakeTimers, fakeFetch, settle } from './support/world.mjs';

const MINUTE = 60_000;

/** `given` is what getTicket answers, one after the other. */
function start({ given, ticket = 'ticket_a', isSameOrigin = false, user } = {}) {
  const others = [];
  const timers = new FakeTimers();
  const fetch = fakeFetch();
  const answers = given && [...given];
  const getTicket = given && (async () => {
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  });
  const tickets = new Tickets({ base: 'https://live.example', ticket, getTicket, user, onOthers: () => others.push(tickets.user), isSameOrigin, fetch, timers, random: () => 0.5 });
  return { tickets, timers, fetch, others, left: () => answers.length };
}

test('it goes in the query to another origin, and in a header to the page\'s own', () => {
  const { tickets } = start({ ticket: 'ticket_a+b' });
  assert.deepEqual([tickets.query, tickets.headers, tickets.credentials], ['&ticket=ticket_a%2Bb', {}, 'omit']);
  assert.deepEqual(tickets.bearer, { Authorization: 'Bearer ticket_a+b' });
  const own = start({ isSameOrigin: true }).tickets;
  assert.deepEqual([own.query, own.headers, own.socketQuery], ['', { Authorization: 'Bearer ticket_a' }, '&ticket=ticket_a']);
});

test('it is changed for a new one before it expires, and that one again', async () => {
  const { tickets, timers, fetch } = start();
  await timers.advance(7 * MINUTE);
  assert.equal(fetch.asked.length, 1);
  assert.deepEqual([fetch.last.url, fetch.last.options.headers.Authorization], ['https://live.example/auth/ticket', 'Bearer ticket_a']);
  fetch.last.answer({ ticket: 'ticket_b', expires_in: 60 });
  await settle();
  assert.equal(tickets.socketQuery, '&ticket=ticket_b');
  await timers.advance(MINUTE);
  assert.equal(fetch.last.options.headers.Authorization, 'Bearer ticket_b');
});

test('where it cannot be changed now, that is tried again soon', async () => {
  const { tickets, timers, fetch } = start();
  await timers.advance(7 * MINUTE);
  fetch.last.fail();
  await timers.advance(30_000);
  fetch.last.answer({}, 503);
  await timers.advance(30_000);
  fetch.last.answer({ ticket: 'ticket_b', expires_in: 600 });
  await settle();
  assert.deepEqual([tickets.socketQuery, fetch.asked.length], ['&ticket=ticket_b', 3]);
});

test('one that has grown too old meanwhile is replaced', async () => {
  const { tickets, timers, fetch } = start({ given: ['ticket_b'] });
  await timers.advance(7 * MINUTE);
  fetch.last.answer({}, 401);
  await settle();
  assert.equal(tickets.socketQuery, '&ticket=ticket_b');
});

test('a new one is asked for once, whoever wants it, and again until there is an answer', async () => {
  const { tickets, timers, left } = start({ given: [new Error('away'), new Error('away'), 'ticket_b', 'never'] });
  const wanted = [tickets.replace(), tickets.replace()];
  await timers.advance(20_000);
  assert.deepEqual(await Promise.all(wanted), [true, true]);
  assert.deepEqual([tickets.socketQuery, left()], ['&ticket=ticket_b', 1]);
});

test('where nobody is signed in there is none, and nothing is planned any more', async () => {
  for (const parts of [{ given: [null] }, {}]) {
    const { tickets, timers } = start(parts);
    assert.equal(await tickets.replace(), false);
    assert.equal(timers.pending, 0);
  }
});

test('a new one that is refused at once is not replaced, but later it is', async () => {
  const { tickets, timers } = start({ given: ['ticket_b', 'ticket_c'] });
  assert.equal(await tickets.replace(), true);
  assert.equal(await tickets.replace(), false);
  await timers.advance(6_000);
  assert.equal(await tickets.replace(), true);
  assert.equal(tickets.socketQuery, '&ticket=ticket_c');
});

test('one that was refused when there is a newer one already is replaced by that, however young it is', async () => {
  const { tickets, left } = start({ given: ['ticket_b', 'ticket_c'] });
  await tickets.replace('ticket_a');
  assert.equal(await tickets.replace('ticket_a'), true);
  assert.deepEqual([tickets.newest, left()], ['ticket_b', 1]);
  assert.equal(await tickets.replace('ticket_b'), false);
});

test('one that the page brought is no reason not to ask for another', async () => {
  const { tickets } = start({ given: ['ticket_c'] });
  tickets.use('ticket_b', 'bob');
  assert.equal(await tickets.replace(), true);
});

test('one that was asked for while somebody else signed in is not taken', async () => {
  for (const [brought, asked] of [['', 2], ['bobs', 1]]) {
    const given = [{ ticket: 'anns', user: 'ann' }, { ticket: 'bobs', user: 'bob' }];
    const { tickets, timers, others, left } = start({ user: 'ann', given });
    const got = tickets.replace();
    tickets.use(brought, 'bob');
    await timers.advance(5_000);
    assert.equal(await got, true);
    assert.deepEqual([tickets.newest, tickets.user, others, left()], ['bobs', 'bob', [], 2 - asked]);
  }
});

test('a ticket that the page brings is whose it is said to be', async () => {
  const { tickets, others } = start({ user: 'ann', given: [{ ticket: 'ticket_c', user: 'bob' }] });
  tickets.use('ticket_b', 'bob');
  await tickets.replace();
  assert.deepEqual(others, []);
});

test('it is said when the new one is somebody else\'s', async () => {
  for (const [user, next, expected] of [['ann', 'ann', []], ['ann', 'bob', ['bob']], [undefined, 'bob', []], ['ann', undefined, []]]) {
    const { tickets, others } = start({ user, given: [{ ticket: 'ticket_b', user: next }] });
    await tickets.replace();
    assert.deepEqual(others, expected);
  }
});

test('closed, it asks for nothing', async () => {
  const { tickets, timers, fetch } = start({ given: ['ticket_b'] });
  tickets.close();
  assert.equal(await tickets.replace(), false);
  await timers.advance(20 * MINUTE);
  assert.equal(fetch.asked.length, 0);
});

test('the page\'s own server gives a ticket, says that nobody is signed in, or cannot tell', async () => {
  const fetch = fakeFetch();
  const get = ticketsFrom('https://shop.example/live-ticket', { fetch, timers: new FakeTimers() });
  const answered = async (...answer) => {
    const got = get();
    fetch.last.answer(...answer);
    return got;
  };
  assert.deepEqual(await answered({ ticket: 'ticket_a', user: 'ann' }), { ticket: 'ticket_a', user: 'ann' });
  const { credentials, redirect } = fetch.last.options;
  assert.deepEqual([credentials, redirect], ['same-origin', 'manual']);
  for (const refused of [[{}, 401], [{}, 403], [{}, 404], [undefined, 200], [{ ticket: null }, 200], ['', 0]]) {
    assert.equal(await answered(...refused), null);
  }
  for (const away of [503, 500, 429]) await assert.rejects(answered({}, away));
});

test('a page\'s server that says nothing is given up after a while', async () => {
  const fetch = fakeFetch();
  const timers = new FakeTimers();
  const got = ticketsFrom('https://shop.example/live-ticket', { fetch, timers })();
  const failed = assert.rejects(got);
  await timers.advance(15_000);
  await failed;
});
