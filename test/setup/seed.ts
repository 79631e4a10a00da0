/** `SEED=123 npm test` replays generated tests: every fast-check property of the run begins with that seed. */
import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    seed: number | undefined;
  }
}

const seed = inject('seed');
// Loaded only when asked for: it would cost every test file a tenth of a second.
if (seed !== undefined) (await import('fast-check')).configureGlobal({ seed });
