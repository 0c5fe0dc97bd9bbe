/**
 * Times as the user reads them: in the page's language and the browser's time zone, and kept up while they age.
 *
 * The same rules as in myapp/times.py. `data-style` says how: `clock` beside a message, `short` in lists, `day` (of a
 * date) between the days of a conversation; without one the whole time.
 */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** How often ages are looked at, in milliseconds. */
const KEEP_UP = 20_000;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const YEAR = 365 * 24 * 60 * 60;

/**
 * @param {Date} time
 * @returns {string} the day there, as in `2026-11-20`
 */
export function localDay(time) {
  const two = (number) => String(number).padStart(2, '0');
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
}

/** Days from one date to another, whatever the clocks did in between. */
function daysBetween(from, to) {
  return Math.round((Date.parse(`${to}T00:00Z`) - Date.parse(`${from}T00:00Z`)) / DAY);
}

export class Times {
  #formats = new Map();

  /**
   * @param {object} parts
   * @param {string} parts.language of the page
   * @param {import('./strings.js').Strings} parts.strings
   * @param {import('./timers.js').Timers} parts.timers
   */
  constructor({ language, strings, timers }) {
    this.locale = language.startsWith('zh') ? 'zh-CN' : 'en-GB';
    this.strings = strings;
    this.timers = timers;
  }

  /**
   * Rewrite every `<time datetime>` in a part of the page. What cannot be read stays as the server wrote it.
   *
   * @param {ParentNode} root
   */
  localize(root) {
    for (const element of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll('time[datetime]'))) {
      const at = element.getAttribute('datetime') ?? '';
      const { style } = element.dataset;
      const text = style === 'day' ? this.day(at) : this.show(new Date(at), style);
      if (text === null) continue;
      if (text !== element.textContent) element.textContent = text;
      if (style === 'day') continue;
      const title = this.#format(new Date(at), { dateStyle: 'full', timeStyle: 'medium' });
      if (element.title !== title) element.title = title;
    }
  }

  /**
   * Keep up what is on the page, from now on.
   *
   * @param {Document} document
   */
  keepUp(document) {
    const look = () => {
      if (document.visibilityState === 'visible') this.localize(document);
      this.timers.set(look, KEEP_UP);
    };
    document.addEventListener('visibilitychange', () => this.localize(document));
    look();
  }

  /**
   * @param {Date} time
   * @param {string} [style]
   * @returns {string | null} null where it is no time
   */
  show(time, style) {
    const ms = time.getTime();
    if (Number.isNaN(ms)) return null;
    if (!style) return this.#format(time, { dateStyle: 'medium', timeStyle: 'short' });
    const age = this.timers.now() - ms;
    if (age < MINUTE) return this.strings.get('now');
    if (age < HOUR) return this.strings.get('minutes-ago', { minutes: Math.floor(age / MINUTE) });
    const isClock = style === 'clock' || daysBetween(localDay(time), this.#today()) === 0;
    return isClock ? this.#clock(time) : this.day(localDay(time), 'short');
  }

  /**
   * @param {string} day as in `2026-11-20`
   * @param {'long' | 'short'} [length]
   * @returns {string | null} null where it is no day
   */
  day(day, length = 'long') {
    const [year, month, date] = day.split('-').map(Number);
    const time = new Date(year, month - 1, date);
    if (Number.isNaN(time.getTime())) return null;
    const age = daysBetween(day, this.#today());
    if (age === 0) return this.strings.get('today');
    if (age === 1) return this.strings.get('yesterday');
    if (length === 'short' && age > 0 && age < 7) return this.#format(time, { weekday: 'long' });
    const isThisYear = this.#today().startsWith(`${year}-`);
    if (length === 'short') return this.#shortDate(year, month, date, isThisYear);
    const parts = { weekday: 'long', day: 'numeric', month: 'long' };
    return this.#format(time, isThisYear ? parts : { ...parts, year: 'numeric' });
  }

  #today() {
    return localDay(new Date(this.timers.now()));
  }

  /** Written out, since browsers do not agree on the short names of months. */
  #shortDate(year, month, date, isThisYear) {
    if (this.locale.startsWith('zh')) return `${isThisYear ? '' : `${year}年`}${month}月${date}日`;
    return `${date} ${MONTHS[month - 1]}${isThisYear ? '' : ` ${year}`}`;
  }

  #clock(time) {
    return `${String(time.getHours()).padStart(2, '0')}:${String(time.getMinutes()).padStart(2, '0')}`;
  }

  #format(time, options) {
    const key = JSON.stringify(options);
    if (!this.#formats.has(key)) this.#formats.set(key, new Intl.DateTimeFormat(this.locale, options));
    return this.#formats.get(key).format(time);
  }
}

/** @returns {string} to be assigned to document.cookie: the next page comes in this browser's time zone */
export function zoneCookie() {
  const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  return zone ? `timezone=${zone}; path=/; max-age=${YEAR}; SameSite=Lax` : '';
}
