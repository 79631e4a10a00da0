/** A relay's lines for its operator, of which no peer makes a flood. */
import type { Environment } from '@gossip-log/core';
import { printable } from '@gossip-log/core/sync';

/** Lines written in one second; what comes beyond is told as a number. */
export const linesPerSecondMax = 20;

/** @internal */
export class LogLines {
  readonly #write: (line: string) => void;
  readonly #environment: Environment;
  #written = 0;
  #unsaid = 0;
  #counts = false;

  constructor(write: (line: string) => void, environment: Environment) {
    this.#write = write;
    this.#environment = environment;
  }

  /** One line, whatever the text has in it. */
  line(text: string): void {
    this.#countSecond();
    if (this.#written === linesPerSecondMax) {
      this.#unsaid++;
      return;
    }
    this.#written++;
    this.#write(printable(text));
  }

  #countSecond(): void {
    if (this.#counts) return;
    this.#counts = true;
    this.#environment.setTimer(1000, () => {
      this.#counts = false;
      this.#written = 0;
      const unsaid = this.#unsaid;
      this.#unsaid = 0;
      if (unsaid > 0) this.#write(`relay: ${unsaid} more lines in this second were left out`);
    });
  }
}
