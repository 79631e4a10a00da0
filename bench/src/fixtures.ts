/** What systems wrote before anything is measured: made once for a run, read by each process, so that making warms nothing up. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { chatEvents, type Stint } from './events.js';
import type { FixtureName, System, Written } from './system.js';

/** Events of one writer in `many`. */
const eventsOfEach = 10;

function stints(name: FixtureName, count: number): Stint[] {
  const events = chatEvents(count);
  if (name === 'many') {
    return Array.from({ length: Math.ceil(count / eventsOfEach) }, (_, writer) => ({
      writer,
      events: events.slice(writer * eventsOfEach, (writer + 1) * eventsOfEach),
    }));
  }
  const writers = name === 'ten' ? 10 : 5;
  return events.map((event, i) => ({ writer: i % writers, events: [event] }));
}

const fileOf = (folder: string, name: FixtureName, part: keyof Written) => join(folder, `${name}-${part}`);

/** @param folder of this system and count alone */
export async function makeFixture(system: System, name: FixtureName, count: number, folder: string): Promise<void> {
  const written = await system.write(stints(name, count));
  mkdirSync(folder, { recursive: true });
  for (const part of ['whole', 'updates'] as const) {
    // The history is read whole, or update by update: never both.
    if ((part === 'updates') === (name === 'updates'))
      writeFileSync(fileOf(folder, name, part), serialize(written[part]));
  }
}

export function readFixture(name: FixtureName, folder: string): Written {
  const part = name === 'updates' ? 'updates' : 'whole';
  return { whole: [], updates: [], [part]: deserialize(readFileSync(fileOf(folder, name, part))) };
}
