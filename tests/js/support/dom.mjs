/** As much of a document as the client touches: elements, attributes, simple selectors, focus. No markup. */

const camel = (name) => name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
const dashed = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

export class FakeElement {
  nodeType = 1;

  constructor(tag, attributes = {}, children = []) {
    this.tagName = tag.toUpperCase();
    this.attributes = new Map(Object.entries(attributes).map(([name, value]) => [name, String(value)]));
    this.children = [];
    this.parent = null;
    this.text = '';
    this.hidden = this.attributes.has('hidden');
    this.value = '';
    this.scrollTop = 0;
    this.listeners = {};
    this.ownerDocument = null;
    for (const child of [children].flat()) {
      if (typeof child === 'string') this.text = child;
      else this.append(child);
    }
    this.dataset = new Proxy(this.attributes, {
      get: (attributes, key) => attributes.get(`data-${dashed(String(key))}`),
      set: (attributes, key, value) => Boolean(attributes.set(`data-${dashed(key)}`, String(value))),
      deleteProperty: (attributes, key) => attributes.delete(`data-${dashed(key)}`) || true,
      ownKeys: (attributes) => [...attributes.keys()].filter((key) => key.startsWith('data-')).map((key) => camel(key.slice(5))),
    });
    const element = this;
    this.classList = {
      names: () => (element.attributes.get('class') ?? '').split(/\s+/).filter(Boolean),
      contains: (name) => element.classList.names().includes(name),
      add: (name) => element.attributes.set('class', [...new Set([...element.classList.names(), name])].join(' ')),
      remove: (name) => element.attributes.set('class', element.classList.names().filter((other) => other !== name).join(' ')),
      toggle: (name, isOn) => (isOn ? element.classList.add(name) : element.classList.remove(name)),
    };
  }

  get childNodes() {
    return [...this.children];
  }

  get isConnected() {
    return this.ownerDocument?.contains(this) ?? false;
  }

  get id() {
    return this.attributes.get('id') ?? '';
  }

  get textContent() {
    return this.text + this.children.map((child) => child.textContent).join('');
  }

  set textContent(text) {
    this.children = [];
    this.text = String(text);
  }

  get firstElementChild() {
    return this.children[0] ?? null;
  }

  get lastElementChild() {
    return this.children.at(-1) ?? null;
  }

  get previousElementSibling() {
    return this.parent?.children[this.parent.children.indexOf(this) - 1] ?? null;
  }

  get nextElementSibling() {
    return this.parent?.children[this.parent.children.indexOf(this) + 1] ?? null;
  }

  get parentNode() {
    return this.parent;
  }

  get parentElement() {
    return this.parent;
  }

  getAttribute(name) {
    return this.attributes.get(name) ?? null;
  }

  setAttribute(name, value) {
    this.attributes.set(name, String(value));
  }

  getAttributeNames() {
    return [...this.attributes.keys()];
  }

  removeAttribute(name) {
    this.attributes.delete(name);
  }

  append(child) {
    this.insertBefore(child, null);
  }

  /** Texts become elements of their own, `#text`. */
  replaceChildren(...parts) {
    this.children = [];
    this.text = '';
    for (const part of parts) this.append(typeof part === 'string' ? new FakeElement('#text', {}, part) : part);
  }

  insertBefore(child, before) {
    child.remove();
    const at = before ? this.children.indexOf(before) : this.children.length;
    this.children.splice(at, 0, child);
    child.parent = this;
  }

  remove() {
    if (this.parent) this.parent.children.splice(this.parent.children.indexOf(this), 1);
    this.parent = null;
  }

  replaceWith(other) {
    const { parent } = this;
    parent.insertBefore(other, this);
    this.remove();
  }

  cloneNode() {
    const copy = new FakeElement(this.tagName, Object.fromEntries(this.attributes), this.children.map((child) => child.cloneNode()));
    copy.text = this.text;
    copy.hidden = this.hidden;
    copy.ownerDocument = this.ownerDocument;
    return copy;
  }

