/** Rooms in the address: `#/room/<name>`, the name encoded as one part of a path. A room's name is its log's id. */
import { limits } from '@gossip-log/core';

/** Where people land who name no room. */
export const defaultRoom = 'general';

const prefix = '#/room/';
const utf8 = new TextEncoder();

/** The address of a room within this app. */
export function roomAddress(room: string): string {
  return prefix + encodeURIComponent(room);
}

/** The room that an address names, or `undefined` when it names none that can be opened. */
export function roomOfAddress(hash: string): string | undefined {
  if (!hash.startsWith(prefix)) return undefined;
  try {
    const room = decodeURIComponent(hash.slice(prefix.length));
    return isRoom(room) ? room : undefined;
  } catch {
    return undefined;
  }
}

/** A room's name as people type it: on one line, composed, without a leading `#`. May be empty. */
export function cleanRoom(text: string): string {
  return text.normalize('NFC').replace(/\s+/g, ' ').trim().replace(/^#\s*/, '');
}

/** Can a log have this name? */
export function isRoom(room: string): boolean {
  return room.trim() !== '' && !/\p{Surrogate}/u.test(room) && utf8.encode(room).length <= limits.logIdBytesMax;
}
