/** The simulator: what runs it needs, and what users of the package may. */
export { Violation } from './checkers.js';
export {
  type Fault,
  faults,
  type Plan,
  planOf,
} from './plan.js';
export { describePlan, run, shrink } from './run.js';
