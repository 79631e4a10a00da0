/** Values that a codec cannot write: how the error names them and the place where they are. */
import { GossipError } from '../errors.js';

/** A value's place within a payload: property names, array indexes and words in brackets, outermost first. @internal */
export type Place = (string | number)[];

const identifier = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;
const longestName = 40;

/** `a.b[3]["two words"]`; empty for the payload itself. */
function pathOf(place: Place): string {
  let path = '';
  for (const step of place) {
    if (typeof step === 'number') path += `[${step}]`;
    else if (step.length > longestName) path += `[${JSON.stringify(`${step.slice(0, longestName)}…`)}]`;
    else if (identifier.test(step)) path += path === '' ? step : `.${step}`;
    else path += `[${JSON.stringify(step)}]`;
  }
  return path;
}

/** Names a value for a message. */
function nameOf(value: unknown): string {
  switch (typeof value) {
    case 'object':
      return value === null ? 'null' : classNameOf(value);
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'undefined':
      return 'undefined';
    default:
      return `a ${typeof value}`;
  }
}

function classNameOf(value: object): string {
  try {
    if (isBuiltIn(value, 'Date') && Number.isNaN(Number(value))) return 'an invalid Date';
    const name: unknown = value.constructor?.name;
    if (typeof name === 'string' && name !== '' && name !== 'Object') return `an instance of ${name}`;
  } catch {
    // A value whose own code throws has no name to give.
  }
  return 'an object of a class';
}

/** The error for a value that `codec` has no form for. @internal */
export function unencodable(codec: string, place: Place, value: unknown, what = nameOf(value)): GossipError {
  const path = pathOf(place);
  const where = path === '' ? 'the payload' : `payload at ${path}`;
  const hint = value instanceof Promise ? ' (is an await missing?)' : '';
  return new GossipError('payload-unencodable', `codec ${codec} has no form for ${what}: ${where}${hint}`, {
    context: { codec, path, value: what },
  });
}

/**
 * Is it an object without a class? Those of another realm (an iframe, a test runner's sandbox) have another
 * `Object.prototype`.
 *
 * @internal
 */
export function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf');
}

/** Is it an instance of a built-in class itself, of whatever realm, rather than of a class made from it? @internal */
export function isBuiltIn(value: object, name: string): boolean {
  if (Object.prototype.toString.call(value) !== `[object ${name}]`) return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype !== null && isPlainObject(prototype);
}
