import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const files = (folder, suffix) =>
  readdirSync(join(root, folder), { recursive: true })
    .filter((name) => name.endsWith(suffix))
    .map((name) => [name, readFileSync(join(root, folder, name), 'utf8')]);

const modules = files('static', '.js');
const templates = files('templates', '.html');

test('there is something to check', () => {
  assert.ok(modules.length > 15 && templates.length > 6);
});

for (const [name, source] of modules) {
  test(`${name} writes no markup, runs no text as a program, and is one noun under 251 lines`, () => {
    assert.doesNotMatch(source, /\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|new Function)\b/);
    assert.doesNotMatch(source, /from '[^.]/, 'nothing is imported from outside');
    assert.ok(source.split('\n').length <= 251);
  });
}

for (const [name, source] of templates) {
  test(`${name} holds to the content security policy`, () => {
    assert.doesNotMatch(source, /\sstyle=/);
    assert.doesNotMatch(source, /\son[a-z]+="/);
    assert.doesNotMatch(source, /javascript:|\|safe\b/);
    for (const [script] of source.matchAll(/<script\b[^>]*>/g)) {
      assert.match(script, /type="application\/json"|src="\{\{ asset\(/);
    }
  });
}

test('only what has a role is named: a name on anything else is not read out', () => {
  for (const [name, source] of templates) {
    for (const [tag] of source.matchAll(/<(?:code|div|p|pre|span|strong|em|b|i|small)\b[^>]*\baria-label(?:ledby)?=[^>]*>/g)) {
      assert.match(tag, /\brole=/, name);
    }
  }
});

test('every form that posts carries a CSRF token', () => {
  for (const [name, source] of templates) {
    for (const [form] of source.matchAll(/<form\b[^>]*method="post"[\s\S]*?<\/form>/g)) {
      assert.match(form, /\bcsrf\(\)|form\.hidden_tag\(\)/, name);
    }
  }
});

test('every text that the client names is in the page', () => {
  const base = templates.find(([name]) => name === 'base.html')[1];
  const named = modules.flatMap(([, source]) => [...source.matchAll(/strings\.get\('([\w-]+)'/g)].map(([, text]) => text));
  const states = ['off', 'connecting', 'live', 'polling', 'offline', 'signed-out'].map((state) => `state-${state}`);
  for (const text of [...named, ...states, 'sending', 'waiting', 'seen']) assert.ok(base.includes(`'${text}':`), text);
});
