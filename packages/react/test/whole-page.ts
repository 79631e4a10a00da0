/** A page that offers the whole package as `gossip`, for tests in `test/e2e` that say themselves what is done with it. */
import * as gossip from '../src/index.js';

export type Gossip = typeof gossip;
Object.assign(globalThis, { gossip });
