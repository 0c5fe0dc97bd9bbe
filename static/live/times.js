/** Times as the user reads them: in the browser's language and time zone. */

const DAY = 86_400_000;

/**
 * The shortest form that is not ambiguous: the time today, the weekday within a week, else the date.
 *
 * @param {Date} time
 * @param {Date} now
 * @param {string} [locale] the browser's where it is missing
 * @returns {string}
 */
export function shortTime(time, now, locale) {
  const clock = { hour: 'numeric', minute: '2-digit' };
  const age = now.getTime() - time.getTime();
  const isToday = time.toDateString() === now.toDateString();
  if (isToday) return format(time, clock, locale);
  if (age > 0 && age < 6 * DAY) return format(time, { weekday: 'short', ...clock }, locale);
  const isThisYear = time.getFullYear() === now.getFullYear();
  return format(time, { day: 'numeric', month: 'short', ...(isThisYear ? clock : { year: 'numeric' }) }, locale);
}

function format(time, options, locale) {
  return new Intl.DateTimeFormat(locale, options).format(time);
}

/**
 * Rewrite every `<time datetime>` in a part of the page. What cannot be read stays as the server wrote it.
 *
 * @param {ParentNode} root
 * @param {Date} [now]
 */
export function localizeTimes(root, now = new Date()) {
  for (const element of root.querySelectorAll('time[datetime]')) {
    const time = new Date(element.getAttribute('datetime') ?? '');
    if (Number.isNaN(time.getTime())) continue;
    element.textContent = shortTime(time, now);
    element.title = format(time, { dateStyle: 'full', timeStyle: 'medium' });
  }
}
