/**
 * What an event told may not stand any more by a later one: a reaction was taken back, or what was written is deleted.
 */

const REACTIONS = new Set(['like', 'dislike']);

/** @param {import('./cursor.js').LiveEvent} event @returns {boolean} whether it is news only of what was told before */
export function isTakingBack({ kind, data }) {
  return kind === 'deleted' || (REACTIONS.has(kind) && data.withdrawn === true);
}

/**
 * @param {import('./cursor.js').LiveEvent} event
 * @param {import('./cursor.js').LiveEvent} told before it
 * @returns {boolean} whether that does not stand any more
 */
export function takesBack(event, told) {
  if (!isTakingBack(event)) return false;
  const { kind, data } = event;
  if (kind !== 'deleted') return told.kind === kind && told.data.post === data.post && told.data.by === data.by;
  if (data.kind === 'message') return told.kind === 'message' && told.data.id === data.id;
  if (REACTIONS.has(told.kind)) return told.data.post === data.id;
  const { post, reply } = (told.kind === 'reply' ? told.data : mentionIn(told)) ?? {};
  return data.kind === 'reply' ? reply === data.id : post === data.id && !reply;
}

/**
 * @param {{kind: string, data: any}} event
 * @returns {{post: number, reply: number | null, mention: {by: string, by_name: string}} | null} what a notification of
 *   this site's own says of who mentioned one; a system's own data may look like it
 */
export function mentionIn({ kind, data }) {
  const isOwn = kind === 'notification' && (data?.source ?? null) === null;
  return (isOwn && typeof data.data?.mention === 'object' && data.data.mention && data.data) || null;
}
