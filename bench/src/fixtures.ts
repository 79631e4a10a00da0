/** What systems wrote before anything is measured: made once for a run, read by each process, so that making warms nothing up. */
import { closeSync, cpSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { chatEvents, type Stint } from './events.js';
import type { FixtureName, System, Written } from './system.js';

/** Events of one writer in `many`, and of one turn in `stored`. */
const eventsOfEach = 10;

function stints(name: FixtureName, count: number): Stint[] {
  const events = chatEvents(count);
  const writers = name === 'updates' ? 5 : 10;
  if (name !== 'ten' && name !== 'updates') {
    return Array.from({ length: Math.ceil(count / eventsOfEach) }, (_, turn) => ({
      writer: name === 'stored' ? turn % writers : turn,
      events: events.slice(turn * eventsOfEach, (turn + 1) * eventsOfEach),
    }));
  }
  return events.map((event, i) => ({ writer: i % writers, events: [event] }));
}

const fileOf = (folder: string, name: FixtureName, part: keyof Written) => join(folder, `${name}-${part}`);

/** @param folder of this system and count alone */
export async function makeFixture(system: System, name: FixtureName, count: number, folder: string): Promise<void> {
  const written = await system.write(stints(name, count));
  mkdirSync(folder, { recursive: true });
  if (isStored(name)) {
    mkdirSync(join(folder, name));
    await system.disk?.store(join(folder, name), written.whole);
    return;
  }
  for (const part of ['whole', 'updates'] as const) {
    // The history is read whole, or update by update: never both.
    if ((part === 'updates') === (name === 'updates'))
      writeFileSync(fileOf(folder, name, part), serialize(written[part]));
  }
}

function isStored(name: FixtureName): boolean {
  return name === 'stored' || name === 'stored-many';
}

/**
 * What the system put on disk, as a copy in `target`: whoever opens it may change it. It is on the disk: otherwise the
 * first write of whoever opens it would wait for all of it.
 */
export function copyStored(name: FixtureName, folder: string, target: string): string {
  cpSync(join(folder, name), target, { recursive: true });
  for (const file of readdirSync(target)) {
    const descriptor = openSync(join(target, file), 'r+');
    fsyncSync(descriptor);
    closeSync(descriptor);
  }
  return target;
}

export function readFixture(name: FixtureName, folder: string): Written {
  const part = name === 'updates' ? 'updates' : 'whole';
  return { whole: [], updates: [], [part]: deserialize(readFileSync(fileOf(folder, name, part))) };
}
