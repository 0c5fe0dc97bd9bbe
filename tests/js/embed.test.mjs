import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const entry = new URL('../../static/embed.js', import.meta.url);

/** The modules that one imports, as addresses. */
function imports(url) {
  const source = readFileSync(fileURLToPath(url), 'utf8');
  return [...source.matchAll(/^(?:import|export)\b[^;]*?'(\.[^']*)';$/gms)].map(([, name]) => new URL(name, url).href);
}

test('imported where there is no page, it starts nothing and gives the class', async () => {
  const { Inbox, inbox } = await import(entry.href);
  assert.equal(inbox, null);
  assert.equal(typeof Inbox, 'function');
});

test('it names all modules that it needs, so that they load at once', () => {
  const named = new Set(imports(entry));
  const needed = new Set(named);
  for (const url of needed) for (const next of imports(url)) needed.add(next);
  assert.ok(needed.size > 30);
  assert.deepEqual([...needed].filter((url) => !named.has(url)), []);
});
