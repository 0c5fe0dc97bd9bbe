/** Items made from the server's own macros: cloned from a `<template>` and filled with text, never with markup. */

/**
 * @param {Document} document
 * @param {string} id of the template
 * @returns {HTMLElement}
 */
export function cloneTemplate(document, id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  return document.importNode(/** @type {HTMLElement} */ (template.content.firstElementChild), true);
}

/**
 * @param {ParentNode} root
 * @param {string} name
 * @returns {HTMLElement | null} the element that shows this field
 */
export function field(root, name) {
  return root.querySelector(`[data-field="${name}"]`);
}

/**
 * @param {ParentNode} root
 * @param {Record<string, string | number>} texts by field
 */
export function fill(root, texts) {
  for (const [name, text] of Object.entries(texts)) {
    const element = field(root, name);
    if (element) element.textContent = String(text);
  }
}

/**
 * @param {ParentNode} root
 * @param {string} at RFC 3339
 */
export function setTime(root, at) {
  root.querySelector('time')?.setAttribute('datetime', at);
}

/**
 * @param {HTMLElement} element
 * @param {number} id of the message that it shows; links lead to it
 */
export function setMessage(element, id) {
  element.setAttribute('id', `message-${id}`);
  element.dataset.messageId = String(id);
}

/**
 * @param {HTMLElement} root
 * @param {string | null | undefined} address as in an event: below the application's root
 */
export function setAvatar(root, address) {
  const image = field(root, 'avatar');
  if (image && address) showPicture(image, address);
}

/**
 * Somebody's name and picture as they are now, wherever this part of the page shows them.
 *
 * @param {ParentNode} root
 * @param {{name: string, displayName?: string | null, avatar?: string | null}} person
 */
export function showPerson(root, { name, displayName, avatar }) {
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll(`[data-person="${name}"]`))) {
    if (element.dataset.field === 'avatar') {
      if (avatar) showPicture(element, avatar);
    } else if (displayName && element.textContent !== displayName) {
      element.textContent = displayName;
    }
  }
}

function showPicture(image, address) {
  const source = (image.ownerDocument.body.dataset.root ?? '') + address;
  if (image.getAttribute('src') !== source) image.setAttribute('src', source);
}
