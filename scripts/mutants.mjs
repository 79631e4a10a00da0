/**
 * The code, broken on purpose, in one place each. `npm run mutate` shows that the simulator finds every one of them; a
 * unit test that each still fits the code.
 */

/**
 * `faults`: search with these alone, where what is broken matters only after one of them. `jumps`: clocks may jump by hours.
 *
 * @typedef {{
 *   readonly name: string,
 *   readonly file: string,
 *   readonly find: string,
 *   readonly replace: string,
 *   readonly faults?: readonly import('../packages/testing/src/sim/index.js').Fault[],
 *   readonly jumps?: boolean,
 * }} Mutant
 */

const log = 'packages/core/src/replicated-log.ts';
const arrivals = 'packages/core/src/log/arrivals.ts';
const buffer = 'packages/core/src/causal-buffer.ts';
const channels = 'packages/core/src/sync/channels.ts';
const packer = 'packages/core/src/log/packer.ts';
const packed = 'packages/core/src/log/packed-chunks.ts';
const hosted = 'packages/transport/src/hosted-log.ts';
const writer = 'packages/transport/src/log-writer.ts';
const node = 'packages/transport/src/gossip-node.ts';

/** @type {readonly Mutant[]} */
export const mutants = [
  {
    name: 'reuse the last id',
    file: hosted,
    find: 'freshWriter: () => this.#host.freshWriter(),',
    replace: 'freshWriter: () => [...this.deliveries.ownRuns.keys()].at(-1) ?? this.#host.freshWriter(),',
    faults: ['restore', 'crash', 'release'],
  },
  {
    name: 'continue an id after a restart',
    file: 'packages/core/src/log/own-rows.ts',
    find: 'if (!this.#isKept || writers.find(id) < 0) return id;',
    replace: 'return writers.known > 0 ? writers.id(0) : id;',
    faults: ['restore', 'crash', 'release'],
  },
  {
    name: 'drop a dependency check',
    file: buffer,
    find: 'if (this.#isMissing(other, seq, time)) return { writer: other, seq, time };',
    replace: '',
  },
  {
    name: 'break ties of equal times by arrival',
    file: 'packages/core/src/log/ordered-log.ts',
    find: 'return this.tables.writers.compare(chunk.writer[row] as number, writer);',
    replace: 'return (chunk.writer[row] as number) - writer;',
  },
  {
    name: 'acknowledge before it is durable',
    file: writer,
    find: 'await this.#commit(log, batch);',
    replace: 'log.markStored(batch);\n        await this.#commit(log, batch);',
  },
  {
    name: 'a relay writes relaxed',
    file: writer,
    find: 'durable || ownRuns.size > 0',
    replace: 'ownRuns.size > 0',
  },
  {
    name: 'drop a batch that could not be written',
    file: writer,
    find: 'this.#queue.unshift(...batch);',
    replace: '',
  },
  {
    name: 'keep what is owed of credit',
    file: 'packages/core/src/sync/receiving.ts',
    find: 'this.#owed += bytes;',
    replace: '',
  },
  {
    name: 'send events that are not stored',
    file: log,
    find: "new Lacking(this.#tables, known, 'stored')",
    replace: "new Lacking(this.#tables, known, 'last')",
  },
  {
    name: 'ignore what a peer wants',
    file: 'packages/core/src/sync/session.ts',
    find: 'if (channel !== undefined) this.#channels.wanted(channel, message, bytes.length);',
    replace: '',
    faults: ['restore', 'crash', 'close', 'cut'],
  },
  {
    name: 'take logs that differ for equal',
    file: 'packages/core/src/log/compare-rows.ts',
    find: 'if (ours.count === count && ours.sum.every((value, lane) => value === sum[lane])) break;',
    replace: 'if (ours.count === count) break;',
  },
  {
    name: 'sum what is not stored yet',
    file: 'packages/core/src/log/effective-rows.ts',
    find: 'if (!this.#isStored(chunk, row)) continue;\n      contribution(',
    replace: 'contribution(',
  },
  {
    name: 'forget what became stored during a comparison',
    file: 'packages/core/src/sync/sending.ts',
    find: 'return [{ lacks }, ...(ours === undefined ? [] : [ours]), ...(theirs === undefined ? [] : [theirs])];',
    replace: 'return [{ lacks }];',
  },
  {
    name: 'never release what is parked',
    file: arrivals,
    find: 'if (released.length > 0 && this.#buffer.rows > 0) {',
    replace: 'if (released.length < 0) {',
  },
  {
    name: 'show stale snapshots',
    file: log,
    find: 'if (!isSame) this.#snapshot = undefined;',
    replace: '',
  },
  {
    name: 'make an event anew for every reader',
    file: 'packages/core/src/log/ordered-log.ts',
    find: 'if (made !== undefined) return made;',
    replace: '',
  },
  {
    name: 'a clock that follows the wall back',
    file: 'packages/core/src/hybrid-logical-clock.ts',
    find: 'return Math.max(last + 1, Math.floor(nowMs) * clockStepsPerMs);',
    replace: 'return Math.floor(nowMs) * clockStepsPerMs;',
  },
  {
    name: 'never tell sessions what became stored',
    file: writer,
    find: 'if (told.length > 0) for (const peer of [...peers]) peer.stored(id, told, kept);',
    replace: '',
  },
  {
    name: 'a disk that fails at the start is not asked again',
    file: node,
    find: 'const cancel = this.environment.setTimer(pauseMs, resolve);',
    replace: 'const cancel = () => undefined;',
    faults: ['full-disk', 'crash', 'close'],
  },
  {
    name: 'never ask again for a log that was refused',
    file: channels,
    find: 'Object.assign(channel, freshExchange(this.#session.now));\n      if (passingReasons.has(error.code)) channel.refusedAt = this.#session.now;',
    replace: 'Object.assign(channel, freshExchange(this.#session.now));',
    faults: ['full-disk', 'close', 'damage', 'release'],
  },
  {
    name: 'never offer again what was refused once',
    file: channels,
    find: "} else if (hasGreeted && channel.state === 'offered' && !channel.described) {",
    replace: '} else if (this.#nextNumber < 0) {',
  },
  {
    name: 'forget rows that came late when a chunk is packed anew',
    file: packer,
    find: '    packed.add(left);\n',
    replace: '',
  },
  {
    name: 'empty the journal before all of it is packed',
    file: 'packages/transport/src/log-packing.ts',
    find: 'const packed = plan.isComplete && !this.#of.isLacking(log) ? before : [];',
    replace: 'const packed = before;',
    faults: ['crash', 'power'],
  },
  {
    name: 'forget rows that came late among those on disk',
    file: packed,
    find: 'if ((slot.late.time[0] as number) < hotFrom) hot = to;',
    replace: 'if ((slot.late.time[0] as number) < hotFrom) { hot = to; slot.late = undefined; }',
    faults: ['partition', 'cut', 'clock', 'release'],
  },
  {
    name: 'remove old chunks before all is packed anew',
    file: packer,
    find: '...(isComplete ? this.former : []),',
    replace: '...this.former,',
    faults: ['damage', 'restore', 'power', 'crash'],
  },
  {
    name: 'give back a chunk that is being joined with another',
    file: 'packages/core/src/log/residence.ts',
    find: 'Math.min(this.#packer.joined, ',
    replace: 'Math.min(Number.POSITIVE_INFINITY, ',
    faults: ['close', 'slow-reader', 'slow-disk', 'damage', 'forget'],
  },
  {
    name: 'send the payload of a redacted row',
    file: 'packages/core/src/log/read-lacking.ts',
    find: 'packed.eraser?.namesAny(block, writers) !== true',
    replace: 'packed.cold >= 0',
  },
  {
    name: 'drop a redaction whose event is missing, as at a gap',
    file: 'packages/core/src/log/redactions.ts',
    find: '    this.#open.set(key, redaction);\n    if (redaction.awaits === undefined) return;',
    replace:
      '    if (found !== undefined) this.#open.set(key, redaction);\n    if (redaction.awaits === undefined) return;',
  },
  {
    name: 'send an erased row before its redaction is stored',
    file: log,
    find: 'this.#redactions.applyOwn(tail, own, this.#journal !== undefined, this.#own.unflushed);',
    replace: 'this.#redactions.applyOwn(tail, own, false, this.#own.unflushed);',
  },
  {
    name: 'pack over old chunks before all of them is taken in',
    file: 'packages/transport/src/log-packing.ts',
    find: 'if (this.#chunkIds.length > 0 && this.#of.isLacking(log)) return false;',
    replace: '',
    faults: ['damage', 'close', 'release'],
  },
  {
    name: 'early events are not appended again',
    file: hosted,
    find: 'if (this.#checksTimes) return this.#reappend(stored);',
    replace: '',
    faults: ['clock', 'close'],
    jumps: true,
  },
  {
    name: 'old rows stay in the journal when they are appended again',
    file: hosted,
    find: 'const instead = { records: plan.records, runs: plan.left };',
    replace: 'const instead = { records: [], runs: new Map() };',
    faults: ['clock', 'close'],
  },
  {
    name: 'the delivery of a former id does not follow',
    file: 'packages/transport/src/successors.ts',
    find: 'for (const [former, id] of successors) this.#now.set(former, id);',
    replace: 'for (const [former, id] of successors) void [former, id];',
    faults: ['clock', 'close'],
  },
  {
    name: 'the manifest names no page of writers',
    file: packer,
    find: 'writers: listed.named, pages: listed.pages }',
    replace: 'writers: listed.named, pages: [] }',
    faults: ['close', 'release', 'crash'],
  },
  {
    name: 'a page of writers tells of one event too few',
    file: 'packages/core/src/codec/writer-page.ts',
    find: 'view.setUint32(page.lastAt(row), last, true);',
    replace: 'view.setUint32(page.lastAt(row), last - 1, true);',
    faults: ['close', 'release', 'crash'],
  },
  {
    name: 'a session does not wait until the packed writers are read',
    file: 'packages/transport/src/session-driver.ts',
    find: 'const unread = hosted.readWriters();',
    replace: 'const unread = /** @type {Promise<void> | undefined} */ (undefined);',
  },
];
