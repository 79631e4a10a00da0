import { describe, expect, test } from 'vitest';
import { manifestProblems, packedProblems } from './package-rules.mjs';

describe('manifests', () => {
  const good = {
    name: '@gossip-log/some',
    version: '0.0.0',
    description: 'Some.',
    license: 'MIT',
    engines: { node: '>=20.19' },
    keywords: ['a', 'b', 'c', 'd', 'e'],
    exports: { '.': './dist/index.js', './package.json': './package.json' },
    dependencies: { '@gossip-log/core': '0.0.0', ws: '^8.23.0' },
    peerDependencies: { react: '^18.2.0 || ^19.0.0' },
  };

  test('a manifest that has all is accepted', () => {
    expect(manifestProblems(good)).toEqual([]);
  });

  test.each([
    ['an exact pin', { dependencies: { ws: '8.23.0' } }, 'ws 8.23.0'],
    ['an exact pin of a peer', { peerDependencies: { zustand: '5.1.0' } }, 'zustand 5.1.0'],
    ['a range without an end', { peerDependencies: { react: '>=18.2' } }, 'react >=18.2'],
    ['a second copy of what users import too', { dependencies: { zustand: '^5.0.0' } }, 'zustand is a dependency'],
    ['LMDB where no relay is', { dependencies: { lmdb: '^3.5.6' } }, 'lmdb is a dependency'],
    ['an address', { homepage: 'https://example.com' }, 'homepage'],
    ['no keywords', { keywords: [] }, 'keywords'],
    ['no licence', { license: undefined }, 'no license'],
    ['a manifest that is not exported', { exports: { '.': './dist/index.js' } }, './package.json'],
  ])('finds %s', (_what, change, problem) => {
    expect(manifestProblems({ ...good, ...change })).toEqual([expect.stringContaining(problem)]);
  });

  test('the relay brings LMDB', () => {
    const relay = { ...good, name: '@gossip-log/relay', dependencies: { lmdb: '^3.5.6' } };
    expect(manifestProblems(relay)).toEqual([]);
  });
});

describe('files', () => {
  const map = JSON.stringify({ sources: ['../src/index.ts'], sourcesContent: ['export {};'] });
  const good: Record<string, string> = {
    'README.md': '# Some',
    LICENSE: 'MIT',
    'package.json': '{}',
    'dist/index.js': '',
    'dist/index.js.map': map,
    'types/src/index.d.ts': '',
  };
  const problemsOf = (texts: Record<string, string>) =>
    packedProblems(Object.keys(texts), (file) => texts[file] ?? '', 'MIT');

  test('a tarball that has all and no more is accepted', () => {
    expect(problemsOf(good)).toEqual([]);
  });

  test.each([
    ['sources beside maps that hold them', { 'src/index.ts': '' }, 'src/index.ts'],
    ['another licence', { LICENSE: 'BSD' }, 'LICENSE'],
    ['declarations of tests', { 'types/src/index.test.d.ts': '' }, 'index.test.d.ts'],
    ['declarations of what tests share', { 'types/test/rig.d.ts': '' }, 'types/test/rig.d.ts'],
    ['a map without its sources', { 'dist/index.js.map': '{"sources":["../src/index.ts"]}' }, 'lacks sources'],
    [
      'pinned plans in what is built',
      { 'dist/index.js.map': map.replace('index.ts', 'pinned-plans.ts') },
      'pinned-plans.ts',
    ],
  ])('finds %s', (_what, change, problem) => {
    expect(problemsOf({ ...good, ...change })).toEqual([expect.stringContaining(problem)]);
  });

  test('finds what lacks', () => {
    const { LICENSE: _, ...rest } = good;
    expect(problemsOf(rest)).toEqual(['no LICENSE']);
  });
});
