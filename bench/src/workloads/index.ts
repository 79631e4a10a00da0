/** Every workload, in the order of the table. */
import type { Workload } from '../workload.js';
import { append } from './append.js';
import { browser } from './browser.js';
import { durable } from './durable.js';
import { fanOut } from './fan-out.js';
import { live } from './live.js';
import { load } from './load.js';
import { manyWriters } from './many-writers.js';
import { memory } from './memory.js';
import { merge } from './merge.js';
import { million } from './million.js';
import { randomOrder } from './random-order.js';
import { size } from './size.js';
import { smallSync } from './small-sync.js';
import { snapshot } from './snapshot.js';
import { views, viewsOfAllKinds } from './views.js';

export const workloads: readonly Workload[] = [
  append,
  merge,
  size,
  smallSync,
  memory,
  randomOrder,
  live,
  load,
  manyWriters,
  durable,
  fanOut,
  million,
  browser,
  snapshot,
  views,
  viewsOfAllKinds,
];
