/** The rooms that this browser knows, and the one that the address names. */
import { useEffect, useSyncExternalStore } from 'react';
import { localValue, useLocalValue } from './local-value.js';
import { defaultRoom, isRoom, roomAddress, roomOfAddress } from './room-address.js';

/** Rooms remembered; above it the oldest are forgotten. Their messages stay. */
export const roomsMax = 200;

const rooms = localValue<readonly string[]>('rooms', parseRooms);

/** Checks what was remembered. */
export function parseRooms(stored: unknown): readonly string[] {
  if (!Array.isArray(stored)) return [defaultRoom];
  const names = stored.filter((room): room is string => typeof room === 'string' && isRoom(room));
  return [...new Set(names)].slice(-roomsMax);
}

/** Takes a room off the list. Its messages stay on this device and with others. */
export function removeRoom(room: string): void {
  rooms.set(rooms.get().filter((known) => known !== room));
}

/** The room of the address, and all rooms in the order in which they were first opened. */
export function useRooms(): { room: string; rooms: readonly string[] } {
  const hash = useSyncExternalStore(subscribeAddress, () => location.hash);
  const room = roomOfAddress(hash) ?? defaultRoom;
  const known = useLocalValue(rooms);
  useEffect(() => {
    // An address without a room is completed, and one that looks like another's is set right, so that it can be copied.
    if (hash !== roomAddress(room)) history.replaceState(null, '', roomAddress(room));
  }, [hash, room]);
  useEffect(() => {
    if (!rooms.get().includes(room)) rooms.set([...rooms.get(), room].slice(-roomsMax));
  }, [room]);
  return { room, rooms: known };
}

function subscribeAddress(listener: () => void): () => void {
  addEventListener('hashchange', listener);
  return () => removeEventListener('hashchange', listener);
}
