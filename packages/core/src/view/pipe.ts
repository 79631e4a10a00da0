/** `pipe`: what a view shows is appended to a log. */
import { checkOptions } from '../check-options.js';
import type { LogEvent } from '../event.js';
import { ChunkSnapshot } from '../log/snapshot.js';
import type { ViewNode } from './node.js';
import { nodeOf } from './root.js';
import { noRows, type Rows } from './rows.js';
import type { ViewSource } from './view.js';

/** What events are piped into: a log, a handle of a node, or whatever appends. */
export interface PipeTarget<T> {
  /** The next event waits until what this gives resolves. */
  append(payload: T): unknown;
  /** The first event waits until this resolves: a node's handle is still opening. Default: nothing is waited for. */
  readonly ready?: PromiseLike<unknown>;
}

export interface PipeOptions<T, U> {
  /** What to append for an event. Default: its payload. */
  readonly project?: (payload: T, event: LogEvent<T>) => U;
  /**
   * Begin with the events that are there, before those that come. Default true. Without it, what is read from storage while
   * a log is still opening counts as there.
   */
  readonly history?: boolean;
}

/** A pipe that runs. */
export interface Pipe {
  /**
   * Resolves when the pipe was stopped, or when what it reads has ended. Rejects with what ended it: what `append` or
   * `project` threw, why the target cannot be opened, why the source failed; a RangeError when events would come back to
   * where they are from, which may show only when the logs are open. A rejection that nothing handles ends no process.
   */
  readonly done: Promise<void>;
  /** Ends it. Idempotent. */
  stop(): void;
}

interface Flow {
  readonly from: ReadonlySet<object>;
  readonly into: object;
}

/** Pipes that run: a circle of them would go on until the disk is full. */
const flows = new Set<Flow>();

const circle = 'pipe: the events would come back to where they are from';

/**
 * Appends every event of a view to another log, once, in the order in which they come. The copies are events of this
 * writer, written now. A target that is still opening is waited for. Events that are redacted before they are read are not
 * copied; a copy stays when its original is redacted later.
 *
 * Nothing is remembered: after a restart, and on every other device that runs the pipe, all events are appended again. Let
 * each copy name its original, and `dedup` where the copies are read, as here. Without `history` a pipe misses what comes
 * while it does not run.
 *
 * @throws TypeError when the source or the target is none; RangeError when events would come back to where they are from.
 * @example
 * ```ts
 * import { createGossipLog, type EventId, writerIdFromBytes } from '@gossip-log/core';
 * import { dedup, pipe, view, where } from '@gossip-log/core/view';
 *
 * const writer = writerIdFromBytes(new Uint8Array(16));
 * const chat = createGossipLog<{ text: string }>({ id: 'chat', writer, now: Date.now });
 * const alerts = createGossipLog<{ of: EventId; text: string }>({ id: 'alerts', writer, now: Date.now });
 * const loud = view(chat, where((message) => message.text.includes('!')));
 * const running = pipe(loud, alerts, { project: ({ text }, { id }) => ({ of: id, text }) });
 * const shown = view(alerts, dedup((alert) => alert.of)); // each once, whoever copied it
 * chat.append({ text: 'Fire!' }); // is in `alerts` shortly
 * running.stop();
 * ```
 */
export function pipe<T, U = T>(source: ViewSource<T>, into: PipeTarget<U>, options: PipeOptions<T, U> = {}): Pipe {
  checkOptions('pipe', options, { project: 'function', history: 'boolean' });
  const node = nodeOf(source);
  if (typeof into?.append !== 'function')
    throw new TypeError('pipe: expected a log, or what else has append, as target');
  const flow: Flow = { from: node.sources, into };
  if (comesBack(flow)) throw new RangeError(circle);
  flows.add(flow);
  const { project = (payload: T) => payload as unknown as U, history = true } = options;
  let stop = () => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const begin = history ? noRows : rowsWhenOpen(node, stopped);
  const run = async () => {
    const events = node.arrivals(await begin);
    try {
      await Promise.race([into.ready, stopped.then(() => events.return?.())]);
      let isFirst = true;
      for await (const event of events) {
        // Whether two handles are of one log shows once they are open: those of this pipe are now.
        if (isFirst && comesBack(flow)) throw new RangeError(circle);
        isFirst = false;
        if (event.redacted !== undefined) continue;
        // One that never answers must not keep a pipe from being stopped.
        await Promise.race([into.append(project(event.payload, event)), stopped]);
      }
    } finally {
      flows.delete(flow);
    }
  };
  const done = run();
  done.catch(() => undefined);
  return {
    done,
    stop() {
      flows.delete(flow);
      stop();
    },
  };
}

/** The rows of a view once its logs have been read from storage; none when that is not waited for any more. */
function rowsWhenOpen(node: ViewNode, stopped: Promise<void>): Rows | Promise<Rows> {
  const sources = [...node.sources];
  const isOpening = () => sources.some(({ status }) => status === 'opening');
  if (!isOpening()) return node.sync();
  return new Promise((resolve) => {
    const ends = sources.map((source) => source.subscribe(() => isOpening() || finish(node.sync())));
    const finish = (rows: Rows) => {
      for (const end of ends) end();
      resolve(rows);
    };
    stopped.then(() => finish(noRows)).catch(() => undefined);
  });
}

/** Would what flows into the target reach one of the sources? */
function comesBack(asked: Flow): boolean {
  const reached = new Set([logOf(asked.into)]);
  const isReached = ({ from }: Flow) => [...from].some((source) => reached.has(logOf(source)));
  for (let size = 0; size < reached.size; ) {
    size = reached.size;
    for (const flow of flows) if (flow !== asked && isReached(flow)) reached.add(logOf(flow.into));
  }
  return isReached(asked);
}

/** Two handles of a node are one log. */
function logOf(handle: object): object {
  const snapshot = 'snapshot' in handle && typeof handle.snapshot === 'function' ? handle.snapshot() : undefined;
  return snapshot instanceof ChunkSnapshot ? snapshot.log : handle;
}
