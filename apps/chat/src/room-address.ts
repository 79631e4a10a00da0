/** Rooms in the address: `#/room/<name>`, the name encoded as one part of a path. A room's name is its log's id. */
import { limits } from '@gossip-log/core';
import { seenCharacters } from './characters.js';

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
    const room = cleanRoom(decodeURIComponent(hash.slice(prefix.length)));
    return isRoom(room) ? room : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A room's name as people type it: on one line, without characters that are not seen, without a leading `#`. So no two
 * rooms look the same. May be empty.
 */
export function cleanRoom(text: string): string {
  return seenCharacters(text).replace(/^(?:#\s*)+/, '');
}

/** Can a room have this name? Then a log can, too. */
export function isRoom(room: string): boolean {
  return room !== '' && cleanRoom(room) === room && utf8.encode(room).length <= limits.logIdBytesMax;
}
