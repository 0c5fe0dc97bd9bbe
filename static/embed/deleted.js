/**
 * @param {import('../live/cursor.js').LiveEvent} event
 * @param {{kind: string, id: number}} deleted the data of a `deleted` event: a message, post or reply
 * @returns {boolean} whether the event had its content
 */
export function hadContent({ kind, data }, deleted) {
  if (kind === 'message') return deleted.kind === 'message' && data.id === deleted.id;
  if (kind === 'reply') return deleted.kind === 'reply' && data.reply === deleted.id;
  const { mention, post, reply } = (kind === 'notification' && data.data) || {};
  if (!mention) return false;
  return deleted.kind === 'reply' ? reply === deleted.id : deleted.kind === 'post' && !reply && post === deleted.id;
}
