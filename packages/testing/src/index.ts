/** What users of `@gossip-log/testing` import. */
export { assertConverges, type ConvergenceOptions, type Reducer, type ReducerOptions } from './assert-converges.js';
export type { Consumer } from './follow-history.js';
export { arbitraryHistory, type History, type HistoryOptions, type HistoryStep } from './history.js';
export { type HistoryWatcher, type PlayedReplica, type PlayOptions, playHistory } from './play-history.js';
export { type Reference, type ReferenceEvent, ReferenceLog } from './reference-log.js';
export { arbitrarySchedule, Schedule } from './schedule.js';
export type { Fault } from './sim/index.js';
export { type Simulated, type SimulateOptions, simulate, simulatedFaults } from './simulate.js';
export { arbitraryTopology, type Topology, type TopologyOptions } from './topology.js';
