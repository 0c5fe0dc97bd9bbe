/**
 * The browser client for pages of other applications, on this origin or another: see docs/embedding.md.
 *
 * Loaded by a script tag that says who is asking (`data-live-ticket`, `data-live-ticket-url`) it makes the page live, by
 * attributes. Imported without one it does nothing but give `Inbox`.
 */
import { baseOf, readConfig } from './embed/config.js';
import { Inbox } from './embed/inbox.js';
import { EmbeddedPage } from './embed/page.js';
import { systemTimers } from './live/timers.js';
// What those import: named here, a browser asks for all of it at once, and not for one after the other.
import './embed/listeners.js';
import './embed/lists.js';
import './embed/options.js';
import './embed/origins.js';
import './embed/place.js';
import './embed/refresher.js';
import './embed/seen-marker.js';
import './embed/tickets.js';
import './embed/world.js';
import './live/access.js';
import './live/api.js';
import './live/backoff.js';
import './live/badges.js';
import './live/closing.js';
import './live/connection.js';
import './live/counts.js';
import './live/cursor.js';
import './live/dom-events.js';
import './live/event-stream.js';
import './live/filling.js';
import './live/http.js';
import './live/inbox-stream.js';
import './live/intake.js';
import './live/ladder.js';
import './live/next-try.js';
import './live/outage.js';
import './live/renewal.js';
import './live/status.js';
import './live/taken-back.js';
import './live/toasts.js';
import './live/transports.js';
import './live/transports/long-poll.js';
import './live/transports/poll.js';
import './live/transports/short-poll.js';
import './live/transports/sse.js';
import './live/transports/websocket.js';
import './live/upgrade.js';
import './live/watched.js';

export { Inbox };

/** Where the application lives: what `Inbox` takes as `base`. */
export const base = baseOf(import.meta.url);

const config = globalThis.document ? readConfig(document, import.meta.url) : null;
const page = config && new EmbeddedPage({ window, config, timers: systemTimers });

/** What the page follows; null where no script tag says who is asking. */
export const inbox = page?.inbox ?? null;
