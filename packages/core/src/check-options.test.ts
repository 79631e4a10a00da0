import { expect, test } from 'vitest';
import { checkOptions } from './check-options.js';
import { createGossipLog, writerIdFromBytes } from './index.js';
import { fold, pipe } from './view/index.js';

interface Options {
  readonly url: string;
  readonly windows?: number;
  readonly connections?: number;
  readonly frameBytesMax?: number;
}
const kinds = { url: 'any', windows: 'any', connections: 'any', frameBytesMax: 'any' } as const;
const check = (options: unknown) => () => checkOptions<Options>('open', options as Options, kinds);

test('options of known names pass, whatever their values are', () => {
  expect(check({})).not.toThrow();
  expect(check({ url: undefined, connections: null, frameBytesMax: 'x' })).not.toThrow();
  expect(check(Object.create({ inherited: 1 }))).not.toThrow();
});

test.each([
  ['uri', 'url'],
  ['URL', 'url'],
  ['window', 'windows'],
  ['connection', 'connections'],
  ['conections', 'connections'],
  ['frameBytes', 'frameBytesMax'],
  ['framebytesmax', 'frameBytesMax'],
])('a misspelt option is refused with the name that was meant: %s, %s', (name, meant) => {
  expect(check({ [name]: 1 })).toThrow(new TypeError(`open: unknown option "${name}"; did you mean "${meant}"?`));
});

test.each(['constructor', '__proto__', 'toString', 'x', 'somethingElse', 'x'.repeat(1_000_000)])(
  'an option that is like none is refused with the names that there are',
  (name) => {
    const options = Object.defineProperty({}, name, { enumerable: true, value: 1 });
    expect(check(options)).toThrow('the options are url, windows, connections, frameBytesMax');
  },
);

test.each([
  [{ list: {} }, TypeError, 'list: expected an array, got object'],
  [{ list: null }, TypeError, 'list: expected an array, got null'],
  [{ flag: 1 }, TypeError, 'flag: expected true or false, got number'],
  [{ call: {} }, TypeError, 'call: expected a function, got object'],
  [{ most: '5' }, TypeError, 'most: expected a number from 0 up, got string'],
  [{ most: -1 }, RangeError, 'most: expected a number from 0 up, got -1'],
  [{ most: Number.NaN }, RangeError, 'most: expected a number from 0 up, got NaN'],
  [{ part: [] }, TypeError, 'part: expected an object, got array'],
  [{ text: 5 }, TypeError, 'text: expected a text, got number'],
])('a value of another kind is refused: %j', (options, type, message) => {
  const kinds = {
    list: 'array',
    flag: 'boolean',
    call: 'function',
    most: 'number',
    part: 'object',
    text: 'string',
  } as const;
  const check = (given: object) => () => checkOptions('open', given as Record<keyof typeof kinds, unknown>, kinds);
  expect(check(options)).toThrow(new type(`open: ${message}`));
  expect(
    check({ list: [], flag: false, call: check, most: Number.POSITIVE_INFINITY, part: {}, text: '' }),
  ).not.toThrow();
  expect(check({ list: undefined, most: undefined })).not.toThrow();
});

test.each([[undefined], [null], ['url'], [5]])('what is no object of options is refused: %s', (options) => {
  expect(check(options)).toThrow(TypeError);
  expect(check(options)).toThrow(/^open: expected an object of options, got /);
});

test('logs, folds and pipes refuse options that they do not know', () => {
  const options = { id: 'tea', writer: writerIdFromBytes(new Uint8Array(16)), now: () => 1 };
  const log = createGossipLog<number>(options);
  const add = (sum: number) => sum + 1;
  const store = { load: async () => undefined, save: async () => undefined };
  const wrong: readonly [() => unknown, string][] = [
    [() => createGossipLog({ ...options, codecs: 1 } as never), 'codec'],
    [() => fold(log, add, 0, { checkpoints: {} } as never), 'checkpoint'],
    [() => fold(log, add, 0, { checkpoint: { store, name: 'a', versions: 1 } } as never), 'version'],
    [() => pipe(log, { append: () => undefined }, { histroy: false } as never), 'history'],
  ];
  for (const [call, meant] of wrong) expect(call).toThrow(`did you mean "${meant}"?`);
  expect(() => createGossipLog({ ...options, now: 5 } as never)).toThrow(/now: expected a function/);
  expect(() => log.subscribe(undefined as never)).toThrow(/subscribe: expected a function/);
});
