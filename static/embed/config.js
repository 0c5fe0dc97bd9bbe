import { CHOICES } from './options.js';

/** The script that loads this and says who is asking. */
const SCRIPT = 'script[data-live-ticket], script[data-live-ticket-url]';

/** @typedef {{seq: number, epoch: string}} Place where an inbox stands */

/**
 * @typedef {object} Config
 * @property {string} base
 * @property {string} [ticket]
 * @property {string} [ticketUrl] absolute
 * @property {string} [user]
 * @property {number} [seq]
 * @property {string} [epoch]
 * @property {string} transport
 */

/**
 * @param {string} url of embed.js itself, with or without a version
 * @returns {string} where the application lives, without a slash at the end
 */
export function baseOf(url) {
  const { origin, pathname } = new URL(url);
  return origin + pathname.replace(/\/static\/(~[^/]+\/)?[^/]*$/, '');
}

/**
 * @param {Document} document
 * @param {string} url of embed.js itself
 * @returns {Config | null} null where no script tag says who is asking: then this is only a library
 */
export function readConfig(document, url) {
  const script = newestScript(document);
  if (!script) return null;
  const { liveTicket, liveTicketUrl, liveUser, liveSeq, liveEpoch, liveTransport, liveBase } = script.dataset;
  return {
    base: liveBase ? new URL(liveBase, document.baseURI).href.replace(/\/+$/, '') : baseOf(url),
    ticket: liveTicket || undefined,
    ticketUrl: liveTicketUrl ? new URL(liveTicketUrl, document.baseURI).href : undefined,
    user: liveUser || undefined,
    seq: seqOf(liveSeq, liveEpoch),
    epoch: liveEpoch,
    transport: choiceOf(liveTransport),
  };
}

/**
 * @param {Document} document
 * @returns {{user?: string, ticket: string}} who is asking now; neither is said where there is no script tag
 */
export function readWho(document) {
  const { liveUser, liveTicket = '' } = newestScript(document)?.dataset ?? {};
  return { user: liveUser || undefined, ticket: liveTicket };
}

/**
 * @param {Document} document
 * @returns {Place | undefined} where the data of the newest page stands, if its tag says it
 */
export function readPlace(document) {
  const { liveSeq, liveEpoch } = newestScript(document)?.dataset ?? {};
  const seq = seqOf(liveSeq, liveEpoch);
  return seq === undefined ? undefined : { seq, epoch: liveEpoch };
}

/** Turbo adds the one of each page that it loads. @returns {HTMLScriptElement | undefined} */
function newestScript(document) {
  return [...document.querySelectorAll(SCRIPT)].at(-1);
}

/** @param {string | undefined} text @param {string | undefined} epoch */
function seqOf(text, epoch) {
  if (!text) return undefined;
  const seq = /^\d+$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(seq) && epoch) return seq;
  const remedy = epoch ? 'a whole number, or leave it out' : 'data-live-epoch with it, as GET /badges answers both';
  console.error(`live: data-live-seq is "${text}": give ${remedy}`);
  return undefined;
}

/** @param {string | undefined} text */
function choiceOf(text) {
  if (!text || CHOICES.includes(text)) return text || 'auto';
  console.error(`live: data-live-transport is "${text}": give one of ${CHOICES.join(', ')}`);
  return 'auto';
}
