import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { findLinks, setLinkedText } from '../../static/live/links.js';
import { FakeDocument, h } from './support/dom.mjs';

const CASES = JSON.parse(readFileSync(new URL('../links.json', import.meta.url), 'utf8'));

for (const [text, links] of CASES) {
  test(`addresses in ${JSON.stringify(text)}`, () => {
    assert.deepEqual(findLinks(text).map(({ start, end }) => text.slice(start, end)), links);
  });
}

test('a text becomes text and links, and nothing else', () => {
  const element = h('p', {}, 'before');
  element.setDocument(new FakeDocument({ body: h('body') }));
  setLinkedText(element, '<b>see</b> https://example.org/a?b=<i> & more');
  assert.equal(element.textContent, '<b>see</b> https://example.org/a?b=<i> & more');
  assert.deepEqual(element.children.map(({ tagName }) => tagName), ['#TEXT', 'A', '#TEXT']);
  const [, link] = element.children;
  assert.equal(link.getAttribute('href'), 'https://example.org/a?b=');
  assert.equal(link.getAttribute('rel'), 'noopener noreferrer nofollow ugc');
  assert.equal(link.getAttribute('target'), '_blank');
  setLinkedText(element, '');
  assert.deepEqual(element.children, []);
});

test('texts made to take long do not', () => {
  const texts = ['https://' + 'a'.repeat(3990) + '@', 'https://a/' + ')'.repeat(3980), 'https://'.repeat(500), 'https://a@'.repeat(400)];
  for (const text of texts) assert.ok(findLinks(text).length <= 400);
});
