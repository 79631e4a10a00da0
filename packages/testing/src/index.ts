/** What users of `@gossip-log/testing` import. */
export { Random } from './sim/random.js';
