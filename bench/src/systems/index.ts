/** Every system. Peers are imported only where they are asked for: their packages may not be installed. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { System } from '../system.js';
import { floor } from './floor.js';
import { gossipLog } from './gossip-log.js';

/** Those that need nothing installed. */
export const own: readonly System[] = [gossipLog, floor];

/** File in `bench/peers` by name of the system. */
const peerFiles: Readonly<Record<string, string>> = {
  yjs: 'yjs.mjs',
  automerge: 'automerge.mjs',
  loro: 'loro.mjs',
  cojson: 'cojson.mjs',
  'canvas-gossiplog': 'canvas.mjs',
  orbitdb: 'orbitdb.mjs',
  'tanstack-db': 'tanstack-db.mjs',
};

export const systemNames: readonly string[] = [...own.map(({ name }) => name), ...Object.keys(peerFiles)];

/** @param home where bench/ is */
export async function loadSystem(name: string, home: string): Promise<System> {
  const mine = own.find((system) => system.name === name);
  if (mine !== undefined) return mine;
  const file = join(home, 'peers', peerFiles[name] ?? '');
  if (peerFiles[name] === undefined || !existsSync(file)) throw new TypeError(`no system ${name}`);
  const { system } = (await import(pathToFileURL(file).href)) as { readonly system: System };
  return system;
}
