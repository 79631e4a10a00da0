/**
 * The repository checks its own shape. Every check is a function over plain data, and each is shown beside its use to
 * find what it is there to find.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { format } from 'node:util';
import { errorCodes, limits } from '@gossip-log/core';
import { describe, expect, test, vi } from 'vitest';
import { codeBlocks, deadLinks, exampleBlocks } from './repository/documents.js';
import { brokenExports, type Entry, type Manifest } from './repository/exports.js';
import { files, isTest, packageFolders, read, root, sources } from './repository/files.js';
import { arrows, brokenArrows, type Import, packageOf, readImports } from './repository/imports.js';
import { impurities } from './repository/purity.js';
import { citedRules, ruleHomes, statedRules } from './repository/rules.js';
import { type Snippet, typeErrors } from './repository/snippets.js';

const graph = await readImports(root, ['packages', 'apps']);
const shipped = graph.imports.filter(({ from }) => !isTest(from));
const documents = files.filter((path) => path.endsWith('.md'));

const manifest = (folder: string): Manifest => JSON.parse(read(`${folder}/package.json`));

describe('packages', () => {
  test('the import graph was read: it knows libraries, Node modules, and files across packages', () => {
    const seen = (wanted: Import) => expect(graph.imports).toContainEqual(wanted);
    seen({ from: 'packages/transport/src/gossip-node.ts', to: 'packages/core/src/index.ts', kind: 'file' });
    seen({ from: 'packages/storage/src/lmdb.ts', to: 'lmdb', kind: 'library' });
    expect(graph.imports.some(({ kind }) => kind === 'node')).toBe(true);
  });

  test('imports follow the arrows', () => {
    expect(brokenArrows(shipped)).toEqual([]);
  });

  test('an import against the arrows is found, types and unknown packages included', () => {
    const from = 'packages/storage/src/memory.ts';
    const file = (to: string): Import => ({ from, to, kind: 'file' });
    expect(brokenArrows([file('packages/core/src/index.ts'), file('packages/storage/src/seal.ts')])).toEqual([]);
    expect(brokenArrows([file('packages/transport/src/index.ts')])).toHaveLength(1);
    expect(brokenArrows([file('apps/chat/src/main.tsx')])).toHaveLength(1);
    expect(brokenArrows([file('scripts/run.mjs')])).toHaveLength(1);
    const unknown: Import = { from: 'packages/new/src/index.ts', to: 'packages/core/src/index.ts', kind: 'file' };
    expect(brokenArrows([unknown])).toHaveLength(1);
  });

  test('dependencies in package.json follow the arrows, and core has none', () => {
    const folders = [...packageFolders, 'apps/chat'];
    const folderOf = new Map(folders.map((folder) => [manifest(folder).name, folder]));
    for (const folder of folders) {
      const dependencies = Object.keys(manifest(folder).dependencies ?? {});
      const inside = dependencies.flatMap((name) => folderOf.get(name) ?? []);
      expect(arrows[folder], folder).toEqual(expect.arrayContaining(inside));
    }
    expect(manifest('packages/core').dependencies ?? {}).toEqual({});
  });

  test('every import leads somewhere', () => {
    expect(graph.imports.filter(({ kind }) => kind === 'missing')).toEqual([]);
  });

  test("sockets of Node stay out of browsers: in transport only the server's file imports ws", () => {
    const importers = shipped.filter(({ from, to }) => packageOf(from) === 'packages/transport' && to === 'ws');
    expect([...new Set(importers.map(({ from }) => from))]).toEqual(['packages/transport/src/web-socket-server.ts']);
  });

  test('no files import one another in a circle', () => {
    expect(graph.cycles).toEqual([]);
  });

  test('a circle is found, also one of types alone', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gossip-log-cycle-'));
    const write = (name: string, text: string) => {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    };
    write('source/a.ts', "import type { B } from './b.js';\nexport interface A { b: B }\n");
    write('source/b.ts', "import type { A } from './a.js';\nexport interface B { a: A }\n");
    write('source/c.ts', "import type { A } from './a.js';\nimport './gone.js';\nexport interface C { a: A }\n");
    const { cycles, imports } = await readImports(folder, ['source']);
    rmSync(folder, { recursive: true });
    expect(cycles.some((cycle) => cycle.includes('a.ts') && cycle.includes('b.ts'))).toBe(true);
    expect(cycles.some((cycle) => cycle.includes('c.ts'))).toBe(false);
    expect(imports).toContainEqual({ from: 'source/c.ts', to: './gone.js', kind: 'missing' });
  });

  test('exports point to files that tsup builds, and what is published differs by the source condition alone', async () => {
    for (const folder of packageFolders) {
      const { default: config } = (await import(join(root, folder, 'tsup.config.ts'))) as { default: { entry: Entry } };
      expect(brokenExports(manifest(folder), config.entry)).toEqual([]);
    }
  });

  test('an export that is not built, or is published otherwise, is found', () => {
    const built = { types: './types/src/a.d.ts', default: './dist/a.js' };
    const good: Manifest = {
      name: 'p',
      exports: { '.': { '@gossip-log/source': './src/a.ts', ...built } },
      publishConfig: { exports: { '.': built } },
    };
    expect(brokenExports(good, ['src/a.ts'])).toEqual([]);
    expect(brokenExports(good, { a: 'src/a.ts' })).toEqual([]);
    expect(brokenExports(good, { b: 'src/a.ts' })).toEqual(['p .']);
    expect(brokenExports(good, ['src/b.ts'])).toEqual(['p .']);
    expect(brokenExports({ ...good, publishConfig: {} }, ['src/a.ts'])).toEqual(['p .']);
    const itself = { './package.json': './package.json' };
    const withItself = { ...good, exports: { ...good.exports, ...itself } };
    expect(brokenExports(withItself, ['src/a.ts'])).toEqual(['p ./package.json']);
    const both = { ...withItself, publishConfig: { exports: { '.': built, ...itself } } };
    expect(brokenExports(both, ['src/a.ts'])).toEqual([]);
    expect(brokenExports({ ...good, publishConfig: { exports: good.exports ?? {} } }, ['src/a.ts'])).toEqual(['p .']);
    expect(brokenExports({ ...good, publishConfig: { exports: { '.': built, './b': built } } }, ['src/a.ts'])).toEqual([
      'p ./b',
    ]);
    expect(brokenExports({ ...good, bin: { p: './dist/command.js' } }, ['src/a.ts'])).toEqual(['p ./dist/command.js']);
  });
});

describe('core', () => {
  const core = sources.filter((path) => packageOf(path) === 'packages/core');

  test('[L8] core touches no clock, randomness, timer or platform', () => {
    expect(core.length).toBeGreaterThan(10);
    expect(core.flatMap((path) => impurities(read(path)).map((name) => `${path}: ${name}`))).toEqual([]);
  });

  test('[L8] core imports its own files only', () => {
    const outside = shipped.filter(({ from, kind }) => packageOf(from) === 'packages/core' && kind !== 'file');
    expect(outside).toEqual([]);
  });

  test("[L8] core's compiler knows no DOM and no Node", () => {
    const { compilerOptions } = JSON.parse(read('packages/core/tsconfig.json')) as {
      compilerOptions: { lib: string[]; types: string[] };
    };
    expect(compilerOptions).toEqual({ lib: ['ES2023'], types: [] });
  });

  test.each([
    ['const now = Date.now();', 'Date'],
    ['const at = new Date();', 'Date'],
    ['performance.now();', 'performance'],
    ['const draw = Math.random;', 'Math.random'],
    ['crypto.getRandomValues(bytes);', 'crypto'],
    ['setTimeout(run, 10);', 'setTimeout'],
    ["fetch('/');", 'fetch'],
    ['const path = process.env.HOME;', 'process'],
    ['Buffer.from(bytes);', 'Buffer'],
    ['globalThis.Date.now();', 'globalThis'],
    ["import { join } from 'node:path';", 'node:path'],
  ])('an impurity is found: %s', (text, name) => {
    expect(impurities(text)).toContain(name);
  });

  test('a date that is given is none', () => {
    expect(impurities('const at: Date = new Date(5);')).toEqual([]);
  });

  test("a property or a comment with such a name is the author's own", () => {
    expect(
      impurities('interface Room { process: string }\n// Date.now\nroom.process; random(); Math.max(1, 2);'),
    ).toEqual([]);
  });
});

describe('documents', () => {
  test('every relative link and anchor leads somewhere', () => {
    expect(documents).toContain('README.md');
    expect(documents.flatMap((path) => deadLinks(path, files, read).map((url) => `${path}: ${url}`))).toEqual([]);
  });

  test('a dead link is found: file, anchor, folder, line, image', () => {
    const texts: Record<string, string> = {
      'docs/a.md': [
        '# Title here',
        '[1](b.md) [2](./b.md#real-one) [3](#title-here) [4](../docs) [5](../src/x.ts#L2) [6](https://example.com/no)',
        '[7](c.md) [8](b.md#unreal-one) [9](#gone) [10](../none/) [11](../src/x.ts#L9) ![12](x.png)',
        '[13]: gone.md',
        '<img src="gone.svg">',
        '`[14](in-code.md)`',
      ].join('\n\n'),
      'docs/b.md': '## Real `one`',
      'src/x.ts': 'one\ntwo\n',
    };
    const dead = ['c.md', 'b.md#unreal-one', '#gone', '../none/', '../src/x.ts#L9', 'x.png', 'gone.md', 'gone.svg'];
    expect(deadLinks('docs/a.md', Object.keys(texts), (path) => texts[path] ?? '').sort()).toEqual(dead.sort());
  });

  const readmes = documents.filter((path) => /^(packages\/[^/]+\/)?README\.md$|^docs\/(feeds|views)\.md$/.test(path));
  const isTypeScript = ({ language }: { language: string }) => language === 'ts' || language === 'tsx';
  const fromReadmes: Snippet[] = readmes.flatMap((path) => codeBlocks(read(path)).map((block) => ({ ...block, path })));
  const fromSources: Snippet[] = sources.flatMap((path) =>
    exampleBlocks(read(path)).map((block) => ({ ...block, path })),
  );

  test('every snippet in a README and every @example compiles', () => {
    const snippets = [...fromReadmes, ...fromSources].filter(isTypeScript);
    expect(snippets.length).toBeGreaterThan(0);
    expect(typeErrors(snippets)).toEqual([]);
  });

  const lowest: Readonly<Record<string, string>> = JSON.parse(read('test/lowest/package.json')).devDependencies;
  /** Every import of a peer, ours too, leads to its lowest version. */
  const lowestPaths = Object.fromEntries(
    Object.keys(lowest).flatMap((name) => {
      const folder = `test/lowest/node_modules/${name}`;
      const imported = name.replace('@types/', '');
      return name !== imported || lowest[`@types/${name}`] === undefined
        ? [
            [imported, [folder]],
            [`${imported}/*`, [`${folder}/*`]],
          ]
        : [];
    }),
  );

  test('every snippet compiles with the lowest version of every peer', () => {
    const snippets = [...fromReadmes, ...fromSources].filter(isTypeScript);
    // React 19 has it and 18.2 has not: that shows which one was read.
    const code = "import { useActionState } from 'react';\nuseActionState;";
    const newer: Snippet = { path: 'newer.ts', language: 'ts', meta: '', line: 0, code };
    expect(typeErrors([...snippets, newer], lowestPaths)).toEqual([expect.stringContaining('useActionState')]);
  });

  test('the lowest versions are those that the packages accept', () => {
    const accepted = new Map(
      packageFolders.flatMap((folder) =>
        Object.entries(manifest(folder).peerDependencies ?? {}).map(
          ([name, range]) => [name, range.split(' || ')[0]?.slice(1) ?? ''] as const,
        ),
      ),
    );
    for (const name of ['react', 'zustand', 'fast-check']) expect(lowest[name], name).toBe(accepted.get(name));
    // Not here are those whose lowest version is the one that the tests use.
    const used = manifest('packages/storage').devDependencies ?? {};
    for (const name of ['vitest', 'lmdb']) expect(used[name], name).toBe(accepted.get(name));
    expect([...accepted.keys()].sort()).toEqual(['fast-check', 'lmdb', 'react', 'vitest', 'zustand']);
  });

  test('a snippet that does not compile is found, with its line', () => {
    const document =
      'Text.\n\n```ts\nconst fine = 1;\nconst wrong: string = fine;\n```\n\n```ts\nimport { none } from "@gossip-log/none";\nconst fine = none;\n```\n';
    const docstring = 'const a = 1;\n/**\n * Adds.\n *\n * @example\n * ```ts\n * nowhere();\n * ```\n */\n';
    const errors = typeErrors([
      ...codeBlocks(document).map((block) => ({ ...block, path: 'README.md' })),
      ...exampleBlocks(docstring).map((block) => ({ ...block, path: 'packages/core/src/sum.ts' })),
    ]);
    expect(errors.map((error) => error.split(' ')[0])).toEqual([
      'README.md:5',
      'README.md:9',
      'packages/core/src/sum.ts:7',
    ]);
  });

  test('the service worker of the React README is the one that the chat runs', () => {
    const shown = codeBlocks(read('packages/react/README.md')).map(({ code }) => code.trim());
    for (const name of ['service-worker.js', 'vite-plugin.js']) {
      expect(shown).toContain(read(`apps/chat/offline/${name}`).trim());
    }
  });

  test('the examples of README and docs that are marked `run` run, and print what they say', async () => {
    const examples = fromReadmes.filter(({ path, meta }) => !path.startsWith('packages/') && meta === 'run');
    expect(new Set(examples.map(({ path }) => path))).toEqual(new Set(['README.md', 'docs/feeds.md', 'docs/views.md']));
    const folder = join(root, 'test-results', 'readme');
    mkdirSync(folder, { recursive: true });
    for (const [index, { code }] of examples.entries()) {
      const file = join(folder, `example-${index}.ts`);
      writeFileSync(file, code);
      const log = vi.spyOn(console, 'log').mockImplementation(() => {});
      try {
        await import(/* @vite-ignore */ file);
        const promised = [...code.matchAll(/console\.log\(.*\/\/ → (.+)$/gm)].map(([, text]) => text);
        expect(log.mock.calls.map((values) => format(...values))).toEqual(promised);
      } finally {
        log.mockRestore();
        rmSync(file);
      }
    }
  });
});

