/**
 * What a relay's process says of itself, over the channel to its parent. It is loaded before the relay, also before the
 * relay's own command, which knows nothing of it.
 *
 * A block is the time between two turns of the event loop in which the process ran: where the machine gave its processor to
 * others meanwhile, that does not count.
 */
import type { RelayMeasure } from './report.js';

/** What the program around the relay adds. */
export const reported: { of: () => Partial<RelayMeasure> } = { of: () => ({}) };

export type ProbeQuestion = 'begin' | 'measure' | 'settle';

let blockMs = 0;
let rssPeak = 0;
let lastTurn = performance.now();
let lastCpu = process.cpuUsage();
let beganCpu = process.cpuUsage();
let turns = 0;

const cpuMs = ({ user, system }: NodeJS.CpuUsage) => (user + system) / 1000;

function turn(): void {
  const now = performance.now();
  const cpu = process.cpuUsage();
  blockMs = Math.max(blockMs, Math.min(now - lastTurn, cpuMs(cpu) - cpuMs(lastCpu)));
  lastTurn = now;
  lastCpu = cpu;
  if (turns++ % 50 === 0) rssPeak = Math.max(rssPeak, process.memoryUsage.rss());
}

/** Twice, and a turn between: what a first collection finds may free more. */
async function collect(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function begin(): void {
  blockMs = 0;
  rssPeak = process.memoryUsage.rss();
  beganCpu = process.cpuUsage();
  lastCpu = beganCpu;
  lastTurn = performance.now();
}

function measure(): RelayMeasure {
  const { heapUsed, external, rss } = process.memoryUsage();
  return {
    cpuMs: cpuMs(process.cpuUsage(beganCpu)),
    blockMs,
    rssPeak: Math.max(rssPeak, rss),
    rss,
    used: heapUsed + external,
    ...{ errors: 0, errorSamples: [], notices: 0, authorizing: 0, metrics: {} },
    ...reported.of(),
  };
}

const answers: Record<ProbeQuestion, () => Promise<RelayMeasure>> = {
  /** Measures from here on. */
  async begin() {
    await collect();
    begin();
    return measure();
  },
  async measure() {
    return measure();
  },
  /** What is in use once garbage is collected. The collection itself is no block. */
  async settle() {
    const { cpuMs, blockMs, rssPeak } = measure();
    await collect();
    return { ...measure(), cpuMs, blockMs, rssPeak };
  },
};

setInterval(turn, 1).unref();
process.on('message', (question: ProbeQuestion) => {
  answers[question]().then((answer) => process.send?.({ question, answer }));
});
process.on('disconnect', () => process.exit());
