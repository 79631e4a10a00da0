/**
 * What waits for missing events in all logs of a node, together: a peer that sends events which depend on what does not exist
 * fills one log's buffer after the other.
 *
 * - [Y7] Together it takes `parkedBytesMax`. Above it the log with most drops its newest half; those can be fetched again.
 */
import { limits } from '@gossip-log/core';

/** A log in which events may wait. */
export interface ParkingLog {
  readonly parkedBytes: number;
  /** Drops the newest that wait until they take no more than that. */
  shedParked(bytesMax: number): void;
}

/** @internal */
export class ParkedBytes {
  /** As much as they took when that was last looked at. */
  readonly #bytes = new Map<ParkingLog, number>();
  #sum = 0;

  /** Something waits in the log, or not any more. */
  changed(log: ParkingLog): void {
    this.#note(log);
    if (this.#sum <= limits.parkedBytesMax) return;
    // In some less may wait by now.
    for (const other of [...this.#bytes.keys()]) this.#note(other);
    while (this.#sum > limits.parkedBytesMax) {
      const [most, bytes] = [...this.#bytes].reduce((a, b) => (b[1] > a[1] ? b : a));
      most.shedParked(Math.floor(bytes / 2));
      this.#note(most);
    }
  }

  /** The log is closed. */
  forget(log: ParkingLog): void {
    this.#sum -= this.#bytes.get(log) ?? 0;
    this.#bytes.delete(log);
  }

  #note(log: ParkingLog): void {
    const bytes = log.parkedBytes;
    this.#sum += bytes - (this.#bytes.get(log) ?? 0);
    if (bytes === 0) this.#bytes.delete(log);
    else this.#bytes.set(log, bytes);
  }
}
