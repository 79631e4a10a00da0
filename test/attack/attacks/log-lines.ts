import { encodeMessage } from '../../../packages/core/src/codec/message.js';
import type { Attack } from '../attack.js';
import { socketFrame } from '../raw-peer.js';

export const logLines: Attack = {
  name: 'log-lines',
  rule: 'What a peer writes is quoted where an operator reads it, and does not fill a disk with lines.',
  does: 'sends the relay’s command 100,000 `error` frames whose text has line breaks and terminal escapes',
  relay: { command: true },
  aims: [
    { name: 'lines printed', max: 100, of: ({ lines }) => lines },
    { name: 'control characters printed', max: 0, of: ({ rawControls }) => rawControls },
  ],
  async run(attacker) {
    const peer = await attacker.connect();
    const channel = await peer.join('errors');
    if (channel === undefined) return;
    const message = `fine\nrelay: \u001b[2K\u001b[31mthe disk is full\u001b[0m\r\u0007${'x'.repeat(300)}`;
    const error = { kind: 'error', channel, code: 'storage-failed', message, time: 0 } as const;
    const frame = socketFrame(encodeMessage(error));
    const many = Buffer.concat(Array.from({ length: 100 }, () => frame));
    for (let i = 0; i < attacker.count(1_000) && !peer.isGone && attacker.lasts(15); i++) {
      peer.write(many);
      await peer.drained();
    }
    await attacker.seconds(1);
  },
};
