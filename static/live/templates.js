/** Items made from the server's own macros: cloned from a `<template>` and filled with text, never with markup. */

/**
 * @param {Document} document
 * @param {string} id of the template
 * @returns {HTMLElement}
 */
export function cloneTemplate(document, id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  return /** @type {HTMLElement} */ (template.content.firstElementChild.cloneNode(true));
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
 * A picture where there is one, else the first letter of the name.
 *
 * @param {ParentNode} root
 * @param {string} name
 * @param {string | null | undefined} url
 */
export function setAvatar(root, name, url) {
  const avatar = field(root, 'avatar');
  if (!avatar) return;
  avatar.textContent = url ? '' : ([...name][0] ?? '').toUpperCase();
  if (!url) return;
  const image = avatar.ownerDocument.createElement('img');
  image.src = url;
  image.alt = '';
  avatar.append(image);
}
