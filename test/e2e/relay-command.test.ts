/** `gossip-log relay` as built. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { client, openLog } from '../../packages/relay/test/client.js';
import { CommandProcess } from '../../packages/relay/test/relay-process.js';
import { dataFolder } from './harness.js';

const program = join(import.meta.dirname, '../../packages/relay/dist/command.js');

test('[R6] the built command starts, keeps an event, and stops on SIGTERM with exit code 0', async () => {
  expect(statSync(program).mode & 0o111).not.toBe(0);
  const relay = new CommandProcess(program, [
    'relay',
    '--host',
    '127.0.0.1',
    '--port',
    '0',
    '--data',
    await dataFolder(),
  ]);
  onTestFinished(() => relay.signal('SIGKILL'));
  const { url } = await relay.ready();
  const log = await openLog(client(url), 'room');
  await log.delivered(log.append('hello'), 'relayed');
  relay.signal('SIGTERM');
  expect(await relay.ended).toMatchObject({ code: 0, errors: [] });
});
