import { openLongPoll } from './transports/long-poll.js';
import { openShortPoll } from './transports/short-poll.js';
import { openEventStream } from './transports/sse.js';
import { openWebSocket } from './transports/websocket.js';

/**
 * @typedef {object} Batch what one answer or frame brought
 * @property {import('./cursor.js').LiveEvent[]} events
 * @property {number} [seq] the last one in here
 * @property {number} [latest] the inbox's last, at which `badges` were counted
 * @property {Record<string, number>} [badges]
 */

/**
 * @typedef {object} Closing why a transport ended, and what follows from it
 * @property {'retry' | 'poll' | 'stop' | 'signed-out'} next `poll`: come back, but without a parked connection
 * @property {number} [after] milliseconds that the server asks to wait
 * @property {boolean} [isTimeout] it never proved that it works, and gave no error either
 * @property {string} [detail] for the user, with `stop`
 */

/**
 * @typedef {object} Callbacks the same for every transport, and never called before its `open` has returned
 * @property {() => void} onOpen it works: a hello, an answer or a first byte came, not only a connection; once
 * @property {(batch: Batch) => void} onBatch after `onOpen`
 * @property {(snapshots: Record<string, import('./watched.js').Snapshot>) => boolean} onSnapshots by topic, after
 *   `onOpen`; gives whether anything is news
 * @property {() => Promise<void>} onReset the page's state is void; resolves when the cursor is right again
 * @property {(closing: Closing) => void} onClose once, and nothing after it; not after the handle's `close()`
 */

/**
 * @typedef {object} World what a transport needs
 * @property {import('./cursor.js').Cursor} cursor read at each request
 * @property {import('./watched.js').Watched} watched read at each request
 * @property {import('./timers.js').Timers} timers
 * @property {typeof fetch} fetch
 * @property {typeof WebSocket} WebSocket
 * @property {() => number} random
 * @property {import('./access.js').Access} [access] how to say who is asking; by default the session's cookie
 * @property {string} base where the application lives (scheme, host, mount point), without a slash at the end
 */

/**
 * @typedef {object} Handle
 * @property {() => void} close ends it silently; idempotent
 * @property {() => void} check make sure now that it still works: the network or the tab came back
 * @property {() => void} watch the topics in the world's `watched` are to be asked for anew
 */

/**
 * @typedef {object} Transport
 * @property {string} name as in the cookie and in data-live-transport
 * @property {'live' | 'polling'} state what the page is while it works
 * @property {number} tries how many must fail in a row before `auto` takes the next one
 * @property {boolean} [isPlain] requests that are answered, which no proxy breaks: where these fail, what would work?
 * @property {(world: World, callbacks: Callbacks) => Handle} open
 */

/**
 * Every transport there is, in the order in which `auto` tries them. One more is one more line.
 *
 * Over HTTP/1.1 a browser has six connections to a host for all its tabs. A stream takes one for good, a long poll one
 * for up to 25 s, a WebSocket none of them: in the seventh tab nothing would load. HTTP/2 knows no such limit.
 *
 * @type {Transport[]}
 */
export const TRANSPORTS = [
  { name: 'websocket', state: 'live', tries: 2, open: openWebSocket },
  { name: 'sse', state: 'live', tries: 1, open: openEventStream },
  { name: 'long-poll', state: 'live', tries: 1, isPlain: true, open: openLongPoll },
  { name: 'short-poll', state: 'polling', tries: 1, isPlain: true, open: openShortPoll },
];
