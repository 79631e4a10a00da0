/**
 * Has a socket that is read by `ws` handed on in slices, so that pausing it takes effect within what was read at once: 64 kB hold
 * seven thousand frames of three bytes, and `ws` would parse and deliver all of them before anything else goes on. Rejected: its
 * `allowSynchronousEvents: false`, one frame for each round of the event loop. Under load frames then never come together, and each
 * is stored and passed on by itself: a relay delivered a third less for a second of its processor, or worse.
 */
import type { Duplex } from 'node:stream';

/** Bytes handed on at once: some hundred of the smallest frames, a part of a large one. */
const sliceBytes = 4 * 1024;

/** `socket` has been upgraded by `ws`, which listens for its data. @internal */
export function sliceReads(socket: Duplex): void {
  const listeners = socket.listeners('data') as ((chunk: Buffer) => void)[];
  const read = (chunk: Buffer) => {
    for (let from = 0; from < chunk.length; from += sliceBytes) {
      if (from > 0 && socket.isPaused()) {
        socket.unshift(chunk.subarray(from));
        return;
      }
      const slice = chunk.length <= sliceBytes ? chunk : chunk.subarray(from, from + sliceBytes);
      for (const listener of listeners) listener.call(socket, slice);
    }
  };
  for (const listener of listeners) socket.off('data', listener);
  socket.on('data', read);
  // From then on `ws` knows nothing of this socket.
  socket.once('close', () => socket.off('data', read));
}
