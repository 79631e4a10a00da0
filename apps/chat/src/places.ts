/** Where somebody was reading in a room, for when they come back to it. Kept as long as the page. */

/** Rooms whose place is kept; above it the one left longest ago is forgotten. */
const placesMax = 200;

export interface Place {
  /** The message at the top of the view. */
  readonly id: string;
  /** When that was written: the room has to be read as far back as that. */
  readonly timestamp: number;
  /** How far its text was from the top of the view, in pixels. */
  readonly top: number;
  /** The last message that was in sight: what comes after it is new. */
  readonly seenId: string;
}

const places = new Map<string, Place>();

/** The place in a room; `undefined` is its end, as for a room that was never left. */
export function placeIn(room: string): Place | undefined {
  return places.get(room);
}

export function keepPlace(room: string, place: Place | undefined): void {
  places.delete(room);
  if (place === undefined) return;
  places.set(room, place);
  for (const oldest of places.keys()) {
    if (places.size <= placesMax) break;
    places.delete(oldest);
  }
}