  setDocument(document) {
    this.ownerDocument = document;
    for (const child of this.children) child.setDocument(document);
  }

  contains(other) {
    for (let node = other; node; node = node.parent) if (node === this) return true;
    return false;
  }

  closest(selector) {
    for (let node = this; node; node = node.parent) if (matches(node, selector)) return node;
    return null;
  }

  querySelectorAll(selector) {
    const found = [];
    for (const child of this.children) {
      if (matches(child, selector)) found.push(child);
      found.push(...child.querySelectorAll(selector));
    }
    return found;
  }

  querySelector(selector) {
    return this.querySelectorAll(selector)[0] ?? null;
  }

  focus() {
    this.ownerDocument.activeElement = this;
  }

  /** Where the user was led is kept in the document's `ledTo`. */
  scrollIntoView(options) {
    this.ownerDocument.ledTo = [this.id, options];
  }

  getBoundingClientRect() {
    return { top: 0 };
  }

  addEventListener(name, listener) {
    (this.listeners[name] ??= []).push(listener);
  }

  /** What somebody dispatched here is kept in `dispatched`; a listener's preventDefault counts. */
  dispatchEvent(event) {
    (this.dispatched ??= []).push([event.type, event.detail]);
    for (const listener of this.listeners[event.type] ?? []) listener(event);
    return !event.defaultPrevented;
  }

  /** The user does something here. */
  fire(name, more = {}) {
    const event = { preventDefault: () => (event.isPrevented = true), ...more };
    for (const listener of this.listeners[name] ?? []) listener(event);
    return event;
  }
}

function matches(element, selectors) {
  return selectors.split(',').some((selector) => {
    const tag = /^\w+/.exec(selector.trim())?.[0];
    if (tag && element.tagName !== tag.toUpperCase()) return false;
    for (const [, kind, name] of selector.matchAll(/([.#])([\w-]+)(?![^[]*\])/g)) {
      if (kind === '#' ? element.id !== name : !element.classList.contains(name)) return false;
    }
    const forbidden = /:not\(\[([\w-]+)=([\w-]+)\]\)/.exec(selector);
    if (forbidden && element.getAttribute(forbidden[1]) === forbidden[2]) return false;
    for (const [, name, , value] of selector.replace(/:not\(.*\)/, '').matchAll(/\[([\w-]+)(="?([^"\]]*)"?)?\]/g)) {
      const has = element.getAttribute(name);
      if (has === null || (value !== undefined && has !== value)) return false;
    }
    return true;
  });
}

/** A `<template>` of this element. */
export const template = (attributes, content) => {
  const element = new FakeElement('template', attributes);
  element.content = { firstElementChild: content };
  return element;
};

/** h('li', {class: 'x'}, [...children] or 'text') */
export const h = (tag, attributes, children) => new FakeElement(tag, attributes, children);

export class FakeDocument extends FakeElement {
  constructor({ body, title = 'Page', templates = {} }) {
    super('#document', {}, [h('html', {}, [body])]);
    this.documentElement = this.firstElementChild;
    this.body = body;
    this.title = title;
    this.templates = templates;
    for (const root of [body, ...Object.values(templates)]) root.setDocument(this);
    this.visibilityState = 'visible';
    this.isFocused = true;
    this.activeElement = null;
    this.baseURI = 'https://shop.example/orders/';
    this.location = { href: this.baseURI };
  }

  hasFocus() {
    return this.isFocused;
  }

  getElementById(id) {
    if (this.templates[id]) return { content: { firstElementChild: this.templates[id] } };
    return this.querySelector(`#${id}`);
  }

  createElement(tag) {
    const element = new FakeElement(tag);
    element.ownerDocument = this;
    return element;
  }

  importNode(node) {
    const copy = node.cloneNode();
    copy.setDocument(this);
    return copy;
  }

  adoptNode(node) {
    return node;
  }
}
