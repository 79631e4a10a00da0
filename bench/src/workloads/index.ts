/** Every workload, in the order of the table. */
import type { Workload } from '../workload.js';
import { append } from './append.js';
import { browser } from './browser.js';
import { differences } from './difference.js';
import { durable } from './durable.js';
import { fanOut } from './fan-out.js';
import { growth } from './growth.js';
import { idleRooms } from './idle-rooms.js';
import { live } from './live.js';
import { load } from './load.js';
import { loadNewest } from './load-newest.js';
import { manyWriters } from './many-writers.js';
import { memory } from './memory.js';
import { merge } from './merge.js';
import { million } from './million.js';
import { randomOrder } from './random-order.js';
import { size } from './size.js';
import { smallSync } from './small-sync.js';
import { snapshot } from './snapshot.js';
import { views, viewsOfAllKinds } from './views.js';
import { writers } from './writers.js';
import { years } from './years.js';

export const workloads: readonly Workload[] = [
  append,
  merge,
  size,
  smallSync,
  memory,
  randomOrder,
  live,
  load,
  loadNewest,
  ...differences,
  manyWriters,
  writers,
  years,
  durable,
  fanOut,
  million,
  idleRooms,
  browser,
  snapshot,
  growth,
  views,
  viewsOfAllKinds,
];
