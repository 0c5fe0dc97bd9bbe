/** Who wants to hear of what. One that fails keeps nobody else from hearing it. */
export class Listeners {
  #byName = new Map();

  /**
   * @param {string} name
   * @param {(detail: any) => void} listener
   * @returns {() => void} takes it away again
   */
  add(name, listener) {
    if (!this.#byName.has(name)) this.#byName.set(name, new Set());
    this.#byName.get(name).add(listener);
    return () => this.#byName.get(name).delete(listener);
  }

  /** @param {string} name @param {any} detail */
  tell(name, detail) {
    for (const listener of [...(this.#byName.get(name) ?? [])]) {
      try {
        listener(detail);
      } catch (error) {
        console.error(`live: a listener for ${name} failed`, error);
      }
    }
  }
}
