/**
 * @typedef {object} Block one event of an event stream
 * @property {string} type `message` where the stream does not say
 * @property {string} data
 */

/** A line ends with any of these. */
const LINE_END = /\r\n|\n|\r/;

/**
 * Reads server-sent events out of bytes (WHATWG HTML, section 9.2.6). Comments, `id`, `retry` and fields that it does
 * not know are read over: where to go on is the cursor's business, and when is the connection's.
 *
 * Promise: however the bytes are cut, the same blocks come out, each as soon as the line end of its empty line has
 * begun. A block that has not ended is never given out. The work grows with the bytes, not faster.
 */
export class EventStreamParser {
  /** It takes a byte order mark away, and waits for the rest of a character that is cut in two. */
  #decoder = new TextDecoder();
  /** What there is of a line that has not ended. */
  #line = '';
  /** A line has ended with CR: a LF right behind it belongs to it. */
  #hasReturned = false;
  #type = '';
  #data = [];

  /**
   * @param {Uint8Array} bytes
   * @returns {Block[]} what ended within them
   */
  push(bytes) {
    let text = this.#decoder.decode(bytes, { stream: true });
    if (text === '') return [];
    if (this.#hasReturned && text.startsWith('\n')) text = text.slice(1);
    this.#hasReturned = text.endsWith('\r');
    const lines = text.split(LINE_END);
    lines[0] = this.#line + lines[0];
    this.#line = lines.pop();
    const blocks = [];
    for (const line of lines) {
      if (line !== '') this.#read(line);
      else if (this.#data.length > 0) blocks.push(this.#block());
      else this.#type = '';
    }
    return blocks;
  }

  /** @param {string} line */
  #read(line) {
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (name === 'data') this.#data.push(value);
    else if (name === 'event') this.#type = value;
  }

  /** @returns {Block} */
  #block() {
    const block = { type: this.#type || 'message', data: this.#data.join('\n') };
    this.#type = '';
    this.#data = [];
    return block;
  }
}
