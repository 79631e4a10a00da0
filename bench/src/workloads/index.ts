/** Every workload, by suite, in the order of the table. */
import type { Workload } from '../workload.js';
import { append } from './append.js';
import { live } from './live.js';
import { memory } from './memory.js';
import { merge } from './merge.js';
import { randomOrder } from './random-order.js';
import { size } from './size.js';
import { snapshot } from './snapshot.js';
import { views } from './views.js';

export const suites: Readonly<Record<string, readonly Workload[]>> = {
  core: [append, merge, live, randomOrder, size, memory, snapshot, views],
};
