/** The texts that the server translated for this page. */
export class Strings {
  /** @param {Record<string, string>} texts */
  constructor(texts) {
    this.texts = texts;
  }

  /**
   * @param {string} name
   * @param {Record<string, string | number>} [values] for the `{places}` in the text
   * @returns {string} the name itself where there is no such text
   */
  get(name, values = {}) {
    const text = this.texts[name] ?? name;
    return text.replace(/\{(\w+)\}/g, (place, key) => String(values[key] ?? place));
  }

  /**
   * @param {string} text that the server has stored in English
   * @returns {string} the same in the page's language, where it is one of our own
   */
  own(text) {
    const words = /** @type {any} */ (this.texts['own-words'] ?? {});
    return Object.hasOwn(words, text) ? words[text] : text;
  }
}

/**
 * @param {Document} document
 * @returns {Strings} from `<script type="application/json" id="live-strings">`
 */
export function readStrings(document) {
  const block = document.getElementById('live-strings');
  return new Strings(block ? JSON.parse(block.textContent) : {});
}
