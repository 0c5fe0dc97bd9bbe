/** The user's choice of transport, kept in a cookie that the server can read too. */

const NAME = 'transport';
const YEAR = 365 * 24 * 60 * 60;

/**
 * @param {string} cookies as in document.cookie
 * @param {string[]} known names of the transports there are
 * @returns {string} one of `known`, `off` or `auto`; what is not known here is `auto`
 */
export function readChoice(cookies, known) {
  for (const cookie of cookies.split(';')) {
    const [name, value] = cookie.split('=', 2).map((part) => part.trim());
    if (name === NAME && (value === 'off' || known.includes(value))) return value;
  }
  return 'auto';
}

/**
 * @param {string} choice
 * @returns {string} to be assigned to document.cookie
 */
export function choiceCookie(choice) {
  return `${NAME}=${choice}; path=/; max-age=${YEAR}; SameSite=Lax`;
}
