import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sliceReads } from './sliced-reads.js';

/** Lets what streams have put off happen. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a socket that is paused in the middle of a read hands on the rest when it goes on, every byte once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 60_000 }), { minLength: 1, maxLength: 4 }),
      fc.infiniteStream(fc.boolean()),
      async (sizes, pauses) => {
        const socket = new PassThrough({ highWaterMark: 1024 * 1024 });
        const got: number[] = [];
        socket.on('data', (slice: Buffer) => {
          got.push(...slice);
          if (pauses.next().value) socket.pause();
        });
        sliceReads(socket);
        const sent = sizes.flatMap((size) => Array.from({ length: size }, (_, i) => i & 255));
        for (let from = 0, i = 0; i < sizes.length; from += sizes[i++] as number) {
          socket.write(Buffer.from(sent.slice(from, from + (sizes[i] as number))));
        }
        for (let rounds = 0; got.length < sent.length && rounds < 1000; rounds++) {
          await settled();
          socket.resume();
        }
        expect(Buffer.from(got).equals(Buffer.from(sent))).toBe(true);
      },
    ),
    { numRuns: 20 },
  );
});

test('a pause takes effect within what was read at once', async () => {
  const socket = new PassThrough({ highWaterMark: 1024 * 1024 });
  let bytes = 0;
  socket.on('data', (slice: Buffer) => {
    bytes += slice.length;
    socket.pause();
  });
  sliceReads(socket);
  socket.write(Buffer.alloc(64 * 1024));
  await settled();
  expect(bytes).toBeLessThanOrEqual(4 * 1024);
});
