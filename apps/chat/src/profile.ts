/** Who uses this browser: asked once, changed at will. */
import { type Colour, parseColour } from './colour.js';
import { localValue } from './local-value.js';
import { cleanName } from './message.js';

/** `id` is drawn once and goes with every message, so that all tabs know what is their own. */
export interface Profile {
  readonly id: string;
  readonly name: string;
  readonly color: Colour;
}

/** `undefined` until the first visit's form is sent. */
export const profile = localValue<Profile | undefined>('profile', parseProfile);

/** Checks what was remembered. */
export function parseProfile(stored: unknown): Profile | undefined {
  if (typeof stored !== 'object' || stored === null) return undefined;
  const { id, name, color } = stored as Record<string, unknown>;
  const parsed = parseColour(color);
  if (typeof id !== 'string' || id === '' || typeof name !== 'string' || parsed === undefined) return undefined;
  const clean = cleanName(name);
  return clean === '' ? undefined : { id, name: clean, color: parsed };
}

/** 96 random bits as text. `crypto.randomUUID` exists only on secure origins, and a chat at home has none. */
export function drawProfileId(): string {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
