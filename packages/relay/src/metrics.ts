/** What a relay counts: at its edges, around connections and storage, so that nothing inside knows of it. */
import type { ConnectionSource, GossipStorage } from '@gossip-log/core';
import type { PeerNotice } from '@gossip-log/transport';

/** Counts since the relay was made, and two things that hold now. */
export interface RelayMetrics {
  /** Connections open now. */
  readonly connections: number;
  /** Connections accepted, those open now among them. */
  readonly connectionsTotal: number;
  readonly framesIn: number;
  /** Bytes of frames, without what WebSocket and TCP add. */
  readonly bytesIn: number;
  readonly framesOut: number;
  readonly bytesOut: number;
  /** Batches made durable. */
  readonly commits: number;
  /** Bytes of the blocks in them; a block that was stored already counts again. */
  readonly bytesCommitted: number;
  /** Batches that the storage refused. They are tried again. */
  readonly commitsFailed: number;
  /** The last batch was stored, or there was none. `false`: the disk is full or failing. */
  readonly storing: boolean;
  /** What peers were refused, by code: `forbidden`, `limit-exceeded` and so on. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Sessions that ended for a peer's fault, by code. */
  readonly sessionsEnded: Readonly<Record<string, number>>;
}

/** @internal */
export type Counts = { -readonly [Name in keyof Omit<RelayMetrics, PerCode>]: RelayMetrics[Name] } & {
  readonly [Name in PerCode]: Record<string, number>;
};

type PerCode = 'refusals' | 'sessionsEnded';

/** @internal */
export function newCounts(): Counts {
  return {
    connections: 0,
    connectionsTotal: 0,
    framesIn: 0,
    bytesIn: 0,
    framesOut: 0,
    bytesOut: 0,
    commits: 0,
    bytesCommitted: 0,
    commitsFailed: 0,
    storing: true,
    refusals: {},
    sessionsEnded: {},
  };
}

/** A copy that goes on as it is. @internal */
export function copyOf(counts: Counts): RelayMetrics {
  return { ...counts, refusals: { ...counts.refusals }, sessionsEnded: { ...counts.sessionsEnded } };
}

/** @internal */
export function countNotice({ refusals, sessionsEnded }: Counts, { type, code }: PeerNotice): void {
  const counted = type === 'refused' ? refusals : sessionsEnded;
  counted[code] = (counted[code] ?? 0) + 1;
}

/** The same source, counted. @internal */
export function countConnections(source: ConnectionSource, counts: Counts): ConnectionSource {
  return {
    start: (host) =>
      source.start({
        status: (status) => host.status(status),
        connected(connection) {
          counts.connections++;
          counts.connectionsTotal++;
          const handlers = host.connected({
            peer: connection.peer,
            get bufferedBytes() {
              return connection.bufferedBytes;
            },
            send(frame) {
              counts.framesOut++;
              counts.bytesOut += frame.length;
              connection.send(frame);
            },
            close: (reason) => connection.close(reason),
            ...(connection.pause && { pause: () => connection.pause?.() }),
            ...(connection.resume && { resume: () => connection.resume?.() }),
          });
          return {
            frame(bytes) {
              counts.framesIn++;
              counts.bytesIn += bytes.length;
              handlers.frame(bytes);
            },
            closed(reason) {
              counts.connections--;
              handlers.closed(reason);
            },
          };
        },
      }),
  };
}

/** The same storage, counted. @internal */
export function countCommits(storage: GossipStorage, counts: Counts): GossipStorage {
  const scrub = storage.scrub?.bind(storage);
  return {
    ...(scrub && { scrub }),
    async commit(log, entries, options) {
      const bytes = entries.reduce((sum, { block }) => sum + block.length, 0);
      try {
        const keys = await storage.commit(log, entries, options);
        counts.commits++;
        counts.bytesCommitted += bytes;
        counts.storing = true;
        return keys;
      } catch (error) {
        counts.commitsFailed++;
        counts.storing = false;
        throw error;
      }
    },
    settleRun: (log, writer, upTo) => storage.settleRun(log, writer, upTo),
    load: (log) => storage.load(log),
    setAside: (log, key) => storage.setAside(log, key),
    pack: (log, packing) => storage.pack(log, packing),
    readChunks: (log, ids) => storage.readChunks(log, ids),
    setAsideChunk: (log, id) => storage.setAsideChunk(log, id),
    logs: () => storage.logs(),
    forget: (log) => storage.forget(log),
    getMetadata: (key) => storage.getMetadata(key),
    setMetadata: (key, value) => storage.setMetadata(key, value),
    replaceMetadata: (key, expected, value) => storage.replaceMetadata(key, expected, value),
    close: () => storage.close(),
  };
}
