/** Who imports whom: the import graph, its cycles, and the arrows between packages. */
import { cruise } from 'dependency-cruiser';

export interface Import {
  /** The importing file. */
  readonly from: string;
  /** The imported file, or the name of a library or a Node module. */
  readonly to: string;
  readonly kind: 'file' | 'library' | 'node' | 'missing';
}

export interface ImportGraph {
  readonly imports: readonly Import[];
  /** Files that import one another, types included. */
  readonly cycles: readonly string[];
}

/** Reads the imports of all files in `folders`, relative to `base`. Workspace packages resolve to their source. */
export async function readImports(base: string, folders: readonly string[]): Promise<ImportGraph> {
  const { output } = await cruise([...folders], {
    baseDir: base,
    validate: true,
    ruleSet: { forbidden: [{ name: 'cycle', severity: 'error', from: {}, to: { circular: true } }] },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|types|test-results|[.]turbo)/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@gossip-log/source', 'import', 'types', 'node', 'default'],
    },
  });
  if (typeof output === 'string') throw new TypeError('dependency-cruiser answered with text');
  return {
    imports: output.modules.flatMap(({ source, dependencies }) =>
      dependencies.map(({ module, resolved, couldNotResolve, coreModule }): Import => {
        if (coreModule) return { from: source, to: module, kind: 'node' };
        if (resolved.includes('node_modules/')) return { from: source, to: libraryOf(module), kind: 'library' };
        return couldNotResolve
          ? { from: source, to: module, kind: 'missing' }
          : { from: source, to: resolved, kind: 'file' };
      }),
    ),
    cycles: output.summary.violations.map(({ from, cycle = [] }) =>
      [from, ...cycle.map((step) => step.name)].join(' → '),
    ),
  };
}

function libraryOf(specifier: string): string {
  const [first = '', second = ''] = specifier.split('/');
  return first.startsWith('@') ? `${first}/${second}` : first;
}

/** Which way the packages depend. `storage` and `transport` meet in core's ports and never import each other. */
export const arrows: Readonly<Record<string, readonly string[]>> = {
  'packages/core': [],
  'packages/storage': ['packages/core'],
  'packages/transport': ['packages/core'],
  'packages/react': ['packages/core', 'packages/storage', 'packages/transport'],
  'packages/relay': ['packages/core', 'packages/storage', 'packages/transport'],
  'packages/testing': ['packages/core', 'packages/storage', 'packages/transport'],
  'apps/chat': ['packages/core', 'packages/storage', 'packages/transport', 'packages/react', 'packages/relay'],
};

/** The package that a file lies in, or `undefined` outside of packages. */
export function packageOf(path: string): string | undefined {
  return /^(packages|apps)\/[^/]+/.exec(path)?.[0];
}

/** The imports that go against `arrows`, as readable lines. */
export function brokenArrows(imports: readonly Import[]): string[] {
  return imports
    .filter(({ from, to, kind }) => {
      const source = packageOf(from);
      const target = packageOf(to);
      if (kind !== 'file' || source === undefined || target === source) return false;
      return target === undefined || !(arrows[source] ?? []).includes(target);
    })
    .map(({ from, to }) => `${from} → ${to}`);
}
