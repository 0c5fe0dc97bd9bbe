import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Watched } from '../../static/live/watched.js';

function watching(...topics) {
  const page = { topics };
  const watched = new Watched(() => page.topics);
  watched.refresh();
  return { page, watched };
}

const at = (version, data = version) => ({ version, data });

test('a page that watches nothing adds nothing to a question', () => {
  const { watched } = watching();
  assert.equal(watched.query, '');
  watched.forget();
  assert.equal(watched.refresh(), false);
  assert.deepEqual(watched.take({ a: at(1) }), []);
});

test('only what is newer than all before it is let through, whichever way it came', () => {
  const { watched } = watching('a', 'b');
  assert.deepEqual(watched.take({ a: at(5), b: at(6) }), [['a', 5], ['b', 6]]);
  assert.deepEqual(watched.take({ a: at(4) }), []);
  assert.deepEqual(watched.take({ a: at(5), b: at(9) }), [['b', 9]]);
});

test('what is not watched, and what is no snapshot, is dropped', () => {
  const { watched } = watching('a');
  for (const one of [undefined, null, {}, { version: '7' }, { version: NaN }, { version: -1 }]) {
    assert.deepEqual(watched.take({ a: one }), []);
  }
  assert.deepEqual(watched.take({ z: at(5) }), []);
  assert.deepEqual(watched.take(undefined), []);
});

test('have says which version there is of each topic, in the order in which they are asked for; 0 for none', () => {
  const { page, watched } = watching('b', 'a');
  assert.equal(watched.query, '&watch=b,a&have=0,0');
  watched.take({ a: at(5), z: at(8) });
  assert.equal(watched.query, '&watch=b,a&have=0,5');
  watched.take({ a: at(4), b: at(3) });
  assert.equal(watched.query, '&watch=b,a&have=3,5');
  page.topics = ['c', 'a', 'b'];
  assert.equal(watched.refresh(), true);
  assert.equal(watched.query, '&watch=c,a,b&have=0,5,3');
  page.topics = ['b', 'a', 'c'];
  assert.equal(watched.refresh(), false);
  assert.equal(watched.query, '&watch=c,a,b&have=0,5,3');
  page.topics = ['a'];
  watched.refresh();
  assert.equal(watched.query, '&watch=a&have=5');
});

test('only other topics are asked for anew; their order does not count', () => {
  const { page, watched } = watching('a', 'b');
  page.topics = ['b', 'a', 'b'];
  assert.equal(watched.refresh(), false);
  page.topics = ['b'];
  assert.equal(watched.refresh(), true);
  assert.equal(watched.refresh(), false);
});

test('a page that was loaded anew gets everything again', () => {
  const { watched } = watching('a');
  watched.take({ a: at(5) });
  watched.forget();
  assert.equal(watched.query, '&watch=a&have=0');
  assert.equal(watched.refresh(), true);
  assert.equal(watched.refresh(), false);
  assert.deepEqual(watched.take({ a: at(5) }), [['a', 5]]);
});

test('never more is asked for than the server takes', () => {
  const many = Array.from({ length: 90 }, (_, n) => `presence:${n}`);
  assert.equal(watching(...many).watched.topics.length, 50);
  const long = many.map((topic) => topic.padEnd(200, 'x'));
  const text = JSON.stringify({ type: 'watch', topics: watching(...long).watched.topics });
  assert.ok(text.length < 4096);
});
