import type { Attack } from '../attack.js';

export const coldChunks: Attack = {
  name: 'cold-chunks',
  rule: 'One request reads a bounded number of chunks; a peer that needs more is refused.',
  does: 'opens a room of 300,000 events twenty times, and says that it has one event of each of 1,000 writers, spread over all of its time',
  room: { events: 300_000, writers: 1_000 },
  async run(attacker) {
    const { room } = attacker;
    const runs = Array.from({ length: room.writers }, (_, writer) => {
      const turns = Math.floor(room.events / room.writers);
      // One that is not its writer's last: of that the table knows the time.
      const index = Math.floor((writer * (turns - 1)) / room.writers) * room.writers + writer;
      return { writer: room.writerOf(index), last: room.seqOf(index), lastTime: room.timeOf(index) };
    });
    const peer = await attacker.connect();
    for (let i = 0; i < attacker.count(20) && !peer.isGone; i++) {
      peer.open(room.log, { channel: 1, ranges: [{ kind: 'runs', runs }] });
      await attacker.seconds(0.5);
    }
    await attacker.seconds(2);
  },
};
