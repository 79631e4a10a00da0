/** A host that writes down what it is told, and lets a test wait for it. */
import type { CloseReason, Connection, ConnectionHost, SourceStatus } from '@gossip-log/core';

/** What one connection's handlers were told, in order. */
export interface Recorded {
  readonly connection: Connection;
  readonly frames: Uint8Array[];
  readonly closed: CloseReason[];
}

export class RecordingHost implements ConnectionHost {
  readonly connections: Recorded[] = [];
  readonly statuses: SourceStatus[] = [];
  /** Called inside `connected`, as a session that greets. */
  greet: (connection: Connection) => void = () => {};
  /** Called with every frame, after it was noted. */
  onFrame: (recorded: Recorded, frame: Uint8Array) => void = () => {};
  /** Called when a connection is in doubt. */
  doubted: () => void = () => {};
  #waiting = new Set<() => void>();

  connected(connection: Connection) {
    const recorded: Recorded = { connection, frames: [], closed: [] };
    this.connections.push(recorded);
    this.greet(connection);
    this.#changed();
    return {
      frame: (bytes: Uint8Array) => {
        recorded.frames.push(bytes);
        this.onFrame(recorded, bytes);
        this.#changed();
      },
      closed: (reason: CloseReason) => {
        recorded.closed.push(reason);
        this.#changed();
      },
      doubted: () => this.doubted(),
    };
  }

  status(status: SourceStatus): void {
    this.statuses.push(status);
    this.#changed();
  }

  get lastStatus(): SourceStatus | undefined {
    return this.statuses.at(-1);
  }

  /** Resolves once `condition` holds; looks whenever something was told. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!condition()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** The first connection, once there is one. */
  async first(): Promise<Recorded> {
    await this.until(() => this.connections.length > 0);
    return this.connections[0] as Recorded;
  }

  /** The first connection's end, once it has ended. */
  async ended(): Promise<CloseReason> {
    const recorded = await this.first();
    await this.until(() => recorded.closed.length > 0);
    return recorded.closed[0] as CloseReason;
  }

  #changed(): void {
    for (const look of [...this.#waiting]) look();
  }
}
