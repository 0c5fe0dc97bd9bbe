import { fetchWithin } from '../live/http.js';
import { whatAnotherOriginNeeds } from './origins.js';

/**
 * Where an inbox stands now, and what its badges count there. Asked for by a header, also of another origin: the
 * address is always the same, so a browser asks once in ten minutes whether it may.
 *
 * @param {import('../live/transports.js').World} world its `access` are Tickets
 * @returns {Promise<{badges: Record<string, number>, seq: number, epoch: string} | null>} null: the ticket is refused
 * @throws {Error} when it could not be found out
 */
export async function askForPlace(world) {
  const { base, access } = world;
  const question = {
    credentials: access.credentials,
    cache: 'no-store',
    headers: { Accept: 'application/json', ...access.bearer },
  };
  const read = async (response) => [response.status, response.ok ? await response.json().catch(() => null) : null];
  const [status, place] = await fetchWithin(world, `${base}/badges`, question, read).catch((error) => {
    throw access.isSameOrigin ? error : new Error(`${error}; ${whatAnotherOriginNeeds(base)}`);
  });
  if (status === 401) return null;
  if (status !== 200) throw new Error(`status ${status}`);
  if (!Number.isSafeInteger(place?.seq)) throw new Error('this is not our server');
  return place;
}
