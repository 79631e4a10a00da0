/** Many sockets that say what they must to be in a room, and then count what comes. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { OpenSockets } from '../system.js';

/** Sockets that connect at a time. */
const dialsMax = 100;

export const openSockets: OpenSockets = async (address, count, greeting) => {
  const received = new Array<number>(count).fill(0);
  const sockets: WebSocket[] = [];
  while (sockets.length < count) {
    const dialled = Array.from({ length: Math.min(dialsMax, count - sockets.length) }, (_, i) => {
      const socket = new WebSocket(address, { perMessageDeflate: false, skipUTF8Validation: true });
      const place = sockets.length + i;
      socket.on('message', (data: Buffer) => {
        received[place] = (received[place] as number) + data.length;
      });
      return socket;
    });
    await Promise.all(
      dialled.map(async (socket) => {
        await once(socket, 'open');
        for (const frame of greeting) socket.send(frame);
      }),
    );
    sockets.push(...dialled);
  }
  return {
    received: () => received,
    close() {
      for (const socket of sockets) socket.terminate();
    },
  };
};
