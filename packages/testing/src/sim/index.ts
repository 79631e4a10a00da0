/** The simulator: what runs it needs, and what users of the package may. */
export { Violation } from './checkers.js';
export {
  type AppPlan,
  type Fault,
  faults,
  type Plan,
  type PlanOptions,
  planOf,
  type Step,
  usualFaults,
} from './plan.js';
export { describePlan, type RunResult, run, runSeed, shrink } from './run.js';
