/**
 * Opens and deletes IndexedDB databases where that may be forbidden, or take for ever.
 *
 *     asked ── answered ──▶ every call goes on
 *       ├── `storageOpenMsMax` without an answer ──▶ calls reject (`no-answer`) until there is one
 *       └── blocked by another tab ── `storageBlockedMsMax` ──▶ calls reject (`blocked`) until it is out of the way
 *
 * A request to the browser cannot be taken back. So it stays, and calls succeed once it is answered after all.
 */
import { GossipError, limits } from '@gossip-log/core';

/** Why a database does not open: `context.reason` of the `storage-failed` that says so. */
type NotOpen = 'unavailable' | 'blocked' | 'no-answer';

function notOpen(name: string, reason: NotOpen, why: string, cause?: unknown): GossipError {
  return new GossipError('storage-failed', `database ${name}: ${why}`, { context: { database: name, reason }, cause });
}

/** Names of the errors with which browsers forbid IndexedDB: sandboxed frames, policies, private windows. */
const forbidding = new Set(['SecurityError', 'InvalidStateError', 'NotSupportedError', 'InvalidAccessError']);

/**
 * Asks the browser for something that it may forbid.
 *
 * @throws GossipError `storage-failed` where it does; all else as it comes.
 */
export async function askBrowser<T>(name: string, ask: () => Promise<T>): Promise<T> {
  try {
    // Where storage is forbidden, some browsers throw when the property is read.
    if (!globalThis.indexedDB) throw notOpen(name, 'unavailable', 'there is no IndexedDB here');
    return await ask();
  } catch (cause) {
    const { name: kind = '', message = '' } = cause instanceof GossipError ? {} : (cause as Partial<Error>);
    if (!forbidding.has(kind)) throw cause;
    throw notOpen(name, 'unavailable', `the browser forbids IndexedDB here (${kind}: ${message})`, cause);
  }
}

/** A request on its way to the browser, and those who wait for it. */
export class PatientRequest<T> {
  /** The browser's answer, however late. */
  readonly answer: Promise<T>;
  readonly #tooLate: Promise<never>;
  #isAnswered = false;

  /** @param ask Makes the request, and calls `blocked` when other tabs are in its way. */
  constructor(name: string, ask: (blocked: () => void) => Promise<T>) {
    let giveUp: (error: GossipError) => void = () => {};
    this.#tooLate = new Promise<never>((_, reject) => {
      giveUp = reject;
    });
    const late = `the browser has not answered within ${limits.storageOpenMsMax} ms`;
    let timer = setTimeout(() => giveUp(notOpen(name, 'no-answer', late)), limits.storageOpenMsMax);
    this.answer = ask(() => {
      clearTimeout(timer);
      const why = 'another tab holds it open and does not close it: close or reload that tab';
      timer = setTimeout(() => giveUp(notOpen(name, 'blocked', why)), limits.storageBlockedMsMax);
    });
    const answered = () => {
      this.#isAnswered = true;
      clearTimeout(timer);
    };
    this.answer.then(answered, answered);
    // Calls report it. Without one it must not end in an unhandled rejection.
    this.#tooLate.catch(() => {});
  }

  /** @throws GossipError `storage-failed` once the browser has taken too long; else what the answer throws. */
  wait(): Promise<T> {
    // `#tooLate` may stay pending for as long as the page lives: nothing is hung on it that is not needed.
    return this.#isAnswered ? this.answer : Promise.race([this.answer, this.#tooLate]);
  }
}
