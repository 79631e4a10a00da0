/** What was typed and not sent yet, per room. All tabs show the same: what one sends is gone from the others. */
import { localValue, useLocalValue } from './local-value.js';

/** Drafts kept; above it the one untouched for longest goes. */
export const draftsMax = 50;

/** Pairs of room and text, the newest last. Not an object: it would sort rooms whose names are numbers. */
type Drafts = readonly (readonly [room: string, text: string])[];

const drafts = localValue<Drafts>('drafts', parseDrafts);

/** Checks what was remembered. */
export function parseDrafts(stored: unknown): Drafts {
  if (!Array.isArray(stored)) return [];
  return stored.filter(
    (pair): pair is [string, string] =>
      Array.isArray(pair) && typeof pair[0] === 'string' && typeof pair[1] === 'string',
  );
}

/** `all` with that of one room set, or without it when `text` is empty. */
export function withDraft(all: Drafts, room: string, text: string): Drafts {
  const others = all.filter(([other]) => other !== room);
  return text === '' ? others : [...others, [room, text] as const].slice(-draftsMax);
}

export function draftOf(room: string): string {
  return drafts.get().find(([other]) => other === room)?.[1] ?? '';
}

/** The draft in a component. */
export function useDraft(room: string): string {
  useLocalValue(drafts);
  return draftOf(room);
}

export function keepDraft(room: string, text: string): void {
  drafts.set(withDraft(drafts.get(), room, text));
}
