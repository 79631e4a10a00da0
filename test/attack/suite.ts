/** All that attacks need to run: bundled programs, rooms with history, and folders of their own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Attack } from './attack.js';
import { bundlePrograms, type Programs } from './programs.js';
import { judge, type Report, type Verdict } from './report.js';
import { Rooms } from './room.js';
import { runAttack } from './run-attack.js';

export { attacks } from './attacks/index.js';
export { feedMutatedFrames } from './mutated-frames.js';
export { table, verdictLines } from './report.js';

export interface AttackRun {
  readonly report: Report;
  readonly verdicts: readonly Verdict[];
}

/** How much of an attack a short run does. */
const shortScale = 0.05;

export class Suite {
  readonly #programs: Programs;
  readonly #folder: string;
  readonly #rooms: Rooms;

  private constructor(programs: Programs, folder: string) {
    this.#programs = programs;
    this.#folder = folder;
    this.#rooms = new Rooms(folder);
  }

  /** `root`: the repository's folder. */
  static async prepare(root: string): Promise<Suite> {
    return new Suite(await bundlePrograms(root), await mkdtemp(join(tmpdir(), 'gossip-log-attack-')));
  }

  /** `short`: a part of the work, whose times are not judged: for tests. */
  async run(attack: Attack, { short = false } = {}): Promise<AttackRun> {
    const folder = await mkdtemp(join(this.#folder, 'run-'));
    const report = await runAttack(attack, {
      ...{ programs: this.#programs, rooms: this.#rooms, folder, scale: short ? shortScale : 1 },
      ...{ quietSeconds: short ? 0.2 : 4, restSeconds: short ? 0.2 : 10 },
    });
    await rm(folder, { recursive: true, force: true });
    return { report, verdicts: judge(attack, report, { timed: !short }) };
  }

  async close(): Promise<void> {
    await this.#programs.remove();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
