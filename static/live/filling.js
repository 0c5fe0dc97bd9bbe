/**
 * Copies of a page's own `<template>`, filled with what an event says: text as text, never as markup, and addresses only
 * where following them is harmless.
 *
 * A path names a field of the event's data, or `seq`, `kind` and `at` of the event itself: `title`, `data.order`, `at`.
 */

/** What `data-live-where-...` begins with. */
const WHERE = 'data-live-where-';

/**
 * @param {import('./cursor.js').LiveEvent} event
 * @param {string} path
 * @returns {string} '' where there is nothing that a page could show
 */
export function textAt(event, path) {
  return textBy(own, event, path);
}

/** @param {(value: any, name: string) => any} pick a field */
function textBy(pick, event, path) {
  const [first, ...rest] = path.split('.');
  let value = pick(event.data, first);
  if (value === undefined && ['seq', 'kind', 'at'].includes(first)) value = event[first];
  for (const name of rest) value = pick(value, name);
  return ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : '';
}

function own(value, name) {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** A path in an attribute's name is in lower case, however it was written. */
function ownAlike(value, name) {
  if (typeof value !== 'object' || value === null || Object.hasOwn(value, name)) return own(value, name);
  return own(value, Object.keys(value).find((other) => other.toLowerCase() === name));
}

/**
 * @param {string} address as somebody wrote it
 * @param {string} base of the page
 * @returns {string} the same, or '' where it is neither relative nor http(s)
 */
export function safeAddress(address, base) {
  if (!address) return '';
  try {
    return ['http:', 'https:'].includes(new URL(address, base).protocol) ? address : '';
  } catch {
    return '';
  }
}

/**
 * @param {HTMLElement} element
 * @param {string} kinds separated by spaces
 * @param {import('./cursor.js').LiveEvent} event
 * @returns {boolean} whether it is of one of these kinds, and all `data-live-where-<path>` of the element fit: each names
 *   one value or several, and a path in whatever case
 */
export function isFor(element, kinds, event) {
  if (!kinds.split(/\s+/).includes(event.kind)) return false;
  return element.getAttributeNames().every((name) => {
    if (!name.startsWith(WHERE)) return true;
    return element.getAttribute(name).split(/\s+/).includes(textBy(ownAlike, event, name.slice(WHERE.length)));
  });
}

/**
 * @param {HTMLTemplateElement} template
 * @param {import('./cursor.js').LiveEvent} event
 * @returns {HTMLElement | null} null where the template is empty
 */
export function filledCopy(template, event) {
  const document = template.ownerDocument;
  const first = template.content.firstElementChild;
  if (!first) return null;
  const copy = /** @type {HTMLElement} */ (document.importNode(first, true));
  for (const element of within(copy, 'data-live-text')) {
    element.textContent = textAt(event, element.dataset.liveText);
  }
  for (const element of within(copy, 'data-live-href')) {
    const address = safeAddress(textAt(event, element.dataset.liveHref), document.baseURI);
    if (address) element.setAttribute('href', address);
    else element.removeAttribute('href');
  }
  for (const element of within(copy, 'data-live-time')) {
    setTime(element, textAt(event, element.dataset.liveTime), document.documentElement.lang);
  }
  copy.dataset.liveSeq = String(event.seq);
  return copy;
}

/** The elements with this attribute, the root among them. */
function within(root, attribute) {
  const inside = [...root.querySelectorAll(`[${attribute}]`)];
  return root.getAttribute(attribute) === null ? inside : [root, ...inside];
}

function setTime(element, at, language) {
  const time = new Date(at);
  if (Number.isNaN(time.getTime())) return;
  element.setAttribute('datetime', at);
  element.textContent = formatted(time, language);
}

function formatted(time, language) {
  const style = /** @type {const} */ ({ dateStyle: 'medium', timeStyle: 'short' });
  try {
    return new Intl.DateTimeFormat(language || undefined, style).format(time);
  } catch {
    return new Intl.DateTimeFormat(undefined, style).format(time); // the page's lang is no language
  }
}
