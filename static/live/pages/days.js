import { localDay } from '../times.js';

/**
 * Have each day's name stand once, before the first message of that day: what is there already is moved, what is
 * missing made, what has no messages taken away.
 *
 * @param {HTMLElement} list messages, `.day` with its `data-day`, and perhaps the line before what is `.unread`
 * @param {(day: string) => HTMLElement} make
 */
export function arrangeDays(list, make) {
  const items = /** @type {HTMLElement[]} */ ([...list.children]);
  const found = new Map();
  for (const item of items) if (item.classList.contains('day')) found.set(item.dataset.day, item);
  let current = '';
  let line = null;
  for (const item of items) {
    if (item.classList.contains('day')) continue;
    if (item.classList.contains('unread')) {
      line = item;
      continue;
    }
    const day = localDay(new Date(item.querySelector('time').getAttribute('datetime')));
    if (day !== current) {
      const divider = found.get(day) ?? make(day);
      found.delete(day);
      const before = line ?? item;
      if (divider.nextElementSibling !== before) list.insertBefore(divider, before);
      current = day;
    }
    line = null;
  }
  for (const divider of found.values()) divider.remove();
}