describe('names', () => {
  const searched = [...sources, ...files.filter((path) => /^apps\/.*\.(tsx?|mjs)$/.test(path) && !isTest(path))];
  const usedOutside = (home: string, pattern: (name: string) => RegExp) => (name: string) =>
    searched.some((path) => path !== home && pattern(name).test(read(path)));

  test('every error code is used', () => {
    const used = usedOutside('packages/core/src/errors.ts', (code) => new RegExp(`'${code}'`));
    expect(Object.keys(errorCodes).filter((code) => !used(code))).toEqual([]);
    expect(used('no-such-code')).toBe(false);
  });

  test('every limit is used', () => {
    const used = usedOutside('packages/core/src/limits.ts', (limit) => new RegExp(`\\b${limit}\\b`));
    expect(Object.keys(limits).filter((limit) => !used(limit))).toEqual([]);
    expect(used('noSuchLimit')).toBe(false);
  });

  const isWellNamed = (path: string) =>
    path.split('/').every((name) => /^\.?[a-z0-9]+([-.][a-z0-9]+)*$/.test(name) || /^[A-Z]+(\.md)?$/.test(name));

  test('files and folders are in kebab-case; documents for every reader in capitals', () => {
    expect(files.filter((path) => !isWellNamed(path))).toEqual([]);
  });

  test('a name that is not in kebab-case is found', () => {
    const bad = ['src/gossipLog.ts', 'src/GossipLog.tsx', 'src/gossip_log.ts', 'Readme.md', 'a b.md'];
    const good = ['.ci/run', 'docs/decisions/0001-one-install.md', 'src/log.browser.test.ts', 'README.md', 'LICENSE'];
    expect([...bad, ...good].filter((path) => !isWellNamed(path))).toEqual(bad);
  });
});

