/** Options are checked by name and kind: a misspelt one would be ignored, and its author would notice much later. */

/** What a value must be; `number` is one from 0 up, infinity included. `any` is for the caller to check. */
export type OptionKind = 'any' | 'array' | 'boolean' | 'function' | 'number' | 'object' | 'string';

/**
 * Checks that `options` is an object, has no name but those of `kinds`, and values of these kinds. An option that is
 * `undefined` counts as not given.
 *
 * @param what The function that was called, and where the options are among its arguments: it begins the message.
 * @param kinds Every option and its kind. The compiler checks that none is missing.
 * @throws TypeError that names what is not known and what was probably meant, or the option that is of another kind;
 *   RangeError for a number below 0.
 * @internal
 */
export function checkOptions<O extends object>(what: string, options: O, kinds: Record<keyof O, OptionKind>): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`${what}: expected an object of options, got ${kindOf(options)}`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(kinds, name)) {
      const names = Object.keys(kinds);
      const near = names.find((other) => isNear(name.toLowerCase(), other.toLowerCase()));
      const hint = near === undefined ? `the options are ${names.join(', ')}` : `did you mean "${near}"?`;
      throw new TypeError(`${what}: unknown option "${name}"; ${hint}`);
    }
    const kind: OptionKind = kinds[name as keyof O];
    if (value === undefined || kind === 'any') continue;
    if (kindOf(value) !== kind) throw new TypeError(`${what}: ${name}: expected ${words[kind]}, got ${kindOf(value)}`);
    if (kind === 'number' && !(value >= 0))
      throw new RangeError(`${what}: ${name}: expected ${words[kind]}, got ${value}`);
  }
}

const words = {
  array: 'an array',
  boolean: 'true or false',
  function: 'a function',
  number: 'a number from 0 up',
  object: 'an object',
  string: 'a text',
};

function kindOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
}

/** At most two letters differ, and most are the same; or one text begins or ends with the other. */
function isNear(a: string, b: string): boolean {
  if (a.length > 64) return false;
  if (a.length > 2 && (b.startsWith(a) || b.endsWith(a) || a.startsWith(b) || a.endsWith(b))) return true;
  // Levenshtein's distance, one row of its table at a time.
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const replaced = (row[j] as number) + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] as number) + 1, (next[j] as number) + 1));
    }
    row = next;
  }
  return (row[b.length] as number) <= Math.min(2, a.length / 2);
}
