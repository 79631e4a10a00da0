/** A relay in a process of its own, with the options that an attack asks for. */
import { createRelay } from '@gossip-log/relay';
import type { RelaySetup } from './attack.js';
import { reported } from './relay-probe.js';

const { authorizeMs, connectionsMax, retention, dataDir } = JSON.parse(process.argv[2] as string) as RelaySetup & {
  readonly dataDir: string;
};

let errors = 0;
const errorSamples: string[] = [];
let notices = 0;
let authorizing = 0;
let authorizingMax = 0;

const relay = await createRelay({
  ...{ port: 0, dataDir },
  onError(error) {
    errors++;
    if (errorSamples.length < 20) errorSamples.push(error instanceof Error ? error.message : String(error));
  },
  onNotice: () => notices++,
  ...(connectionsMax === undefined ? {} : { connectionsMax }),
  ...(retention === undefined ? {} : { retention }),
  ...(authorizeMs === undefined
    ? {}
    : {
        // Honest rooms are known to it, as those that a service has looked up before.
        authorize: ({ log }: { readonly log: string }) => {
          if (log.startsWith('honest')) return true;
          authorizingMax = Math.max(authorizingMax, ++authorizing);
          return new Promise<boolean>((resolve) => {
            setTimeout(() => {
              authorizing--;
              resolve(true);
            }, authorizeMs);
          });
        },
      }),
});
reported.of = () => ({ errors, errorSamples, notices, authorizing: authorizingMax, metrics: { ...relay.metrics() } });
process.on('SIGTERM', () => relay.close().then(() => process.exit()));
process.stdout.write(`Relay is ready: ${relay.address?.url}\n`);
