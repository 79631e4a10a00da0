/** `pipe`: what a view shows is appended to a log. */
import type { LogEvent } from '../event.js';
import { ChunkSnapshot } from '../log/snapshot.js';
import { nodeOf } from './root.js';
import type { ViewSource } from './view.js';

/** What events are piped into: a log, a handle of a node, or whatever appends. */
export interface PipeTarget<T> {
  /** The next event waits until what this gives resolves. */
  append(payload: T): unknown;
}

export interface PipeOptions<T, U> {
  /** What to append for an event. Default: its payload. */
  readonly project?: (payload: T, event: LogEvent<T>) => U;
  /** Begin with the events that are there, before those that come. Default true. */
  readonly history?: boolean;
}

/** A pipe that runs. */
export interface Pipe {
  /** Resolves when it was stopped; rejects with what `append` or `project` threw, which ends it. */
  readonly done: Promise<void>;
  /** Ends it. Idempotent. */
  stop(): void;
}

interface Flow {
  readonly from: readonly object[];
  readonly into: object;
}

/** Pipes that run: a circle of them would go on until the disk is full. */
const flows = new Set<Flow>();

/**
 * Appends every event of a view to another log, once, in the order in which they come. The copies are events of this
 * replica, written now. Nothing is remembered across restarts: begin without `history`, or let the view skip what is done.
 *
 * @throws TypeError when the source is none; RangeError when events would come back to where they are from.
 * @example
 * ```ts
 * import { createGossipLog, replicaIdFromBytes } from '@gossip-log/core';
 * import { pipe, view, where } from '@gossip-log/core/view';
 *
 * const replica = replicaIdFromBytes(new Uint8Array(16));
 * const chat = createGossipLog<{ text: string }>({ id: 'chat', replica, now: Date.now });
 * const alerts = createGossipLog<{ text: string }>({ id: 'alerts', replica, now: Date.now });
 * const running = pipe(view(chat, where((message) => message.text.includes('!'))), alerts);
 * chat.append({ text: 'Fire!' }); // is in `alerts` shortly
 * running.stop();
 * ```
 */
export function pipe<T, U = T>(source: ViewSource<T>, into: PipeTarget<U>, options: PipeOptions<T, U> = {}): Pipe {
  const node = nodeOf(source);
  const flow: Flow = { from: [...node.sources].map(logOf), into: logOf(into) };
  if (comesBack(flow)) throw new RangeError('pipe: the events would come back to where they are from');
  flows.add(flow);
  const { project = (payload: T) => payload as unknown as U, history = true } = options;
  const events = node.arrivals(history);
  const run = async () => {
    try {
      for await (const event of events) await into.append(project(event.payload, event));
    } finally {
      flows.delete(flow);
    }
  };
  return {
    done: run(),
    stop() {
      flows.delete(flow);
      void events.return?.();
    },
  };
}

/** Would what flows into the target reach one of the sources? */
function comesBack({ from, into }: Flow): boolean {
  const reached = new Set([into]);
  for (let size = 0; size < reached.size; ) {
    size = reached.size;
    for (const flow of flows) if (flow.from.some((log) => reached.has(log))) reached.add(flow.into);
  }
  return from.some((log) => reached.has(log));
}

/** Two handles of a node are one log. */
function logOf(handle: object): object {
  const snapshot = 'snapshot' in handle && typeof handle.snapshot === 'function' ? handle.snapshot() : undefined;
  return snapshot instanceof ChunkSnapshot ? snapshot.log : handle;
}
