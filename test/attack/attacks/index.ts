/** Every attack, in the order in which they run. */
import type { Attack } from '../attack.js';
import { catchUpAgain, readsNothing, wants } from './amplification.js';
import { framesBeforeGrant, manyOpens, manyRedactions } from './authorize.js';
import { absents, acks, emptyRuns } from './claims.js';
import { coldChunks } from './cold-chunks.js';
import { ranges, redactions, sums } from './comparisons.js';
import { ghostEdge } from './edges.js';
import { feeds } from './feeds.js';
import { fragments, halfHandshakes, pings, probes, slowFragments, smallFrames, smallFramesByTwenty } from './floods.js';
import { logLines } from './log-lines.js';
import { mutatedFrames } from './mutated-frames.js';
import { ghosts, parking } from './parking.js';
import { connections, openAndClose, slots, thousandPeers } from './slots.js';
import { smallLogs } from './small-logs.js';

export const attacks: readonly Attack[] = [
  ...[ghostEdge, feeds, acks, absents, emptyRuns, coldChunks, slots, connections, openAndClose, thousandPeers],
  ...[smallFrames, smallFramesByTwenty, fragments, slowFragments, halfHandshakes, pings, probes, parking, ghosts],
  ...[manyOpens, framesBeforeGrant, manyRedactions, catchUpAgain, wants, readsNothing, logLines, smallLogs],
  ...[sums, ranges, redactions, mutatedFrames],
];