describe('rules', () => {
  const stating = files.filter((path) => path.endsWith('.md') || sources.includes(path));
  const stated = new Set(stating.flatMap((path) => statedRules(read(path))));
  // A contract suite is not named `*.test.ts`: whatever uses vitest may cite.
  const citing = files.filter(
    (path) => /^(packages|apps|test)\/.*\.tsx?$/.test(path) && path !== 'test/repository.test.ts',
  );
  const cited = new Set(
    citing
      .map(read)
      .filter((text) => text.includes("'vitest'"))
      .flatMap(citedRules),
  );

  test('titles of tests cite rules that exist', () => {
    expect([...cited].filter((rule) => !stated.has(rule))).toEqual([]);
  });

  test('every numbered rule of the protocol and of the ports is cited by a test', () => {
    const homes = ['docs/protocol.md', ...files.filter((path) => path.startsWith('packages/core/src/ports/'))];
    expect(files).toContain('docs/protocol.md');
    const rules = homes.flatMap((path) => statedRules(read(path)));
    expect(rules.length).toBeGreaterThan(15);
    expect(rules.filter((rule) => !cited.has(rule))).toEqual([]);
  });

  test('a number stands for one rule', () => {
    // The protocol repeats the rules of the session.
    const homes = new Map<string, string[]>();
    for (const path of sources) {
      for (const rule of statedRules(read(path))) homes.set(rule, [...(homes.get(rule) ?? []), path]);
    }
    expect([...homes].filter(([, paths]) => paths.length > 1)).toEqual([]);
  });

  test('every letter is for one thing: its rules stand where ARCHITECTURE.md says, and nowhere else', () => {
    const homes = new Map<string, string[]>();
    for (const path of ['docs/protocol.md', ...sources]) {
      for (const letter of new Set(statedRules(read(path)).map((rule) => rule.charAt(0)))) {
        homes.set(letter, [...(homes.get(letter) ?? []), path]);
      }
    }
    expect(ruleHomes(read('ARCHITECTURE.md'))).toEqual(homes);
  });

  test('a table of letters is read', () => {
    const text =
      '| rules | of | where |\n| - | - | - |\n| B | blocks | [b.ts](src/b.ts), [c](docs/c.md#x) |\n| L1 | no | x |\n';
    expect(ruleHomes(text)).toEqual(new Map([['B', ['src/b.ts', 'docs/c.md']]]));
  });

  test('rules are read where they are stated, not where they are mentioned', () => {
    const text =
      ' * - [P1] One.\n- **S2** Two, as S9 says.\n| S3 | three |\n### L4 no loss\n   S10 is only spoken of\n';
    expect(statedRules(text)).toEqual(['P1', 'S2', 'S3', 'L4']);
    expect(citedRules("test('[S1, S2] [L4] title')\ntest(`[P3] other`)\n// [S9] in a comment")).toEqual([
      ...['S1', 'S2', 'L4', 'P3'],
    ]);
    expect(citedRules("test('title [S1] [L4]')\n// it's [S9] in a comment")).toEqual(['S1', 'L4']);
  });
});
