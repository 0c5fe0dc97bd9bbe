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

export { Inbox };

/** Where the application lives: what `Inbox` takes as `base`. */
export const base = baseOf(import.meta.url);

const read = () => readConfig(document, import.meta.url);
const config = globalThis.document ? read() : null;
const page = config && new EmbeddedPage({ window, config, readConfig: read, timers: systemTimers });

/** What the page follows; null where no script tag says who is asking. */
export const inbox = page?.inbox ?? null;
