/**
 * @typedef {object} Access how requests say who is asking; each is read at each request
 * @property {RequestCredentials} credentials
 * @property {Record<string, string>} headers of polls and streams, which are asked for at ever new addresses
 * @property {string} query of the same; '' or begins with `&`
 * @property {string} socketQuery of a WebSocket, which takes no headers
 * @property {Record<string, string>} bearer headers of everything else
 */

/**
 * A page of the application's own: its session's cookie says it all.
 *
 * @type {Access}
 */
export const BY_COOKIE = { credentials: 'same-origin', headers: {}, query: '', socketQuery: '', bearer: {} };
