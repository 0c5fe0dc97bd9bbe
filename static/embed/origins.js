/**
 * What keeps a page from a live server of another origin: a browser tells a script only that there was no answer,
 * whichever of these it was.
 *
 * @param {string} base where the live server is
 * @returns {string} what to look at, for the console
 */
export function whatAnotherOriginNeeds(base) {
  const page = globalThis.location?.origin;
  return `is ${base} running, does its MYAPP_ALLOWED_ORIGINS name ${page}, and this page's Content-Security-Policy (connect-src) it?`;
}
