import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventStreamParser } from '../../static/live/event-stream.js';

const bytesOf = (text) => new TextEncoder().encode(text);

/** Every block of these pieces, in order. */
function read(...pieces) {
  const parser = new EventStreamParser();
  return pieces.flatMap((piece) => parser.push(typeof piece === 'string' ? bytesOf(piece) : piece));
}

const message = (data, type = 'message') => ({ type, data });

for (const [name, text, expected] of [
  ['one block', 'event: like\ndata: {}\n\n', [message('{}', 'like')]],
  ['a block without a type', 'data: x\n\n', [message('x')]],
  ['an empty type', 'event:\ndata: x\n\n', [message('x')]],
  ['the last of two types', 'event: a\nevent: b\ndata: x\n\n', [message('x', 'b')]],
  ['a type that ends with its block', 'event: a\ndata: 1\n\ndata: 2\n\n', [message('1', 'a'), message('2')]],
  ['a type without data', 'event: a\n\ndata: x\n\n', [message('x')]],
  ['several data lines', 'data: a\ndata:\ndata: b\n\n', [message('a\n\nb')]],
  ['data that is empty', 'data\n\n', [message('')]],
  ['data of two empty lines', 'data\ndata:\n\n', [message('\n')]],
  ['one space after the colon', 'data:x\n\ndata: x\n\ndata:  x\n\ndata:\tx\n\n', [message('x'), message('x'), message(' x'), message('\tx')]],
  ['a colon in the data', 'data: a: b:\n\n', [message('a: b:')]],
  ['comments', ': hello\n:\n:\n\ndata: x\n: between\n\n', [message('x')]],
  ['fields that nobody knows', 'id: 7\nretry: 1000\ndatum: y\nData: y\n data: y\nDATA\ndata: x\n\n', [message('x')]],
  ['only empty lines', '\n\n\r\r\r\n\r\n', []],
  ['no end', 'data: x\n\ndata: y\n', [message('x')]],
  ['no end at all', 'data: x', []],
  ['CR as line end', 'event: a\rdata: x\r\rdata: y\r\r', [message('x', 'a'), message('y')]],
  ['CR LF as line end', 'event: a\r\ndata: x\r\n\r\ndata: y\r\n\r\n', [message('x', 'a'), message('y')]],
  ['every line end at once', 'data: a\rdata: b\ndata: c\r\n\n', [message('a\nb\nc')]],
  ['LF before CR: two line ends', 'data: a\n\rdata: b\n\n', [message('a'), message('b')]],
  ['a byte order mark', '\ufeffdata: x\n\n', [message('x')]],
  ['a second byte order mark, which belongs to a name', '\ufeff\ufeffdata: x\n\ndata: y\n\n', [message('y')]],
  ['a byte order mark in the data', 'data: \ufeff\n\n', [message('\ufeff')]],
  ['other line ends of Unicode, which are none here', 'data: a\u2028b\u2029c\u0085d\u000be\u000cf\n\n', [message('a\u2028b\u2029c\u0085d\u000be\u000cf')]],
  ['characters of two, three and four bytes', 'data: é€😀\n\n', [message('é€😀')]],
  ['a NUL', 'data: a\0b\n\n', [message('a\0b')]],
]) {
  test(`${name}: at once, byte by byte, and cut in two and three at every place`, () => {
    const bytes = bytesOf(text);
    assert.deepEqual(read(bytes), expected);
    assert.deepEqual(read(...[...bytes].map((byte) => Uint8Array.of(byte))), expected);
    for (let i = 0; i <= bytes.length; i += 1) {
      assert.deepEqual(read(bytes.subarray(0, i), bytes.subarray(i)), expected, `cut at ${i}`);
      for (let j = i; j <= bytes.length; j += 1) {
        const pieces = [bytes.subarray(0, i), bytes.subarray(i, j), new Uint8Array(), bytes.subarray(j)];
        assert.deepEqual(read(...pieces), expected, `cut at ${i} and ${j}`);
      }
    }
  });
}

test('a block comes out with the first byte of its empty line, and not before', () => {
  for (const end of ['\n', '\r', '\r\n']) {
    const parser = new EventStreamParser();
    const text = bytesOf(`data: x${end}${end}`);
    const early = [...text.subarray(0, 7 + end.length)].flatMap((byte) => parser.push(Uint8Array.of(byte)));
    assert.deepEqual(early, []);
    assert.deepEqual(parser.push(text.subarray(7 + end.length, 8 + end.length)), [message('x')]);
    assert.deepEqual(parser.push(text.subarray(8 + end.length)), []);
  }
});

test('bytes that are no UTF-8 spoil no more than their place', () => {
  assert.deepEqual(read(Uint8Array.of(...bytesOf('data: a'), 0xff, 0xc3, ...bytesOf('b\n\n'))), [message('a\ufffd\ufffdb')]);
});

test('random streams, cut at random, say what was written into them', () => {
  let state = 4711;
  const random = (below) => (state = (state * 16807) % 2147483647) % below;
  const alphabet = ['a', ' ', ':', 'é', '€', '😀', '\ufeff', '\u2028', '"', '\\', '\0'];
  const line = () => Array.from({ length: random(8) }, () => alphabet[random(alphabet.length)]).join('');
  for (let round = 0; round < 500; round += 1) {
    const expected = [];
    let text = random(2) ? '\ufeff' : '';
    const end = () => ['\n', '\r\n', '\r'][random(3)];
    // CR and a LF that is a line end of its own would be one: an empty line begins with LF only behind LF
    const put = (more) => {
      const ending = end();
      text += text.endsWith('\r') && more === '' && ending === '\n' ? `${more}\r\n` : more + ending;
    };
    for (let n = random(6); n > 0; n -= 1) {
      const data = Array.from({ length: 1 + random(3) }, line);
      const type = random(2) ? `t${random(9)}` : '';
      if (random(3) === 0) put(`:${line()}`);
      if (type) put(`event: ${type}`);
      for (const one of data) put(`data: ${one}`);
      if (random(3) === 0) put(`x${line()}`);
      put('');
      expected.push(message(data.join('\n'), type || 'message'));
    }
    const bytes = bytesOf(text);
    const pieces = [];
    for (let from = 0; from < bytes.length; ) {
      const to = from + 1 + random(7);
      pieces.push(bytes.subarray(from, to));
      from = to;
    }
    assert.deepEqual(read(...pieces), expected, JSON.stringify(text));
  }
});

test('a large block in small pieces takes time by its size, not by its square', () => {
  const size = 8_000_000;
  const parser = new EventStreamParser();
  parser.push(bytesOf('data: '));
  const piece = bytesOf('x'.repeat(100));
  const began = performance.now();
  for (let n = 0; n < size / piece.length; n += 1) assert.equal(parser.push(piece).length, 0);
  const [block] = parser.push(bytesOf('\n\n'));
  assert.equal(block.data.length, size);
  assert.ok(performance.now() - began < 5_000); // the square of it would take minutes
});

test('many lines in one piece are read once each', () => {
  const many = 200_000;
  const began = performance.now();
  assert.equal(read('data: {}\n\n'.repeat(many)).length, many);
  assert.ok(performance.now() - began < 5_000);
});
